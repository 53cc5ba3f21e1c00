//! The app of the page "Keep data of your own in the session", for actix-web.

use actix_web::error::{ErrorForbidden, ErrorServiceUnavailable};
use actix_web::web::{Form, Redirect, ServiceConfig, get, post};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Responder, Result};
use miracl_actix::error::ConfigError;
use miracl_actix::session::AppData;
use miracl_actix::{
    AuthHandler, AuthSuccess, Config, Miracl, MiraclAuth, SessionValue, User, Visit,
};
use serde::{Deserialize, Serialize};

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
    async fn on_auth_success(&self, req: &HttpRequest, login: AuthSuccess) -> Result<HttpResponse> {
        let name = "north".to_owned(); // the first one of this person in your database
        login
            .set(&Tenant { name })
            .map_err(ErrorServiceUnavailable)?;
        let back = Redirect::to(login.return_to().to_owned()).see_other();
        Ok(back.respond_to(req).map_into_boxed_body())
    }
}

/// Joins the engine and the hooks.
pub fn auth(config: Config) -> Result<MiraclAuth, ConfigError> {
    Ok(MiraclAuth::new(Miracl::new(config)?, Hooks))
}

async fn shown(_: User, tenant: SessionValue<Tenant>) -> String {
    tenant
        .0
        .map_or_else(|| "No tenant.".to_owned(), |tenant| tenant.name)
}

async fn choose(_: User, visit: Visit, tenant: Form<Tenant>) -> Result<Redirect> {
    // Your own list of those who may be chosen.
    if !["north", "south"].contains(&tenant.name.as_str()) {
        return Err(ErrorForbidden("This is not yours."));
    }
    visit.set(&*tenant).await.map_err(ErrorServiceUnavailable)?;
    Ok(Redirect::to("/tenant").see_other())
}

/// All routes. A test calls it with settings of its own.
pub fn routes(app: &mut ServiceConfig, auth: &MiraclAuth) {
    app.route("/tenant", get().to(shown))
        .route("/tenant", post().to(choose))
        .configure(auth.routes()); // /login, /login/start, /logout
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let auth = auth(Config::load(None)?)?; // miracl.json, then the environment
    let app = move || {
        App::new()
            .configure(|app| routes(app, &auth))
            .wrap(auth.layer())
    };
    Ok(HttpServer::new(app).bind("127.0.0.1:5000")?.run().await?)
}
