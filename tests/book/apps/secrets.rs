//! The app of the page "Take secrets from a store".

use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response, Result};
use axum::{Router, routing::get};
use miracl_axum::config::{ClientCredentials, CredentialSource};
use miracl_axum::error::ConfigError;
use miracl_axum::{AuthHandler, AuthSuccess, Config, Miracl, MiraclAuth, User};
use serde::Deserialize;
use std::{env, error::Error};
use tokio::net::TcpListener;

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &mut Parts, login: AuthSuccess) -> Result<Response> {
        Ok(Redirect::to(login.return_to()).into_response())
    }
}

/// A secret of HashiCorp Vault's engine "kv", version 2.
#[derive(Clone)]
pub struct Vault {
    /// Such as `https://vault.example:8200/v1/secret/data/my-app`.
    pub url: String,
    /// What the app proves itself with to Vault.
    pub token: String,
    /// What requests are sent with.
    pub client: reqwest::Client,
}

#[derive(Deserialize)]
struct Answer {
    data: Secret,
}

#[derive(Deserialize)]
struct Secret {
    data: Values,
}

#[derive(Deserialize)]
struct Values {
    client_id: String,
    client_secret: String,
}

impl Vault {
    async fn credentials(&self) -> Result<ClientCredentials, Box<dyn Error + Send + Sync>> {
        let request = self
            .client
            .get(&self.url)
            .header("x-vault-token", &self.token);
        let answer = request.send().await?.error_for_status()?;
        let Answer { data } = serde_json::from_slice(&answer.bytes().await?)?;
        Ok(ClientCredentials {
            client_id: data.data.client_id,
            client_secret: data.data.client_secret.into(),
        })
    }
}

/// The whole app. A test calls it with settings of its own.
pub fn app(config: Config, vault: Vault) -> Result<Router, ConfigError> {
    let source = CredentialSource::new(move || {
        let vault = vault.clone();
        async move { vault.credentials().await }
    });
    let config = Config {
        credential_source: Some(source),
        ..config
    };
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    Ok(Router::new()
        .route(
            "/members",
            get(async |user: User| format!("Hello, {}.", user.id())),
        )
        .merge(auth.routes()) // /login, /login/start, /logout
        .layer(auth.layer()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let vault = Vault {
        url: env::var("VAULT_SECRET")?,
        token: env::var("VAULT_TOKEN")?,
        client: reqwest::Client::new(),
    };
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    Ok(axum::serve(listener, app(Config::load(None)?, vault)?).await?)
}
