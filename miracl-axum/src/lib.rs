//! MIRACL login for axum 0.8: two hooks, a few routes, and extractors that tell who is logged in.
//!
//! It works with every OpenID Connect provider. The login itself is in [`miracl_core`], and this crate is its adapter
//! for axum. The adapters for actix-web and Rocket have the same names and behave the same.
//!
//! # An app
//!
//! ```
//! use axum::{Router, http::request::Parts, response::{IntoResponse, Redirect, Response, Result}, routing::get};
//! use miracl_axum::{AuthFailure, AuthHandler, AuthSuccess, Category, Config, Miracl, MiraclAuth, RequestExt, User};
//! use miracl_axum::error::ConfigError;
//! # use axum::{body::Body, http::{Request, StatusCode}};
//! # use miracl_axum::config::CookieKey;
//! # use tower::ServiceExt;
//!
//! struct App;
//!
//! impl AuthHandler for App {
//!     async fn on_auth_success(&self, req: &mut Parts, login: AuthSuccess) -> Result<Response> {
//!         // Look your own user up here, by login.user().issuer() and login.user().id().
//!         req.visit().flash(Category::Success, "Successfully logged in!");
//!         Ok(Redirect::to(login.return_to()).into_response())
//!     }
//!
//!     async fn on_auth_failed(&self, req: &mut Parts, failure: AuthFailure) -> Result<Response> {
//!         Ok(miracl_axum::reply(req.visit().failure_reply(&failure)))
//!     }
//! }
//!
//! async fn index(user: Option<User>) -> &'static str {
//!     if user.is_some() { "Welcome back." } else { "Hello, stranger." }
//! }
//!
//! /// In `main`: `app(Config::load(None)?)`, served by `axum::serve`.
//! fn app(config: Config) -> Result<Router, ConfigError> {
//!     let auth = MiraclAuth::new(Miracl::new(config)?, App);
//!     Ok(Router::new()
//!         .route("/", get(index))
//!         .route("/members", get(async |user: User| format!("Hello, {}.", user.id())))
//!         .merge(auth.routes()) // /login, /login/start, /logout
//!         .layer(auth.layer()))
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
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! # let app = app(settings()).expect("complete settings");
//! # let open = async |path: &str| {
//! #     let request = Request::get(path).header("accept", "text/html").body(Body::empty());
//! #     app.clone().oneshot(request.expect("a request")).await.expect("an answer").status()
//! # };
//! # assert_eq!(open("/").await, StatusCode::OK);
//! # assert_eq!(open("/members").await, StatusCode::SEE_OTHER);
//! # }
//! ```
//!
//! # The parts
//!
//! | what | for |
//! |---|---|
//! | [`Config`], [`Miracl`] | your app and its provider, and the engine that is made of them |
//! | [`MiraclAuth`] | joins the engine and your hooks: `routes`, `layer` or `wrap`, `login_required` |
//! | [`AuthHandler`] | your two hooks, which get [`AuthSuccess`] and [`AuthFailure`] |
//! | [`User`], `Option<User>` | who is logged in; `User` sends everybody else to log in |
//! | [`Authorized`] | who is logged in and meets a requirement, such as a role |
//! | [`ProjectUser`] | whose MIRACL project JWT an API was called with |
//! | [`Visit`] | everything else: tokens, user data, messages, log-out |
//! | [`RequestExt`] | `req.visit()` in a hook |
//! | [`reply`] | turns a page of the engine into a response |
//! | `testing::TestUser` | people who are logged in, for your tests; needs the feature `testing` |
//!
//! # Where next
//!
//! * [`AuthHandler`] says what a hook may do, and [`Visit`] what else a request can ask for.
//! * [`Config`] has every setting, with its default. [`Config::load`] says how settings are read.
//! * The book, in the folder `docs` of the repository, answers "How do I …" questions: roles, tests, proxies, log-out
//!   everywhere, a user table. Each page ends in a whole app.
//! * The demo `examples/axum` is a larger app to copy from.
//!
//! # Request logs
//!
//! The callback's query has a code and a `state`, which do not belong in a log (RFC 9700 §4.2.4). axum logs no requests
//! by itself. Log the path alone:
//!
//! ```
//! use axum::{Router, extract::Request, middleware::{Next, from_fn}};
//! use tracing::{Instrument as _, info_span};
//!
//! # let router = Router::<()>::new();
//! let logged = from_fn(async |request: Request, next: Next| {
//!     let span = info_span!("request", method = %request.method(), path = request.uri().path());
//!     next.run(request).instrument(span).await
//! });
//! let router = router.layer(logged);
//! # let _: Router = router;
//! ```
//!
//! The span that `TraceLayer::new_for_http()` of `tower-http` makes by default has the whole address, at the level
//! `DEBUG`. Give it `make_span_with` and the span above. If you want to log the queries of other paths, ask
//! [`Miracl::query_is_secret`] which one to leave out.
//!
//! # Differences
//!
//! This is what differs from the other adapters, because of axum:
//!
//! * A request without [`MiraclAuth::layer`] gets a 500 whose log line names the missing layer; Rocket refuses to
//!   launch.
//! * If [`MiraclAuth::routes`] are nested under a prefix, the first request to them shows the mistake. With actix-web
//!   and Rocket, the app does not start.
//! * The layer is plain tower and works in front of any service, not only a [`Router`](axum::Router).
//! * With `axum::serve`, bodies have the type [`Body`](axum::body::Body). With any other type, the layer cannot read
//!   the rest of an upload that an extractor refuses.
//! * [`MiraclAuth::wrap`] goes around a whole router, and costs less than `Router::layer`.
//! * With several logins in one app, extractors behind [`MiraclAuth::login_required`] belong to the login of that
//!   guard.
//! * Hooks get `&mut Parts`, so that they can run extractors.

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
mod session_value;
mod slot;
mod wrap;

pub use auth::MiraclAuth;
pub use authorized::Authorized;
pub use extract::{LoginRequired, ProjectUser, RequestExt, User, Visit};
pub use handler::AuthHandler;
#[doc(inline)]
pub use miracl_core::app::*;
// The paths of earlier versions.
#[doc(hidden)]
pub use miracl_core::flat::*;
pub use reply::reply;
pub use session_value::SessionValue;
pub use wrap::MiraclRouter;

/// The types behind [`MiraclAuth`], for signatures that name them.
pub mod service {
    pub use crate::{
        layer::{MiraclFuture, MiraclLayer, MiraclService},
        require::{LoginRequiredLayer, LoginRequiredService},
    };
}
#[doc(hidden)] // their earlier paths
pub use service::*;

/// The code of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
