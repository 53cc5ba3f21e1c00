//! Extractors: who is asking, and the visit.

use std::{ops::Deref, sync::Arc};

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::{Extensions, request::Parts},
    response::{IntoResponse, Response},
};
use miracl_core::LazyVisit;

use crate::{
    reply::{missing_layer, reply},
    request::View,
    wrap,
};

/// Where the layer finds the visit again, if the request asked for it. It lies in the request's extensions.
pub(crate) type Slot = Arc<LazyVisit>;

/// Who is logged in. As an extractor it sends everybody else to log in.
///
/// Anonymous requests are answered by [`Miracl::challenge`](miracl_core::Miracl::challenge): 303 to the login for a browser that navigates, 401 for
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

impl<S: Sync> FromRequestParts<S> for User {
    type Rejection = LoginRequired;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, LoginRequired> {
        if let Some(Some(user)) = user_at_once(&parts.extensions, &View::from(&*parts)) {
            return Ok(Self(user));
        }
        let visit = visit(parts)?;
        // On the heap: what most requests wait in stays small.
        let user = Box::pin(visit.user()).await;
        answer(&visit, &View::from(&*parts), user).map(Self)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for User {
    type Rejection = LoginRequired;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, LoginRequired> {
        if let Some(user) = user_at_once(&parts.extensions, &View::from(&*parts)) {
            return Ok(user.map(Self));
        }
        let visit = visit(parts)?;
        match Box::pin(visit.user()).await {
            Ok(user) => Ok(user.map(Self)),
            Err(error) => {
                tracing::error!(%error, "the session cannot be read; the request goes on as anonymous");
                Ok(None)
            }
        }
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

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = LoginRequired;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, LoginRequired> {
        visit(parts).map(Self)
    }
}

/// Reaches the visit from a request, where there are no extractors: in hooks and in middleware.
pub trait RequestExt {
    /// Returns the request's view of login.
    ///
    /// # Panics
    ///
    /// When [`MiraclAuth::layer`](crate::MiraclAuth::layer) is not around the route. Hooks never run without it.
    fn visit(&self) -> Visit;
}

impl RequestExt for Parts {
    fn visit(&self) -> Visit {
        let visit = find(&self.extensions, &View::from(self));
        Visit(visit.expect("`.layer(auth.layer())` is around every route that asks for a visit"))
    }
}

/// The answer to a request that an extractor or [`login_required`](crate::MiraclAuth::login_required) turned away.
#[derive(Debug)]
pub struct LoginRequired(Box<Response>);

impl IntoResponse for LoginRequired {
    fn into_response(self) -> Response {
        *self.0
    }
}

fn visit(parts: &Parts) -> Result<miracl_core::Visit, LoginRequired> {
    find(&parts.extensions, &View::from(parts))
        .ok_or_else(|| LoginRequired(Box::new(missing_layer())))
}

/// Finds a request's visit, wherever the layer left it.
pub(crate) fn find(extensions: &Extensions, view: &View<'_>) -> Option<miracl_core::Visit> {
    with_slot(extensions, |slot| slot.visit(view))
}

/// Looks who is asking, where nothing has to be waited for.
pub(crate) fn user_at_once(
    extensions: &Extensions,
    view: &View<'_>,
) -> Option<Option<miracl_core::User>> {
    with_slot(extensions, |slot| slot.user_at_once(view)).flatten()
}

fn with_slot<T>(extensions: &Extensions, ask: impl FnOnce(&LazyVisit) -> T) -> Option<T> {
    match extensions.get::<Slot>() {
        Some(slot) => Some(ask(slot)),
        None => wrap::with_slot(ask),
    }
}

/// Turns everybody away who is not logged in.
pub(crate) fn answer(
    visit: &miracl_core::Visit,
    view: &View<'_>,
    user: Result<Option<miracl_core::User>, miracl_core::SessionError>,
) -> Result<miracl_core::User, LoginRequired> {
    let refused = match user {
        Ok(Some(user)) => return Ok(user),
        Ok(None) => visit.miracl().challenge(view),
        Err(error) => {
            tracing::error!(%error, "the session cannot be read");
            visit.miracl().unavailable(view)
        }
    };
    Err(LoginRequired(Box::new(reply(refused))))
}
