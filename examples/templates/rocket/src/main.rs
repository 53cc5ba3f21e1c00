//! {{project-name}}: an app that logs people in with MIRACL.

use std::error::Error;

use miracl_rocket::access::{Policy, Requirement};
use miracl_rocket::{AuthFailure, AuthHandler, AuthSuccess, Authorized, RequestExt, User, reply};
use miracl_rocket::{Config, Miracl, MiraclAuth, Response, Result};
use rocket::response::content::RawHtml;
use rocket::response::{Redirect, Responder};
use rocket::serde::json::Json;
use rocket::{Build, Request, Rocket, get, routes};

#[cfg(test)]
mod tests;

/// What happens at a login. Your database goes in here.
struct Hooks;

impl AuthHandler for Hooks {
    /// Find or add your own user by `login.user().issuer()` and `login.user().id()`. An `Err` refuses the login.
    async fn on_auth_success(&self, req: &Request<'_>, login: AuthSuccess) -> Result<Response> {
        Redirect::to(login.return_to().to_owned()).respond_to(req)
    }

    async fn on_auth_failed(&self, req: &Request<'_>, failure: AuthFailure) -> Result<Response> {
        Ok(reply(req.visit().failure_reply(&failure)))
    }
}

const STRANGER: &str = r#"<!doctype html><title>{{project-name}}</title>
<p>Hello, stranger. <a href="/login/start?return_to=/members">Log in</a></p>"#;

const WELCOME: &str = r#"<!doctype html><title>{{project-name}}</title>
<p>Welcome back. <a href="/members">Members</a></p>
<form method="post" action="/logout"><button>Log out</button></form>"#;

#[get("/")]
fn index(user: Option<User>) -> RawHtml<&'static str> {
    RawHtml(user.map_or(STRANGER, |_| WELCOME))
}

/// Sends a browser to log in, and back here.
#[get("/members")]
fn members(user: User) -> String {
    format!("Hello, {}.", user.id())
}

/// Answers a script: 401 with a `login_url` where nobody is logged in.
#[get("/api/me")]
fn me(user: User) -> Json<String> {
    Json(user.id().to_owned())
}

/// People whom the provider puts into the group `admins`.
struct Admin;

impl Policy for Admin {
    fn requirement() -> Requirement {
        Requirement::claim("groups").contains("admins")
    }
}

/// For admins. Others who are logged in get a 403.
#[get("/admin")]
fn admin(_admin: Authorized<Admin>) -> &'static str {
    "For admins only."
}

fn app(auth: &MiraclAuth) -> Rocket<Build> {
    // Rocket.toml and variables such as ROCKET_PORT say where it listens.
    rocket::build()
        .mount("/", routes![index, members, me, admin])
        .mount("/", auth.routes()) // /login, /login/start, /logout
        .attach(auth.fairing())
}

#[rocket::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::load(None)?; // miracl.json, then the environment
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    app(&auth).launch().await?;
    Ok(())
}
