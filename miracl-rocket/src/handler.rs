//! The app's side of a login: its hooks.

use std::pin::Pin;

use miracl_core::{
    AuthFailure, AuthSuccess, LogoutKind,
    app::{
        access::Refused,
        event::AuthEvent,
        page::Page,
        session::LoginOptions,
        trust::{Verification, VerificationRequest},
    },
};
use rocket::Request;

use crate::{
    extract::RequestExt,
    reply::{Response, Result, reply},
};

/// What the app does when a login succeeded, and when it failed.
///
/// Write the methods as plain `async fn`. `&self` is the app's own: its database, its mailer. `req` gives the visit, by
/// [`req.visit()`](RequestExt::visit), to show a message or to make a login URL.
///
/// The order of a login, which is part of the contract:
///
/// 1. the engine performs every check;
/// 2. the new session is made, but nobody is logged in by it yet;
/// 3. `on_auth_success` runs;
/// 4. on `Ok` the new session begins and the one before ends. On `Err` or on a panic the new one is dropped and the one
///    before stays.
///
/// ```
/// use miracl_rocket::{AuthHandler, AuthSuccess, Category, LogoutKind, RequestExt, Response, Result};
/// use rocket::{Request, http::Status, response::{Redirect, Responder}};
/// # #[derive(Clone)] struct Users;
/// # impl Users { async fn find_or_add(&self, _issuer: &str, _id: &str) -> std::result::Result<(), ()> { Ok(()) } }
///
/// /// The app's own: here its user table.
/// struct App {
///     users: Users,
/// }
///
/// impl AuthHandler for App {
///     async fn on_auth_success(&self, req: &Request<'_>, login: AuthSuccess) -> Result<Response> {
///         let (issuer, id) = (login.user().issuer(), login.user().id());
///         let found = self.users.find_or_add(issuer, id).await;
///         found.map_err(|()| Status::ServiceUnavailable)?; // a veto
///         req.visit().flash(Category::Success, "Welcome!");
///         Redirect::to(login.return_to().to_owned()).respond_to(req)
///     }
///
///     async fn on_logout(&self, req: &Request<'_>, kind: LogoutKind) {
///         if kind == LogoutKind::User {
///             req.visit().flash(Category::Info, "You are logged out.");
///         }
///     }
/// }
/// ```
#[doc(alias = "MiraclMixin")]
pub trait AuthHandler: Send + Sync + 'static {
    /// Answers a login that passed every check, usually by a redirect to [`AuthSuccess::return_to`].
    ///
    /// This is the place to look up or create the app's own user. With `Err` the app refuses the login: nobody is
    /// logged in, and the status goes to its catcher.
    fn on_auth_success(
        &self,
        req: &Request<'_>,
        login: AuthSuccess,
    ) -> impl Future<Output = Result<Response>> + Send;

    /// Answers a login that failed, for whatever reason. The default is a plain page, or a redirect to the home page
    /// for a person who is still logged in: see `failure_reply` of the visit.
    ///
    /// [`AuthFailure::status`] is the status for the response, and [`AuthFailure::message`] is the sentence for the
    /// person. [`AuthFailure::id`] finds the reason in the log. If [`AuthFailure::still_logged_in`] is true, nothing
    /// has failed for the person: redirect them. If [`AuthFailure::see_at`] has an address, let the page lead there.
    fn on_auth_failed(
        &self,
        req: &Request<'_>,
        failure: AuthFailure,
    ) -> impl Future<Output = Result<Response>> + Send {
        let page = reply(req.visit().failure_reply(&failure));
        async { Ok(page) }
    }

    /// Runs when a session was ended, before the answer is sent. Use it to show a message, or to end anything else that
    /// belongs to the session. The default does nothing.
    ///
    /// It runs after a log-out by the log-out route or by the provider. It does not run for sessions that the app ends
    /// itself (`logout`, `logout_everywhere`, `end_other_session`, `end_other_sessions` of the visit), nor for sessions
    /// that expire.
    fn on_logout(&self, req: &Request<'_>, kind: LogoutKind) -> impl Future<Output = ()> + Send {
        let _ = (req, kind);
        async {}
    }

    /// Answers the app's own page of custom verification, at
    /// [`Paths::verify_user`](crate::config::Paths::verify_user): makes sure of the person by means of the app's own,
    /// such as a code that it has sent.
    ///
    /// Return [`Verification::of`] the user to have them register and log in, and a [`Verification::Page`] until then.
    /// Only a `POST` verifies somebody. Count wrong codes: anybody can send them. The default verifies nobody.
    fn on_verify_user(
        &self,
        req: &Request<'_>,
        request: &VerificationRequest,
    ) -> impl Future<Output = Result<Verification<Response>>> + Send {
        let _ = request;
        let page = reply(req.visit().nobody_verified_reply());
        async { Ok(Verification::Page(page)) }
    }

    /// Decides what a login asks the provider for, before a route of the login sends the browser there: adds parameters
    /// of the app's own, asks for more. The default changes nothing.
    ///
    /// `login` has what the link to the route asked for, which any visitor may have written, and for somebody who logs
    /// in again their name or address, as `login_hint`. With `Err` no login begins, and the error is the response. It
    /// does not run for [`Visit::login_url_with`](miracl_core::Visit::login_url_with), whose caller has said what they
    /// want.
    fn on_authorize_request(
        &self,
        req: &Request<'_>,
        login: &mut LoginOptions,
    ) -> impl Future<Output = Result<()>> + Send {
        let _ = (req, login);
        async { Ok(()) }
    }

    /// Answers a request that is turned away, in place of the engine: nobody is logged in, or they may not do it, the
    /// login is too old, the session cannot be read, another site sent it. With `None`, which is the default, the
    /// engine's answer is sent: [`Refused::reply`].
    ///
    /// It is not `async`, so that an extractor can be turned into an answer without waiting, and it may run twice for
    /// one request. It does not run for an optional extractor.
    fn on_refused(&self, req: &Request<'_>, refused: &Refused) -> Option<Response> {
        let _ = (req, refused);
        None
    }

    /// Changes a page or a message of the engine before it is shown: its words, or the whole page. The default changes
    /// nothing. [`Page`] has an example.
    fn on_page(&self, page: &mut Page) {
        let _ = page;
    }

    /// Learns of an event: a login, a failure, a log-out, a renewal, a denial. For an audit trail, a counter, an alarm.
    /// The default does nothing.
    ///
    /// It decides nothing, and nobody waits for it: see [`Miracl::observe`](crate::Miracl::observe).
    fn on_event(&self, event: AuthEvent) -> impl Future<Output = ()> + Send {
        let _ = event;
        async {}
    }
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The object-safe twin of [`AuthHandler`]: with it, no type parameter reaches the app's other types.
pub(crate) trait ErasedHandler: Send + Sync {
    fn on_auth_success<'a>(
        &'a self,
        req: &'a Request<'_>,
        login: AuthSuccess,
    ) -> Boxed<'a, Result<Response>>;

    fn on_auth_failed<'a>(
        &'a self,
        req: &'a Request<'_>,
        failure: AuthFailure,
    ) -> Boxed<'a, Result<Response>>;

    fn on_logout<'a>(&'a self, req: &'a Request<'_>, kind: LogoutKind) -> Boxed<'a, ()>;

    fn on_verify_user<'a>(
        &'a self,
        req: &'a Request<'_>,
        request: &'a VerificationRequest,
    ) -> Boxed<'a, Result<Verification<Response>>>;

    fn on_authorize_request<'a>(
        &'a self,
        req: &'a Request<'_>,
        login: &'a mut LoginOptions,
    ) -> Boxed<'a, Result<()>>;
}

impl<H: AuthHandler> ErasedHandler for H {
    fn on_auth_success<'a>(
        &'a self,
        req: &'a Request<'_>,
        login: AuthSuccess,
    ) -> Boxed<'a, Result<Response>> {
        Box::pin(AuthHandler::on_auth_success(self, req, login))
    }

    fn on_auth_failed<'a>(
        &'a self,
        req: &'a Request<'_>,
        failure: AuthFailure,
    ) -> Boxed<'a, Result<Response>> {
        Box::pin(AuthHandler::on_auth_failed(self, req, failure))
    }

    fn on_logout<'a>(&'a self, req: &'a Request<'_>, kind: LogoutKind) -> Boxed<'a, ()> {
        Box::pin(AuthHandler::on_logout(self, req, kind))
    }

    fn on_verify_user<'a>(
        &'a self,
        req: &'a Request<'_>,
        request: &'a VerificationRequest,
    ) -> Boxed<'a, Result<Verification<Response>>> {
        Box::pin(AuthHandler::on_verify_user(self, req, request))
    }

    fn on_authorize_request<'a>(
        &'a self,
        req: &'a Request<'_>,
        login: &'a mut LoginOptions,
    ) -> Boxed<'a, Result<()>> {
        Box::pin(AuthHandler::on_authorize_request(self, req, login))
    }
}
