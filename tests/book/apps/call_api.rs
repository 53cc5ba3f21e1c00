//! The app of the page "Call an API with the person's token".

use axum::extract::State;
use axum::http::{StatusCode, request::Parts};
use axum::response::{IntoResponse, Redirect, Response, Result};
use axum::{Router, routing::get};
use miracl_axum::error::ConfigError;
use miracl_axum::{AuthHandler, AuthSuccess, Config, Miracl, MiraclAuth, User, Visit};
use std::{env, error::Error};
use tokio::net::TcpListener;

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &mut Parts, login: AuthSuccess) -> Result<Response> {
        Ok(Redirect::to(login.return_to()).into_response())
    }
}

/// The API: its address, and a client that is made once.
#[derive(Clone)]
pub struct Api {
    /// Where it is.
    pub url: String,
    /// What requests are sent with.
    pub client: reqwest::Client,
}

/// Asks the API in the name of the person who is logged in.
async fn orders(State(api): State<Api>, visit: Visit, _: User) -> Result<String, StatusCode> {
    let tokens = visit
        .tokens()
        .await
        .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let tokens = tokens.ok_or(StatusCode::UNAUTHORIZED)?; // the session has ended
    let request = api
        .client
        .get(&api.url)
        .bearer_auth(tokens.access_token().expose());
    let answer = request.send().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    match answer.status().as_u16() {
        200 => answer.text().await.map_err(|_| StatusCode::BAD_GATEWAY),
        403 => Err(StatusCode::FORBIDDEN), // this person may not
        _ => Err(StatusCode::BAD_GATEWAY),
    }
}

/// The whole app. A test calls it with settings of its own.
pub fn app(config: Config, api: Api) -> Result<Router, ConfigError> {
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    Ok(Router::new()
        .route("/orders", get(orders))
        .with_state(api)
        .merge(auth.routes()) // /login, /login/start, /logout
        .layer(auth.layer()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::load(None)?; // SCOPES=openid email offline_access
    let api = Api {
        url: env::var("API")?,
        client: reqwest::Client::new(),
    };
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    Ok(axum::serve(listener, app(config, api)?).await?)
}
