//! Request guards: who is asking, and the visit.

use std::{ops::Deref, sync::OnceLock};

use miracl_core::{LazyVisit, Miracl, NoVisit, Reply, RequestView as _};
use rocket::{
    Ignite, Request, Rocket, Sentinel,
    http::{Method, Status},
    request::{FromRequest, Outcome},
    response::{self, Responder},
};

use crate::{reply::reply, request::View, require::REFUSED};

/// The engine, where the fairing put it for everybody to find. It lies in the app's managed state.
pub(crate) struct Attached(pub(crate) Miracl);

/// Where the fairing finds the visit again, if the request asked for it. It lies in the request's local cache, and
/// nowhere else.
#[derive(Default)]
pub(crate) struct Slot {
    visit: OnceLock<LazyVisit<Vec<u8>>>,
    refused: OnceLock<LoginRequired>,
    elsewhere: OnceLock<Reply>,
    method: OnceLock<Method>,
}

impl Slot {
    pub(crate) fn of<'r>(request: &'r Request<'_>) -> &'r Self {
        request.local_cache(Self::default)
    }

    /// The visit of the request that asks first.
    pub(crate) fn visit(&self, request: &Request<'_>) -> &LazyVisit<Vec<u8>> {
        let make = || {
            let view = View::from(request);
            let cookies = view.cookie_headers().map(<[u8]>::to_vec);
            LazyVisit::new(miracl(request).clone(), cookies)
        };
        self.visit.get_or_init(make)
    }

    /// The visit, if somebody asked for it.
    pub(crate) fn made(&self) -> Option<&LazyVisit<Vec<u8>>> {
        self.visit.get()
    }

    /// Notes the method that the browser used.
    pub(crate) fn asked_by(&self, method: Method) {
        self.method.get_or_init(|| method);
    }

    /// The method that the browser used, where Rocket shows another.
    pub(crate) fn method(&self) -> Option<Method> {
        self.method.get().copied()
    }

    /// Notes the answer to a request that another site made a browser send.
    pub(crate) fn comes_from_elsewhere(&self, refused: Reply) {
        self.elsewhere.get_or_init(|| refused);
    }

    /// The answer to a request that another site made a browser send.
    pub(crate) fn elsewhere(&self) -> Option<&Reply> {
        self.elsewhere.get()
    }

    /// Why a guard turned the request away, if one did.
    pub(crate) fn refused(&self) -> Option<LoginRequired> {
        self.refused.get().copied()
    }
}

/// Who is logged in. As a request guard it sends everybody else to log in.
///
/// Anonymous requests are answered by [`Miracl::challenge`]: 303 to the login for a browser that navigates, 401 for
/// `fetch` and APIs. When the session cannot be read, the answer is 503. `Option<User>` accepts everybody, and is `None` in
/// both cases.
///
/// Everything about the person is in [`miracl_core::User`], to which it dereferences.
#[derive(Debug, Clone)]
pub struct User(pub miracl_core::User);

impl Deref for User {
    type Target = miracl_core::User;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for User {
    type Error = LoginRequired;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, LoginRequired> {
        match answer(request).await {
            Ok(user) => Outcome::Success(Self(user)),
            // `Option<User>` comes here too, so this status must be one that no route answers with by itself.
            Err(refused) => Outcome::Error((REFUSED, refused)),
        }
    }
}

impl Sentinel for User {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        missing_fairing(rocket)
    }
}

/// The request's view of login, as a request guard. It never rejects anybody.
///
/// Everything it does is in [`miracl_core::Visit`], to which it dereferences.
#[derive(Debug, Clone)]
pub struct Visit(pub miracl_core::Visit);

impl Deref for Visit {
    type Target = miracl_core::Visit;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Visit {
    type Error = LoginRequired;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, LoginRequired> {
        match visit(request) {
            Ok(visit) => Outcome::Success(Self(visit)),
            Err(no_visit) => {
                let refused = LoginRequired(Why::NoVisit(no_visit));
                Outcome::Error((Status::InternalServerError, refused))
            }
        }
    }
}

impl Sentinel for Visit {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        missing_fairing(rocket)
    }
}

/// Reaches the visit from a request, where there are no guards: in hooks, in catchers and in fairings.
pub trait RequestExt {
    /// Returns the request's view of login.
    ///
    /// # Panics
    ///
    /// When [`MiraclAuth::fairing`](crate::MiraclAuth::fairing) is not attached, or the request has other cookies than
    /// when somebody asked first. Guards don't let an app launch without it.
    fn visit(&self) -> Visit;
}

impl RequestExt for Request<'_> {
    fn visit(&self) -> Visit {
        Visit(visit(self).expect("a request keeps the cookies with which somebody asked first"))
    }
}

/// The answer to a request that a guard or [`login_required`](crate::MiraclAuth::login_required) turned away.
#[derive(Debug, Clone, Copy)]
pub struct LoginRequired(Why);

#[derive(Debug, Clone, Copy)]
enum Why {
    Anonymous,
    Unreadable,
    NoVisit(NoVisit),
}

impl From<NoVisit> for LoginRequired {
    fn from(no_visit: NoVisit) -> Self {
        Self(Why::NoVisit(no_visit))
    }
}

impl<'r> Responder<'r, 'static> for LoginRequired {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let (miracl, view) = (miracl(request), View::from(request));
        Ok(reply(match self.0 {
            Why::Anonymous => miracl.challenge(&view),
            Why::Unreadable => miracl.unavailable(&view),
            Why::NoVisit(no_visit) => no_visit.reply(),
        }))
    }
}

/// The engine of the app that a request came to.
pub(crate) fn miracl<'r>(request: &'r Request<'_>) -> &'r Miracl {
    let attached = request.rocket().state::<Attached>();
    &attached
        .expect("`.attach(auth.fairing())` is part of every app that asks for a visit")
        .0
}

/// Whether the app forgot the fairing. It does not launch then, and the log says why.
fn missing_fairing(rocket: &Rocket<Ignite>) -> bool {
    let missing = rocket.state::<Attached>().is_none();
    if missing {
        tracing::error!(
            "no MIRACL fairing in this app: add `.attach(auth.fairing())` where it is built"
        );
    }
    missing
}

/// Finds a request's visit.
pub(crate) fn visit(request: &Request<'_>) -> Result<miracl_core::Visit, NoVisit> {
    let slot = Slot::of(request);
    slot.visit(request).visit(&View::from(request))
}

/// Turns everybody away who is not logged in.
pub(crate) async fn answer(request: &Request<'_>) -> Result<miracl_core::User, LoginRequired> {
    let slot = Slot::of(request);
    let user = user(request).await;
    user.map_err(|refused| *slot.refused.get_or_init(|| refused))
}

/// The same for routes of this engine.
pub(crate) async fn answer_for(
    miracl: &Miracl,
    request: &Request<'_>,
) -> Result<miracl_core::User, LoginRequired> {
    let slot = Slot::of(request);
    match slot.visit(request).check(miracl) {
        Ok(()) => answer(request).await,
        Err(no_visit) => Err(*slot.refused.get_or_init(|| no_visit.into())),
    }
}

async fn user(request: &Request<'_>) -> Result<miracl_core::User, LoginRequired> {
    let slot = Slot::of(request);
    let seen = slot.visit(request).user_at_once(&View::from(request));
    if let Some(Some(user)) = seen {
        return Ok(user);
    }
    let visit = visit(request)?;
    // On the heap: what most requests wait in stays small.
    match Box::pin(visit.user()).await {
        Ok(Some(user)) => Ok(user),
        Ok(None) => Err(LoginRequired(Why::Anonymous)),
        Err(error) => {
            tracing::error!(%error, "the session cannot be read");
            Err(LoginRequired(Why::Unreadable))
        }
    }
}
