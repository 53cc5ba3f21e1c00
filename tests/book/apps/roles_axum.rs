//! The app of the page "Decide by role", for axum.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::{StatusCode, request::Parts};
use axum::response::{IntoResponse, Redirect, Response, Result};
use axum::{Router, routing::get};
use miracl_axum::error::ConfigError;
use miracl_axum::{AuthHandler, AuthSuccess, Config, Miracl, MiraclAuth, RequestExt, User};
use std::{collections::HashSet, env, error::Error, sync::Arc};
use tokio::net::TcpListener;

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &mut Parts, login: AuthSuccess) -> Result<Response> {
        Ok(Redirect::to(login.return_to()).into_response())
    }
}

/// Your own table of roles. A person is issuer and id together.
#[derive(Clone, Default)]
pub struct Roles(Arc<HashSet<(String, String)>>);

impl Roles {
    /// Makes people admins, by their ids at one issuer.
    pub fn admins(issuer: &str, ids: &str) -> Self {
        let ids = ids.split_whitespace();
        Self(Arc::new(
            ids.map(|id| (issuer.to_owned(), id.to_owned())).collect(),
        ))
    }

    fn is_admin(&self, user: &User) -> bool {
        self.0
            .contains(&(user.issuer().to_owned(), user.id().to_owned()))
    }
}

/// Somebody who is logged in and an admin: 403 for everybody else who is logged in.
struct Admin(User);

impl<S: Send + Sync> FromRequestParts<S> for Admin
where
    Roles: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let user = User::from_request_parts(parts, state).await;
        let user = user.map_err(IntoResponse::into_response)?;
        match Roles::from_ref(state).is_admin(&user) {
            true => Ok(Self(user)),
            false => Err((StatusCode::FORBIDDEN, "For admins only.").into_response()),
        }
    }
}

/// A person whom the provider puts into the group "reports", by the claim `groups`.
struct Reporter;

impl<S: Send + Sync> FromRequestParts<S> for Reporter {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let user = User::from_request_parts(parts, state).await;
        user.map_err(IntoResponse::into_response)?;
        let data = parts.visit().user_data().await;
        let data = data.map_err(|_| StatusCode::SERVICE_UNAVAILABLE.into_response())?;
        let groups = data
            .as_ref()
            .and_then(|data| data.get("groups")?.as_array());
        match groups.is_some_and(|groups| groups.iter().any(|group| group == "reports")) {
            true => Ok(Self),
            false => Err((StatusCode::FORBIDDEN, "For people with reports only.").into_response()),
        }
    }
}

async fn admin(Admin(user): Admin) -> String {
    format!("Admin {}.", user.id())
}

async fn reports(_: Reporter) -> &'static str {
    "Reports."
}

/// The whole app. A test calls it with settings of its own.
pub fn app(config: Config, roles: Roles) -> Result<Router, ConfigError> {
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    Ok(Router::new()
        .route("/admin", get(admin))
        .route("/reports", get(reports))
        .route(
            "/members",
            get(async |user: User| format!("Hello, {}.", user.id())),
        )
        .with_state(roles)
        .merge(auth.routes()) // /login, /login/start, /logout
        .layer(auth.layer()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::load(None)?; // miracl.json, then the environment
    let roles = Roles::admins(&config.issuer, &env::var("ADMINS").unwrap_or_default());
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    Ok(axum::serve(listener, app(config, roles)?).await?)
}
