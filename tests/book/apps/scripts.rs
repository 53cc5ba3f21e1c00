//! The app of the page "Log in from an SPA, htmx or Turbo".

use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Redirect, Response, Result};
use axum::{Json, Router, routing::get};
use miracl_axum::error::ConfigError;
use miracl_axum::{AuthHandler, AuthSuccess, Config, Miracl, MiraclAuth, User};
use serde_json::{Value, json};
use std::error::Error;
use tokio::net::TcpListener;

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &mut Parts, login: AuthSuccess) -> Result<Response> {
        Ok(Redirect::to(login.return_to()).into_response())
    }
}

/// The one page of the app. Its script asks the API, and goes to log in when it must.
const PAGE: &str = r#"<!doctype html>
<title>My app</title>
<p id="who">…</p>
<button id="logout">Log out</button>
<script>
async function api(path, options) {
    const answer = await fetch(path, options);
    if (answer.status === 401) {
        location.href = (await answer.json()).login_url;
        return new Promise(() => {}); // the browser leaves this page
    }
    return answer.json();
}
api("/api/me").then(me => document.getElementById("who").textContent = me.id);
document.getElementById("logout").onclick = async () => {
    const answer = await fetch("/logout", { method: "POST" });
    location.href = (await answer.json()).logout_url;
};
</script>
"#;

/// The API: a script that is not logged in gets a 401 with a `login_url`.
async fn me(user: User) -> Json<Value> {
    Json(json!({ "id": user.id() }))
}

/// A part of a page, for htmx (`hx-get`) or Turbo (a frame).
async fn orders(user: User) -> Html<String> {
    Html(format!(
        "<p>No orders yet. Your email is confirmed: {}</p>",
        user.email_verified()
    ))
}

/// The whole app. A test calls it with settings of its own.
pub fn app(config: Config) -> Result<Router, ConfigError> {
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    Ok(Router::new()
        .route("/", get(async || Html(PAGE)))
        .route("/api/me", get(me))
        .route("/parts/orders", get(orders))
        .merge(auth.routes()) // /login, /login/start, /logout
        .layer(auth.layer()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = app(Config::load(None)?)?; // miracl.json, then the environment
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    Ok(axum::serve(listener, app).await?)
}
