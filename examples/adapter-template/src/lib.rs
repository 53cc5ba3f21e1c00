//! MIRACL login for warp 0.4: two hooks, a few routes, and filters that say who is asking.
//!
//! Works with every OpenID Connect provider. This is the warp adapter of [`miracl_core`], where the login itself
//! lives; the axum, actix-web and Rocket adapters have the same names and behave the same.
//!
//! It is also the template for an adapter of your own: see the page "Write an adapter" of the book, in
//! the folder `docs` of the repository.
//!
//! # An app
//!
//! ```no_run
//! use miracl_warp::{AuthFailure, AuthHandler, AuthSuccess, Category, Config, Miracl, MiraclAuth, RequestExt, User};
//! use miracl_warp::{optional_user, user};
//! use tower::Layer;
//! use warp::reply::{Response, with_header, with_status};
//! use warp::{Filter, Rejection, Reply, http::{StatusCode, request::Parts}};
//!
//! struct App;
//!
//! impl AuthHandler for App {
//!     async fn on_auth_success(&self, req: &Parts, login: AuthSuccess) -> Result<Response, Rejection> {
//!         // Look your own user up here, by login.user().issuer() and login.user().id().
//!         req.visit().flash(Category::Success, "Successfully logged in!");
//!         let redirect = with_status(warp::reply(), StatusCode::SEE_OTHER);
//!         Ok(with_header(redirect, "location", login.return_to()).into_response())
//!     }
//!
//!     async fn on_auth_failed(&self, req: &Parts, failure: AuthFailure) -> Result<Response, Rejection> {
//!         Ok(miracl_warp::reply(req.visit().failure_reply(&failure)))
//!     }
//! }
//!
//! # fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
//! let auth = MiraclAuth::new(Miracl::new(Config::load(None)?)?, App);
//! let index = warp::path::end()
//!     .and(optional_user())
//!     .map(|user: Option<User>| if user.is_some() { "Welcome back." } else { "Hello, stranger." });
//! let members = warp::path!("members")
//!     .and(user())
//!     .map(|user: User| format!("Hello, {}.", user.id()));
//! let app = index.or(members).or(auth.routes());
//! let app = auth.layer().layer(warp::service(app));
//! # let _: miracl_warp::MiraclService<_> = app;
//! # Ok(()) }
//! ```
//!
//! # The parts
//!
//! | what | for |
//! |---|---|
//! | [`Config`], [`Miracl`] | your app and its provider, and the engine that is made of them |
//! | [`MiraclAuth`] | joins the engine and your hooks: `routes`, `layer`, `login_required` |
//! | [`AuthHandler`] | your two hooks, which get [`AuthSuccess`] and [`AuthFailure`] |
//! | [`user`], [`optional_user`] | who is asking; `user` sends everybody else to log in |
//! | [`project_user`] | whose MIRACL project JWT an API was called with |
//! | [`visit`] | everything else: tokens, user data, messages, log-out |
//! | [`RequestExt`] | `req.visit()` in a hook |
//! | [`reply`] | turns a page of the engine into a response |
//! | `testing::TestUser` | people who are logged in, for your tests; needs the feature `testing` |
//!
//! # Where next
//!
//! * [`AuthHandler`] says what a hook may do, and [`Visit`] what else a request can ask for.
//! * [`Config`] has every setting, with its default. [`Config::load`] says how settings are read.
//! * The demo, in the folder `demo`, is a larger app to copy from.
//!
//! # Request logs
//!
//! The callback's query has a code and a `state`, which do not belong into a log (RFC 9700 §4.2.4). `warp::log` and
//! `warp::trace::request` print the path alone.
//!
//! # Differences
//!
//! What warp does in its own way, compared with the sibling adapters:
//!
//! * A request without [`MiraclAuth::layer`] gets a 500 whose log line names the missing layer; Rocket refuses to
//!   launch.
//! * [`MiraclAuth::routes`] behind a path are found out by the first request to them; actix-web and Rocket do not
//!   start.
//! * A filter can add nothing to a request and sees no rejection of its neighbours, so the layer goes around
//!   [`warp::service`]. `warp::serve` takes filters only: the service is served by hyper. `warp::addr::remote` knows no
//!   address then, since only `warp::serve` tells it.
//! * Extractors are filters: [`user`], [`optional_user`] in place of `Option<User>`, and [`visit`]. Put them behind the
//!   path and the method.
//! * [`user`] and [`MiraclAuth::login_required`] reject as if nothing were found, and the layer answers: filters behind
//!   an `or` still run, but neither they nor a `recover` can answer in their place. For two pages at one path take
//!   [`optional_user`]. Inside, `warp::log` sees a request that was not found.
//! * [`MiraclAuth::login_required`] behind the first part of a path answers for unknown paths below it, too.
//! * With several logins in one app, [`MiraclAuth::login_required`] works inside of the innermost layer only, and
//!   answers 500 elsewhere: a filter cannot turn to another login for those behind it.
//! * The veto of a hook is a [`Rejection`](warp::Rejection), which goes to the app's `recover`.
//! * `warp::get()` does not answer `HEAD`. The routes of the login do.
//! * To `warp::path!`, `/members/` is `/members`. The login's own routes answer their exact paths only, as everywhere.
//! * Of two filters for the same request the first one answers, without a warning: no page may have the path of the
//!   callback.
//! * Hooks get `&Parts`. Extensions are those that the request had when it came to the layer.

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
pub use authorized::{
    authorized, authorized_project_user, optional_authorized, optional_authorized_project_user,
};
pub use extract::{ProjectUser, RequestExt, User, Visit, optional_user, project_user, user, visit};
pub use handler::AuthHandler;
#[doc(inline)]
pub use miracl_core::app::*;
// The paths of earlier versions.
#[doc(hidden)]
pub use miracl_core::flat::*;
pub use reply::reply;
pub use session_value::session_value;

/// The types behind [`MiraclAuth`], for signatures that name them.
pub mod service {
    pub use crate::{
        body::Kept,
        layer::{MiraclFuture, MiraclLayer, MiraclService},
    };
}
#[doc(hidden)] // their earlier paths
pub use service::*;
