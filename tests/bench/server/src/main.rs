//! One route, `GET /public`, on a chosen framework and under a chosen layer.
//!
//! ```text
//! bench-server FRAMEWORK VARIANT
//! ```
//!
//! * `miracl`: under MIRACL's layer, which the route never asks.
//! * `noop`: under a layer in the same place that does nothing. This is what the framework itself costs for a
//!   layer.
//! * `slot`: under a layer that puts one value where the framework has room for it, and the route reads it. This is
//!   what the framework charges for any layer that handlers can talk to.
//! * `no-store` (Rocket), `no-store-around` (axum): under a layer that sets one header of the response, as the
//!   login does where a response depends on the session.
//! * `noop-around`, `miracl-around` (axum): around the whole router, and not inside it by `Router::layer`.
//!
//! It listens on a free port, and prints where in its first line. On SIGTERM it ends.
//!
//! `bench-server store` serves nothing: it fills a `MemoryStore`, and prints how much memory a session took.

mod actix;
mod axum;
mod rocket;
mod store;

use std::{error::Error, io, net::SocketAddr, process::ExitCode};

use miracl_core::{Config, CookieKey, Miracl};
use tokio::signal::unix::{SignalKind, signal};

/// The body of the route's answer.
pub(crate) const TEXT: &str = "This page is for everyone.";

/// The errors of every framework's server.
pub(crate) type Served = Result<(), Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let served = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["axum", variant] => axum::serve(variant),
        ["actix", variant] => actix::serve(variant),
        ["rocket", variant] => rocket::serve(variant),
        ["store"] => store::fill(),
        _ => Err("usage: bench-server axum|actix|rocket VARIANT, or bench-server store".into()),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-server stops: {error}");
            ExitCode::FAILURE
        }
    }
}

/// An engine whose provider is never asked.
pub(crate) fn engine() -> Result<Miracl, Box<dyn Error>> {
    Ok(Miracl::new(Config {
        issuer: "http://127.0.0.1:1".into(),
        client_id: "bench".into(),
        client_secret: "a secret of the bench server".into(),
        redirect_uri: "http://127.0.0.1:2/login".into(),
        cookie_keys: vec![CookieKey::generate()],
        ..Config::default()
    })?)
}

/// Listens for SIGTERM from now on: before the server says that it listens. The future waits for it.
pub(crate) fn stop() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        terminate.recv().await;
    })
}

/// Prints where it listens.
pub(crate) fn greet(address: SocketAddr) {
    println!("listening on http://{address}");
}

/// The error for a variant that a framework does not have.
pub(crate) fn unknown(variant: &str) -> Box<dyn Error> {
    format!("there is no variant {variant:?} of this framework").into()
}
