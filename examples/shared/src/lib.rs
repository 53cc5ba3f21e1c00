//! What the demo apps share: everything in them that is not framework code.
//!
//! * [`Settings`] and [`Demo`]: where the demo listens, which provider it uses, where it keeps its data;
//!   [`LocalPlatform`] is the provider it brings when none is configured.
//! * [`Users`]: the app's own user table, keyed by issuer and subject.
//! * [`Codes`]: how the app makes sure of people by its own means.
//! * [`Pages`]: the HTML. [`account::me`] and [`trust`]: the JSON.
//! * [`sample`]: what MIRACL's samples read from the environment.
//! * [`log`]: tracing on standard error. [`Stop`]: when to end.
//!
//! An app of yours needs none of this crate. It shows how little is left to do beside the login.

pub mod account;
mod browser;
mod chain;
mod codes;
pub mod log;
mod pages;
mod platform;
mod sample;
mod settings;
pub mod trust;
mod users;
mod when;

use std::io::{Write, stdout};

pub use chain::chain;
pub use codes::{Codes, Step};
pub use miracl_platform::Stop;
pub use pages::{LoginButton, LoginScript, MPIN_SCRIPT, PUBLIC, Page, Pages, STYLE, TRUST_SCRIPT};
pub use platform::LocalPlatform;
pub use sample::sample;
pub use settings::{Demo, Settings, SettingsError};
pub use users::{Database, MAX_DISPLAY_NAME, StoredUser, Users, UsersError};

/// Prints [`Demo::greeting`] at once. A closed output is no reason to stop.
pub fn greet(greeting: &str) {
    let mut out = stdout().lock();
    let _ = out
        .write_all(greeting.as_bytes())
        .and_then(|()| out.flush());
}
