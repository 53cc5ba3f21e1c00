//! MIRACL login for actix-web 4: two hooks, a few routes, and extractors that tell who is logged in.
//!
//! It works with every OpenID Connect provider. The login itself is in [`miracl_core`], and this crate is its adapter
//! for actix-web. The adapters for axum and Rocket have the same names and behave the same.
//!
//! # An app
//!
//! ```
//! use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Responder, Result};
//! use actix_web::web::{self, Redirect, ServiceConfig};
//! use miracl_actix::{AuthFailure, AuthHandler, AuthSuccess, Category, Config, Miracl, MiraclAuth, RequestExt, User};
//! use std::error::Error;
//! # use actix_web::test::{TestRequest, call_service, init_service};
//! # use miracl_actix::config::CookieKey;
//!
//! struct Hooks;
//!
//! impl AuthHandler for Hooks {
//!     async fn on_auth_success(&self, req: &HttpRequest, login: AuthSuccess) -> Result<HttpResponse> {
//!         // Look your own user up here, by login.user().issuer() and login.user().id().
//!         req.visit().flash(Category::Success, "Successfully logged in!");
//!         Ok(Redirect::to(login.return_to().to_owned()).see_other().respond_to(req).map_into_boxed_body())
//!     }
//!
//!     async fn on_auth_failed(&self, req: &HttpRequest, failure: AuthFailure) -> Result<HttpResponse> {
//!         Ok(miracl_actix::reply(req.visit().failure_reply(&failure)))
//!     }
//! }
//!
//! async fn index(user: Option<User>) -> &'static str {
//!     if user.is_some() { "Welcome back." } else { "Hello, stranger." }
//! }
//!
//! async fn members(user: User) -> String {
//!     format!("Hello, {}.", user.id())
//! }
//!
//! fn routes(app: &mut ServiceConfig, auth: &MiraclAuth) {
//!     app.route("/", web::get().to(index))
//!         .route("/members", web::get().to(members))
//!         .configure(auth.routes()); // /login, /login/start, /logout
//! }
//!
//! /// In `main`: `serve(Config::load(None)?).await?`.
//! async fn serve(config: Config) -> std::result::Result<(), Box<dyn Error>> {
//!     let auth = MiraclAuth::new(Miracl::new(config)?, Hooks); // outside of the closure: once for all workers
//!     let app = move || App::new().configure(|app| routes(app, &auth)).wrap(auth.layer());
//!     Ok(HttpServer::new(app).bind("127.0.0.1:5000")?.run().await?)
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
//! # #[actix_web::main]
//! # async fn main() {
//! # let auth = MiraclAuth::new(Miracl::new(settings()).expect("complete settings"), Hooks);
//! # let app = init_service(App::new().configure(|app| routes(app, &auth)).wrap(auth.layer())).await;
//! # for (path, status) in [("/", 200), ("/members", 303)] {
//! #     let request = TestRequest::get().uri(path).insert_header(("accept", "text/html")).to_request();
//! #     assert_eq!(call_service(&app, request).await.status(), status);
//! # }
//! # }
//! ```
//!
//! # The parts
//!
//! | what | for |
//! |---|---|
//! | [`Config`], [`Miracl`] | your app and its provider, and the engine that is made of them |
//! | [`MiraclAuth`] | joins the engine and your hooks: `routes`, `layer`, `login_required` |
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
//! * The demo `examples/actix` is a larger app to copy from.
//!
//! # Request logs
//!
//! The callback's query has a code and a `state`, which do not belong in a log (RFC 9700 §4.2.4). The default format of
//! actix-web's `Logger` prints the whole request line. `%U` is the path alone:
//!
//! ```
//! use actix_web::{App, middleware::Logger};
//!
//! let logger = Logger::new(r#"%a "%{METHOD}xi %U" %s %b "%{User-Agent}i" %T"#)
//!     .custom_request_replace("METHOD", |request| request.method().to_string());
//! let app = App::new().wrap(logger);
//! # drop(app);
//! ```
//!
//! The `Referer` of the default format is left out as well: a page of the provider may be in it. If you want to log the
//! queries of other paths, ask [`Miracl::query_is_secret`] which one to leave out.
//!
//! # Differences
//!
//! This is what differs from the other adapters, because of actix-web:
//!
//! * A request without [`MiraclAuth::layer`] gets a 500 whose log line names the missing layer; Rocket refuses to
//!   launch. `Option<User>` is then `None`, with the same line in the log, because an optional extractor of actix-web
//!   cannot fail.
//! * With several logins in one app, extractors behind [`MiraclAuth::login_required`] belong to the login of that
//!   guard.
//! * Make [`MiraclAuth`] outside the closure for `HttpServer::new`, because actix-web makes one app for each worker.
//! * If another middleware returns an `Err`, the layer passes the `Err` on, and adds the cookies to the response that
//!   is made from it.
//! * [`MiraclAuth::login_required`] is for `wrap` of a route, a resource or a scope. Around a scope it also answers for
//!   unknown paths.
//! * actix-web's own `web::get()` does not answer `HEAD`. The routes of the login do.
//! * If two routes have the same path, the first one answers, without a warning. So no page may have the path of the
//!   callback.
//! * A request runs to its end even if the browser disconnects, and its login counts. A server with
//!   [`h1_allow_half_closed(false)`](actix_web::HttpServer::h1_allow_half_closed) drops the request.
//! * Hooks get `&HttpRequest`, and their futures need not be `Send`.

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

/// The types behind [`MiraclAuth`] and [`User`], for signatures that name them.
pub mod service {
    pub use crate::{
        authorized::AuthorizedFuture,
        extract::UserFuture,
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
