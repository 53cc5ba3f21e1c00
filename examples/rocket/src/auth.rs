//! The hooks: what this app does after a login that succeeded, and after one that failed, and how it makes sure of
//! people by its own means.
//!
//! To copy it into an app of yours, put your own user table where this one has `self.users`, and keep the rest. You
//! meet no token here: before `on_auth_success` is called, every check has been made.

use demo_shared::Step;
use miracl_rocket::trust::{Verification, VerificationRequest};
use miracl_rocket::{
    AuthFailure, AuthHandler, AuthSuccess, Category, LogoutKind, RequestExt, Response, Result,
    reply,
};
use rocket::Request;
use rocket::response::{Redirect, Responder};

use crate::app::App;
use crate::pages::{html, out_of_order};

impl AuthHandler for App {
    /// Looks the user up, adds them if this is their first login, and sends them back to where they wanted to go.
    ///
    /// An `Err` would be a veto: its status is answered, and nobody is logged in.
    async fn on_auth_success(&self, req: &Request<'_>, login: AuthSuccess) -> Result<Response> {
        let user = login.user();
        // Issuer and id together name a user. The e-mail address does not: it may change, be missing, or be
        // unconfirmed.
        let stored = self
            .users
            .find_or_add(
                user.issuer(),
                user.id(),
                user.email(),
                user.email_verified(),
            )
            .await
            .map_err(|error| out_of_order(&error))?;

        let visit = req.visit();
        visit.flash(Category::Success, "Successfully logged in!");
        visit.flash(Category::Info, stored.greeting());
        Redirect::to(login.return_to().to_owned()).respond_to(req)
    }

    /// Says so, and offers another try. The reason is in the log already, under the reference that the page shows.
    ///
    /// For somebody who only went back after a login nothing has failed: they are told that they are logged in.
    async fn on_auth_failed(&self, req: &Request<'_>, failure: AuthFailure) -> Result<Response> {
        let visit = req.visit();
        if failure.still_logged_in() {
            return Ok(reply(visit.failure_reply(&failure)));
        }
        visit.flash(Category::Danger, "Login failed!");
        let flashes = visit.take_flashes().await;
        let user = visit.user().await.ok().flatten();
        let login = self.pages.login_button(&visit, failure.return_to()).await;
        let development = visit.miracl().development();
        html(
            self.pages
                .login_failed(&flashes, user.as_ref(), &failure, &login, development),
        )
        .respond_to(req)
    }

    /// Says good-bye on the next page. The session has ended already.
    async fn on_logout(&self, req: &Request<'_>, kind: LogoutKind) {
        match kind {
            LogoutKind::User => req.visit().flash(Category::Info, "User logged out!"),
            // No browser is waiting for an answer. Yours: close what else this person has open, such as web sockets.
            LogoutKind::BackChannel { .. } => tracing::info!("the provider logged somebody out"),
            _ => {}
        }
    }
    /// Makes sure of a person who wants to register, by a code: the app's own page of custom verification.
    async fn on_verify_user(
        &self,
        req: &Request<'_>,
        request: &VerificationRequest,
    ) -> Result<Verification<Response>> {
        // Yours: whatever proves to you who somebody is.
        match self.codes.step(request) {
            Step::Right(user_id) => Ok(Verification::of(user_id)),
            step => Ok(Verification::Page(
                html(self.pages.verify(&req.visit(), &step).await).respond_to(req)?,
            )),
        }
    }
}
