//! What a route came to, and what an adapter does with it.

use crate::{
    flow::hook::{AuthFailure, AuthSuccess, LogoutKind},
    web::reply::Reply,
};

/// What a route came to, and what the adapter does with it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Answer {
    /// Send this.
    Reply(Reply),
    /// Call `on_auth_success`. On `Ok`, [`Visit::confirm_login`], and send the hook's response; if that fails, go on as with
    /// [`Answer::Failure`]. On `Err`, [`Visit::reject_login`], and send the hook's error.
    Success(AuthSuccess),
    /// Call `on_auth_failed`, and send its response.
    Failure(AuthFailure),
    /// Call `on_logout`, then send this.
    LoggedOut(LogoutKind, Reply),
}
