//! The app of the page "Open a WebSocket".

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response, Result};
use axum::{Router, routing::get};
use miracl_axum::error::ConfigError;
use miracl_axum::session::SessionEnded;
use miracl_axum::{AuthHandler, AuthSuccess, Config, Miracl, MiraclAuth, User, Visit};
use std::error::Error;
use tokio::net::TcpListener;

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &mut Parts, login: AuthSuccess) -> Result<Response> {
        Ok(Redirect::to(login.return_to()).into_response())
    }
}

/// Opens the socket, for people who are logged in. Another site's page cannot: the layer refuses it before.
async fn open(user: User, visit: Visit, socket: WebSocketUpgrade) -> Response {
    let ended = visit.ended();
    socket.on_upgrade(move |socket| talk(socket, user, ended))
}

/// Answers every message, until the socket or the session ends.
async fn talk(mut socket: WebSocket, user: User, mut ended: SessionEnded) {
    loop {
        tokio::select! {
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => {
                    let answer = format!("{}: {text}", user.id());
                    if socket.send(Message::text(answer)).await.is_err() {
                        return;
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            },
            _ = &mut ended => return,
        }
    }
}

/// The whole app. A test calls it with settings of its own.
pub fn app(config: Config) -> Result<Router, ConfigError> {
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    Ok(Router::new()
        .route("/socket", get(open))
        .route(
            "/members",
            get(async |user: User| format!("Hello, {}.", user.id())),
        )
        .merge(auth.routes()) // /login, /login/start, /logout, /backchannel-logout
        .layer(auth.layer()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = app(Config::load(None)?)?; // miracl.json, then the environment
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    Ok(axum::serve(listener, app).await?)
}
