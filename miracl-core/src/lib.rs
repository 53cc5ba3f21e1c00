//! The engine of MIRACL login for Rust web frameworks: OpenID Connect, sessions and cookies, without any framework.
//!
//! Most people need the adapter of their framework and not this crate: `miracl-axum` re-exports what an app uses of it. It is for
//! those who write the next adapter.
//!
//! * [`Config`] says who the app and its provider are, and [`Miracl`] is made of it: one handle, cheap to clone.
//! * [`Visit`] is one request's view of login: who is asking, tokens, messages, log-out.
//! * [`AuthSuccess`] and [`AuthFailure`] are what the two hooks receive.
//! * [`RequestView`] and [`Reply`] are how an adapter talks to the engine, in plain data.
//!
//! # What a login is checked for
//!
//! In this order, and nothing is kept before the last has passed:
//!
//! 1. the callback's `state` belongs to a login that this browser began, that is not too old and was not used before;
//! 2. `iss` is the provider's (RFC 9207), where there is one or the provider promises one;
//! 3. the code is exchanged, with the client's secret and the PKCE verifier;
//! 4. the ID token's signature, algorithm, `iss`, `aud`, `azp`, `exp`, `iat`, `nbf`, `nonce`, `acr`, `auth_time`, `at_hash` and
//!    `sub` (OpenID Connect Core 1.0 §3.1.3.7);
//! 5. the userinfo is about the same `sub` (§5.3.2);
//! 6. the app's own `on_auth_success` returns `Ok`.
//!
//! # Logs
//!
//! Through `tracing`, all under the target `miracl_core`. No token, secret, e-mail address or subject is ever logged, at any
//! level.

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

pub use exchange::Outcome;
pub use flow::answer::Answer;
pub use lazy::LazyVisit;
#[cfg(feature = "bench")]
#[doc(hidden)]
pub use probes::bench;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub use probes::fuzz;
pub use refusal::{NoVisit, Refusal};
pub use session::identity::User;
pub use visit::Visit;
pub use web::{
    headers::SeenHeaders,
    reply::Reply,
    request::RequestView,
    route::{Mount, Route},
};

#[doc(inline)]
pub use app::*;

/// What an app uses of the engine: every adapter re-exports all of it.
///
/// [`User`] and [`Visit`] are not among it, because adapters have extractors of these names.
pub mod app {
    #[cfg(feature = "redis")]
    pub use crate::store::redis::{RedisOptions, RedisStore};
    pub use crate::{
        base::{
            clock::Clock,
            cookie_key::{CookieKey, CookieKeyError},
            secret::Secret,
        },
        config::{
            Config,
            credentials::{ClientCredentials, CredentialSource},
            options::{
                ClientAuthMethod, Danger, LogoutTokenRules, Paths, Pkce, Renewal, ResponseMode,
                UserinfoRequests, WhenUnavailable,
            },
        },
        error::{
            config::{ConfigError, Problem},
            description::Description,
            login::FailureReason,
            provider::ProviderError,
            refresh::RefreshError,
            session::{SessionError, SessionTooLarge},
            store::StoreError,
            token::IdTokenError,
        },
        flow::{
            devices::SessionInfo,
            hook::{AuthFailure, AuthSuccess, LogoutKind},
            options::LoginOptions,
        },
        jose::{
            algorithm::SigningAlgorithm,
            client_key::{ClientKey, ClientKeyError},
        },
        miracl::Miracl,
        provider::{tokens::Tokens, user_data::UserData},
        receipt::{
            Party, Receipt,
            check::{Check, CheckOutcome},
        },
        store::{
            contract::{marks::mark_store_contract, sessions::session_store_contract},
            marks::{Lease, LeaseOwner, MarkKey, MarkStorage, MarkStore, NoteList, Notes},
            memory::{marks::MemoryMarkStore, sessions::MemoryStore},
            sessions::{IndexKey, SessionKey, SessionStorage, SessionStore, StoredSession},
        },
        web::flash::{Category, Flash},
    };
}
