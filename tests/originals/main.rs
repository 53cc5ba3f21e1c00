//! MIRACL's own programs at the local platform. They are not part of this repository: `MIRACL_CLIENT_JS` names MIRACL's
//! browser library `client.min.js`, `MIRACL_GO_TESTS` the program that `go test -c` makes of its integration tests, and
//! `MIRACL_GO_SAMPLE_TESTS` the one of the tests from before December 2024, which drive a sample. Without them, the
//! tests are left out, and the output says so.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use miracl_platform::{Client, Platform, PlatformConfig, Project};
use tokio::runtime::Runtime;

mod client_js;
mod go;

/// The app at the platform.
const CLIENT_ID: &str = "originals";
const SECRET: &str = "secret-of-the-tests-with-originals";

/// A test for which a variable names the file that it needs.
type Play = fn(&str, &Runtime);

const TESTS: [(&str, &str, Play); 3] = [
    (
        "miracls_browser_library_registers_logs_in_makes_a_quick_code_and_signs",
        "MIRACL_CLIENT_JS",
        client_js::drive,
    ),
    ("miracls_integration_tests_pass", "MIRACL_GO_TESTS", go::run),
    (
        "miracls_tests_of_a_sample_pass_on_each_of_ours",
        "MIRACL_GO_SAMPLE_TESTS",
        go::run_at_samples,
    ),
];

fn main() -> ExitCode {
    let mut trials = Vec::new();
    for (name, variable, play) in TESTS {
        let file = std::env::var(variable).unwrap_or_default();
        if file.is_empty() {
            println!("left out: {name}, because {variable} names no file");
        }
        let is_missing = file.is_empty();
        let trial = Trial::test(name, move || {
            let runtime = Runtime::new().map_err(Failed::from)?;
            play(&file, &runtime);
            Ok(())
        });
        trials.push(trial.with_ignored_flag(is_missing));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Starts a platform with an app whose callback this is, and which pages of this origin may call.
async fn platform(callback: &str, origin: Option<&str>) -> Platform {
    let config = PlatformConfig {
        clients: vec![Client::new(CLIENT_ID, SECRET, callback)],
        project: Project {
            allowed_origins: origin.map(str::to_owned).into_iter().collect(),
            ..Project::default()
        },
        ..PlatformConfig::default()
    };
    Platform::start(config).await.expect("a platform")
}
