//! The app of the page "Protect any tower service".

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, request::Parts};
use axum::response::{IntoResponse, Redirect, Response, Result};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use miracl_axum::error::ConfigError;
use miracl_axum::{AuthHandler, AuthSuccess, Config, Miracl, MiraclAuth, RequestExt};
use std::{convert::Infallible, error::Error};
use tokio::net::TcpListener;
use tower::service_fn;

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &mut Parts, login: AuthSuccess) -> Result<Response> {
        Ok(Redirect::to(login.return_to()).into_response())
    }
}

/// Your service: any tower service of HTTP requests that cannot fail.
async fn files(request: Request<Body>) -> Result<Response, Infallible> {
    let (parts, _body) = request.into_parts();
    Ok(match parts.visit().user().await {
        Ok(Some(user)) => format!("{} for {}", parts.uri.path(), user.id()).into_response(),
        Ok(None) => StatusCode::UNAUTHORIZED.into_response(), // not behind `login_required`
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    })
}

/// The login around it. The routes of the login come first, the service answers everything else.
pub fn app(config: Config) -> Result<Router, ConfigError> {
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    let guarded = Router::new()
        .fallback_service(service_fn(files))
        .layer(auth.login_required());
    Ok(guarded.merge(auth.routes()).layer(auth.layer()))
}

/// Serves it with bare hyper, in place of `axum::serve`.
pub async fn serve(listener: TcpListener, app: Router) -> Result<(), Box<dyn Error>> {
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(app.clone());
        tokio::spawn(async move {
            let http = hyper::server::conn::http1::Builder::new();
            // An error is one connection's: a browser that went away.
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = app(Config::load(None)?)?; // miracl.json, then the environment
    serve(TcpListener::bind("127.0.0.1:5000").await?, app).await
}
