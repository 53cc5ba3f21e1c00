//! The filter for routes that need somebody to be logged in.

use std::task::Poll;

use miracl_core::{Miracl, app::access::Requirement};
use warp::{Filter, Rejection, http::HeaderMap};

use crate::{
    authorized::{authorize, authorize_project_user},
    extract::required_user,
    slot::{Slot, asked},
};

/// Lets requests of people who are logged in through, and answers all others as the filter [`user`](crate::user) does.
/// With a requirement it lets those through who meet it.
///
/// That includes CORS preflights: see [`MiraclAuth::login_required`](crate::MiraclAuth::login_required). It stands
/// behind the path, so that unknown paths stay 404.
pub(crate) fn login_required(
    miracl: &Miracl,
    is_activity: bool,
    requirement: Option<Requirement>,
) -> impl Filter<Extract = (), Error = Rejection> + Clone + use<> {
    let miracl = miracl.clone();
    asked()
        .and_then(move |slot: Slot, headers: HeaderMap| {
            let (miracl, requirement) = (miracl.clone(), requirement.clone());
            async move {
                check(&miracl, is_activity, &slot)?;
                match requirement {
                    Some(requirement) => authorize(&requirement, &slot, &headers).await.map(drop),
                    None => logged_in(&slot, &headers).await,
                }
            }
        })
        .untuple_one()
}

/// Lets requests with a project JWT through that meets the requirement, and answers all others as the filter
/// [`authorized_project_user`](crate::authorized_project_user) does.
pub(crate) fn require_project_user(
    miracl: &Miracl,
    requirement: Requirement,
) -> impl Filter<Extract = (), Error = Rejection> + Clone + use<> {
    let miracl = miracl.clone();
    asked()
        .and_then(move |slot: Slot, headers: HeaderMap| {
            let (miracl, requirement) = (miracl.clone(), requirement.clone());
            async move {
                check(&miracl, true, &slot)?;
                let user = authorize_project_user(&requirement, &slot, &headers).await;
                user.map(drop)
            }
        })
        .untuple_one()
}

/// Checks that the visit is this engine's, and notes whether the request is activity of the person.
fn check(miracl: &Miracl, is_activity: bool, slot: &Slot) -> Result<(), Rejection> {
    // A filter cannot turn to another visit for those behind it: the innermost has to be its own.
    let own = slot.check(miracl);
    own.map_err(|no_visit| slot.refuse(no_visit))?;
    if !is_activity {
        slot.without_activity();
    }
    Ok(())
}

/// Turns away everybody who is not logged in.
async fn logged_in(slot: &Slot, headers: &HeaderMap) -> Result<(), Rejection> {
    match slot.user_at_once(headers) {
        Poll::Ready(Some(_)) => Ok(()),
        _ => required_user(slot, headers).await.map(drop),
    }
}
