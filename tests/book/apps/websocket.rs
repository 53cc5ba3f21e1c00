//! The app of the page "Open a WebSocket".

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response, Result};
use axum::{Router, routing::get};
use miracl_axum::error::ConfigError;
use miracl_axum::{AuthHandler, AuthSuccess, Config, LogoutKind, Miracl, MiraclAuth, User};
use std::{error::Error, time::Duration};
use tokio::{net::TcpListener, sync::broadcast, time::sleep};

/// Ids of people whose sockets end.
type LoggedOut = broadcast::Sender<String>;

struct Hooks(LoggedOut);

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &mut Parts, login: AuthSuccess) -> Result<Response> {
        Ok(Redirect::to(login.return_to()).into_response())
    }

    /// The provider has logged somebody out: their sockets end, on every device.
    async fn on_logout(&self, _: &mut Parts, kind: LogoutKind) {
        if let LogoutKind::BackChannel { sub: Some(id), .. } = kind {
            let _ = self.0.send(id); // an error means that nobody has a socket
        }
    }
}

/// Opens the socket, for people who are logged in. Another site's page cannot: the layer refuses it before.
async fn open(State(log_outs): State<LoggedOut>, user: User, socket: WebSocketUpgrade) -> Response {
    let ended = log_outs.subscribe();
    socket.on_upgrade(move |socket| talk(socket, user, ended))
}

/// Answers every message, until the person leaves. A socket outlives the request that opened it, and nobody asks for
/// its session again: so it also ends after five minutes, and the page opens a new one.
async fn talk(mut socket: WebSocket, user: User, mut ended: broadcast::Receiver<String>) {
    let limit = sleep(Duration::from_secs(300));
    tokio::pin!(limit);
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
            gone = ended.recv() => match gone {
                Ok(id) if id != user.id() => {} // somebody else
                _ => return,
            },
            () = &mut limit => return,
        }
    }
}

/// The whole app. A test calls it with settings of its own.
pub fn app(config: Config) -> Result<Router, ConfigError> {
    let log_outs = LoggedOut::new(16);
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks(log_outs.clone()));
    Ok(Router::new()
        .route("/socket", get(open))
        .route(
            "/members",
            get(async |user: User| format!("Hello, {}.", user.id())),
        )
        .with_state(log_outs)
        .merge(auth.routes()) // /login, /login/start, /logout, /backchannel-logout
        .layer(auth.layer()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = app(Config::load(None)?)?; // miracl.json, then the environment
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    Ok(axum::serve(listener, app).await?)
}
