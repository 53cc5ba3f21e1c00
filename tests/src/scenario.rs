//! A scenario: a sentence about a demo, what it needs, and the function that finds out whether the sentence is
//! true.

use std::{
    pin::Pin,
    process::{Command, Stdio},
};

use crate::{adapter::Adapter, library::Library, oidc_provider::OidcProvider};

/// What a scenario returns when called.
pub type Future = Pin<Box<dyn std::future::Future<Output = ()>>>;

/// A sentence about a demo, and the function that finds out whether it is true.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) needs: [Option<Need>; 2],
    pub(crate) store: Option<Store>,
    pub(crate) once: bool,
    pub(crate) play: fn(Adapter) -> Future,
}

/// Where the demos of a scenario keep their sessions, if not in cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Store {
    /// In their own memory.
    Memory,
    /// In a Redis of the scenario.
    Redis,
}

/// A program that a scenario needs besides Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Need {
    /// Caddy.
    Caddy,
    /// Chromium and its driver.
    Chromium,
    /// Chromium, its driver, and the scripts among the npm packages of `tests/providers`.
    Libraries,
    /// nginx.
    Nginx,
    /// Node.js and the npm packages of `tests/providers`.
    Node,
    /// The adapter's probe, which an adapter may lack while it is being written.
    Probe,
    /// Redis.
    Redis,
}

impl Scenario {
    /// A scenario that needs nothing but Rust.
    pub const fn new(name: &'static str, play: fn(Adapter) -> Future) -> Self {
        Self {
            name,
            needs: [None, None],
            store: None,
            once: false,
            play,
        }
    }

    /// Has its demos keep their sessions in a store.
    #[must_use]
    pub const fn with_sessions_in(mut self, store: Store) -> Self {
        self.store = Some(store);
        self
    }

    /// Runs it on the first adapter only, because what it is about is the same with every adapter.
    #[must_use]
    pub const fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// Leaves it out where a program is missing. It may need two.
    #[must_use]
    pub const fn needing(mut self, need: Need) -> Self {
        let [first, _] = self.needs;
        self.needs = [Some(need), first];
        self
    }
}

impl Store {
    pub(crate) fn needs(self) -> Option<Need> {
        match self {
            Self::Memory => None,
            Self::Redis => Some(Need::Redis),
        }
    }
}

impl Need {
    /// Why this is missing, or nothing when it is there.
    pub(crate) fn missing(self, adapter: Adapter) -> Option<&'static str> {
        match self {
            Self::Probe if !adapter.has_probe() => Some("this adapter has no probe"),
            Self::Caddy if !runs_with("caddy", "version") => {
                Some("caddy is not installed: tests/run does it")
            }
            Self::Chromium | Self::Libraries if !runs("chromium") => {
                Some("chromium is not installed: tests/run does it")
            }
            Self::Chromium | Self::Libraries if !runs("chromedriver") => {
                Some("chromedriver is not installed: tests/run does it")
            }
            Self::Libraries if !Library::are_installed() => {
                Some("the packages of tests/providers are not installed: tests/run does it")
            }
            Self::Node if !runs("node") => Some("node is not installed"),
            Self::Node if !OidcProvider::is_installed() => {
                Some("the packages of tests/providers are not installed: tests/run does it")
            }
            Self::Redis if !runs("redis-server") => {
                Some("redis-server is not installed: tests/run does it")
            }
            Self::Nginx if !runs_with("nginx", "-v") => {
                Some("nginx is not installed: tests/run does it")
            }
            Self::Caddy
            | Self::Chromium
            | Self::Libraries
            | Self::Nginx
            | Self::Node
            | Self::Probe
            | Self::Redis => None,
        }
    }
}

fn runs(program: &str) -> bool {
    runs_with(program, "--version")
}

fn runs_with(program: &str, asks_for_version: &str) -> bool {
    Command::new(program)
        .arg(asks_for_version)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
