//! The app of the page "Run two apps on one host".

use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response, Result};
use axum::{Router, routing::get};
use miracl_axum::error::ConfigError;
use miracl_axum::{AuthHandler, AuthSuccess, Config, Miracl, MiraclAuth, User};
use std::{env, error::Error};
use tokio::net::TcpListener;

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &mut Parts, login: AuthSuccess) -> Result<Response> {
        Ok(Redirect::to(login.return_to()).into_response())
    }
}

/// One of the two apps. In production the name is a setting: COOKIE_PREFIX=shop and COOKIE_PREFIX=forum.
pub fn app(config: Config, name: &'static str) -> Result<Router, ConfigError> {
    let config = Config {
        cookie_prefix: name.to_owned(),
        ..config
    };
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    Ok(Router::new()
        .route("/", get(async move || name))
        .route(
            "/members",
            get(async move |user: User| format!("{} in the {name}.", user.id())),
        )
        .merge(auth.routes()) // /login, /login/start, /logout
        .layer(auth.layer()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (name, port) = match env::args().nth(1).as_deref() {
        Some("forum") => ("forum", 5001),
        _ => ("shop", 5000),
    };
    // A client of its own for each, with a REDIRECT_URL of its own.
    let app = app(Config::load(None)?, name)?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    Ok(axum::serve(listener, app).await?)
}
