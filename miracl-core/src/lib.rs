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

mod backchannel;
#[cfg(feature = "bench")]
#[doc(hidden)]
pub mod bench;
mod callback;
mod challenge;
mod client_auth;
mod clock;
mod config;
mod cookies;
mod credentials;
mod devices;
mod discovery;
mod error;
mod expiring;
mod flash;
mod flight;
mod frontchannel;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
mod http;
mod id_token;
mod initiate;
mod json;
mod jwks;
mod kept;
mod key_hash;
mod lazy;
mod login;
mod logout;
mod loops;
mod marks;
mod miracl;
mod origin;
#[cfg(test)]
mod provider;
mod receipt;
mod refresh;
mod refusal;
mod reply;
mod request;
mod return_to;
mod routes;
mod seal;
mod secret;
mod session;
mod store;
mod token;
mod userinfo;
mod visit;
mod wire;

pub use lazy::{LazyVisit, NoVisit};
pub use reply::Reply;
pub use request::{RequestView, SeenHeaders};
pub use routes::{Answer, Mount, Route};
pub use session::User;
pub use visit::{Outcome, Visit};

#[doc(inline)]
pub use app::*;

/// What an app uses of the engine: every adapter re-exports all of it.
///
/// [`User`] and [`Visit`] are not among it, because adapters have extractors of these names.
pub mod app {
    #[cfg(feature = "redis")]
    pub use crate::store::{RedisOptions, RedisStore};
    pub use crate::{
        callback::AuthSuccess,
        client_auth::{ClientKey, ClientKeyError},
        clock::Clock,
        config::{
            ClientAuthMethod, Config, ConfigError, Danger, LogoutTokenRules, Paths, Pkce, Problem,
            Renewal, ResponseMode, SigningAlgorithm, UserinfoRequests, WhenUnavailable,
        },
        credentials::{ClientCredentials, CredentialSource},
        devices::SessionInfo,
        error::{
            AuthFailure, Description, FailureReason, ProviderError, RefreshError, SessionError,
            SessionTooLarge,
        },
        flash::{Category, Flash},
        id_token::IdTokenError,
        login::LoginOptions,
        logout::LogoutKind,
        marks::{
            Claim, ClaimOwner, MarkKey, MarkStorage, MarkStore, MemoryMarkStore, NoteList, Notes,
            mark_store_contract,
        },
        miracl::Miracl,
        receipt::{Check, CheckOutcome, Party, Receipt},
        secret::{CookieKey, CookieKeyError, Secret},
        store::{
            IndexKey, MemoryStore, SessionKey, SessionStorage, SessionStore, StoreError,
            StoredSession, session_store_contract,
        },
        token::Tokens,
        userinfo::UserData,
    };
}
