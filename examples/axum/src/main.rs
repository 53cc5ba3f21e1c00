//! MIRACL login in an axum app, from end to end. This source is the tutorial; read it in this order:
//!
//! 1. this file: settings in, a [`Miracl`] out, and a server around it;
//! 2. `auth.rs`: the hooks, which are all that you must write yourself;
//! 3. `app.rs`: where the login goes into a router;
//! 4. `pages.rs`: handlers that ask who the user is, and `rights.rs`: those that ask for more than a login;
//! 5. `tests.rs`: how an app tests its login.
//!
//! To copy it into an app of yours, take over the three lines marked below. `demo-shared` only supplies what makes this
//! a demo: HTML, a user table, and a provider on this machine when none is configured.

mod app;
mod auth;
mod pages;
mod rights;
#[cfg(test)]
mod tests;
mod trust;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use demo_shared::{Settings, Stop};
use miracl_axum::Miracl;
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::app::{App, router};

/// How long requests that have begun may take to end when the demo is asked to stop.
const GRACE: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    demo_shared::log::start();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo-axum stops:\n{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let settings = Settings::load("axum")?;
    // The port comes first: with `PORT=0` only the listener knows it, and the callback's URL contains it.
    let listener = TcpListener::bind(settings.address())
        .await
        .map_err(|error| settings.cannot_listen(&error))?;
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
    // 3. Yours: your own router, put together as this one is.
    let router = router(miracl, app);

    let (stop, limit) = (Stop::listen()?, Stop::listen()?);
    demo_shared::greet(&greeting);
    let server =
        axum::serve(listener, router.into_make_service()).with_graceful_shutdown(stop.asked_for());
    let limit = async {
        limit.asked_for().await;
        sleep(GRACE).await;
    };
    tokio::select! {
        ended = server => ended?,
        () = limit => {}
    }
    Ok(())
}
