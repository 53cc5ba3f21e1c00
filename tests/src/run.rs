//! Runs suites of scenarios as a test program: a test of each scenario for every adapter.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use libtest_mimic::{Arguments, Failed, Trial};

use crate::{
    adapter::Adapter,
    demo::SESSION_STORE,
    programs::programs,
    promise::{self, Pending, Promise},
    redis::Redis,
    scenario::{Future, Need, Scenario, Store},
    suite::Suite,
};

/// No scenario may take longer.
const LIMIT: Duration = Duration::from_secs(300);

/// Runs suites on every adapter, as a test program with libtest's options and output. A scenario has the name
/// `suite::adapter::scenario`.
///
/// A scenario whose program is missing is reported as ignored and named at the end. With `MIRACL_TESTS=all`, which
/// `tests/run` sets, it fails.
pub fn run(suites: &[Suite]) -> ExitCode {
    run_on(Adapter::ALL, suites)
}

/// Runs suites on some adapters, as [`run`] does on all.
pub fn run_on(adapters: &[Adapter], suites: &[Suite]) -> ExitCode {
    play(adapters, suites, &[])
}

/// Runs suites that show that promises are kept, as [`run`] does. It ends with a table of every adapter: scenarios that
/// passed, and parts of promises that are pending.
pub fn run_with_promises(suites: &[Suite], promises: &[Promise]) -> ExitCode {
    play(Adapter::ALL, suites, promises)
}

fn play(adapters: &[Adapter], suites: &[Suite], promises: &[Promise]) -> ExitCode {
    let mut names = BTreeSet::new();
    for Suite { name, .. } in suites {
        assert!(names.insert(name), "two suites are called {name}");
    }
    if !promises.is_empty() {
        promise::check(promises, suites);
    }
    let arguments = Arguments::from_args();
    if !arguments.list {
        // Before the first scenario, so that no scenario's time includes the build.
        programs();
    }
    let mut plan = Plan {
        all: std::env::var_os("MIRACL_TESTS").is_some_and(|value| value == "all"),
        list: arguments.list,
        ..Plan::default()
    };
    for suite in suites {
        for &adapter in adapters {
            for &scenario in &suite.scenarios {
                if !scenario.once || Some(&adapter) == adapters.first() {
                    plan.add(&suite.name, adapter, scenario);
                }
            }
        }
    }
    let conclusion = libtest_mimic::run(&arguments, plan.trials);
    if !arguments.list {
        for (name, why) in plan.left_out {
            println!("left out: {name}, because {why}");
        }
        if !promises.is_empty() {
            plan.tally.print(promises);
        }
    }
    conclusion.exit_code()
}

/// The tests of a program.
#[derive(Default)]
struct Plan {
    /// Whether a scenario whose program is missing fails.
    all: bool,
    /// Whether the tests are only listed.
    list: bool,
    tally: Arc<Tally>,
    /// What is missing for each need on each adapter.
    missing: BTreeMap<(Need, &'static str), Option<&'static str>>,
    left_out: Vec<(String, &'static str)>,
    trials: Vec<Trial>,
}

impl Plan {
    /// Adds the test of a scenario on an adapter.
    fn add(&mut self, suite: &str, adapter: Adapter, scenario: Scenario) {
        let Scenario {
            name,
            needs,
            store,
            play,
            ..
        } = scenario;
        let name = format!("{suite}::{}::{name}", adapter.name);
        let needed = needs
            .into_iter()
            .flatten()
            .chain(store.and_then(Store::needs));
        let missing = needed.filter(|_| !self.list).find_map(|need| {
            let found = self.missing.entry((need, adapter.name));
            *found.or_insert_with(|| need.missing(adapter))
        });
        // A program can be installed, and must be; an adapter without a probe stays without one.
        let all = self.all && !needs.contains(&Some(Need::Probe));
        let trial = match missing {
            None => {
                let tally = Arc::clone(&self.tally);
                Trial::test(name, move || {
                    tally.add(adapter, false);
                    // Dropped, and stopped with it, when the scenario has ended.
                    let redis = (store == Some(Store::Redis)).then(Redis::start);
                    SESSION_STORE.set(match (store, &redis) {
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
                    self.left_out.push((name.clone(), why));
                }
                Trial::test(name, move || Err(Failed::from(why))).with_ignored_flag(!all)
            }
        };
        self.trials.push(trial);
    }
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

/// Plays a scenario to its end.
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
