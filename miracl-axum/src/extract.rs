//! Extractors: who is asking, and the visit.

use std::{
    ops::Deref,
    sync::{Arc, OnceLock},
};

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::request::Parts,
    response::{IntoResponse, Response},
};
use miracl_core::Miracl;

use crate::{
    reply::{missing_layer, reply},
    request::View,
};

/// Where the layer finds the visit again, if the request asked for it. It lies in the request's extensions.
#[derive(Clone)]
pub(crate) struct Slot(Arc<(Miracl, OnceLock<miracl_core::Visit>)>);

impl Slot {
    pub(crate) fn new(miracl: Miracl) -> Self {
        Self(Arc::new((miracl, OnceLock::new())))
    }

    /// The visit, made when it is first asked for.
    pub(crate) fn visit(&self, view: &View<'_>) -> miracl_core::Visit {
        let (miracl, visit) = &*self.0;
        visit.get_or_init(|| miracl.visit(view)).clone()
    }

    /// The visit, if somebody asked for it.
    pub(crate) fn made(&self) -> Option<&miracl_core::Visit> {
        self.0.1.get()
    }
}

/// Who is logged in. As an extractor it sends everybody else to log in.
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

impl<S: Sync> FromRequestParts<S> for User {
    type Rejection = LoginRequired;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, LoginRequired> {
        let visit = visit(parts)?;
        let user = visit.user().await;
        answer(&visit, &View::from(&*parts), user).map(User)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for User {
    type Rejection = LoginRequired;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, LoginRequired> {
        match visit(parts)?.user().await {
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
        let slot = self.extensions.get::<Slot>();
        let slot =
            slot.expect("`.layer(auth.layer())` is around every route that asks for a visit");
        Visit(slot.visit(&View::from(self)))
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
    let slot = parts.extensions.get::<Slot>();
    slot.map(|slot| slot.visit(&View::from(parts)))
        .ok_or_else(|| LoginRequired(Box::new(missing_layer())))
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
