//! The app of the page "Run behind nginx, Caddy, Traefik, a load balancer or Cloudflare".

use axum::http::{HeaderMap, request::Parts};
use axum::response::{IntoResponse, Redirect, Response, Result};
use axum::{Router, routing::get};
use miracl_axum::error::ConfigError;
use miracl_axum::{AuthHandler, AuthSuccess, Config, Miracl, MiraclAuth, User};
use std::error::Error;
use tokio::net::TcpListener;

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &mut Parts, login: AuthSuccess) -> Result<Response> {
        Ok(Redirect::to(login.return_to()).into_response())
    }
}

/// The address of the browser, for a log or a limit: the last entry, which your own proxy has written. What stands
/// before it was sent by the visitor. Decide nothing about a login by it.
fn client_address(headers: &HeaderMap) -> Option<&str> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?;
    Some(last.to_str().ok()?.rsplit(',').next()?.trim())
}

async fn members(user: User, headers: HeaderMap) -> String {
    let from = client_address(&headers).unwrap_or("this machine");
    format!("Hello, {}, from {from}.", user.id())
}

/// The whole app. A test calls it with settings of its own.
pub fn app(config: Config) -> Result<Router, ConfigError> {
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    Ok(Router::new()
        .route("/members", get(members))
        // For the health check of a load balancer: it asks nothing of the login.
        .route("/healthz", get(async || "ok"))
        .merge(auth.routes()) // /login, /login/start, /logout
        .layer(auth.layer()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = app(Config::load(None)?)?; // miracl.json, then the environment
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    Ok(axum::serve(listener, app).await?)
}
