//! The engine of MIRACL login for Rust web frameworks: OpenID Connect, sessions and cookies, without any framework.
//!
//! Most people need the adapter for their framework, not this crate: `miracl-axum`, for example, re-exports everything
//! that an app uses. This crate is for people who write another adapter.
//!
//! # An example
//!
//! This is what every adapter does for a page that requires a login. The request belongs to no framework:
//!
//! ```
//! use miracl_core::app::config::CookieKey;
//! use miracl_core::{Config, Miracl, adapter::RequestView};
//! use std::borrow::Cow;
//!
//! /// A browser that opens a page, without a cookie.
//! struct Request(&'static str);
//!
//! impl RequestView for Request {
//!     fn method(&self) -> &str {
//!         "GET"
//!     }
//!
//!     fn path_and_query(&self) -> Cow<'_, str> {
//!         self.0.into()
//!     }
//!
//!     fn host(&self) -> Option<&str> {
//!         Some("app.example")
//!     }
//!
//!     fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
//!         (name == "accept").then_some(&b"text/html"[..]).into_iter()
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Once, when the app starts. It uses no network.
//! let miracl = Miracl::new(Config {
//!     issuer: "https://login.example".to_owned(),
//!     client_id: "my-app".to_owned(),
//!     client_secret: "from a secrets store".into(),
//!     redirect_uri: "https://app.example/login".to_owned(),
//!     cookie_keys: vec![CookieKey::generate()],
//!     ..Config::default()
//! })?;
//!
//! // For each request.
//! let request = Request("/members");
//! let visit = miracl.visit(&request);
//! match visit.required_user().await {
//!     Ok(user) => println!("Hello, {}.", user.id()),
//!     Err(refusal) => {
//!         let reply = refusal.reply(&request);
//!         assert_eq!(reply.status, 303); // to the login
//!     }
//! }
//! let outcome = visit.finish(); // what the response says: cookies, `Cache-Control`
//! assert!(outcome.no_store);
//! # Ok(())
//! # }
//! ```
//!
//! # The parts
//!
//! | what | for |
//! |---|---|
//! | [`Config`], [`Miracl`] | the app and its provider, and the engine that is made of them |
//! | [`Visit`] | one request's view of login: who is logged in, their tokens, messages, log-out |
//! | [`User`] | who is logged in |
//! | [`AuthSuccess`], [`AuthFailure`] | what the two hooks receive |
//! | [`app`] | everything that an app uses, by module: settings, errors, sessions, receipts, stores |
//! | [`adapter`] | what only an adapter uses |
//!
//! # Where next
//!
//! * To use the login in an app, read the documentation of your framework's adapter.
//! * To write an adapter, begin with the module [`adapter`], and with the page "Write an adapter" of the book, in the
//!   folder `docs` of the repository.
//! * To keep sessions elsewhere, implement [`SessionStore`](trait@app::store::SessionStore).
//!
//! # What a login is checked for
//!
//! The checks run in this order. Nothing is kept before the last one has passed:
//!
//! 1. the callback's `state` belongs to a login that this browser began, that is not too old and was not used before;
//! 2. `iss` is the provider's (RFC 9207), where there is one or the provider promises one;
//! 3. the code is exchanged, with the client's secret and the PKCE verifier;
//! 4. the ID token's signature, algorithm, `iss`, `aud`, `azp`, `exp`, `iat`, `nbf`, `nonce`, `acr`, `auth_time`,
//!    `at_hash` and `sub` (OpenID Connect Core 1.0 §3.1.3.7);
//! 5. the userinfo is about the same `sub` (§5.3.2);
//! 6. the app's own `on_auth_success` returns `Ok`.
//!
//! # Logs
//!
//! The engine logs through `tracing`, under the target `miracl_core`. It logs no token, secret, e-mail address or
//! subject, at any level.
//!
//! # The house
//!
//! The source is divided into rooms, listed here from top to bottom. A room may use the rooms below it, and none above
//! it. `store`, `receipt`, `web` and `jose` are on the same level. A test checks this order.
//!
//! | room | what belongs there |
//! |---|---|
//! | `app`, `adapter` | the public names: those an app uses, and those an adapter uses |
//! | `testing` | the test kit: people who are logged in without a provider; with the feature `testing` alone |
//! | `miracl`, `visit` | the two handles: the app's login, and one request's view of it |
//! | `lazy`, `refusal`, `routes` | a visit made on demand, how a request is turned away, which route does what |
//! | `flow` | what happens: logging in, staying logged in, logging out; `flow/callback` makes the checks above |
//! | `access` | requirements: what a request must have besides a login, and whether a session has it |
//! | `exchange` | one request and its response: its cookies, its session, what the response changes |
//! | `engine` | what one app is made of: configuration, site, providers, sessions, platform |
//! | `trust` | MIRACL Trust beyond OpenID Connect: registrations, signatures, project JWTs, its API for back ends |
//! | `session` | who is logged in: identity, sealed cookies, marks of what has ended |
//! | `site` | where the app is: its origin, its paths, its own pages |
//! | `provider` | the provider: discovery, keys, tokens, userinfo, the checks of its tokens |
//! | `config` | what an app says about itself: settings, how they are loaded and checked |
//! | `store` | session and mark stores, and their contracts |
//! | `receipt` | the record of a login's checks |
//! | `web` | HTTP without a framework: requests, replies, messages, return paths, cross-origin protection |
//! | `jose` | signatures: JWS, keys, algorithms |
//! | `error` | what can go wrong, as types |
//! | `base` | clock, randomness, secrets, wire format, JSON, TLS, runtime |
//! | `probes` | what tests, fuzzing and benches need; no other code uses it |

#![cfg_attr(docsrs, feature(doc_cfg))]
mod access;
pub mod adapter;
pub mod app;
mod base;
mod config;
mod engine;
mod error;
mod exchange;
mod flow;
mod jose;
mod lazy;
mod miracl;
#[cfg(any(test, fuzzing, feature = "bench"))]
#[doc(hidden)]
pub mod probes;
mod provider;
mod receipt;
mod refusal;
mod routes;
mod session;
mod site;
mod store;
#[cfg(feature = "testing")]
mod testing;
mod trust;
mod visit;
mod web;

#[doc(inline)]
pub use app::{AuthFailure, AuthSuccess, Category, Config, LogoutKind, Miracl};
#[cfg(feature = "bench")]
#[doc(hidden)]
pub use probes::bench;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub use probes::fuzz;
pub use session::identity::User;
pub use visit::Visit;

/// The names in the modules of [`app`], each without its module: adapters re-export them hidden, so that paths written
/// for earlier versions work.
#[doc(hidden)]
pub mod flat {
    // By the path through `app`: a private room of the same name would come first.
    pub use crate::app::{config::*, error::*, receipt::*, session::*, store::*, trust::*};
}

// The paths of earlier versions.
#[doc(hidden)]
pub use {adapter::*, flat::*};

/// The code of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
