//! {{project-name}}: an app that logs people in with MIRACL.

use std::{env, error::Error};

use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Redirect, Response, Result};
use axum::{Json, Router, routing::get};
use miracl_axum::access::{Policy, Requirement};
use miracl_axum::{AuthFailure, AuthHandler, AuthSuccess, Authorized, RequestExt, User, reply};
use miracl_axum::{Config, Miracl, MiraclAuth};

#[cfg(test)]
mod tests;

/// What happens at a login. Your database goes in here.
struct Hooks;

impl AuthHandler for Hooks {
    /// Find or add your own user by `login.user().issuer()` and `login.user().id()`. An `Err` refuses the login.
    async fn on_auth_success(&self, _: &mut Parts, login: AuthSuccess) -> Result<Response> {
        Ok(Redirect::to(login.return_to()).into_response())
    }

    async fn on_auth_failed(&self, req: &mut Parts, failure: AuthFailure) -> Result<Response> {
        Ok(reply(req.visit().failure_reply(&failure)))
    }
}

const STRANGER: &str = r#"<!doctype html><title>{{project-name}}</title>
<p>Hello, stranger. <a href="/login/start?return_to=/members">Log in</a></p>"#;

const WELCOME: &str = r#"<!doctype html><title>{{project-name}}</title>
<p>Welcome back. <a href="/members">Members</a></p>
<form method="post" action="/logout"><button>Log out</button></form>"#;

async fn index(user: Option<User>) -> Html<&'static str> {
    Html(user.map_or(STRANGER, |_| WELCOME))
}

/// Sends a browser to log in, and back here.
async fn members(user: User) -> String {
    format!("Hello, {}.", user.id())
}

/// Answers a script: 401 with a `login_url` where nobody is logged in.
async fn me(user: User) -> Json<String> {
    Json(user.id().to_owned())
}

/// People whom the provider puts into the group `admins`.
struct Admin;

impl Policy for Admin {
    fn requirement() -> Requirement {
        Requirement::claim("groups").contains("admins")
    }
}

/// For admins. Others who are logged in get a 403.
async fn admin(_: Authorized<Admin>) -> &'static str {
    "For admins only."
}

fn app(auth: &MiraclAuth) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/members", get(members))
        .route("/api/me", get(me))
        .route("/admin", get(admin))
        .merge(auth.routes()) // /login, /login/start, /logout
        .layer(auth.layer())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::load(None)?; // miracl.json, then the environment
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    let port = env::var("PORT").unwrap_or("5000".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app(&auth)).await?)
}
