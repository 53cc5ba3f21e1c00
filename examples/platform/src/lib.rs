//! A local MIRACL platform: an OpenID provider with the whole login journey, for demos and tests on a laptop.
//!
//! It speaks the protocol of the real one (same paths, scopes and claims) and plays the parts around it: a portal
//! that registers apps, an inbox that stands in for e-mail, a PIN pad, and `mpad.js`, the login button. It is **for
//! development only**: it listens on loopback, and everybody who reaches it can read every message.
//!
//! ```
//! use miracl_platform::{Client, Platform, PlatformConfig};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let platform = Platform::start(PlatformConfig {
//!     clients: vec![Client::new("app", "secret", "http://127.0.0.1:5000/login")],
//!     ..PlatformConfig::default()
//! })
//! .await?;
//! platform.register_identity("alice@example.com", "1234")?;
//!
//! let authorize_url = format!(
//!     "{}/authorize?client_id=app&redirect_uri=http://127.0.0.1:5000/login\
//!      &response_type=code&scope=openid%20email&state=xyz",
//!     platform.issuer(),
//! );
//! let callback = platform.log_in(&authorize_url, "alice@example.com", "1234").await?;
//! assert!(callback.starts_with("http://127.0.0.1:5000/login?code="));
//! platform.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Running it
//!
//! `cargo run -p miracl-platform` listens on `http://127.0.0.1:5050` and keeps its data in
//! `.miracl/platform`. `HOST` (loopback only), `PORT` (0 takes a free one) and `PLATFORM_DATA` change that.
//! Register your app at `/portal`, give it the issuer, client id and secret shown there, and read
//! the mail at `/inbox`.
//!
//! # Endpoints
//!
//! | path | what |
//! |---|---|
//! | `/.well-known/openid-configuration` | metadata |
//! | `/authorize` | begins a login; `response_mode` is `query` or `form_post` |
//! | `/oidc/token`, `/oidc/userinfo`, `/oidc/certs` | tokens, claims, keys |
//! | `/oidc/logout` | log-out, begun by an app or by hand |
//! | `/mpad.js` | the login button; its attributes stand at the top of the file |
//! | `/`, `/portal`, `/inbox` | start page, apps, messages |
//! | `/elsewhere/…` | metadata, tokens, claims and keys once more, where a fault redirects to |
//!
//! # What an app can ask for
//!
//! A [`Client`] is registered in the words of OpenID Connect Dynamic Registration: how its ID tokens and its user
//! info are signed, and how it authenticates at the token endpoint. By default it gets `RS256`, user info in JSON,
//! and the choice between the two ways to send a secret.
//!
//! | in the request | what |
//! |---|---|
//! | `scope` | `email`, `profile`, `address`, `phone`: claims of user info |
//! | | `mpin_id`, `hash_mpin_id`, `dvs`: MIRACL's own |
//! | | `offline_access`: a refresh token |
//! | `max_age`, `prompt`, `login_hint` | as in OpenID Connect Core; only `prompt=none` does without the PIN |
//! | `acr_values` | the first one comes back as `acr` |
//! | `code_challenge` | `S256`; [`PlatformConfig::require_pkce`] makes it a must |
//!
//! A refresh token is used once and replaced. Using it twice revokes everything that it was exchanged for.
//!
//! # Log-out
//!
//! Signing out at `/oidc/logout` logs a person out of every app that this browser logged in to. An app with a
//! `backchannel_logout_uri` is sent a logout token, and has two seconds to accept it. The page tells an app that
//! did not, or that has no such address: it loads the app's `frontchannel_logout_uri` in a frame before it goes on
//! to `post_logout_redirect_uri`. [`Platform::log_out`] does the same for tests, and [`Platform::logout_token`]
//! only makes a token.
//!
//! # Driving the pages
//!
//! A browser test finds its way by these ids and classes, which do not change:
//!
//! | page | elements |
//! |---|---|
//! | every page | `body[data-page="…"]` names it: the word in the first column |
//! | `register` | `#email`, `#register`, `#other-identity` (if this browser keeps one) |
//! | `mail` | `#inbox` leads to the inbox, `#check-again` reloads; it goes on by itself after the confirmation |
//! | `inbox` | `.message[data-to="…"]`, the newest first |
//! | | `#confirm` is the newest unused link, `.confirm` each of them |
//! | `new-pin`, `repeat-pin`, `enter-pin` | `#pin` (`name=pin`) takes keys |
//! | | `.digit[data-digit="1"]`, `#back`, `#clear`, `#submit-pin` |
//! | `enter-pin` | `#tries-left` after a wrong PIN (its text begins with the number), `#other-identity` |
//! | `choose` | `.identity[data-email="…"]` picks, `.remove-identity[data-email="…"]` asks to remove, `#add-identity` |
//! | `remove` | `#confirm-remove`, `#keep` |
//! | `blocked` | `#register-again`, `#other-identity` |
//! | `confirmed` | the message was opened in another browser |
//! | `done` | `#continue` leaves a frame for the app (it does so by itself) |
//! | `form-post` | `#callback` is the form with the callback, `#continue` posts it (it does so by itself) |
//! | any of a login | `#cancel` ends it with `access_denied`; `#notice` says what was wrong |
//! | `problem` | the heading and `code` say what |
//! | `signed-out` | `code` says what was wrong with the request, `.told` and `.untold` list apps |
//! | | `#continue` goes on to the app, which the page does by itself |
//! | `portal` | `#name`, `#redirect-uris`, `#post-logout-redirect-uris` |
//! | | `#backchannel-logout-uri`, `#frontchannel-logout-uri` |
//! | | `#register-app`, `.app[data-client-id="…"]` |
//! | `app` | `#issuer`, `#client-id`, `#client-secret` (their text), `#remove-app` |
//!
//! A browser with one identity shows its PIN pad at once; with several, the person chooses first. Three wrong PINs
//! in a row block an identity on that browser, until its address is confirmed again.
//!
//! # Being treated badly
//!
//! [`Platform::set_fault`] makes the platform misbehave in exactly one point, and [`Platform::set_faults`] in
//! several; [`Fault::ALL`] lists them. [`Platform::requests`] returns what was requested meanwhile, and so shows
//! what was not.

mod algorithm;
mod answer;
mod app_settings;
mod assets;
mod authorize;
mod backchannel;
mod browser;
mod callback;
mod client;
mod client_auth;
mod clock;
mod config;
mod device;
mod device_id;
mod discovery;
mod fault;
mod folder;
mod frontchannel;
mod grant;
mod guard;
mod id_token;
mod identity;
mod inbox;
mod interaction;
mod jwt;
mod keys;
mod login;
mod logout;
mod pages;
mod params;
mod person;
mod pin;
mod platform;
mod portal;
mod random;
mod record;
mod server;
mod shared;
mod signer;
mod stop;
mod sync;
mod token;
mod userinfo;
mod variable;

pub use algorithm::SigningAlgorithm;
pub use backchannel::SentLogoutToken;
pub use browser::{Browser, JourneyError};
pub use callback::Callback;
pub use client::Client;
pub use client_auth::ClientAuthMethod;
pub use config::{PlatformConfig, StartError};
pub use fault::{Fault, HUGE, MUCH, SLOW, TOO_MUCH};
pub use logout::LogOut;
pub use pin::{MAX_TRIES, PIN_LENGTH};
pub use platform::Platform;
pub use record::{Authorization, MAX_RECORDED_REQUESTS, RecordedRequest};
pub use stop::Stop;
pub use variable::variable;
