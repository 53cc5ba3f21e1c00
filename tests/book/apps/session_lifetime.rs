//! The app of the page "Set the session lifetime".

use axum::http::{StatusCode, request::Parts};
use axum::response::{IntoResponse, Redirect, Response, Result};
use axum::{Router, routing::get};
use miracl_axum::error::ConfigError;
use miracl_axum::session::LoginOptions;
use miracl_axum::{AuthHandler, AuthSuccess, Config, Miracl, MiraclAuth, User, Visit};
use std::{error::Error, time::Duration};
use tokio::net::TcpListener;

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &mut Parts, login: AuthSuccess) -> Result<Response> {
        Ok(Redirect::to(login.return_to()).into_response())
    }
}

/// A page that its script asks for news every minute: that is no activity, and keeps nobody logged in.
async fn news(visit: Visit) -> Result<&'static str, StatusCode> {
    match visit.without_activity().user().await {
        Ok(Some(_)) => Ok("No news."),
        Ok(None) => Err(StatusCode::UNAUTHORIZED),
        Err(_) => Err(StatusCode::SERVICE_UNAVAILABLE),
    }
}

/// Leads to a login in which the provider asks again who it is, if the last time is more than a minute ago.
async fn confirm(visit: Visit) -> Redirect {
    Redirect::to(&visit.miracl().login_start_url(&LoginOptions {
        max_age: Some(60),
        return_to: Some("/members".to_owned()),
        ..LoginOptions::default()
    }))
}

/// The whole app. A test calls it with settings and a clock of its own.
pub fn app(config: Config) -> Result<Router, ConfigError> {
    let config = Config {
        session_idle_timeout: Duration::from_secs(30 * 60), // SESSION_IDLE_TIMEOUT=1800
        session_absolute_timeout: Duration::from_secs(8 * 60 * 60), // SESSION_ABSOLUTE_TIMEOUT=28800
        ..config
    };
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    Ok(Router::new()
        .route(
            "/members",
            get(async |user: User| format!("Hello, {}.", user.id())),
        )
        .route("/news", get(news))
        .route("/confirm", get(confirm))
        .merge(auth.routes()) // /login, /login/start, /logout
        .layer(auth.layer()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = app(Config::load(None)?)?; // miracl.json, then the environment
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    Ok(axum::serve(listener, app).await?)
}
