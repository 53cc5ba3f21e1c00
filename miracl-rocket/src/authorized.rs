//! The request guard of somebody who meets a requirement.

use std::{fmt, marker::PhantomData, ops::Deref};

use miracl_core::app::access::{Policy, Requirement};
use rocket::{
    Ignite, Request, Rocket, Sentinel,
    request::{FromRequest, Outcome},
};

use crate::{
    extract::{LoginRequired, REFUSED, User},
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
pub struct Authorized<P>(User, PhantomData<fn() -> P>);

impl<P> Authorized<P> {
    /// Returns the user alone.
    pub fn into_user(self) -> User {
        self.0
    }
}

impl<P> Deref for Authorized<P> {
    type Target = User;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<P> Clone for Authorized<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<P> fmt::Debug for Authorized<P> {
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

impl<P: Policy> Sentinel for Authorized<P> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        missing_fairing(rocket)
    }
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
