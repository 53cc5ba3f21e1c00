//! The filter for routes that need somebody to be logged in.

use std::task::Poll;

use miracl_core::Miracl;
use warp::{Filter, Rejection, http::HeaderMap};

use crate::{
    extract::required_user,
    slot::{Slot, asked},
};

/// Lets requests of people who are logged in through, and answers all others as the filter [`user`](crate::user) does.
///
/// That includes CORS preflights: see [`MiraclAuth::login_required`](crate::MiraclAuth::login_required). It stands
/// behind the path, so that unknown paths stay 404.
pub(crate) fn login_required(
    miracl: &Miracl,
    is_activity: bool,
) -> impl Filter<Extract = (), Error = Rejection> + Clone + use<> {
    let miracl = miracl.clone();
    asked()
        .and_then(move |slot: Slot, headers: HeaderMap| {
            let miracl = miracl.clone();
            async move { check(&miracl, is_activity, &slot, &headers).await }
        })
        .untuple_one()
}

/// Turns away everybody who is not logged in by this engine.
async fn check(
    miracl: &Miracl,
    is_activity: bool,
    slot: &Slot,
    headers: &HeaderMap,
) -> Result<(), Rejection> {
    // A filter cannot turn to another visit for those behind it: the innermost has to be its own.
    let own = slot.check(miracl);
    own.map_err(|no_visit| slot.refuse(no_visit))?;
    if !is_activity {
        slot.without_activity();
    }
    match slot.user_at_once(headers) {
        Poll::Ready(Some(_)) => Ok(()),
        _ => required_user(slot, headers).await.map(drop),
    }
}
