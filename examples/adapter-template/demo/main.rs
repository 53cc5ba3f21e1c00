//! MIRACL login in a warp app, from end to end. This source is the tutorial; read it in this order:
//!
//! 1. this file: settings in, a [`Miracl`] out, and a server around it;
//! 2. `auth.rs`: the hooks, which are all that you must write yourself;
//! 3. `app.rs`: where the login goes among filters;
//! 4. `pages.rs`: handlers that are told who the user is, and `rights.rs`: those that ask for more;
//! 5. `serve.rs`: what `warp::serve` does, for a service;
//! 6. `tests.rs`: how an app tests its login.
//!
//! To copy it into an app of yours, take over the three lines marked below. `demo-shared` only supplies what makes this
//! a demo: HTML, a user table, and a provider on this machine when none is configured.

mod app;
mod auth;
mod pages;
mod rights;
mod serve;
#[cfg(test)]
mod tests;
mod trust;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use demo_shared::{Settings, Stop};
use miracl_warp::Miracl;
use tokio::net::TcpListener;

use crate::app::{App, service};

#[tokio::main]
async fn main() -> ExitCode {
    demo_shared::log::start();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("adapter-template stops:\n{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let settings = Settings::load("warp")?;
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
    // 3. Yours: your own filters, put together as these are.
    let service = service(miracl, app);

    let stop = Stop::listen()?;
    demo_shared::greet(&greeting);
    serve::serve(listener, service, stop.asked_for()).await;
    Ok(())
}
