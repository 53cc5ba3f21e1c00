//! One list of scenarios, a test of each for every adapter.

use std::{
    collections::BTreeMap,
    pin::Pin,
    process::{Command, ExitCode, Stdio},
    time::Duration,
};

use libtest_mimic::{Arguments, Failed, Trial};

use crate::{
    demo::{self, Adapter},
    oidc_provider::OidcProvider,
};

/// No scenario may take longer.
const LIMIT: Duration = Duration::from_secs(90);

/// What a scenario returns when called.
pub type Future = Pin<Box<dyn std::future::Future<Output = ()>>>;

/// A sentence about a demo, and the function that finds out whether it is true.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    name: &'static str,
    needs: Option<Need>,
    play: fn(Adapter) -> Future,
}

/// A program that a scenario needs besides Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Need {
    /// Chromium and its driver.
    Chromium,
    /// Node.js and the npm packages of `tests/providers`.
    Node,
}

/// Lists scenarios: the functions of these names in this module.
#[macro_export]
macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        /// What this module tells about a demo.
        pub(crate) fn scenarios() -> Vec<$crate::Scenario> {
            vec![$($crate::Scenario::new(stringify!($name), |adapter| Box::pin($name(adapter)))),*]
        }
    };
}

impl Scenario {
    /// A scenario that needs nothing but Rust.
    pub const fn new(name: &'static str, play: fn(Adapter) -> Future) -> Self {
        Self {
            name,
            needs: None,
            play,
        }
    }

    /// The same scenario, left out where a program is missing.
    #[must_use]
    pub const fn needing(mut self, need: Need) -> Self {
        self.needs = Some(need);
        self
    }
}

impl Need {
    /// Why this is missing; nothing when it is there.
    fn missing(self) -> Option<&'static str> {
        match self {
            Self::Chromium if !runs("chromium") => Some("chromium is not installed"),
            Self::Chromium if !runs("chromedriver") => Some("chromedriver is not installed"),
            Self::Node if !runs("node") => Some("node is not installed"),
            Self::Node if !OidcProvider::is_installed() => {
                Some("the packages of tests/providers are not installed")
            }
            Self::Chromium | Self::Node => None,
        }
    }
}

/// Runs modules of scenarios on every adapter, as a test program with libtest's options and output.
///
/// A scenario whose need is missing is reported as ignored and told about at the end; with `MIRACL_TESTS=all`, which
/// `tests/run` sets, it fails.
pub fn run(modules: &[(&str, Vec<Scenario>)]) -> ExitCode {
    let arguments = Arguments::from_args();
    let all = std::env::var_os("MIRACL_TESTS").is_some_and(|value| value == "all");
    let mut found = BTreeMap::new();
    let mut left_out = Vec::new();
    let mut trials = Vec::new();
    for (module, scenarios) in modules {
        for &adapter in Adapter::ALL {
            for scenario in scenarios {
                let Scenario { name, needs, play } = *scenario;
                let name = format!("{module}::{}::{name}", adapter.name);
                let missing =
                    needs.and_then(|need| *found.entry(need).or_insert_with(|| need.missing()));
                let trial = match missing {
                    None => Trial::test(name, move || {
                        watch(play(adapter));
                        Ok(())
                    }),
                    Some(why) => {
                        if !all {
                            left_out.push((name.clone(), why));
                        }
                        Trial::test(name, move || Err(Failed::from(why))).with_ignored_flag(!all)
                    }
                };
                trials.push(trial);
            }
        }
    }
    if !arguments.list {
        // Before the first scenario, whose time it is not.
        demo::programs();
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list {
        for (name, why) in left_out {
            println!("left out: {name}, because {why}: tests/run installs it");
        }
    }
    conclusion.exit_code()
}

/// Plays one scenario to its end.
fn watch(scenario: Future) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let ended = runtime.block_on(async { tokio::time::timeout(LIMIT, scenario).await });
    runtime.shutdown_background();
    assert!(ended.is_ok(), "the scenario did not end within {LIMIT:?}");
}

fn runs(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
