//! The filter that extracts somebody who meets a requirement.

use miracl_core::app::access::{Policy, Requirement};
use warp::{Filter, Rejection, http::HeaderMap};

use crate::{
    extract::{ProjectUser, User},
    slot::{Slot, asked},
};

/// Extracts who is logged in and meets the requirement of a [`Policy`], and turns away everybody else.
///
/// [`Requirement`] says what is answered: 403 to somebody who may not, the way to a login where that one is too old or
/// too weak, and the answer of [`user`](crate::user) where nobody is logged in.
///
/// ```
/// # use warp::Filter;
/// use miracl_warp::access::{Policy, Requirement};
/// use miracl_warp::{User, authorized};
///
/// struct Admin;
///
/// impl Policy for Admin {
///     fn requirement() -> Requirement {
///         Requirement::claim("roles").contains("admin")
///     }
/// }
///
/// let accounts = warp::path!("accounts")
///     .and(authorized::<Admin>())
///     .map(|user: User| format!("Hello, {}.", user.id()));
/// # let _ = accounts;
/// ```
///
/// The answer is final: no filter behind an `or` or a `recover` can give another.
pub fn authorized<P: Policy>() -> impl Filter<Extract = (User,), Error = Rejection> + Clone {
    asked().and_then(|slot: Slot, headers: HeaderMap| async move {
        let user = authorize(&Requirement::of::<P>(), &slot, &headers).await;
        user.map(User)
    })
}

/// Extracts who is logged in and meets the requirement of a [`Policy`], if anybody does. It turns nobody away.
pub fn optional_authorized<P: Policy>()
-> impl Filter<Extract = (Option<User>,), Error = Rejection> + Clone {
    asked().and_then(|slot: Slot, headers: HeaderMap| async move {
        let visit = slot.visit(&headers);
        let visit = visit.map_err(|no_visit| slot.refuse(no_visit))?;
        let view = slot.view(&headers);
        let requirement = Requirement::of::<P>();
        let user = visit.optional_authorized(&requirement, &view).await;
        Ok::<_, Rejection>(user.map(User))
    })
}

/// Extracts whose project JWT the request has, if the JWT meets the requirement of a [`Policy`], and turns away
/// everybody else.
///
/// It compares the claims of the JWT with the same policies as [`authorized`], and reads no session. Its answer is
/// never a redirect: [`Visit::authorized_project_user`](miracl_core::Visit::authorized_project_user) lists what each
/// requirement means there, and what is answered.
///
/// ```
/// # use warp::Filter;
/// use miracl_warp::access::{Policy, Requirement};
/// use miracl_warp::{ProjectUser, authorized_project_user};
///
/// struct Seller;
///
/// impl Policy for Seller {
///     fn requirement() -> Requirement {
///         Requirement::claim("roles").contains("seller")
///     }
/// }
///
/// let orders = warp::path!("orders")
///     .and(authorized_project_user::<Seller>())
///     .map(|user: ProjectUser| format!("The orders of {}.", user.id()));
/// # let _ = orders;
/// ```
///
/// The answer is final: no filter behind an `or` or a `recover` can give another.
pub fn authorized_project_user<P: Policy>()
-> impl Filter<Extract = (ProjectUser,), Error = Rejection> + Clone {
    asked().and_then(|slot: Slot, headers: HeaderMap| async move {
        let user = authorize_project_user(&Requirement::of::<P>(), &slot, &headers).await;
        user.map(ProjectUser)
    })
}

/// Extracts whose project JWT the request has, if the JWT meets the requirement of a [`Policy`]. It turns nobody away.
pub fn optional_authorized_project_user<P: Policy>()
-> impl Filter<Extract = (Option<ProjectUser>,), Error = Rejection> + Clone {
    asked().and_then(|slot: Slot, headers: HeaderMap| async move {
        let visit = slot.visit(&headers);
        let visit = visit.map_err(|no_visit| slot.refuse(no_visit))?;
        let view = slot.view(&headers);
        let requirement = Requirement::of::<P>();
        let user = visit.optional_project_user(&requirement, &view).await;
        Ok::<_, Rejection>(user.map(ProjectUser))
    })
}

/// Asks the visit whose project JWT the request has, and turns away everybody who does not meet the requirement.
pub(crate) async fn authorize_project_user(
    requirement: &Requirement,
    slot: &Slot,
    headers: &HeaderMap,
) -> Result<miracl_core::app::trust::ProjectUser, Rejection> {
    let visit = slot.visit(headers);
    let visit = visit.map_err(|no_visit| slot.refuse(no_visit))?;
    let view = slot.view(headers);
    let user = visit.authorized_project_user(requirement, &view).await;
    user.map_err(|refusal| slot.refuse(refusal))
}

/// Asks the visit who is logged in, and turns away everybody who does not meet the requirement.
pub(crate) async fn authorize(
    requirement: &Requirement,
    slot: &Slot,
    headers: &HeaderMap,
) -> Result<miracl_core::User, Rejection> {
    if let Some(user) = slot.authorized_at_once(requirement, headers) {
        return Ok(user);
    }
    let visit = slot.visit(headers);
    let visit = visit.map_err(|no_visit| slot.refuse(no_visit))?;
    let user = visit.authorize(requirement, &slot.view(headers)).await;
    user.map_err(|refusal| slot.refuse(refusal))
}
