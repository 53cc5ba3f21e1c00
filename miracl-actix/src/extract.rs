//! Extractors: who is asking, and the visit.

use std::{
    fmt,
    future::{Ready, ready},
    ops::Deref,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest, HttpResponse as Response, ResponseError, dev::Payload,
    http::StatusCode,
};
use miracl_core::Refusal;

use crate::{
    refused::answer,
    request::View,
    slot::{Slot, user_at_once, visit},
};

/// Who is logged in. As an extractor it refuses everybody who is not logged in.
///
/// Anonymous requests are answered by [`Miracl::challenge`](crate::Miracl::challenge): 303 to the login for a browser
/// that navigates, 401 for `fetch` and APIs. When the session cannot be read, the answer is 503. `Option<User>` accepts
/// everybody, and is `None` in both cases.
///
/// ```
/// # use actix_web::web;
/// # use miracl_actix::User;
/// async fn index(user: Option<User>) -> &'static str {
///     if user.is_some() { "Welcome back." } else { "Hello, stranger." }
/// }
///
/// async fn members(user: User) -> String {
///     format!("Hello, {}.", user.id())
/// }
/// # fn configure(app: &mut web::ServiceConfig) {
/// # app.route("/", web::get().to(index)).route("/members", web::get().to(members));
/// # }
/// ```
///
/// Everything about the person is in [`miracl_core::User`], to which it dereferences. With the layers of several logins
/// around a route, the innermost login tells who it is, or the
/// [`login_required`](crate::MiraclAuth::login_required) that is further in.
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
        if let Poll::Ready(Some(user)) = user_at_once(req) {
            return UserFuture::known(Self(user));
        }
        let req = req.clone();
        // On the heap: what most requests wait in stays small.
        UserFuture::asked(async move { required_user(&req).await.map(Self) })
    }
}

/// The future of the extractor [`User`].
pub struct UserFuture(State);

enum State {
    Known(Option<User>),
    Asked(Pin<Box<dyn Future<Output = Result<User, LoginRequired>>>>),
}

impl UserFuture {
    pub(crate) fn known(user: User) -> Self {
        Self(State::Known(Some(user)))
    }

    pub(crate) fn asked(
        asked: impl Future<Output = Result<User, LoginRequired>> + 'static,
    ) -> Self {
        Self(State::Asked(Box::pin(asked)))
    }
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

/// The request's view of login, as an extractor. It refuses nobody.
///
/// ```
/// # use miracl_actix::{Category, Visit};
/// async fn save(visit: Visit) -> &'static str {
///     visit.flash(Category::Success, "Saved.");
///     "saved"
/// }
/// ```
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
        let visit = visit(req).map(Self);
        ready(visit.map_err(|no_visit| LoginRequired::new(req, no_visit)))
    }
}

/// Whose JWT of the MIRACL project the request has, as `Authorization: Bearer` (RFC 6750). It is for an API behind a
/// front end of one's own, which logs people in with MIRACL's client libraries. As an extractor it turns
/// away everybody else.
///
/// The answer to everybody else is never a redirect: 401 with `WWW-Authenticate: Bearer` where there is no JWT or it is
/// refused, 400 where there are several `Authorization` headers, and 502 to 504 while it cannot be checked. By default
/// a JWT counts once: see [`Config::project_jwt_use`](crate::Config::project_jwt_use). No session is read, and none
/// begins.
///
/// ```
/// # use actix_web::web;
/// # use miracl_actix::ProjectUser;
/// async fn balance(user: ProjectUser) -> String {
///     format!("The balance of {} is 7.", user.id())
/// }
/// # fn configure(app: &mut web::ServiceConfig) {
/// # app.route("/api/balance", web::get().to(balance));
/// # }
/// ```
///
/// Everything about the person is in [`miracl_core::app::trust::ProjectUser`], to which it dereferences.
#[derive(Debug, Clone)]
pub struct ProjectUser(pub miracl_core::app::trust::ProjectUser);

impl Deref for ProjectUser {
    type Target = miracl_core::app::trust::ProjectUser;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl FromRequest for ProjectUser {
    type Error = LoginRequired;
    type Future = Pin<Box<dyn Future<Output = Result<Self, LoginRequired>>>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move {
            let visit = visit(&req).map_err(|no_visit| LoginRequired::new(&req, no_visit))?;
            let user = visit.project_user(&View::from(&req)).await;
            let user = user.map_err(|refusal| LoginRequired::new(&req, refusal));
            user.map(Self)
        })
    }
}

/// Reaches the visit from a request, where there are no extractors: in hooks and in middleware.
///
/// ```
/// # use actix_web::{Error, HttpResponse, body::BoxBody, dev::{ServiceRequest, ServiceResponse}, middleware::Next};
/// # use miracl_actix::RequestExt;
/// # fn is_blocked(_: &str) -> bool { false }
/// /// A middleware for `actix_web::middleware::from_fn`, inside of the layer.
/// async fn block(request: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse, Error> {
///     let user = request.request().visit().user().await;
///     match user {
///         Ok(Some(user)) if is_blocked(user.id()) => Ok(request.into_response(HttpResponse::Forbidden().finish())),
///         _ => next.call(request).await,
///     }
/// }
/// ```
pub trait RequestExt {
    /// Returns the request's view of login.
    ///
    /// # Panics
    ///
    /// When [`MiraclAuth::layer`](crate::MiraclAuth::layer) is not around the route, or the request has other cookies
    /// than when it came to the layer. Hooks never run without the layer.
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
/// The answer is made when it is asked for: `Option<User>` never asks.
pub struct LoginRequired {
    req: HttpRequest,
    refusal: Refusal,
}

impl LoginRequired {
    pub(crate) fn new(req: &HttpRequest, refusal: impl Into<Refusal>) -> Self {
        Self {
            req: req.clone(),
            refusal: refusal.into(),
        }
    }
}

impl ResponseError for LoginRequired {
    fn status_code(&self) -> StatusCode {
        self.error_response().status()
    }

    fn error_response(&self) -> Response {
        answer(&self.req, self.refusal.refused(&View::from(&self.req)))
    }
}

impl fmt::Display for LoginRequired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refusal.fmt(f)
    }
}

impl fmt::Debug for LoginRequired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoginRequired({self})")
    }
}

/// Asks the visit who is logged in, and turns away everybody who is not.
pub(crate) async fn required_user(req: &HttpRequest) -> Result<miracl_core::User, LoginRequired> {
    let visit = visit(req).map_err(|no_visit| LoginRequired::new(req, no_visit))?;
    let user = visit.required_user().await;
    user.map_err(|refusal| LoginRequired::new(req, refusal))
}
