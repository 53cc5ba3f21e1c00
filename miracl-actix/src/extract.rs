//! Extractors: who is asking, and the visit.

use std::{
    fmt,
    future::{Ready, ready},
    ops::Deref,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest, HttpResponse as Response, ResponseError,
    dev::Payload,
    http::{StatusCode, header::HeaderValue},
};
use miracl_core::{LazyVisit, Miracl, NoVisit};

use crate::{
    reply::{log_missing_layer, reply},
    request::View,
};

/// Where the layer finds the visit again, if the request asked for it. It lies in the request's extensions, and nowhere
/// else.
pub(crate) type Slot = LazyVisit<HeaderValue>;

/// Who is logged in. As an extractor it sends everybody else to log in.
///
/// Anonymous requests are answered by [`Miracl::challenge`](miracl_core::Miracl::challenge): 303 to the login for a browser that navigates, 401 for
/// `fetch` and APIs. When the session cannot be read, the answer is 503. `Option<User>` accepts everybody, and is `None` in
/// both cases.
///
/// Everything about the person is in [`miracl_core::User`], to which it dereferences. With several layers around a
/// route, it is who is logged in by the innermost, or by the [`login_required`](crate::MiraclAuth::login_required) that
/// is further in.
#[derive(Debug, Clone)]
pub struct User(pub miracl_core::User);

impl Deref for User {
    type Target = miracl_core::User;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

// actix-web derives `Option<User>` from this: whatever the rejection is, it becomes `None`. So a rejection must not do
// anything before it is turned into an answer.
impl FromRequest for User {
    type Error = LoginRequired;
    type Future = UserFuture;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> UserFuture {
        if let Some(Some(user)) = user_at_once(req) {
            return UserFuture(State::Known(Some(Self(user))));
        }
        let req = req.clone();
        let asked = Box::pin(async move { user(&req).await.map(Self) });
        UserFuture(State::Asked(asked))
    }
}

/// The future of the extractor [`User`].
pub struct UserFuture(State);

enum State {
    Known(Option<User>),
    Asked(Pin<Box<dyn Future<Output = Result<User, LoginRequired>>>>),
}

impl Future for UserFuture {
    type Output = Result<User, LoginRequired>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Known(user) => Poll::Ready(Ok(user
                .take()
                .expect("a future is not polled after its end"))),
            State::Asked(asked) => asked.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for UserFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserFuture").finish_non_exhaustive()
    }
}

/// The request's view of login, as an extractor. It never rejects anybody.
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

impl FromRequest for Visit {
    type Error = LoginRequired;
    type Future = Ready<Result<Self, LoginRequired>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(visit(req).map(Self))
    }
}

/// Reaches the visit from a request, where there are no extractors: in hooks and in middleware.
pub trait RequestExt {
    /// Returns the request's view of login.
    ///
    /// # Panics
    ///
    /// When [`MiraclAuth::layer`](crate::MiraclAuth::layer) is not around the route, or the request has other cookies
    /// than when it came there. Hooks never run without it.
    fn visit(&self) -> Visit;
}

impl RequestExt for HttpRequest {
    fn visit(&self) -> Visit {
        let extensions = self.extensions();
        let slot = extensions.get::<Slot>();
        let slot = slot.expect("`.wrap(auth.layer())` is around every route that asks for a visit");
        let visit = slot.visit(&View::from(self));
        Visit(visit.expect("a request keeps the cookies with which it came to the layer"))
    }
}

/// The answer to a request that an extractor or [`login_required`](crate::MiraclAuth::login_required) turned away.
///
/// The answer is not made before somebody asks for it: `Option<User>` never does.
pub struct LoginRequired {
    req: HttpRequest,
    why: Why,
}

/// Why a request was turned away.
enum Why {
    Anonymous(miracl_core::Visit),
    Unreadable(miracl_core::Visit),
    MissingLayer,
    NoVisit(NoVisit),
}

impl LoginRequired {
    fn new(req: &HttpRequest, why: Why) -> Self {
        let req = req.clone();
        Self { req, why }
    }
}

impl ResponseError for LoginRequired {
    fn status_code(&self) -> StatusCode {
        self.error_response().status()
    }

    fn error_response(&self) -> Response {
        let view = View::from(&self.req);
        match &self.why {
            Why::Anonymous(visit) => reply(visit.miracl().challenge(&view)),
            Why::Unreadable(visit) => reply(visit.miracl().unavailable(&view)),
            Why::MissingLayer => Response::InternalServerError().finish(),
            Why::NoVisit(no_visit) => reply(no_visit.reply()),
        }
    }
}

impl fmt::Display for LoginRequired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Why::Anonymous(_) => f.write_str("nobody is logged in"),
            Why::Unreadable(_) => f.write_str("the session cannot be read"),
            Why::MissingLayer => f.write_str("no MIRACL layer is around this route"),
            Why::NoVisit(no_visit) => no_visit.fmt(f),
        }
    }
}

impl fmt::Debug for LoginRequired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoginRequired({self})")
    }
}

/// Finds a request's visit, where the layer left it.
pub(crate) fn visit(req: &HttpRequest) -> Result<miracl_core::Visit, LoginRequired> {
    let extensions = req.extensions();
    let slot = extensions.get::<Slot>().ok_or_else(|| no_layer(req))?;
    let visit = slot.visit(&View::from(req));
    visit.map_err(|no_visit| LoginRequired::new(req, Why::NoVisit(no_visit)))
}

/// Turns to the visit of this engine, for everybody further in. Returns what to [`turn_back`] to afterwards, if that
/// was another's.
pub(crate) fn turn_to(req: &HttpRequest, miracl: &Miracl) -> Result<Option<Slot>, LoginRequired> {
    let mut extensions = req.extensions_mut();
    let slot = extensions.get_mut::<Slot>().ok_or_else(|| no_layer(req))?;
    let before = slot.clone();
    let turned = slot.turn_to(miracl);
    let turned = turned.map_err(|no_visit| LoginRequired::new(req, Why::NoVisit(no_visit)))?;
    Ok(turned.then_some(before))
}

/// Turns back to the visit from before: a request has the same extensions on its way out.
pub(crate) fn turn_back(req: &HttpRequest, before: Option<Slot>) {
    if let Some(before) = before {
        req.extensions_mut().insert(before);
    }
}

fn no_layer(req: &HttpRequest) -> LoginRequired {
    log_missing_layer();
    LoginRequired::new(req, Why::MissingLayer)
}

/// Looks who is asking, where nothing has to be waited for.
fn user_at_once(req: &HttpRequest) -> Option<Option<miracl_core::User>> {
    let extensions = req.extensions();
    extensions.get::<Slot>()?.user_at_once(&View::from(req))
}

/// Turns everybody away who is not logged in.
pub(crate) async fn user(req: &HttpRequest) -> Result<miracl_core::User, LoginRequired> {
    if let Some(Some(user)) = user_at_once(req) {
        return Ok(user);
    }
    let visit = visit(req)?;
    let why = match visit.user().await {
        Ok(Some(user)) => return Ok(user),
        Ok(None) => Why::Anonymous(visit),
        Err(error) => {
            tracing::error!(%error, "the session cannot be read");
            Why::Unreadable(visit)
        }
    };
    Err(LoginRequired::new(req, why))
}
