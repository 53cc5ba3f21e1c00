//! The app of the page "Decide by role", for axum.

use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response, Result};
use axum::{Router, routing::get};
use miracl_axum::access::{AccessRequest, Policy, Requirement};
use miracl_axum::error::ConfigError;
use miracl_axum::{AuthHandler, AuthSuccess, Authorized, Config, Miracl, MiraclAuth, User};
use std::{collections::HashSet, env, error::Error, sync::Arc};
use tokio::net::TcpListener;

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &mut Parts, login: AuthSuccess) -> Result<Response> {
        Ok(Redirect::to(login.return_to()).into_response())
    }
}

/// People whom the provider puts into the group "admins", by the claim `groups`.
struct Admin;

impl Policy for Admin {
    fn requirement() -> Requirement {
        Requirement::claim("groups").contains("admins")
    }
}

async fn admin(user: Authorized<Admin>) -> String {
    format!("Admin {}.", user.id())
}

/// Your own table of rights. A person is issuer and id together.
#[derive(Clone, Default)]
pub struct Reporters(Arc<HashSet<(String, String)>>);

impl Reporters {
    /// Lists people, by their ids at one issuer.
    pub fn listed(issuer: &str, ids: &str) -> Self {
        let ids = ids.split_whitespace();
        Self(Arc::new(
            ids.map(|id| (issuer.to_owned(), id.to_owned())).collect(),
        ))
    }

    /// Requires that a person is listed. A database can be asked in the same way.
    fn requirement(&self) -> Requirement {
        let listed = Arc::clone(&self.0);
        Requirement::decided_by(move |request: AccessRequest| {
            let listed = Arc::clone(&listed);
            async move {
                let caller = request.caller();
                Ok(listed.contains(&(caller.issuer().to_owned(), caller.id().to_owned())))
            }
        })
    }
}

/// The whole app. A test calls it with settings of its own.
pub fn app(config: Config, reporters: &Reporters) -> Result<Router, ConfigError> {
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    let reports = Router::new()
        .route("/reports", get(async || "Reports."))
        .route_layer(auth.require(reporters.requirement()));
    Ok(Router::new()
        .route("/admin", get(admin))
        .merge(reports)
        .route(
            "/members",
            get(async |user: User| format!("Hello, {}.", user.id())),
        )
        .merge(auth.routes()) // /login, /login/start, /logout
        .layer(auth.layer()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::load(None)?; // miracl.json, then the environment
    let ids = env::var("REPORTERS").unwrap_or_default();
    let reporters = Reporters::listed(&config.issuer, &ids);
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    Ok(axum::serve(listener, app(config, &reporters)?).await?)
}
