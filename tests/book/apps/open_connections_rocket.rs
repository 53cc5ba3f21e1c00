//! The app of the page "Keep an event stream open", for Rocket.

use miracl_rocket::error::ConfigError;
use miracl_rocket::{AuthHandler, AuthSuccess, Config, Miracl, MiraclAuth, Response, User, Visit};
use rocket::response::stream::{Event, EventStream};
use rocket::response::{Redirect, Responder};
use rocket::{Build, Request, Rocket, Shutdown, get, routes};
use std::{error::Error, time::Duration};
use tokio::{select, time::interval};

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

/// The stream. What is new, every ten seconds, is here a number. It ends with the session, and says so.
#[get("/")]
fn news(visit: Visit, mut shutdown: Shutdown) -> EventStream![] {
    let mut ended = visit.ended();
    EventStream! {
        let mut every = interval(Duration::from_secs(10)); // the first one at once
        let mut number = 1_u64;
        loop {
            select! {
                _ = every.tick() => yield Event::data(number.to_string()),
                _ = &mut ended => break yield Event::data("bye").event("ended"),
                () = &mut shutdown => break,
            }
            number += 1;
        }
    }
}

#[get("/members")]
fn members(user: User) -> String {
    format!("Hello, {}.", user.id())
}

/// The whole app. A test calls it with settings of its own.
pub fn app(config: Config) -> Result<Rocket<Build>, ConfigError> {
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    Ok(rocket::build()
        .mount("/", routes![members])
        .mount("/news", routes![news])
        // A stream is no activity of the person: browsers open it again by themselves.
        .mount("/news", auth.login_required_without_activity())
        .mount("/", auth.routes()) // /login, /login/start, /logout, /backchannel-logout
        .attach(auth.fairing()))
}

#[rocket::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::load(None)?; // miracl.json, then the environment
    app(config)?.launch().await?; // ROCKET_PORT=5000
    Ok(())
}
