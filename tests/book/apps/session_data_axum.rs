//! The app of the page "Keep data of your own in the session", for axum.

use axum::extract::{Form, State};
use axum::http::{StatusCode, request::Parts};
use axum::response::{IntoResponse, Redirect, Response, Result};
use axum::{Router, routing::get};
use miracl_axum::error::{ConfigError, DataError};
use miracl_axum::session::AppData;
use miracl_axum::{
    AuthHandler, AuthSuccess, Config, Miracl, MiraclAuth, SessionValue, User, Visit,
};
use serde::{Deserialize, Serialize};
use std::error::Error;
use tokio::net::TcpListener;

/// The customer for whom a person works at the moment.
#[derive(Serialize, Deserialize)]
struct Tenant {
    name: String,
}

impl AppData for Tenant {
    const NAME: &'static str = "tenant";
}

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &mut Parts, login: AuthSuccess) -> Result<Response> {
        let name = "north".to_owned(); // the first one of this person in your database
        login.set(&Tenant { name }).map_err(unavailable)?;
        Ok(Redirect::to(login.return_to()).into_response())
    }
}

/// Logs why the session keeps no data.
fn unavailable(error: DataError) -> StatusCode {
    eprintln!("{error}");
    StatusCode::SERVICE_UNAVAILABLE
}

async fn shown(_: User, SessionValue(tenant): SessionValue<Tenant>) -> String {
    tenant.map_or_else(|| "No tenant.".to_owned(), |tenant| tenant.name)
}

/// Your own list of those who may be chosen.
#[derive(Clone)]
struct Tenants(&'static [&'static str]);

async fn choose(
    _: User,
    visit: Visit,
    State(tenants): State<Tenants>,
    Form(tenant): Form<Tenant>,
) -> Result<Redirect, StatusCode> {
    if !tenants.0.contains(&tenant.name.as_str()) {
        return Err(StatusCode::FORBIDDEN);
    }
    visit.set(&tenant).await.map_err(unavailable)?;
    Ok(Redirect::to("/tenant"))
}

/// The whole app. A test calls it with settings of its own.
pub fn app(config: Config) -> Result<Router, ConfigError> {
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    Ok(Router::new()
        .route("/tenant", get(shown).post(choose))
        .with_state(Tenants(&["north", "south"]))
        .merge(auth.routes()) // /login, /login/start, /logout
        .layer(auth.layer()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    let config = Config::load(None)?; // miracl.json, then the environment
    Ok(axum::serve(listener, app(config)?).await?)
}
