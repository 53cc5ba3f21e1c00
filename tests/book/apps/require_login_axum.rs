//! The app of the page "Require a login", for axum.

use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Redirect, Response, Result};
use axum::{Json, Router, routing::get};
use miracl_axum::{AuthHandler, AuthSuccess, Config, Miracl, MiraclAuth, User, error::ConfigError};
use serde_json::{Value, json};
use std::error::Error;
use tokio::net::TcpListener;

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &mut Parts, login: AuthSuccess) -> Result<Response> {
        Ok(Redirect::to(login.return_to()).into_response())
    }
}

/// For everybody.
async fn home(user: Option<User>) -> Html<&'static str> {
    Html(match user {
        Some(_) => r#"<form method="post" action="/logout"><button>Log out</button></form>"#,
        None => r#"<a href="/login/start?return_to=/orders">Log in</a>"#,
    })
}

/// A page: a browser is sent to log in, and comes back.
async fn orders(user: User) -> String {
    format!("Orders of {}.", user.id())
}

/// An API: a script that is not logged in gets a 401.
async fn api_orders(user: User) -> Json<Value> {
    Json(json!({ "of": user.id(), "orders": [] }))
}

/// The whole app. A test calls it with settings of its own.
pub fn app(config: Config) -> Result<Router, ConfigError> {
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    // A group of pages.
    let account = Router::new()
        .route("/account", get(async || "Your account."))
        .route("/account/address", get(async || "Your address."))
        .route_layer(auth.login_required());
    Ok(Router::new()
        .route("/", get(home))
        .route("/orders", get(orders))
        .route("/api/orders", get(api_orders))
        .merge(account)
        .merge(auth.routes()) // /login, /login/start, /logout
        .layer(auth.layer()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = app(Config::load(None)?)?; // miracl.json, then the environment
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    Ok(axum::serve(listener, app).await?)
}
