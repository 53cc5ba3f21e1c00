//! MIRACL login for Rocket 0.5: two hooks, a few routes, and request guards that say who is asking.
//!
//! Works with every OpenID Connect provider. This is the Rocket adapter of [`miracl_core`], where the login itself
//! lives; the axum and actix-web adapters have the same names and behave the same.
//!
//! # An app
//!
//! ```
//! use miracl_rocket::{AuthFailure, AuthHandler, AuthSuccess, Category, Config, Miracl, MiraclAuth, RequestExt, User};
//! use miracl_rocket::{Response, Result, error::ConfigError};
//! use rocket::{Build, Request, Rocket, get, response::{Redirect, Responder}, routes};
//! # use miracl_rocket::config::CookieKey;
//! # use rocket::{http::{Accept, Status}, local::blocking::Client};
//!
//! struct App;
//!
//! impl AuthHandler for App {
//!     async fn on_auth_success(&self, req: &Request<'_>, login: AuthSuccess) -> Result<Response> {
//!         // Look your own user up here, by login.user().issuer() and login.user().id().
//!         req.visit().flash(Category::Success, "Successfully logged in!");
//!         Redirect::to(login.return_to().to_owned()).respond_to(req)
//!     }
//!
//!     async fn on_auth_failed(&self, req: &Request<'_>, failure: AuthFailure) -> Result<Response> {
//!         Ok(miracl_rocket::reply(req.visit().failure_reply(&failure)))
//!     }
//! }
//!
//! #[get("/")]
//! fn index(user: Option<User>) -> &'static str {
//!     if user.is_some() { "Welcome back." } else { "Hello, stranger." }
//! }
//!
//! #[get("/members")]
//! fn members(user: User) -> String {
//!     format!("Hello, {}.", user.id())
//! }
//!
//! /// In `main`: `app(Config::load(None)?)?.launch().await?`.
//! fn app(config: Config) -> std::result::Result<Rocket<Build>, ConfigError> {
//!     let auth = MiraclAuth::new(Miracl::new(config)?, App);
//!     Ok(rocket::build()
//!         .mount("/", routes![index, members])
//!         .mount("/", auth.routes()) // /login, /login/start, /logout
//!         .attach(auth.fairing()))
//! }
//! # fn settings() -> Config {
//! #     Config {
//! #         issuer: "https://login.example".to_owned(),
//! #         client_id: "my-app".to_owned(),
//! #         client_secret: "secret".into(),
//! #         redirect_uri: "http://127.0.0.1:5000/login".to_owned(),
//! #         cookie_keys: vec![CookieKey::generate()],
//! #         ..Config::default()
//! #     }
//! # }
//! # fn main() {
//! # let client = Client::tracked(app(settings()).expect("complete settings")).expect("an app that launches");
//! # let open = |path: &'static str| client.get(path).header(Accept::HTML).dispatch().status();
//! # assert_eq!(open("/"), Status::Ok);
//! # assert_eq!(open("/members"), Status::SeeOther);
//! # }
//! ```
//!
//! # The parts
//!
//! | what | for |
//! |---|---|
//! | [`Config`], [`Miracl`] | your app and its provider, and the engine that is made of them |
//! | [`MiraclAuth`] | joins the engine and your hooks: `routes`, `fairing`, `login_required` |
//! | [`AuthHandler`] | your two hooks, which get [`AuthSuccess`] and [`AuthFailure`] |
//! | [`User`], `Option<User>` | who is asking; `User` sends everybody else to log in |
//! | [`ProjectUser`] | whose MIRACL project JWT an API was called with |
//! | [`Visit`] | everything else: tokens, user data, messages, log-out |
//! | [`RequestExt`] | `req.visit()` in a hook |
//! | [`reply()`] | turns a page of the engine into a response |
//!
//! # Where next
//!
//! * [`AuthHandler`] says what a hook may do, and [`Visit`] what else a request can ask for.
//! * [`Config`] has every setting, with its default. [`Config::load`] says how settings are read.
//! * The book, in the folder `docs` of the repository, has a page for each "How do I …": roles, tests, proxies, log-out
//!   everywhere, a user table. Each ends in a whole app.
//! * The demo `examples/rocket` is a larger app to copy from.
//!
//! # Request logs
//!
//! Rocket logs the address of each request. The callback's query has a code and a `state`, which do not belong into a
//! log (RFC 9700 §4.2.4), so the fairing takes it from the request before that: the log has the path alone. A fairing
//! of your own that logs requests does so after `auth.fairing()`:
//!
//! ```
//! use rocket::fairing::AdHoc;
//!
//! # fn attach(auth: &miracl_rocket::MiraclAuth) -> rocket::Rocket<rocket::Build> {
//! let logged = AdHoc::on_request("Log", |request, _| {
//!     Box::pin(async move { tracing::info!(method = %request.method(), uri = %request.uri(), "request") })
//! });
//! rocket::build().attach(auth.fairing()).attach(logged)
//! # }
//! ```
//!
//! # Differences
//!
//! What Rocket does in its own way, compared with the sibling adapters:
//!
//! * An app without [`MiraclAuth::fairing`] does not launch, if any of its routes asks for [`User`] or [`Visit`]; in
//!   axum and actix-web the first such request gets a 500.
//! * The answer to somebody who must log in does not come from the app's catcher of 401, but from a catcher of this
//!   crate. An app's `default` catcher on a longer base path runs in its place: if it sets a status of its own, its
//!   answer is sent as it is.
//! * [`User`] fails and never forwards, so that no lower-ranked route answers in its place. For two pages at one path
//!   take `Option<User>`, or `Result<User, LoginRequired>`.
//! * When a guard fails, Rocket drops the body of the request at once. If that is an upload, the connection is reset,
//!   and the browser may show an error in place of the answer. [`MiraclAuth::login_required`] reads such bodies: mount
//!   it where the app takes uploads.
//! * [`MiraclAuth::login_required`] returns routes, since Rocket has no layers. They cover everything below the path
//!   they are mounted at, also what does not exist.
//! * The veto of a hook is a [`Status`](rocket::http::Status), which goes to the app's catcher.
//! * A method that a route does not have is answered by 404, as everywhere in Rocket; the siblings say 405.
//! * To Rocket, a slash more makes no other path: `/members/` is `/members`. The login's own routes answer their exact
//!   paths only, as everywhere.
//! * An app has one login: with a second fairing it does not launch, and routes of a login whose fairing is not
//!   attached answer 500.
//! * A [`LocalRequest`](rocket::local::asynchronous::LocalRequest) and its clones are one request to Rocket: with other
//!   cookies than the first of them that is sent, the others get a 500.
//! * A request runs to its end even when its browser goes away, and its login counts then. Where a second request of
//!   the same browser waits for it, that one gets its cookies, and is sent where the hook's answer leads.
//! * Hooks and fairings behind this one see the callback without its query, and Rocket's log does not have it either.
//! * Rocket waits for the first bytes of a body before any fairing or route. A client that announces one and sends
//!   nothing keeps its connection until it goes away, or a proxy in front gives it up: no limit of this crate applies.
//! * A request that Rocket cannot parse reaches no fairing, and so nothing of this crate.

#![cfg_attr(docsrs, feature(doc_cfg))]
mod auth;
mod body;
mod extract;
mod handler;
mod layer;
mod reply;
mod request;
mod require;
mod routes;
mod sent;
mod slot;

pub use auth::MiraclAuth;
pub use extract::{LoginRequired, ProjectUser, RequestExt, User, Visit};
pub use handler::AuthHandler;
pub use layer::MiraclFairing;
#[doc(inline)]
pub use miracl_core::app::*;
// The paths of earlier versions.
#[doc(hidden)]
pub use miracl_core::flat::*;
pub use reply::{Response, Result, reply};

/// The code of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
