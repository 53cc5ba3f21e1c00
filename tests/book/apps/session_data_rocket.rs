//! The app of the page "Keep data of your own in the session", for Rocket.

use miracl_rocket::error::{ConfigError, DataError};
use miracl_rocket::session::AppData;
use miracl_rocket::{
    AuthHandler, AuthSuccess, Config, Miracl, MiraclAuth, Response, SessionValue, User, Visit,
};
use rocket::form::{Form, FromForm};
use rocket::http::Status;
use rocket::response::{Redirect, Responder};
use rocket::{Build, Request, Rocket, get, post, routes};
use serde::{Deserialize, Serialize};
use std::error::Error;

/// The customer for whom a person works at the moment.
#[derive(Serialize, Deserialize, FromForm)]
struct Tenant {
    name: String,
}

impl AppData for Tenant {
    const NAME: &'static str = "tenant";
}

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(
        &self,
        req: &Request<'_>,
        login: AuthSuccess,
    ) -> miracl_rocket::Result<Response> {
        let name = "north".to_owned(); // the first one of this person in your database
        login.set(&Tenant { name }).map_err(unavailable)?;
        Redirect::to(login.return_to().to_owned()).respond_to(req)
    }
}

/// Logs why the session keeps no data.
fn unavailable(error: DataError) -> Status {
    eprintln!("{error}");
    Status::ServiceUnavailable
}

#[get("/tenant")]
fn shown(_user: User, tenant: SessionValue<Tenant>) -> String {
    let name = tenant.0.map(|tenant| tenant.name);
    name.unwrap_or_else(|| "No tenant.".to_owned())
}

#[post("/tenant", data = "<tenant>")]
async fn choose(_user: User, visit: Visit, tenant: Form<Tenant>) -> Result<Redirect, Status> {
    // Your own list of those who may be chosen.
    if !["north", "south"].contains(&tenant.name.as_str()) {
        return Err(Status::Forbidden);
    }
    visit.set(&*tenant).await.map_err(unavailable)?;
    Ok(Redirect::to("/tenant"))
}

/// The whole app. A test calls it with settings of its own.
pub fn app(config: Config) -> Result<Rocket<Build>, ConfigError> {
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    Ok(rocket::build()
        .mount("/", routes![shown, choose])
        .mount("/", auth.routes()) // /login, /login/start, /logout
        .attach(auth.fairing()))
}

#[rocket::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::load(None)?; // miracl.json, then the environment
    app(config)?.launch().await?; // ROCKET_PORT=5000
    Ok(())
}
