//! One list of scenarios, a test of each for every adapter.

use std::{
    collections::BTreeMap,
    pin::Pin,
    process::{Command, ExitCode, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use libtest_mimic::{Arguments, Failed, Trial};

use crate::{
    demo::{self, Adapter},
    oidc_provider::OidcProvider,
    promise::{self, Pending, Promise},
    redis::Redis,
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
    store: Option<Store>,
    play: fn(Adapter) -> Future,
}

/// Where the demos of a scenario keep their sessions, if not in cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Store {
    /// In their own memory.
    Memory,
    /// In a Redis that is the scenario's own.
    Redis,
}

/// A program that a scenario needs besides Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Need {
    /// Chromium and its driver.
    Chromium,
    /// Node.js and the npm packages of `tests/providers`.
    Node,
    /// The adapter's probe. An adapter that is only tried out may do without.
    Probe,
    /// Redis.
    Redis,
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
            store: None,
            play,
        }
    }

    /// The same scenario on demos that keep their sessions there.
    #[must_use]
    pub const fn with_sessions_in(mut self, store: Store) -> Self {
        self.store = Some(store);
        self
    }

    /// The same scenario, left out where a program is missing.
    #[must_use]
    pub const fn needing(mut self, need: Need) -> Self {
        self.needs = Some(need);
        self
    }
}

/// The same scenarios on demos that keep sessions in their memory.
pub fn in_memory(scenarios: Vec<Scenario>) -> Vec<Scenario> {
    each(scenarios, |scenario| {
        scenario.with_sessions_in(Store::Memory)
    })
}

/// The same scenarios on demos that keep sessions in Redis.
pub fn in_redis(scenarios: Vec<Scenario>) -> Vec<Scenario> {
    each(scenarios, |scenario| {
        scenario.with_sessions_in(Store::Redis)
    })
}

/// The same scenarios, left out where a program is missing.
pub fn needing(need: Need, scenarios: Vec<Scenario>) -> Vec<Scenario> {
    each(scenarios, |scenario| scenario.needing(need))
}

fn each(scenarios: Vec<Scenario>, change: impl FnMut(Scenario) -> Scenario) -> Vec<Scenario> {
    scenarios.into_iter().map(change).collect()
}

impl Store {
    fn needs(self) -> Option<Need> {
        match self {
            Self::Memory => None,
            Self::Redis => Some(Need::Redis),
        }
    }
}

impl Need {
    /// Why this is missing; nothing when it is there.
    fn missing(self, adapter: Adapter) -> Option<&'static str> {
        match self {
            Self::Probe if !adapter.has_probe() => Some("this adapter has no probe"),
            Self::Chromium if !runs("chromium") => {
                Some("chromium is not installed: tests/run does it")
            }
            Self::Chromium if !runs("chromedriver") => {
                Some("chromedriver is not installed: tests/run does it")
            }
            Self::Node if !runs("node") => Some("node is not installed"),
            Self::Node if !OidcProvider::is_installed() => {
                Some("the packages of tests/providers are not installed: tests/run does it")
            }
            Self::Redis if !runs("redis-server") => {
                Some("redis-server is not installed: tests/run does it")
            }
            Self::Chromium | Self::Node | Self::Probe | Self::Redis => None,
        }
    }
}

/// Runs modules of scenarios on every adapter, as a test program with libtest's options and output.
///
/// A scenario whose need is missing is reported as ignored and told about at the end; with `MIRACL_TESTS=all`, which
/// `tests/run` sets, it fails.
pub fn run(modules: &[(&str, Vec<Scenario>)]) -> ExitCode {
    run_on(Adapter::ALL, modules)
}

/// The same on some adapters.
pub fn run_on(adapters: &[Adapter], modules: &[(&str, Vec<Scenario>)]) -> ExitCode {
    play(adapters, modules, &[])
}

/// The same for scenarios that show that promises are kept. It ends with a table of every adapter: scenarios that passed, and
/// parts of promises that are pending.
pub fn run_with_promises(modules: &[(&str, Vec<Scenario>)], promises: &[Promise]) -> ExitCode {
    play(Adapter::ALL, modules, promises)
}

fn play(adapters: &[Adapter], modules: &[(&str, Vec<Scenario>)], promises: &[Promise]) -> ExitCode {
    if !promises.is_empty() {
        let named: Vec<_> = modules
            .iter()
            .flat_map(|(module, scenarios)| {
                let named = |scenario: &Scenario| (*module, scenario.name);
                scenarios.iter().map(named)
            })
            .collect();
        promise::check(promises, &named);
    }
    let arguments = Arguments::from_args();
    if !arguments.list {
        // Before the first scenario, whose time it is not.
        demo::programs();
    }
    let tally = Arc::new(Tally::default());
    let all = std::env::var_os("MIRACL_TESTS").is_some_and(|value| value == "all");
    let mut found = BTreeMap::new();
    let mut left_out = Vec::new();
    let mut trials = Vec::new();
    for (module, scenarios) in modules {
        for &adapter in adapters {
            for scenario in scenarios {
                let Scenario {
                    name,
                    needs,
                    store,
                    play,
                } = *scenario;
                let name = format!("{module}::{}::{name}", adapter.name);
                let needed = needs.into_iter().chain(store.and_then(Store::needs));
                let missing = needed.filter(|_| !arguments.list).find_map(|need| {
                    let found = found.entry((need, adapter.name));
                    *found.or_insert_with(|| need.missing(adapter))
                });
                // What can be installed must be; what is the adapter's own is its own.
                let all = all && needs != Some(Need::Probe);
                let trial = match missing {
                    None => {
                        let tally = Arc::clone(&tally);
                        Trial::test(name, move || {
                            tally.add(adapter, false);
                            // Dropped, and stopped with it, when the scenario has ended.
                            let redis = (store == Some(Store::Redis)).then(Redis::start);
                            demo::SESSION_STORE.set(match (store, &redis) {
                                (_, Some(redis)) => Some(redis.url()),
                                (Some(_), None) => Some("memory".to_owned()),
                                (None, None) => None,
                            });
                            watch(play(adapter));
                            tally.add(adapter, true);
                            Ok(())
                        })
                    }
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
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list {
        for (name, why) in left_out {
            println!("left out: {name}, because {why}");
        }
    }
    if !arguments.list && !promises.is_empty() {
        tally.print(promises);
    }
    conclusion.exit_code()
}

/// How many scenarios began and passed, for each adapter.
#[derive(Debug, Default)]
struct Tally(Mutex<BTreeMap<&'static str, [usize; 2]>>);

impl Tally {
    fn add(&self, adapter: Adapter, passed: bool) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.entry(adapter.name).or_default()[usize::from(passed)] += 1;
    }

    fn print(&self, promises: &[Promise]) {
        for promise in promises {
            for pending in promise.pending {
                let Pending { what, reason } = pending;
                println!("pending: promise {}, {what}: {reason}", promise.number);
            }
        }
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        println!(
            "\n{:<10} {:>7} {:>7} {:>8}",
            "adapter", "passed", "failed", "pending"
        );
        for adapter in Adapter::ALL {
            let [began, passed] = counts.get(adapter.name).copied().unwrap_or_default();
            let failed = began - passed;
            let pending = promise::pending(promises);
            println!("{:<10} {passed:>7} {failed:>7} {pending:>8}", adapter.name);
        }
        println!();
    }
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
