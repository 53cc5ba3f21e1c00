//! The routes of the login: callback, start, log-out.

use axum::{
    Router,
    extract::Request,
    http::request::Parts,
    response::{IntoResponse, Response},
    routing::get,
};
use miracl_core::AuthFailure;

use crate::{
    auth::MiraclAuth,
    extract::{RequestExt, Slot},
    reply::{missing_layer, reply},
    request::View,
};

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(auth: &MiraclAuth) -> Router<S> {
    let miracl = &auth.miracl;
    let paths = &miracl.config().paths;
    let at = |auth: &MiraclAuth, step: Step| {
        let auth = auth.clone();
        move |request: Request| async move { auth.answer(step, request).await }
    };
    let mut router = Router::new()
        .route(miracl.callback_path(), get(at(auth, Step::Callback)))
        .route(&paths.login_start, get(at(auth, Step::LoginStart)))
        .route(
            &paths.logout,
            get(at(auth, Step::Logout)).post(at(auth, Step::Logout)),
        );
    if let Some(path) = miracl.signed_out_path() {
        router = router.route(path, get(at(auth, Step::SignedOut)));
    }
    router
}

/// One of the routes.
#[derive(Clone, Copy)]
enum Step {
    Callback,
    LoginStart,
    Logout,
    SignedOut,
}

impl MiraclAuth {
    async fn answer(self, step: Step, request: Request) -> Response {
        let (mut parts, _) = request.into_parts();
        if parts.extensions.get::<Slot>().is_none() {
            return missing_layer();
        }
        match step {
            Step::Callback => self.callback(&mut parts).await,
            Step::LoginStart => self.login_start(&mut parts).await,
            Step::Logout => self.logout(&mut parts).await,
            Step::SignedOut => reply(self.miracl.signed_out_route()),
        }
    }

    /// The provider sent the browser back.
    async fn callback(&self, parts: &mut Parts) -> Response {
        if let Some(nothing) = self.miracl.idle(&View::from(&*parts)) {
            return reply(nothing);
        }
        let visit = parts.visit();
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let login = match visit.complete_login(&query).await {
            Ok(login) => login,
            Err(failure) => return self.failed(parts, failure).await,
        };
        match self.handler.on_auth_success(parts, login).await {
            Ok(response) => match visit.confirm_login().await {
                Ok(()) => response,
                Err(failure) => self.failed(parts, failure).await,
            },
            Err(veto) => {
                visit.reject_login();
                Err::<Response, _>(veto).into_response()
            }
        }
    }

    /// The browser wants to log in.
    async fn login_start(&self, parts: &mut Parts) -> Response {
        let visit = parts.visit();
        match visit.start_login(&View::from(&*parts)).await {
            Ok(started) => reply(started),
            Err(failure) => self.failed(parts, failure).await,
        }
    }

    /// The browser wants to log out.
    async fn logout(&self, parts: &mut Parts) -> Response {
        let visit = parts.visit();
        let logged_out = visit.logout_route(&View::from(&*parts)).await;
        if let Some(kind) = logged_out.kind {
            self.handler.on_logout(parts, kind).await;
        }
        reply(logged_out.reply)
    }

    async fn failed(&self, parts: &mut Parts, failure: AuthFailure) -> Response {
        let answer = self.handler.on_auth_failed(parts, failure).await;
        answer.into_response()
    }
}
