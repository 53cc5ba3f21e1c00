//! The app of the page "Decide by role", for actix-web.

use actix_web::web::{Redirect, ServiceConfig, get, resource};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Responder, Result};
use miracl_actix::access::{AccessRequest, Policy, Requirement};
use miracl_actix::error::ConfigError;
use miracl_actix::{AuthHandler, AuthSuccess, Authorized, Config, Miracl, MiraclAuth, User};
use std::{collections::HashSet, env, sync::Arc};

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, req: &HttpRequest, login: AuthSuccess) -> Result<HttpResponse> {
        let back = Redirect::to(login.return_to().to_owned()).see_other();
        Ok(back.respond_to(req).map_into_boxed_body())
    }
}

/// Joins the engine and the hooks.
pub fn auth(config: Config) -> Result<MiraclAuth, ConfigError> {
    Ok(MiraclAuth::new(Miracl::new(config)?, Hooks))
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

async fn members(user: User) -> String {
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

/// All routes. A test calls it with settings of its own.
pub fn routes(app: &mut ServiceConfig, auth: &MiraclAuth, reporters: &Reporters) {
    let reports = resource("/reports")
        .wrap(auth.require(reporters.requirement()))
        .route(get().to(async || "Reports."));
    app.route("/admin", get().to(admin))
        .service(reports)
        .route("/members", get().to(members))
        .configure(auth.routes()); // /login, /login/start, /logout
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::load(None)?; // miracl.json, then the environment
    let ids = env::var("REPORTERS").unwrap_or_default();
    let reporters = Reporters::listed(&config.issuer, &ids);
    let auth = auth(config)?;
    let app = move || {
        App::new()
            .configure(|app| routes(app, &auth, &reporters))
            .wrap(auth.layer())
    };
    Ok(HttpServer::new(app).bind("127.0.0.1:5000")?.run().await?)
}
