//! The result of a route, and what an adapter does with it.

use crate::{
    flow::{
        hook::{AuthFailure, AuthSuccess, LogoutKind},
        login::LoginStart,
        verify_user::VerificationRequest,
    },
    web::reply::Reply,
};

/// The result of [`Visit::answer`](crate::Visit::answer), and what the adapter does with it.
///
/// ```
/// use miracl_core::app::trust::{Verification, VerificationRequest};
/// use miracl_core::{AuthFailure, AuthSuccess, LoginOptions, Visit, adapter::{Answer, Reply}};
///
/// # async fn on_logout(_: miracl_core::LogoutKind) {}
/// /// Returns the reply to send.
/// async fn follow(
///     visit: &Visit,
///     answer: Answer,
///     on_auth_success: impl AsyncFn(AuthSuccess) -> Result<Reply, Reply>,
///     on_auth_failed: impl AsyncFn(AuthFailure) -> Reply,
///     on_authorize_request: impl AsyncFn(&mut LoginOptions) -> Result<(), Reply>,
///     on_verify_user: impl AsyncFn(&VerificationRequest) -> Result<Verification<Reply>, Reply>,
/// ) -> Reply {
///     let answer = match answer {
///         Answer::Starting(mut start) => match on_authorize_request(start.options()).await {
///             Ok(()) => visit.begin_login(start).await,
///             Err(reply) => return reply,
///         },
///         answer => answer,
///     };
///     match answer {
///         Answer::Reply(reply) => reply,
///         Answer::Success(login) => {
///             let hook = on_auth_success(login).await;
///             match visit.conclude_login(hook).await {
///                 Ok(Ok(reply) | Err(reply)) => reply,
///                 Err(failure) => on_auth_failed(failure).await,
///             }
///         }
///         Answer::Failure(failure) => on_auth_failed(failure).await,
///         Answer::LoggedOut(kind, reply) => {
///             on_logout(kind).await;
///             reply
///         }
///         Answer::VerifyUser(request) => {
///             let hook = on_verify_user(&request).await;
///             match visit.conclude_verification(&request, hook).await {
///                 Ok(Ok(page) | Err(page)) => page,
///                 Err(reply) => reply,
///             }
///         }
///         other => unreachable!("a new kind of answer: {other:?}"),
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Answer {
    /// Send this reply.
    Reply(Reply),
    /// Call `on_auth_success`, and hand what it returns to [`Visit::conclude_login`](crate::Visit::conclude_login).
    /// Send the `Ok` of that; with its `Err`, go on as with [`Answer::Failure`].
    Success(AuthSuccess),
    /// Call `on_auth_failed`, and send its response.
    Failure(AuthFailure),
    /// Call `on_authorize_request` with [`LoginStart::options`], and send what it returns as `Err`. Where it returns
    /// `Ok`, hand this to [`Visit::begin_login`](crate::Visit::begin_login), and do what that says.
    Starting(LoginStart),
    /// Call `on_logout`, then send this reply.
    LoggedOut(LogoutKind, Reply),
    /// Call `on_verify_user`, and hand what it returns to
    /// [`Visit::conclude_verification`](crate::Visit::conclude_verification). Send the `Ok` of that, or the reply that
    /// is its `Err`.
    VerifyUser(VerificationRequest),
}
