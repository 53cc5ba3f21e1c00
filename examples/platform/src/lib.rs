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
//! `PLATFORM_ALLOWED_ORIGINS` adds origins, separated by commas, whose pages may call the endpoints of M-Pin. With
//! `PLATFORM_ALLOW_NETWORK=1`, `HOST` may be `0.0.0.0` or `::`. Create your app at `/portal`, give it the `miracl.json`
//! shown there, and read the mail at `/inbox`.
//!
//! `/portal`, `/inbox`, `/verification`, `/activate/initiate`, `/dvs/verify` and `/api/v1/…` answer only requests whose
//! connection and whose `Host` header are loopback. Forms of the portal refuse another origin.
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
//! | `/`, `/inbox` | start page, messages |
//! | `/portal`, `/portal/…` | apps, project, service accounts, devices, audit log |
//! | `/sign` | shows what an app wants signed, and brings it the signature |
//! | `/qr` | finishes a login that another screen shows a QR code of |
//! | `/quick-code` | makes a QuickCode for another device |
//! | `POST /authorize`, `/rps/v2/…`, `/pushauth` | M-Pin: sessions and logins |
//! | `/registration`, `/verification…`, `/activate/initiate` | M-Pin: registrations |
//! | `/dvs/verify`, `/dvs/jwks` | M-Pin: signatures |
//! | `/.well-known/project-configuration`, `/.well-known/jwks` | the project's id, the keys of its tokens |
//! | `/api/v1/projects/…` | audit log and revocation, for apps and service accounts |
//! | `/elsewhere/…` | metadata, tokens, claims and keys once more, where a fault redirects to |
//!
//! # M-Pin
//!
//! The platform is compatible with MIRACL's own clients: they register a device here, log in with a PIN, make
//! QuickCodes and sign. A PIN never leaves its device. Two authorities each give a device a share of a secret, the
//! device takes the PIN out of it, and the platform checks a proof with a pairing, without anything that a PIN could be
//! compared with. Three wrong PINs in a row revoke a device.
//!
//! Both authorities run in this process, so anybody who has its data folder can log in as anyone. It is a
//! **development** authority. The curve, BN254CX, is believed to have about 100 bits of security.
//!
//! [`PlatformConfig::project`] and [`Platform::set_project`] say how addresses are confirmed, how long a PIN is, which
//! pages may call, and which programs use the back-end API. [`MpinClient`] is a client for tests:
//! [`Platform::mpin_client`] makes one. An error is `{"error", "info", "context"}` with a status from 400 to 499; a
//! body has 64 KiB at most. What is handed out for a short time (challenges, tokens, codes, sessions) is used once,
//! expires, and is bounded in number: the oldest makes room.
//!
//! The pages of a login are a script, `login.js`, which speaks to these endpoints as any other client does; `mpin.js`
//! is its arithmetic. [`Platform::log_in`] and [`Browser`] do the same without a page. A browser that runs no scripts
//! cannot log in.
//!
//! A login page shows a QR code beside the PIN pad, or in its place: [`Client::qr_login`], [`Client::browser_login`]. A
//! device that opens its address sees which app asks, is asked whether the screen is the person's own, and has the PIN.
//! Only the browser that began the login is logged in. A code is good for five minutes, and no longer than its page;
//! either side says when the other one has cancelled. The code holds a loopback address, and in a network
//! ([`PlatformConfig::allow_network`]) the address that this machine sends from.
//!
//! The pages speak English, Romanian and French: the first of `ui_locales` that they know, or else `lang`, or else what
//! the browser prefers. Where the project has a verification page of its own, a login page sends the person there with
//! `user_id` (if known), `access_id`, `client_id`, `redirect_uri`, `scope`, `state` and `nonce`, the fields of
//! `/verification`.
//!
//! # Signatures
//!
//! An app sends the browser to `/sign?client_id=…&redirect_uri=…&hash=…`, with the SHA-256 of its document in
//! hexadecimal digits, and with `description`, `state`, `login_hint` and `ui_locales` as it likes. A description has at
//! most 1024 bytes and 20 line breaks, and only characters that are shown.
//! The page shows the app's name, the description and the hash, and asks for the PIN, here or by QR code. The redirect
//! URI, which must be one of the app's, gets `state` and `signature`: the base64 of the JSON that `/dvs/verify` takes
//! as `signature`, with its `timestamp`. Or it gets `error` and `state`: `access_denied`, `invalid_request`. MIRACL
//! documents no such redirect. A program that waits itself begins a session with a `hash` at `/rps/v2/session`.
//!
//! Somebody who knows another person's M-Pin id and public key can use up that person's tries, as at any server that
//! counts: a proof with a wrong token looks like one with a wrong PIN. Nothing else counts as a try.
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
//! | `login` | a login before its script shows one of the pages below; `#no-script` where scripts are off |
//! | `register` | `#email`, `#register`, `#use-quick-code`, `#other-identity` (if this browser keeps one) |
//! | | `#lost` says that another data folder has to be told of this browser again |
//! | `verify` | `#verify` leads to the project's own verification page |
//! | `use-quick-code` | `#email`, `#code`, `#submit-code`, `#by-mail` |
//! | `mail` | `#inbox` leads to the inbox, `#check-again` reloads |
//! | `mail-code` | `#code` takes the digits of the message, `#submit-code`; `#inbox` opens the inbox beside it |
//! | `inbox` | `.message[data-to="…"]`, the newest first; `.code` has digits to type |
//! | | `#confirm` is the newest unused link, `.confirm` each of them |
//! | `new-pin`, `repeat-pin`, `enter-pin` | `#pin` takes keys |
//! | | `.digit[data-digit="1"]`, `#back`, `#clear`, `#submit-pin` |
//! | `enter-pin` | `#tries-left` after a wrong PIN (its text begins with the number) |
//! | | `#other-identity`, `#forgot-pin`, `#make-quick-code` (asks for the PIN and shows `quick-code`) |
//! | `quick-code` | `#quick-code` (its text), `#another-code`, `#back-to-login` |
//! | `no-quick-code` | `#notice` says why there is none |
//! | `choose` | `.identity[data-email="…"]` picks, `.remove-identity[data-email="…"]` asks to remove, `#add-identity` |
//! | `remove` | `#confirm-remove`, `#keep` |
//! | `blocked` | `#register-again`, `#other-identity` |
//! | `other-browser` | a link that was opened in another browser than the login: `#go-on` registers that one |
//! | `registered` | that browser is registered |
//! | `device` | a QR code was read: `#go-on` if the screen is the person's own |
//! | `device-done`, `device-ended` | the other screen goes on, or `#notice` says why not |
//! | `failed` | `#try-again`, `#refusal` |
//! | `done` | `#continue` leaves a frame for the app (it does so by itself) |
//! | `form-post` | `#callback` is the form with the callback, `#continue` posts it (it does so by itself) |
//! | any of a login | `#cancel` ends it with `access_denied`; `#notice` says what was wrong |
//! | | `#qr` has the QR code: `#qr-code`, `#qr-address` leads where the code does, `#qr-status`, `#qr-new` |
//! | | `#document` has what is to be signed: `#description`, `#hash` (their text) |
//! | | `[data-lang="ro"]` goes on in another language |
//! | | `#network`, `#apart`: the platform is in a network, the page in a frame of another site |
//! | `problem` | the heading and `code` say what |
//! | `signed-out` | `code` says what was wrong with the request, `.told` and `.untold` list apps |
//! | | `#continue` goes on to the app, which the page does by itself |
//! | any of the portal | `#notice` says that nothing was saved, and an element with the field's name and `-error` why |
//! | `portal`, `app` | `#name`, `#base-url`, `#redirect-uri` (its text), `#browser-login`, `#qr-login`, `#more` |
//! | | `#redirect-uris`, `#post-logout-redirect-uris` |
//! | | `#backchannel-logout-uri`, `#frontchannel-logout-uri`, `#algorithm` |
//! | `portal` | `#register-app`, `.app[data-client-id="…"]` |
//! | `app` | `#issuer`, `#client-id`, `#client-secret`, `#miracl-json` (their text), `#download` |
//! | | `#save-app`, `#new-keys`, `#remove-app` |
//! | `question` | `#yes` does it, `#no` goes back |
//! | `project` | `#project-id`, `#issuer` (their text), `#pin-length` |
//! | | `#verification-link`, `#verification-code`, `#verification-custom`, `#verification-url` |
//! | | `#quick-code`, `#renew-secrets`, `#opaque-sub`, `#allowed-origins`, `#save-project` |
//! | `accounts`, `account` | `#name`, `#permission-audit` and the others, `#create-account`, `#save-account` |
//! | `account` | `#token` (once), `#active`, `#remove-account` |
//! | `devices` | `#who`, `#filter`, `.device[data-user="…"]`, `.revoke` |
//! | `audit` | `#what`, `#who`, `#from`, `#to`, `#filter`, `.entry[data-event="…"]` |
//! | | `#page-before`, `#page-after` where a list has pages |
//!
//! A browser with one identity shows its PIN pad at once; with several, the person chooses first. Three wrong PINs
//! in a row revoke an identity on that browser, until its address is confirmed again.
//!
//! What a browser keeps of an identity is in its local storage, as `mpin-` and the project's id. The PIN is kept
//! nowhere, and no request has it. A test without scripts reads `data-access-id` of `#login`, logs in for that session
//! with an [`MpinClient`], and sends the form `#finish`.
//!
//! # Being treated badly
//!
//! [`Platform::set_fault`] makes the platform misbehave in exactly one point, and [`Platform::set_faults`] in
//! several; [`Fault::ALL`] lists them. [`Platform::requests`] returns what was requested meanwhile, and so shows
//! what was not.

mod access;
mod algorithm;
mod answer;
mod api;
mod app_settings;
mod assets;
mod audit;
mod authorize;
mod backchannel;
mod browser;
mod callback;
mod claims;
mod client;
mod client_auth;
mod clock;
mod config;
mod device;
mod device_id;
mod discovery;
mod exchange;
mod fault;
mod folder;
mod frontchannel;
mod grant;
mod guard;
mod hex;
mod id_token;
mod identity;
mod inbox;
mod interaction;
mod jwt;
mod keys;
mod login;
mod login_pages;
mod logout;
mod mpin;
mod mpin_client;
mod pages;
mod params;
mod pending;
mod person;
mod pin;
mod platform;
mod portal;
mod project;
mod qr;
mod random;
mod record;
mod registration;
mod rfc3339;
mod server;
mod service_account;
mod shared;
mod sign;
mod signer;
mod stop;
mod sync;
mod texts;
mod token;
mod trust;
mod userinfo;
mod variable;
mod verification;
mod visitor;
mod wire;

pub use algorithm::SigningAlgorithm;
pub use backchannel::SentLogoutToken;
pub use browser::{Browser, JourneyError};
pub use callback::Callback;
pub use client::Client;
pub use client_auth::ClientAuthMethod;
pub use config::{PlatformConfig, StartError};
pub use fault::{Fault, HUGE, MUCH, SLOW, TOO_MUCH};
pub use logout::LogOut;
pub use mpin_client::{MpinClient, MpinError, MpinIdentity};
pub use pin::{MAX_TRIES, PIN_LENGTH};
pub use platform::Platform;
pub use project::{EmailVerification, Project};
pub use record::{Authorization, MAX_RECORDED_REQUESTS, RecordedRequest};
pub use service_account::{Permission, ServiceAccount};
pub use stop::Stop;
pub use variable::variable;
