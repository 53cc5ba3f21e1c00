//! MIRACL's sample, with axum: `/` sends a visitor to log in, and tells a user what the provider says of them.

use std::error::Error;

use axum::http::{StatusCode, header::LOCATION, request::Parts};
use axum::response::{IntoResponse, Response, Result};
use axum::{Json, Router, routing::get};
use miracl_axum::{AuthFailure, AuthHandler, AuthSuccess, Miracl, MiraclAuth, Visit};
use tokio::net::TcpListener;

struct Sample;

impl AuthHandler for Sample {
    async fn on_auth_success(&self, _: &mut Parts, _: AuthSuccess) -> Result<Response> {
        Ok(found("/".to_owned()))
    }

    async fn on_auth_failed(&self, _: &mut Parts, failure: AuthFailure) -> Result<Response> {
        Ok((StatusCode::BAD_REQUEST, failure.message()).into_response())
    }
}

/// A 302, since the tests for these samples know 301 and 302 only.
fn found(to: String) -> Response {
    (StatusCode::FOUND, [(LOCATION, to)]).into_response()
}

async fn index(visit: Visit) -> Response {
    match visit.user_data().await {
        Ok(Some(user_data)) => Json(user_data.claims()).into_response(),
        Ok(None) => match visit.login_url().await {
            Ok(url) => found(url),
            Err(failure) => (StatusCode::BAD_GATEWAY, failure.message()).into_response(),
        },
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    demo_shared::log::start();
    let (config, address) = demo_shared::sample()?;
    let auth = MiraclAuth::new(Miracl::new(config)?, Sample);
    let app = Router::new()
        .route("/", get(index))
        .merge(auth.routes())
        .layer(auth.layer());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
