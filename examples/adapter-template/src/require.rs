//! The filter for routes that need somebody to be logged in.

use warp::{
    Filter, Rejection,
    http::{Method, header::ACCESS_CONTROL_REQUEST_METHOD, request::Parts},
};

use crate::extract::{Slot, answer, slot};

/// Lets requests of logged-in people through, and answers all others as the filter [`user`](crate::user) does.
///
/// CORS preflights pass, since browsers send them without cookies. It stands behind the path, so that unknown paths stay 404.
pub(crate) fn login_required() -> impl Filter<Extract = (), Error = Rejection> + Clone {
    slot()
        .and_then(|slot: Slot| async move {
            if !is_preflight(slot.head()) {
                answer(&slot).await?;
            }
            Ok::<_, Rejection>(())
        })
        .untuple_one()
}

/// A browser's question whether it may send a cross-origin request (Fetch, CORS-preflight).
fn is_preflight(head: &Parts) -> bool {
    head.method == Method::OPTIONS && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}
