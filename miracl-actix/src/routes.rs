//! The routes of the login: callback, start, log-out.

use actix_web::{
    HttpRequest, HttpResponse as Response, Route, guard,
    web::{self, ServiceConfig},
};
use miracl_core::AuthFailure;

use crate::{
    auth::MiraclAuth,
    extract::{RequestExt, slot},
    reply::reply,
    request::View,
};

pub(crate) fn routes(auth: &MiraclAuth) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let auth = auth.clone();
    move |app| {
        let miracl = &auth.miracl;
        let paths = &miracl.config().paths;
        let at = |route: Route, step: Step| {
            let auth = auth.clone();
            route.to(move |request: HttpRequest| auth.clone().answer(step, request))
        };
        app.service(web::resource(miracl.callback_path()).route(at(get(), Step::Callback)))
            .service(web::resource(&paths.login_start).route(at(get(), Step::LoginStart)))
            .service(
                web::resource(&paths.logout)
                    .route(at(get(), Step::Logout))
                    .route(at(web::post(), Step::Logout)),
            );
        if let Some(path) = miracl.signed_out_path() {
            app.service(web::resource(path).route(at(get(), Step::SignedOut)));
        }
    }
}

/// A route for `GET` and `HEAD`. actix-web's own would leave `HEAD` out.
fn get() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
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
    async fn answer(self, step: Step, request: HttpRequest) -> Response {
        if let Err(missing) = slot(&request) {
            return Response::from_error(missing);
        }
        match step {
            Step::Callback => self.callback(&request).await,
            Step::LoginStart => self.login_start(&request).await,
            Step::Logout => self.logout(&request).await,
            Step::SignedOut => reply(self.miracl.signed_out_route()),
        }
    }

    /// The provider sent the browser back.
    async fn callback(&self, request: &HttpRequest) -> Response {
        if let Some(nothing) = self.miracl.idle(&View::from(request)) {
            return reply(nothing);
        }
        let visit = request.visit();
        let login = match visit.complete_login(request.query_string()).await {
            Ok(login) => login,
            Err(failure) => return self.failed(request, failure).await,
        };
        match self.handler.on_auth_success(request, login).await {
            Ok(response) => match visit.confirm_login().await {
                Ok(()) => response,
                Err(failure) => self.failed(request, failure).await,
            },
            Err(veto) => {
                visit.reject_login();
                Response::from_error(veto)
            }
        }
    }

    /// The browser wants to log in.
    async fn login_start(&self, request: &HttpRequest) -> Response {
        let visit = request.visit();
        match visit.start_login(&View::from(request)).await {
            Ok(started) => reply(started),
            Err(failure) => self.failed(request, failure).await,
        }
    }

    /// The browser wants to log out.
    async fn logout(&self, request: &HttpRequest) -> Response {
        let visit = request.visit();
        let logged_out = visit.logout_route(&View::from(request)).await;
        if let Some(kind) = logged_out.kind {
            self.handler.on_logout(request, kind).await;
        }
        reply(logged_out.reply)
    }

    async fn failed(&self, request: &HttpRequest, failure: AuthFailure) -> Response {
        let answer = self.handler.on_auth_failed(request, failure).await;
        answer.unwrap_or_else(Response::from_error)
    }
}
