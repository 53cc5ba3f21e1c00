//! The relying-party conformance list, on every adapter: one test for each module, named after it.
//!
//! `cargo test -p miracl-tests --test conformance -- axum::oidcc` runs the modules whose name contains this. It is
//! no certification.

use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use libtest_mimic::{Arguments, Failed, Trial};
use miracl_conformance::{
    App, Counts, Module, Outcome, Profile, ProviderSettings, Report, Runner, modules, not_run,
};
use miracl_tests::{Adapter, Demo};
use ring::rand::{SecureRandom, SystemRandom};
use tokio::runtime::Runtime;

/// How many modules run at once. Most of the time they wait.
const THREADS: usize = 28;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    if !arguments.list {
        // Before the first module, so that no module's time includes the build.
        miracl_tests::build_programs();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let runtime = Arc::new(runtime);
    let reports = Reports::default();
    let conclusion = libtest_mimic::run(&arguments, trials(&runtime, &reports));
    if !arguments.list {
        reports.print();
    }
    conclusion.exit_code()
}

/// A test of each module for each adapter. The adapters take turns, so that modules seldom wait for an app. The
/// modules that wait until a demo gives up come first.
fn trials(runtime: &Arc<Runtime>, reports: &Reports) -> Vec<Trial> {
    let mut list = modules();
    list.sort_by_key(|module| !module.is_slow());
    let runners: Vec<_> = Adapter::ALL
        .iter()
        .map(|&adapter| {
            let start = async move |provider: ProviderSettings| demo(adapter, &provider);
            (adapter.name, Arc::new(Runner::new(start)))
        })
        .collect();
    let mut trials = Vec::new();
    for module in list.into_iter().map(Arc::new) {
        for (name, runner) in &runners {
            let (adapter, runner, module) = (*name, Arc::clone(runner), Arc::clone(&module));
            let (runtime, reports) = (Arc::clone(runtime), reports.clone());
            trials.push(Trial::test(
                format!("{adapter}::{}", module.name()),
                move || {
                    let outcome = runtime.block_on(runner.run(&module));
                    reports.add(adapter, &module, outcome)
                },
            ));
        }
    }
    trials
}

/// One key for all demos, so that only the sealed content can tell their cookies apart.
fn cookie_key() -> &'static str {
    static KEY: LazyLock<String> = LazyLock::new(|| {
        let mut bytes = [0; 32];
        SystemRandom::new()
            .fill(&mut bytes)
            .expect("random numbers");
        base64_simd::STANDARD.encode_to_string(bytes)
    });
    &KEY
}

/// Starts a demo as a client of the kit's provider.
fn demo(adapter: Adapter, provider: &ProviderSettings) -> App {
    let mut settings = Demo::builder(adapter)
        .env("ISSUER", &provider.issuer)
        .env("CLIENT_ID", &provider.client_id)
        .env("CLIENT_SECRET", &provider.client_secret)
        .env("SCOPES", &provider.scopes)
        .env("COOKIE_KEYS", cookie_key())
        .env("DATABASE_URL", "sqlite::memory:");
    if let Some(jwk) = &provider.client_jwk {
        settings = settings
            .file("app.jwk.json", jwk)
            .env("CLIENT_JWK_FILE", "app.jwk.json");
    }
    for (variable, value) in [
        ("RESPONSE_MODE", &provider.response_mode),
        (
            "TOKEN_ENDPOINT_AUTH_METHOD",
            &provider.token_endpoint_auth_method,
        ),
        (
            "ID_TOKEN_SIGNED_RESPONSE_ALG",
            &provider.id_token_signed_response_alg,
        ),
        (
            "USERINFO_SIGNED_RESPONSE_ALG",
            &provider.userinfo_signed_response_alg,
        ),
    ] {
        if let Some(value) = value {
            settings = settings.env(variable, value);
        }
    }
    let demo = settings.start();
    App::at(demo.origin())
        .callback("/login")
        .login("/login/start")
        .probe("/me")
        .claims("/me")
        .protected("/members")
        .logout("/logout")
        .signed_out("/signed-out")
        .backchannel_logout("/backchannel-logout")
        .frontchannel_logout("/frontchannel-logout")
        .initiate("/login/initiate")
        .return_to("return_to")
        .refresh("/refresh")
        .passes_parameters_on()
        .hold(demo)
}

/// The outcomes of the modules, for each adapter.
#[derive(Clone, Default)]
struct Reports(Arc<Mutex<BTreeMap<&'static str, Report>>>);

impl Reports {
    fn add(&self, adapter: &'static str, module: &Module, outcome: Outcome) -> Result<(), Failed> {
        // A demo has everything that a module can ask for, so a module that is left out has failed to run.
        let outcome = match outcome {
            Outcome::Skipped(why) => Outcome::Failed(format!("left out: {why}")),
            other => other,
        };
        let verdict = match &outcome {
            Outcome::Failed(why) => Err(Failed::from(why)),
            _ => Ok(()),
        };
        let mut reports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reports.entry(adapter).or_default().add(module, outcome);
        verdict
    }

    fn print(&self) {
        println!(
            "{:<22} {:<8} {:>7} {:>7} {:>8}",
            "plan", "adapter", "passed", "failed", "skipped"
        );
        let reports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for &plan in Profile::ALL {
            let left_out = not_run()
                .iter()
                .filter(|entry| entry.plans().contains(&plan));
            let skipped = left_out.count();
            for (adapter, report) in reports.iter() {
                let Counts { passed, failed, .. } = report.counts(plan);
                println!(
                    "{:<22} {adapter:<8} {passed:>7} {failed:>7} {skipped:>8}",
                    plan.name()
                );
            }
        }
        for entry in not_run() {
            println!("skipped: {}: {}", entry.name(), entry.reason());
        }
        println!();
    }
}
