//! The routes of the login: callback, start, log-out.

use miracl_core::AuthFailure;
use rocket::{
    Build, Data, Request, Rocket, Route,
    http::{Method, Status},
    route::{Handler, Outcome},
};

use crate::{
    auth::MiraclAuth,
    extract::RequestExt,
    handler::{Response, Result},
    reply::reply,
    request::View,
};

/// What the routes are called in Rocket's log.
const NAME: &str = "MIRACL login";

pub(crate) fn routes(auth: &MiraclAuth) -> Vec<Route> {
    let miracl = &auth.miracl;
    let paths = &miracl.config().paths;
    let at = |path: &str, method: Method, step: Step| {
        let mut route = Route::new(method, path, At(auth.clone(), step));
        route.name = Some(NAME.into());
        route
    };
    // `HEAD` has routes of its own: to those of `GET`, Rocket would show it as `GET`.
    let get = |path: &str, step: Step| [Method::Get, Method::Head].map(|m| at(path, m, step));
    let mut routes = Vec::new();
    routes.extend(get(miracl.callback_path(), Step::Callback));
    routes.extend(get(&paths.login_start, Step::LoginStart));
    routes.extend(get(&paths.logout, Step::Logout));
    routes.push(at(&paths.logout, Method::Post, Step::Logout));
    if let Some(path) = miracl.signed_out_path() {
        routes.extend(get(path, Step::SignedOut));
    }
    routes
}

/// Whether the routes are where the engine's URLs point to.
pub(crate) fn are_at_the_root(rocket: &Rocket<Build>) -> bool {
    let mut ours = rocket
        .routes()
        .filter(|route| route.name.as_deref() == Some(NAME));
    ours.all(|route| route.uri.base() == "/")
}

/// One of the routes.
#[derive(Clone, Copy)]
enum Step {
    Callback,
    LoginStart,
    Logout,
    SignedOut,
}

#[derive(Clone)]
struct At(MiraclAuth, Step);

#[rocket::async_trait]
impl Handler for At {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        // To Rocket `/login/` and `//login` are `/login`. To the engine they are not, and could be paths to return to.
        let path = request.uri().path();
        if request.route().is_none_or(|route| route.uri.path() != path) {
            return Outcome::forward(data, Status::NotFound);
        }
        match self.0.answer(self.1, request).await {
            Ok(response) => Outcome::Success(response),
            Err(status) => Outcome::Error(status),
        }
    }
}

impl MiraclAuth {
    async fn answer(&self, step: Step, request: &Request<'_>) -> Result<Response> {
        match step {
            Step::Callback => self.callback(request).await,
            Step::LoginStart => self.login_start(request).await,
            Step::Logout => self.logout(request).await,
            Step::SignedOut => Ok(reply(self.miracl.signed_out_route())),
        }
    }

    /// The provider sent the browser back.
    async fn callback(&self, request: &Request<'_>) -> Result<Response> {
        if let Some(nothing) = self.miracl.idle(&View::from(request)) {
            return Ok(reply(nothing));
        }
        let visit = request.visit();
        let query = request.uri().query().map_or("", |query| query.as_str());
        let login = match visit.complete_login(query).await {
            Ok(login) => login,
            Err(failure) => return self.failed(request, failure).await,
        };
        match self.handler.on_auth_success(request, login).await {
            Ok(response) => match visit.confirm_login().await {
                Ok(()) => Ok(response),
                Err(failure) => self.failed(request, failure).await,
            },
            Err(veto) => {
                visit.reject_login();
                Err(veto)
            }
        }
    }

    /// The browser wants to log in.
    async fn login_start(&self, request: &Request<'_>) -> Result<Response> {
        let visit = request.visit();
        match visit.start_login(&View::from(request)).await {
            Ok(started) => Ok(reply(started)),
            Err(failure) => self.failed(request, failure).await,
        }
    }

    /// The browser wants to log out.
    async fn logout(&self, request: &Request<'_>) -> Result<Response> {
        let visit = request.visit();
        let logged_out = visit.logout_route(&View::from(request)).await;
        if let Some(kind) = logged_out.kind {
            self.handler.on_logout(request, kind).await;
        }
        Ok(reply(logged_out.reply))
    }

    async fn failed(&self, request: &Request<'_>, failure: AuthFailure) -> Result<Response> {
        self.handler.on_auth_failed(request, failure).await
    }
}
