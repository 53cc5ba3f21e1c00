//! The app of the page "Require a login", for Rocket.

use miracl_rocket::error::ConfigError;
use miracl_rocket::{AuthHandler, AuthSuccess, Config, Miracl, MiraclAuth, Response, User};
use rocket::response::{Redirect, Responder, content::RawHtml};
use rocket::serde::json::{Json, Value, json};
use rocket::{Build, Request, Rocket, get, routes};
use std::error::Error;

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

/// For everybody.
#[get("/")]
fn home(user: Option<User>) -> RawHtml<&'static str> {
    RawHtml(match user {
        Some(_) => r#"<form method="post" action="/logout"><button>Log out</button></form>"#,
        None => r#"<a href="/login/start?return_to=/orders">Log in</a>"#,
    })
}

/// A page: a browser is sent to log in, and comes back.
#[get("/orders")]
fn orders(user: User) -> String {
    format!("Orders of {}.", user.id())
}

/// An API: a script that is not logged in gets a 401.
#[get("/orders")]
fn api_orders(user: User) -> Json<Value> {
    Json(json!({ "of": user.id(), "orders": [] }))
}

/// A group of pages, behind one guard.
#[get("/")]
fn account() -> &'static str {
    "Your account."
}

#[get("/address")]
fn address() -> &'static str {
    "Your address."
}

/// The whole app. A test calls it with settings of its own.
pub fn app(config: Config) -> Result<Rocket<Build>, ConfigError> {
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    Ok(rocket::build()
        .mount("/", routes![home, orders])
        .mount("/api", routes![api_orders])
        .mount("/account", routes![account, address])
        .mount("/account", auth.login_required())
        .mount("/", auth.routes()) // /login, /login/start, /logout
        .attach(auth.fairing()))
}

#[rocket::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = app(Config::load(None)?)?; // miracl.json, then the environment
    app.launch().await?; // ROCKET_PORT=5000
    Ok(())
}
