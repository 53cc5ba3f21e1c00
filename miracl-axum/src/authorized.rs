//! The extractor of somebody who meets a requirement.

use std::{fmt, marker::PhantomData, ops::Deref};

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::request::Parts,
};
use miracl_core::{
    Refusal,
    app::access::{Policy, Requirement},
};

use crate::{
    extract::{LoginRequired, ProjectUser, User},
    request::View,
    slot::{authorized_at_once, visit},
};

/// Who is logged in, and meets the requirement of a [`Policy`]. As an extractor it turns away everybody else.
///
/// [`Requirement`] says what is answered: 403 to somebody who may not, the way to a login where that one is too old or
/// too weak, and the answer of [`User`] where nobody is logged in. `Option<Authorized<Admin>>` accepts everybody: it is
/// `None` for everybody who does not meet the requirement, also where that cannot be told.
///
/// ```
/// # use axum::{Router, routing::get};
/// use miracl_axum::access::{Policy, Requirement};
/// use miracl_axum::Authorized;
///
/// struct Admin;
///
/// impl Policy for Admin {
///     fn requirement() -> Requirement {
///         Requirement::claim("roles").contains("admin")
///     }
/// }
///
/// async fn accounts(user: Authorized<Admin>) -> String {
///     format!("Hello, {}.", user.id())
/// }
/// # let _: Router = Router::new().route("/accounts", get(accounts));
/// ```
///
/// It dereferences to [`User`].
///
/// # Callers with a project JWT
///
/// `Authorized<Seller, ProjectUser>` is for routes that are called with a project JWT, and dereferences to
/// [`ProjectUser`]. It compares the claims of the JWT with the same policy, and reads no session. Its answer is never a
/// redirect: [`Visit::authorized_project_user`](miracl_core::Visit::authorized_project_user) lists what each
/// requirement means there, and what is answered.
///
/// ```
/// # use axum::{Router, routing::get};
/// # use miracl_axum::{Authorized, ProjectUser};
/// # use miracl_axum::access::{Policy, Requirement};
/// struct Seller;
///
/// impl Policy for Seller {
///     fn requirement() -> Requirement {
///         Requirement::claim("roles").contains("seller")
///     }
/// }
///
/// async fn orders(user: Authorized<Seller, ProjectUser>) -> String {
///     format!("The orders of {}.", user.id())
/// }
/// # let _: Router = Router::new().route("/orders", get(orders));
/// ```
pub struct Authorized<P, C = User>(C, PhantomData<fn() -> P>);

impl<P, C> Authorized<P, C> {
    /// Returns the user alone.
    pub fn into_user(self) -> C {
        self.0
    }
}

impl<P, C> Deref for Authorized<P, C> {
    type Target = C;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<P, C: Clone> Clone for Authorized<P, C> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<P, C> fmt::Debug for Authorized<P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorized").finish_non_exhaustive()
    }
}

impl<S: Sync, P: Policy> FromRequestParts<S> for Authorized<P> {
    type Rejection = LoginRequired;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, LoginRequired> {
        let requirement = Requirement::of::<P>();
        let view = View::from(&*parts);
        let user = match authorized_at_once(&view, &requirement) {
            Some(user) => user,
            // On the heap: what most requests wait in stays small.
            None => Box::pin(authorized(&requirement, view))
                .await
                .map_err(|refusal| LoginRequired::new(parts, &refusal))?,
        };
        Ok(Self(User(user), PhantomData))
    }
}

impl<S: Sync, P: Policy> OptionalFromRequestParts<S> for Authorized<P> {
    type Rejection = LoginRequired;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, LoginRequired> {
        let requirement = Requirement::of::<P>();
        let view = View::from(&*parts);
        if let Some(user) = authorized_at_once(&view, &requirement) {
            return Ok(Some(Self(User(user), PhantomData)));
        }
        let visit = visit(&view)?;
        let user = Box::pin(visit.optional_authorized(&requirement, &view)).await;
        Ok(user.map(|user| Self(User(user), PhantomData)))
    }
}

impl<S: Sync, P: Policy> FromRequestParts<S> for Authorized<P, ProjectUser> {
    type Rejection = LoginRequired;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, LoginRequired> {
        let requirement = Requirement::of::<P>();
        let user = project_user(&requirement, View::from(&*parts)).await;
        let user = user.map_err(|refusal| LoginRequired::new(parts, &refusal))?;
        Ok(Self(ProjectUser(user), PhantomData))
    }
}

impl<S: Sync, P: Policy> OptionalFromRequestParts<S> for Authorized<P, ProjectUser> {
    type Rejection = LoginRequired;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, LoginRequired> {
        let requirement = Requirement::of::<P>();
        let view = View::from(&*parts);
        let user = visit(&view)?
            .optional_project_user(&requirement, &view)
            .await;
        Ok(user.map(|user| Self(ProjectUser(user), PhantomData)))
    }
}

/// Asks the visit whose project JWT the request has, and turns away everybody who does not meet the requirement.
pub(crate) async fn project_user(
    requirement: &Requirement,
    view: View<'_>,
) -> Result<miracl_core::app::trust::ProjectUser, Refusal> {
    let visit = visit(&view)?;
    Box::pin(visit.authorized_project_user(requirement, &view)).await
}

/// Asks the visit who is logged in, and turns away everybody who does not meet the requirement.
pub(crate) async fn authorized(
    requirement: &Requirement,
    view: View<'_>,
) -> Result<miracl_core::User, Refusal> {
    visit(&view)?.authorize(requirement, &view).await
}
