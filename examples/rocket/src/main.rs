//! MIRACL login in a Rocket app, from end to end. This source is the tutorial; read it in this order:
//!
//! 1. this file: settings in, a [`Miracl`] out, and a server around it;
//! 2. `auth.rs`: the hooks, which are all that you must write yourself;
//! 3. `app.rs`: where the login goes into an app;
//! 4. `pages.rs`: handlers that ask who the user is, and `rights.rs`: those that ask for more than a login;
//! 5. `serve.rs`: how the server stops without waiting for connections on which nothing happens;
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

use std::collections::HashSet;
use std::error::Error;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;

use demo_shared::{Settings, Stop};
use miracl_rocket::Miracl;
use rocket::config::{Config, Ident, LogLevel, Shutdown};
use rocket::error::ErrorKind;
use rocket::fairing::AdHoc;

use crate::app::{App, rocket};

/// How many seconds requests that have begun may take to end when the demo is asked to stop.
const GRACE: u32 = 5;

#[rocket::main]
async fn main() -> ExitCode {
    demo_shared::log::start();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo-rocket stops:\n{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    loop {
        if run_once(Settings::load("rocket")?).await? {
            return Ok(());
        }
    }
}

/// Serves the demo until it is asked to stop. `false` when another process has taken the free port that it chose.
async fn run_once(settings: Settings) -> Result<bool, Box<dyn Error>> {
    let any_port = settings.address().1 == 0;
    // The port comes first: the callback's URL contains it. Rocket opens its socket by itself, so this one is
    // closed again.
    let address = bindable(settings.address()).map_err(|error| settings.cannot_listen(&error))?;
    let demo = settings.resolve(address).await?;
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
    // 3. Yours: your own app, put together as this one is.
    let rocket = rocket(listening_on(address), miracl, app);

    let greet = AdHoc::on_liftoff("Greeting", |_| {
        Box::pin(async move { demo_shared::greet(&greeting) })
    });
    let stop = Stop::listen()?;
    match serve::until(stop, rocket.attach(greet)).await {
        Ok(()) => Ok(true),
        Err(error) => match error.kind() {
            ErrorKind::Bind(bind) if any_port && bind.kind() == io::ErrorKind::AddrInUse => {
                Ok(false)
            }
            // A request took longer than that: it was asked to stop, and does.
            ErrorKind::Shutdown(..) => Ok(true),
            _ => Err(error.into()),
        },
    }
}

/// An address that can be listened on at the moment.
fn bindable(address: (&str, u16)) -> io::Result<SocketAddr> {
    TcpListener::bind(address)?.local_addr()
}

/// Rocket's own settings. It says nothing by itself: standard output is for scripts.
fn listening_on(address: SocketAddr) -> Config {
    Config {
        address: address.ip(),
        port: address.port(),
        ident: Ident::none(),
        log_level: LogLevel::Off,
        cli_colors: false,
        shutdown: Shutdown {
            // Rocket would listen for signals only after the greeting: `serve.rs` does it.
            ctrlc: false,
            signals: HashSet::new(),
            grace: GRACE - 1,
            mercy: 1,
            ..Shutdown::default()
        },
        ..Config::release_default()
    }
}
