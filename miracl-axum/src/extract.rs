//! Extractors: who is asking, and the visit.

use std::{ops::Deref, task::Poll};

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::request::Parts,
    response::{IntoResponse, Response},
};
use miracl_core::{NoVisit, Refusal};

use crate::{
    refused::answer,
    reply::reply,
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
/// # use axum::{Router, routing::get};
/// # use miracl_axum::User;
/// async fn index(user: Option<User>) -> &'static str {
///     if user.is_some() { "Welcome back." } else { "Hello, stranger." }
/// }
///
/// async fn members(user: User) -> String {
///     format!("Hello, {}.", user.id())
/// }
/// # let _: Router = Router::new().route("/", get(index)).route("/members", get(members));
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

impl<S: Sync> FromRequestParts<S> for User {
    type Rejection = LoginRequired;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, LoginRequired> {
        if let Poll::Ready(Some(user)) = user_at_once(&View::from(&*parts)) {
            return Ok(Self(user));
        }
        // On the heap: what most requests wait in stays small.
        Box::pin(required_user(View::from(&*parts)))
            .await
            .map(Self)
            .map_err(|refusal| LoginRequired::new(parts, &refusal))
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for User {
    type Rejection = LoginRequired;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, LoginRequired> {
        if let Poll::Ready(user) = user_at_once(&View::from(&*parts)) {
            return Ok(user.map(Self));
        }
        let visit = visit(&View::from(&*parts))?;
        Ok(Box::pin(visit.optional_user()).await.map(Self))
    }
}

/// The request's view of login, as an extractor. It refuses nobody.
///
/// ```
/// # use miracl_axum::{Category, Visit};
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

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = LoginRequired;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, LoginRequired> {
        Ok(Self(visit(&View::from(&*parts))?))
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
/// # use axum::{Router, routing::get};
/// # use miracl_axum::ProjectUser;
/// async fn balance(user: ProjectUser) -> String {
///     format!("The balance of {} is 7.", user.id())
/// }
/// # let _: Router = Router::new().route("/api/balance", get(balance));
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

impl<S: Sync> FromRequestParts<S> for ProjectUser {
    type Rejection = LoginRequired;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, LoginRequired> {
        let view = View::from(&*parts);
        let user = Box::pin(visit(&view)?.project_user(&view)).await;
        user.map(Self)
            .map_err(|refusal| LoginRequired::new(parts, &refusal))
    }
}

/// Reaches the visit from a request, where there are no extractors: in hooks and in middleware.
///
/// ```
/// # use axum::{extract::Request, http::StatusCode, middleware::Next, response::{IntoResponse, Response}};
/// # use miracl_axum::RequestExt;
/// # fn is_blocked(_: &str) -> bool { false }
/// /// A middleware for `axum::middleware::from_fn`, inside of the layer.
/// async fn block(request: Request, next: Next) -> Response {
///     let (parts, body) = request.into_parts();
///     match parts.visit().user().await {
///         Ok(Some(user)) if is_blocked(user.id()) => StatusCode::FORBIDDEN.into_response(),
///         _ => next.run(Request::from_parts(parts, body)).await,
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

impl RequestExt for Parts {
    fn visit(&self) -> Visit {
        let slot = self.extensions.get::<Slot>();
        let slot =
            slot.expect("`.layer(auth.layer())` is around every route that asks for a visit");
        let visit = slot.visit(&View::from(self));
        Visit(visit.expect("a request keeps the cookies with which it came to the layer"))
    }
}

/// The answer to a request that an extractor or [`login_required`](crate::MiraclAuth::login_required) turned away.
#[derive(Debug)]
pub struct LoginRequired(Box<Response>);

impl LoginRequired {
    pub(crate) fn new(req: &Parts, refusal: &Refusal) -> Self {
        let refused = refusal.refused(&View::from(req));
        Self(Box::new(answer(req, refused)))
    }
}

impl IntoResponse for LoginRequired {
    fn into_response(self) -> Response {
        *self.0
    }
}

impl From<NoVisit> for LoginRequired {
    fn from(no_visit: NoVisit) -> Self {
        Self(Box::new(reply(no_visit.reply())))
    }
}

/// Asks the visit who is logged in, and turns away everybody who is not.
pub(crate) async fn required_user(view: View<'_>) -> Result<miracl_core::User, Refusal> {
    visit(&view)?.required_user().await
}
