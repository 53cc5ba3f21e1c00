//! Request guards: who is asking, and the visit.

use std::{convert::Infallible, ops::Deref, sync::OnceLock};

use miracl_core::{LazyVisit, Miracl};
use rocket::{
    Ignite, Request, Rocket, Sentinel,
    http::Method,
    request::{FromRequest, Outcome},
    response::{self, Responder},
};

use crate::{reply::reply, request::View, require::REFUSED};

/// The engine, where the fairing put it for everybody to find. It lies in the app's managed state.
pub(crate) struct Attached(pub(crate) Miracl);

/// Where the fairing finds the visit again, if the request asked for it. It lies in the request's local cache.
#[derive(Default)]
pub(crate) struct Slot {
    visit: OnceLock<LazyVisit>,
    refused: OnceLock<LoginRequired>,
    method: OnceLock<Method>,
}

impl Slot {
    pub(crate) fn of<'r>(request: &'r Request<'_>) -> &'r Self {
        request.local_cache(Self::default)
    }

    fn visit(&self, request: &Request<'_>) -> &LazyVisit {
        let make = || LazyVisit::new(miracl(request).clone());
        self.visit.get_or_init(make)
    }

    /// The visit, if somebody asked for it.
    pub(crate) fn made(&self) -> Option<&LazyVisit> {
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
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Infallible> {
        Outcome::Success(request.visit())
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
    /// When [`MiraclAuth::fairing`](crate::MiraclAuth::fairing) is not attached. Guards don't let such an app launch.
    fn visit(&self) -> Visit;
}

impl RequestExt for Request<'_> {
    fn visit(&self) -> Visit {
        let view = View::from(self);
        Visit(Slot::of(self).visit(self).visit(&view))
    }
}

/// The answer to a request that a guard or [`login_required`](crate::MiraclAuth::login_required) turned away.
#[derive(Debug, Clone, Copy)]
pub struct LoginRequired(Why);

#[derive(Debug, Clone, Copy)]
enum Why {
    Anonymous,
    Unreadable,
}

impl<'r> Responder<'r, 'static> for LoginRequired {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let (miracl, view) = (miracl(request), View::from(request));
        Ok(reply(match self.0 {
            Why::Anonymous => miracl.challenge(&view),
            Why::Unreadable => miracl.unavailable(&view),
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

/// Turns everybody away who is not logged in.
pub(crate) async fn answer(request: &Request<'_>) -> Result<miracl_core::User, LoginRequired> {
    let slot = Slot::of(request);
    let seen = slot.visit(request).user_at_once(&View::from(request));
    if let Some(Some(user)) = seen {
        return Ok(user);
    }
    let visit = request.visit();
    // On the heap: what most requests wait in stays small.
    let refused = match Box::pin(visit.user()).await {
        Ok(Some(user)) => return Ok(user),
        Ok(None) => LoginRequired(Why::Anonymous),
        Err(error) => {
            tracing::error!(%error, "the session cannot be read");
            LoginRequired(Why::Unreadable)
        }
    };
    Err(*slot.refused.get_or_init(|| refused))
}
