//! The app of the page "The Tornado guide, step by step", for actix-web.

use actix_web::http::StatusCode;
use actix_web::web::{Html, Redirect, ServiceConfig, get, post};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Responder, Result};
use miracl_actix::error::{ConfigError, RefreshError};
use miracl_actix::session::Flash;
use miracl_actix::{AuthFailure, AuthHandler, AuthSuccess, Category, Config, LogoutKind};
use miracl_actix::{Miracl, MiraclAuth, RequestExt, User, Visit, reply};
use std::collections::HashMap;
use std::error::Error;
use std::sync::{Mutex, PoisonError};

/// The users of this app, by issuer and id, with the number of their logins. Yours are in a database.
#[derive(Default)]
struct Users(Mutex<HashMap<(String, String), u32>>);

impl Users {
    /// Finds or adds a user, and returns how often they have logged in.
    fn log_in(&self, issuer: &str, id: &str) -> u32 {
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (issuer.to_owned(), id.to_owned());
        let logins = users.entry(key).or_default();
        *logins += 1;
        *logins
    }
}

impl AuthHandler for Users {
    async fn on_auth_success(&self, req: &HttpRequest, login: AuthSuccess) -> Result<HttpResponse> {
        let user = login.user();
        let logins = self.log_in(user.issuer(), user.id());
        let visit = req.visit();
        visit.flash(Category::Success, "Successfully logged in!");
        visit.flash(Category::Info, format!("This is login number {logins}."));
        let back = Redirect::to(login.return_to().to_owned()).see_other();
        Ok(back.respond_to(req).map_into_boxed_body())
    }

    async fn on_auth_failed(
        &self,
        req: &HttpRequest,
        failure: AuthFailure,
    ) -> Result<HttpResponse> {
        let visit = req.visit();
        if failure.still_logged_in() || failure.see_at().is_some() {
            return Ok(reply(visit.failure_reply(&failure)));
        }
        visit.flash(Category::Danger, "Login failed!");
        let page = index_html(&visit.take_flashes().await, None, true);
        let status = StatusCode::from_u16(failure.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let page = Html::new(page).customize().with_status(status);
        Ok(page.respond_to(req).map_into_boxed_body())
    }

    async fn on_logout(&self, req: &HttpRequest, kind: LogoutKind) {
        if let LogoutKind::User = kind {
            req.visit().flash(Category::Info, "User logged out!");
        }
    }
}

/// The template of the page, as a function.
fn index_html(flashes: &[Flash], user: Option<&User>, retry: bool) -> String {
    let mut page = "<!doctype html><title>Rust example</title><h1>Rust example</h1>".to_owned();
    for Flash { category, text, .. } in flashes {
        page += &format!("<p class='alert alert-{category}'>{}</p>", escape(text));
    }
    page += &match user {
        Some(user) => format!(
            "<p>E-mail: {}</p><p>User ID: {}</p>\
             <form method=post action=/refresh><button>Refresh user data</button></form>\
             <form method=post action=/logout><button>Log out</button></form>",
            escape(user.email().unwrap_or_default()),
            escape(user.id()),
        ),
        None if retry => "<a href='/login/start'>Try again</a>".to_owned(),
        None => "<a href='/login/start'>Log in</a>".to_owned(),
    };
    page
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

async fn index(visit: Visit, user: Option<User>) -> Html {
    Html::new(index_html(
        &visit.take_flashes().await,
        user.as_ref(),
        false,
    ))
}

async fn refresh(visit: Visit) -> Redirect {
    match visit.refresh_user_data().await {
        Ok(_) => visit.flash(Category::Success, "User data refreshed."),
        Err(RefreshError::NotLoggedIn) => {}
        Err(_) => visit.flash(Category::Warning, "The user data could not be fetched."),
    }
    Redirect::to("/").see_other()
}

/// Joins the engine and the hooks.
pub fn auth(config: Config) -> Result<MiraclAuth, ConfigError> {
    Ok(MiraclAuth::new(Miracl::new(config)?, Users::default()))
}

/// All routes. A test calls it with settings of its own.
pub fn routes(app: &mut ServiceConfig, auth: &MiraclAuth) {
    app.route("/", get().to(index))
        .route("/refresh", post().to(refresh))
        .configure(auth.routes()); // /login, /login/start, /logout
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let auth = auth(Config::load(None)?)?; // miracl.json, then the environment
    let app = move || {
        App::new()
            .configure(|app| routes(app, &auth))
            .wrap(auth.layer())
    };
    Ok(HttpServer::new(app).bind("127.0.0.1:5000")?.run().await?)
}
