//! MIRACL login for Rocket 0.5: two hooks, a few routes, and request guards that tell who is logged in.
//!
//! It works with every OpenID Connect provider. The login itself is in [`miracl_core`], and this crate is its adapter
//! for Rocket. The adapters for axum and actix-web have the same names and behave the same.
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
//! | [`User`], `Option<User>` | who is logged in; `User` sends everybody else to log in |
//! | [`Authorized`] | who is logged in and meets a requirement, such as a role |
//! | [`ProjectUser`] | whose MIRACL project JWT an API was called with |
//! | [`Visit`] | everything else: tokens, user data, messages, log-out |
//! | [`RequestExt`] | `req.visit()` in a hook |
//! | [`reply()`] | turns a page of the engine into a response |
//! | `testing::TestUser` | people who are logged in, for your tests; needs the feature `testing` |
//!
//! # Where next
//!
//! * [`AuthHandler`] says what a hook may do, and [`Visit`] what else a request can ask for.
//! * [`Config`] has every setting, with its default. [`Config::load`] says how settings are read.
//! * The book, in the folder `docs` of the repository, answers "How do I …" questions: roles, tests, proxies, log-out
//!   everywhere, a user table. Each page ends in a whole app.
//! * The demo `examples/rocket` is a larger app to copy from.
//!
//! # Request logs
//!
//! Rocket logs the address of each request. The callback's query has a code and a `state`, which do not belong in a log
//! (RFC 9700 §4.2.4), so the fairing removes the query first, and the log has only the path. If your own fairing logs
//! requests, attach it after `auth.fairing()`:
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
//! This is what differs from the other adapters, because of Rocket:
//!
//! * An app without [`MiraclAuth::fairing`] does not launch, if any of its routes asks for [`User`] or [`Visit`]; in
//!   axum and actix-web the first such request gets a 500.
//! * The answer to a person who must log in comes from a catcher of this crate, not from the app's catcher of 401. An
//!   app's `default` catcher on a longer base path runs in its place: if it sets a status of its own, its answer is
//!   sent as it is.
//! * [`User`] fails and never forwards, so that no lower-ranked route answers in its place. To have two pages at one
//!   path, take `Option<User>`, or `Result<User, LoginRequired>`.
//! * When a guard fails, Rocket drops the body of the request at once. If that is an upload, the connection is reset,
//!   and the browser may show an error in place of the answer. [`MiraclAuth::login_required`] reads such bodies: mount
//!   it where the app takes uploads.
//! * [`MiraclAuth::login_required`] returns routes, since Rocket has no layers. They cover everything below the path
//!   where they are mounted, even paths that do not exist.
//! * A hook refuses a login with a [`Status`](rocket::http::Status), which goes to the app's catcher.
//! * A method that a route does not have is answered with 404, as everywhere in Rocket. The other adapters answer with
//!   405.
//! * Rocket ignores a slash at the end of a path: `/members/` is `/members`. The login's own routes answer only at
//!   their exact paths, as in the other adapters.
//! * An app has one login: with a second fairing it does not launch, and routes of a login whose fairing is not
//!   attached answer 500.
//! * A [`LocalRequest`](rocket::local::asynchronous::LocalRequest) and its clones are one request to Rocket. If their
//!   cookies differ from those of the first one that is sent, they get a 500.
//! * A request runs to its end even if the browser disconnects, and its login counts. If a second request of the same
//!   browser waits for it, the second request gets the cookies and the redirect of the hook's answer.
//! * Hooks and fairings behind this one see the callback without its query, and Rocket's log does not have it either.
//! * Rocket waits for the first bytes of a body before any fairing or route. A client that announces a body and sends
//!   nothing keeps its connection until it disconnects or a proxy closes it. No limit of this crate applies.
//! * A request that Rocket cannot parse reaches no fairing, so this crate never sees it.

#![cfg_attr(docsrs, feature(doc_cfg))]
mod auth;
mod authorized;
mod body;
mod extract;
mod handler;
mod layer;
mod refused;
mod reply;
mod request;
mod require;
mod routes;
mod sent;
mod session_value;
mod slot;

pub use auth::MiraclAuth;
pub use authorized::Authorized;
pub use extract::{LoginRequired, ProjectUser, RequestExt, User, Visit};
pub use handler::AuthHandler;
pub use layer::MiraclFairing;
#[doc(inline)]
pub use miracl_core::app::*;
// The paths of earlier versions.
#[doc(hidden)]
pub use miracl_core::flat::*;
pub use reply::{Response, Result, reply};
pub use session_value::SessionValue;

/// The code of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
