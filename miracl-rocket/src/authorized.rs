//! The request guard of somebody who meets a requirement.

use std::{fmt, marker::PhantomData, ops::Deref};

use miracl_core::app::access::{Policy, Requirement};
use rocket::{
    Ignite, Request, Rocket, Sentinel,
    request::{FromRequest, Outcome},
};

use crate::{
    extract::{LoginRequired, ProjectUser, REFUSED, User},
    slot::{Slot, authorized_at_once, missing_fairing, visit},
};

/// Who is logged in, and meets the requirement of a [`Policy`]. As a request guard it turns away everybody else.
///
/// [`Requirement`] says what is answered: 403 to somebody who may not, the way to a login where that one is too old or
/// too weak, and the answer of [`User`] where nobody is logged in. `Option<Authorized<Admin>>` accepts everybody: it is
/// `None` for everybody who does not meet the requirement, also where that cannot be told.
///
/// ```
/// use miracl_rocket::Authorized;
/// use miracl_rocket::access::{Policy, Requirement};
/// # use rocket::get;
///
/// struct Admin;
///
/// impl Policy for Admin {
///     fn requirement() -> Requirement {
///         Requirement::claim("roles").contains("admin")
///     }
/// }
///
/// #[get("/accounts")]
/// fn accounts(user: Authorized<Admin>) -> String {
///     format!("Hello, {}.", user.id())
/// }
/// # rocket::routes![accounts];
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
/// # use miracl_rocket::{Authorized, ProjectUser};
/// # use miracl_rocket::access::{Policy, Requirement};
/// # use rocket::get;
/// struct Seller;
///
/// impl Policy for Seller {
///     fn requirement() -> Requirement {
///         Requirement::claim("roles").contains("seller")
///     }
/// }
///
/// #[get("/orders")]
/// async fn orders(user: Authorized<Seller, ProjectUser>) -> String {
///     format!("The orders of {}.", user.id())
/// }
/// # rocket::routes![orders];
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

#[rocket::async_trait]
impl<'r, P: Policy> FromRequest<'r> for Authorized<P> {
    type Error = LoginRequired;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, LoginRequired> {
        let requirement = Requirement::of::<P>();
        if let Some(user) = authorized_at_once(request, &requirement) {
            return Outcome::Success(Self(User(user), PhantomData));
        }
        // On the heap: what most requests wait in stays small.
        match Box::pin(authorized(&requirement, request)).await {
            Ok(user) => Outcome::Success(Self(User(user), PhantomData)),
            Err(refused) => Outcome::Error((REFUSED, refused)),
        }
    }
}

#[rocket::async_trait]
impl<'r, P: Policy> FromRequest<'r> for Authorized<P, ProjectUser> {
    type Error = LoginRequired;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, LoginRequired> {
        let requirement = Requirement::of::<P>();
        match project_user(&requirement, request).await {
            Ok(user) => Outcome::Success(Self(ProjectUser(user), PhantomData)),
            Err(refused) => Outcome::Error((REFUSED, refused)),
        }
    }
}

impl<P: Policy, C> Sentinel for Authorized<P, C> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        missing_fairing(rocket)
    }
}

/// Asks the visit whose project JWT the request has, and turns away everybody who does not meet the requirement. The
/// catcher finds the reason in the slot.
pub(crate) async fn project_user(
    requirement: &Requirement,
    request: &Request<'_>,
) -> Result<miracl_core::app::trust::ProjectUser, LoginRequired> {
    let slot = Slot::of(request);
    let user = match visit(request) {
        Ok(visit) => {
            let view = slot.view(request);
            Box::pin(visit.authorized_project_user(requirement, &view)).await
        }
        Err(no_visit) => Err(no_visit.into()),
    };
    user.map_err(|refusal| LoginRequired(slot.refuse(refusal)))
}

/// Asks the visit who is logged in, and turns away everybody who does not meet the requirement. The catcher finds the
/// reason in the slot.
pub(crate) async fn authorized(
    requirement: &Requirement,
    request: &Request<'_>,
) -> Result<miracl_core::User, LoginRequired> {
    let slot = Slot::of(request);
    let user = match visit(request) {
        Ok(visit) => visit.authorize(requirement, &slot.view(request)).await,
        Err(no_visit) => Err(no_visit.into()),
    };
    user.map_err(|refusal| LoginRequired(slot.refuse(refusal)))
}
