//! Extractors: who is asking, and the visit.

use std::ops::Deref;

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::{Extensions, HeaderValue, request::Parts},
    response::{IntoResponse, Response},
};
use miracl_core::{LazyVisit, Miracl, NoVisit};

use crate::{
    reply::{missing_layer, reply},
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

impl<S: Sync> FromRequestParts<S> for User {
    type Rejection = LoginRequired;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, LoginRequired> {
        if let Some(Some(user)) = user_at_once(&parts.extensions, &View::from(&*parts)) {
            return Ok(Self(user));
        }
        let visit = find(&parts.extensions, &View::from(&*parts))?;
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
        let visit = find(&parts.extensions, &View::from(&*parts))?;
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
        find(&parts.extensions, &View::from(&*parts)).map(Self)
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

/// Finds a request's visit, where the layer left it.
pub(crate) fn find(
    extensions: &Extensions,
    view: &View<'_>,
) -> Result<miracl_core::Visit, LoginRequired> {
    let slot = extensions.get::<Slot>().ok_or_else(no_layer)?;
    Ok(slot.visit(view)?)
}

/// Turns to the visit of this engine, for everybody further in.
pub(crate) fn turn_to(extensions: &mut Extensions, miracl: &Miracl) -> Result<(), LoginRequired> {
    let slot = extensions.get_mut::<Slot>().ok_or_else(no_layer)?;
    slot.turn_to(miracl)?;
    Ok(())
}

fn no_layer() -> LoginRequired {
    LoginRequired(Box::new(missing_layer()))
}

/// Looks who is asking, where nothing has to be waited for.
pub(crate) fn user_at_once(
    extensions: &Extensions,
    view: &View<'_>,
) -> Option<Option<miracl_core::User>> {
    extensions.get::<Slot>()?.user_at_once(view)
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
