//! MIRACL login in an actix-web app, from end to end. This source is the tutorial; read it in this order:
//!
//! 1. this file: settings in, a [`Miracl`] out, and a server around it;
//! 2. `auth.rs`: the hooks, which are all that you must write yourself;
//! 3. `app.rs`: where the login goes into an app;
//! 4. `pages.rs`: handlers that ask who the user is, and `rights.rs`: those that ask for more than a login;
//! 5. `tests.rs`: how an app tests its login.
//!
//! To copy it into an app of yours, take over the four lines marked below. `demo-shared` only supplies what makes this
//! a demo: HTML, a user table, and a provider on this machine when none is configured.

mod app;
mod auth;
mod pages;
mod rights;
#[cfg(test)]
mod tests;
mod trust;

use std::error::Error;
use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;

use actix_web::HttpServer;
use demo_shared::{Settings, Stop};
use miracl_actix::{Miracl, MiraclAuth};

use crate::app::{App, router};

/// How many seconds requests that have begun may take to end when the demo is asked to stop.
const GRACE: u64 = 5;

#[actix_web::main]
async fn main() -> ExitCode {
    demo_shared::log::start();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo-actix stops:\n{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let settings = Settings::load("actix")?;
    // The port comes first: with `PORT=0` only the listener knows it, and the callback's URL contains it.
    let listener =
        TcpListener::bind(settings.address()).map_err(|error| settings.cannot_listen(&error))?;
    let demo = settings.resolve(listener.local_addr()?).await?;
    let greeting = demo.greeting();

    // 1. Yours: `Config::load(None)?` in place of `demo.config`. Nothing is fetched here: the app starts whether the
    //    provider is up or not.
    let miracl = Miracl::new(demo.config)?;
    // 2. Yours: your own state.
    let app = App {
        pages: Arc::new(demo.pages),
        users: demo.users,
        codes: demo.codes,
    };
    // 3. Yours: the hooks, joined to the login. Once, and not in the closure below, which runs for each worker.
    let auth = MiraclAuth::new(miracl, app.clone());
    // 4. Yours: your own app, put together as this one is.
    let server = HttpServer::new(move || router(&auth, &app)).listen(listener)?;

    let stop = Stop::listen()?;
    demo_shared::greet(&greeting);
    // A login whose browser goes away is dropped; actix-web would finish it by default.
    let server = server.h1_allow_half_closed(false).shutdown_timeout(GRACE);
    server.shutdown_signal(stop.asked_for()).run().await?;
    Ok(())
}
