//! The relying-party conformance list as a test of your app.
//!
//! The kit plays an OpenID provider that misbehaves on purpose, drives a browser through your app's login, and
//! judges by the requests that the provider received and by your app's answers. It knows your app only by a few
//! paths, so the app can be written in any language and with any library.
//!
//! Its modules are those of the OpenID Foundation's conformance suites for relying parties that concern the
//! authorization-code flow, under their names and rewritten; those of the FAPI 2.0 Security Profile that judge the
//! response and the ID token; and [`Profile::Ours`], which has what the suites leave out. [`not_run`] lists the
//! others, with a reason each.
//!
//! **It is no certification**: the OpenID Foundation certifies by its own suite alone.
//!
//! ```no_run
//! use miracl_conformance::{App, Profile, ProviderSettings, assert_conformant};
//!
//! # struct MyApp { port: u16 }
//! # impl MyApp { async fn start(_: ProviderSettings) -> Self { Self { port: 5000 } } }
//! async fn start_my_app(provider: ProviderSettings) -> App {
//!     // Configure your app with `provider.issuer`, `provider.client_id`, `provider.client_secret`
//!     // and the rest, start it on a free port, and say where it is.
//!     let app = MyApp::start(provider).await;
//!     App::at(&format!("http://127.0.0.1:{}", app.port))
//!         .callback("/login")
//!         .login("/login/start")
//!         .probe("/me")
//!         .hold(app)
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! assert_conformant(Profile::Basic, start_my_app).await;
//! # }
//! ```
//!
//! The kit asks for an app once for each way of registering it, and for a new one where a module needs one that has
//! not met its provider yet. [`Suite`] returns a [`Report`] instead of failing; a [`Runner`] runs single
//! [`Module`]s, for test programs that make a test of each.

mod app;
mod browser;
mod callback;
mod checks;
mod judge;
mod module;
mod modules;
mod not_run;
mod person;
mod profile;
mod report;
mod run;
mod runner;
mod settings;
mod setup;
mod stop;
mod suite;

pub use app::App;
pub use module::Module;
pub use modules::modules;
pub use not_run::{NotRun, not_run};
pub use profile::Profile;
pub use report::{Counts, Outcome, Report};
pub use runner::Runner;
pub use settings::ProviderSettings;
pub use suite::{Suite, assert_conformant};
