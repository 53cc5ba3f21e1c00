//! The app in the README.

use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Redirect, Response, Result};
use axum::{Router, routing::get};
use miracl_axum::{AuthFailure, AuthHandler, AuthSuccess, RequestExt, User, reply};
use miracl_axum::{Config, Miracl, MiraclAuth};
use std::{env, error::Error};

struct App; // Your database goes in here.

impl AuthHandler for App {
    // Find or add your own user by login.user().issuer() and login.user().id(). An Err refuses the login.
    async fn on_auth_success(&self, _: &mut Parts, login: AuthSuccess) -> Result<Response> {
        Ok(Redirect::to(login.return_to()).into_response())
    }

    async fn on_auth_failed(&self, req: &mut Parts, failure: AuthFailure) -> Result<Response> {
        Ok(reply(req.visit().failure_reply(&failure)))
    }
}

async fn index(user: Option<User>) -> Html<&'static str> {
    Html(match user {
        None => "Hello, stranger. <a href='/login/start?return_to=/members'>Log in</a>",
        Some(_) => "Welcome back. <form method=post action=/logout><button>Log out</button></form>",
    })
}

async fn members(user: User) -> String {
    format!("Hello, {}.", user.id())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::load(None)?; // miracl.json, then the environment
    let auth = MiraclAuth::new(Miracl::new(config)?, App);
    let app = Router::new()
        .route("/", get(index))
        .route("/members", get(members))
        .merge(auth.routes()) // /login, /login/start, /logout
        .layer(auth.layer());
    let port = env::var("PORT").unwrap_or("5000".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    Ok(axum::serve(listener, app).await?)
}
