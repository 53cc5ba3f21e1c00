//! The app in the README.

#![expect(
    clippy::needless_pass_by_value,
    reason = "Rocket's handlers take guards by value"
)]

use miracl_rocket::{AuthFailure, AuthHandler, AuthSuccess, RequestExt, User, reply};
use miracl_rocket::{Config, Miracl, MiraclAuth, Response, Result};
use rocket::response::{Redirect, Responder, content::RawHtml};
use rocket::{Request, get, routes};
use std::error::Error;

struct App; // Your database goes in here.

impl AuthHandler for App {
    // Find or add your own user by login.user().issuer() and login.user().id(). An Err refuses the login.
    async fn on_auth_success(&self, req: &Request<'_>, login: AuthSuccess) -> Result<Response> {
        Redirect::to(login.return_to().to_owned()).respond_to(req)
    }

    async fn on_auth_failed(&self, req: &Request<'_>, failure: AuthFailure) -> Result<Response> {
        Ok(reply(req.visit().failure_reply(&failure)))
    }
}

#[get("/")]
fn index(user: Option<User>) -> RawHtml<&'static str> {
    RawHtml(match user {
        None => "Hello, stranger. <a href='/login/start?return_to=/members'>Log in</a>",
        Some(_) => "Welcome back. <form method=post action=/logout><button>Log out</button></form>",
    })
}

#[get("/members")]
fn members(user: User) -> String {
    format!("Hello, {}.", user.id())
}

#[rocket::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::load(None)?; // miracl.json, then the environment
    let auth = MiraclAuth::new(Miracl::new(config)?, App);
    let app = rocket::build() // ROCKET_PORT=5000
        .mount("/", routes![index, members])
        .mount("/", auth.routes()) // /login, /login/start, /logout
        .attach(auth.fairing());
    app.launch().await?;
    Ok(())
}
