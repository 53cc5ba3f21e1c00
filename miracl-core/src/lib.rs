//! The engine of MIRACL login for Rust web frameworks: OpenID Connect, sessions and cookies, without any framework.
//!
//! Most people need the adapter of their framework and not this crate: `miracl-axum`, for example, re-exports what an
//! app uses of it. This crate is for those who write the next adapter.
//!
//! * [`Config`] says who the app and its provider are, and a [`Miracl`] is made from it: one handle, cheap to clone.
//! * [`Visit`] is one request's view of login: who is asking, their tokens, messages, log-out.
//! * [`AuthSuccess`] and [`AuthFailure`] are what the two hooks receive.
//! * The module [`app`] has everything that an app uses, and [`adapter`] what an adapter uses besides.
//!
//! # What a login is checked for
//!
//! In this order, and nothing is kept before the last check has passed:
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
//! Through `tracing`, all under the target `miracl_core`. No token, secret, e-mail address or subject is ever logged,
//! at any level.
//!
//! # The house
//!
//! The source is a house of rooms, here from the top. A room may use those below it and none above; `store`, `receipt`,
//! `web` and `jose` stand side by side. A test holds this order.
//!
//! | room | what belongs there |
//! |---|---|
//! | `app`, `adapter` | the public names: those an app uses, and those an adapter uses |
//! | `miracl`, `visit` | the two handles: the app's login, and one request's view of it |
//! | `lazy`, `refusal`, `routes` | a visit made on demand, how a request is turned away, which route does what |
//! | `flow` | what happens: logging in, staying logged in, logging out; `flow/callback` makes the checks above |
//! | `exchange` | one request and its response: its cookies, its session, what the response changes |
//! | `engine` | what one app is made of: configuration, site, providers, sessions |
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
    pub use crate::app::{config::*, error::*, receipt::*, session::*, store::*};
}

// The paths of earlier versions.
#[doc(hidden)]
pub use {adapter::*, flat::*};

/// The code of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
