//! The app of the page "Decide by role", for Rocket.

use miracl_rocket::access::{AccessRequest, Policy, Requirement};
use miracl_rocket::error::ConfigError;
use miracl_rocket::{
    AuthHandler, AuthSuccess, Authorized, Config, Miracl, MiraclAuth, Response, User,
};
use rocket::response::{Redirect, Responder};
use rocket::{Build, Request, Rocket, get, routes};
use std::{collections::HashSet, env, error::Error, sync::Arc};

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(
        &self,
        req: &Request<'_>,
        login: AuthSuccess,
    ) -> miracl_rocket::Result<Response> {
        Redirect::to(login.return_to().to_owned()).respond_to(req)
    }
}

/// People whom the provider puts into the group "admins", by the claim `groups`.
struct Admin;

impl Policy for Admin {
    fn requirement() -> Requirement {
        Requirement::claim("groups").contains("admins")
    }
}

#[get("/admin")]
fn admin(user: Authorized<Admin>) -> String {
    format!("Admin {}.", user.id())
}

#[get("/")]
fn reports() -> &'static str {
    "Reports."
}

#[get("/members")]
fn members(user: User) -> String {
    format!("Hello, {}.", user.id())
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
pub fn app(config: Config, reporters: &Reporters) -> Result<Rocket<Build>, ConfigError> {
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    Ok(rocket::build()
        .mount("/", routes![admin, members])
        .mount("/reports", routes![reports])
        .mount("/reports", auth.require(reporters.requirement()))
        .mount("/", auth.routes()) // /login, /login/start, /logout
        .attach(auth.fairing()))
}

#[rocket::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::load(None)?; // miracl.json, then the environment
    let ids = env::var("REPORTERS").unwrap_or_default();
    let reporters = Reporters::listed(&config.issuer, &ids);
    app(config, &reporters)?.launch().await?; // ROCKET_PORT=5000
    Ok(())
}
