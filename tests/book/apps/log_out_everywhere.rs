//! The app of the page "Log out everywhere".

use axum::extract::Form;
use axum::http::{StatusCode, request::Parts};
use axum::response::{Html, IntoResponse, Redirect, Response, Result};
use axum::{
    Router,
    routing::{get, post},
};
use miracl_axum::error::{ConfigError, SessionError};
use miracl_axum::store::{MemoryStore, SessionStorage};
use miracl_axum::{AuthHandler, AuthSuccess, Config, Miracl, MiraclAuth, User, Visit};
use std::{collections::HashMap, error::Error};
use tokio::net::TcpListener;

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &mut Parts, login: AuthSuccess) -> Result<Response> {
        Ok(Redirect::to(login.return_to()).into_response())
    }
}

/// The person's devices, each with a button to log it out.
async fn devices(visit: Visit, _: User) -> Result<Html<String>, StatusCode> {
    let sessions = visit.sessions().await.map_err(unavailable)?;
    let mut page = String::from("<h1>Your devices</h1>");
    for session in &sessions {
        let what = if session.is_current() {
            "this one"
        } else {
            "another one"
        };
        page += &format!(
            r#"<form method="post" action="/devices/end"><input type="hidden" name="id" value="{}">
               {what} <button>Log out</button></form>"#,
            session.id()
        );
    }
    page += r#"<form method="post" action="/log-out-everywhere"><button>Log out everywhere</button></form>"#;
    Ok(Html(page))
}

/// Logs one other device out.
async fn end(
    visit: Visit,
    _: User,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Redirect, StatusCode> {
    let id = form.get("id").ok_or(StatusCode::BAD_REQUEST)?;
    visit.end_other_session(id).await.map_err(unavailable)?;
    Ok(Redirect::to("/devices"))
}

/// Logs every device out, this one too, and goes on to the provider's own log-out.
async fn everywhere(visit: Visit, _: User) -> Result<Redirect, StatusCode> {
    let provider = visit.logout_everywhere().await.map_err(unavailable)?;
    Ok(Redirect::to(provider.as_deref().unwrap_or("/")))
}

/// The session cannot be read at the moment: somebody may be logged in.
fn unavailable(_: SessionError) -> StatusCode {
    StatusCode::SERVICE_UNAVAILABLE
}

/// The whole app. A test calls it with settings of its own.
pub fn app(config: Config) -> Result<Router, ConfigError> {
    let config = Config {
        // Sessions in cookies have no list. With several replicas: SESSION_STORE=redis://…
        session_store: SessionStorage::store(MemoryStore::new(10_000)),
        ..config
    };
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    Ok(Router::new()
        .route("/devices", get(devices))
        .route("/devices/end", post(end))
        .route("/log-out-everywhere", post(everywhere))
        .merge(auth.routes()) // /login, /login/start, /logout
        .layer(auth.layer()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = app(Config::load(None)?)?; // miracl.json, then the environment
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    Ok(axum::serve(listener, app).await?)
}
