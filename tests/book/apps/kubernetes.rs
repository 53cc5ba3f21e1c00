//! The app of the page "Run in Kubernetes".

use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response, Result};
use axum::{Router, routing::get};
use miracl_axum::error::ConfigError;
use miracl_axum::{AuthHandler, AuthSuccess, Config, Miracl, MiraclAuth, User};
use std::{error::Error, io};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &mut Parts, login: AuthSuccess) -> Result<Response> {
        Ok(Redirect::to(login.return_to()).into_response())
    }
}

/// The whole app. A test calls it with settings of its own.
pub fn app(config: Config) -> Result<Router, ConfigError> {
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    Ok(Router::new()
        .route(
            "/members",
            get(async |user: User| format!("Hello, {}.", user.id())),
        )
        // For both probes. It asks neither the provider nor Redis: while one of them is away, a restart of the pod
        // would help nobody.
        .route("/healthz", get(async || "ok"))
        .merge(auth.routes()) // /login, /login/start, /logout
        .layer(auth.layer()))
}

/// Serves until it is told to stop, and finishes the requests that have begun.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, app)
        .with_graceful_shutdown(stop)
        .await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = app(Config::load(None)?)?; // the environment of the pod
    let listener = TcpListener::bind("0.0.0.0:5000").await?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        terminate.recv().await;
    };
    Ok(serve(listener, app, stop).await?)
}
