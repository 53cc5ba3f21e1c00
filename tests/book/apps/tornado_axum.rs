//! The app of the page "The Tornado guide, step by step", for axum.

use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Redirect, Response, Result};
use axum::routing::{Router, get, post};
use miracl_axum::error::{ConfigError, RefreshError};
use miracl_axum::session::Flash;
use miracl_axum::{AuthFailure, AuthHandler, AuthSuccess, Category, Config, LogoutKind};
use miracl_axum::{Miracl, MiraclAuth, RequestExt, User, Visit, reply};
use std::collections::HashMap;
use std::error::Error;
use std::sync::{Mutex, PoisonError};
use tokio::net::TcpListener;

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
    async fn on_auth_success(&self, req: &mut Parts, login: AuthSuccess) -> Result<Response> {
        let user = login.user();
        let logins = self.log_in(user.issuer(), user.id());
        let visit = req.visit();
        visit.flash(Category::Success, "Successfully logged in!");
        visit.flash(Category::Info, format!("This is login number {logins}."));
        Ok(Redirect::to(login.return_to()).into_response())
    }

    async fn on_auth_failed(&self, req: &mut Parts, failure: AuthFailure) -> Result<Response> {
        let visit = req.visit();
        if failure.still_logged_in() || failure.see_at().is_some() {
            return Ok(reply(visit.failure_reply(&failure)));
        }
        visit.flash(Category::Danger, "Login failed!");
        let page = index_html(&visit.take_flashes().await, None, true);
        let status = StatusCode::from_u16(failure.status()).unwrap_or(StatusCode::BAD_REQUEST);
        Ok((status, Html(page)).into_response())
    }

    async fn on_logout(&self, req: &mut Parts, kind: LogoutKind) {
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

async fn index(visit: Visit, user: Option<User>) -> Html<String> {
    Html(index_html(
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
    Redirect::to("/")
}

/// The whole app. A test calls it with settings of its own.
pub fn app(config: Config) -> Result<Router, ConfigError> {
    let auth = MiraclAuth::new(Miracl::new(config)?, Users::default());
    Ok(Router::new()
        .route("/", get(index))
        .route("/refresh", post(refresh))
        .merge(auth.routes()) // /login, /login/start, /logout
        .layer(auth.layer()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = app(Config::load(None)?)?; // miracl.json, then the environment
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    Ok(axum::serve(listener, app).await?)
}
