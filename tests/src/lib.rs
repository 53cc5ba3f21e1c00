//! The harness that drives the demos from outside: as processes, over HTTP, in a browser.
//!
//! * [`Demo`] starts a demo of one [`Adapter`] and keeps everything it prints.
//! * [`Browser`] is an HTTP client that behaves like a browser: a cookie jar per host, `Sec-Fetch-*` headers, no hidden
//!   redirects. [`Chrome`] is the real thing.
//! * [`Provider`] is an OpenID provider whose every answer a scenario can change; [`OidcProvider`] is one that
//!   others wrote.
//! * [`Redis`] is a real one, and so are [`Nginx`] and [`Caddy`].
//! * [`Front`] stands in front of several demos, [`PathProxy`] removes the beginning of every path, [`Wire`] sends what
//!   no client library would.
//! * [`Library`] is a script of npm that sends a page's requests, or judges the page.
//! * [`person`] goes through the local platform's pages.
//! * [`canary`] finds a value in any encoding that it may have in a cookie or a log.
//! * [`run`] makes one test of each [`Scenario`] of a [`Suite`] for each adapter; a [`Promise`] says which
//!   scenarios show that it is kept, and which parts of it none can show yet.
//!
//! A scenario is an `async fn(Adapter)` whose name is a sentence. It fails by panicking, and so does the harness.

#![expect(
    clippy::missing_panics_doc,
    reason = "a harness fails its test by panicking, everywhere"
)]

mod adapter;
mod browser;
mod caddy;
pub mod canary;
mod chrome;
mod demo;
mod front;
mod held;
mod library;
mod muzzle;
mod nginx;
mod oidc_provider;
mod path_proxy;
pub mod person;
mod process;
mod programs;
mod promise;
mod provider;
mod redis;
mod run;
mod scenario;
mod suite;
mod wire;

pub use adapter::Adapter;
pub use browser::{Answer, Browser, Cookie, Form, Request, Tag, http_client};
pub use caddy::Caddy;
pub use chrome::{Chrome, Look};

pub use demo::{Demo, DemoBuilder, Refused};
pub use front::Front;
pub use library::Library;
pub use muzzle::Muzzle;
pub use nginx::Nginx;
pub use oidc_provider::OidcProvider;
pub use path_proxy::PathProxy;
pub use programs::{build_programs, built, forget_package};
pub use promise::{Pending, Promise};
pub use provider::{Answers, Endpoint, Provider, Received};
pub use redis::Redis;
pub use run::{run, run_on, run_with_promises};
pub use scenario::{Future, Need, Scenario, Store};
pub use suite::Suite;
pub use wire::{Raw, Wire};
