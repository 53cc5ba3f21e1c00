//! What every demo answers, in each framework: the demo runs as a process, over HTTP, with a provider whose every
//! answer a scenario can change.
//!
//! `cargo test -p miracl-tests --test contract -- refused` runs the scenarios whose name contains "refused".

use std::process::ExitCode;

use promises::PROMISES;

mod answers;
mod fleet;
mod framework;
mod journey;
mod login;
mod promises;
mod session;

fn main() -> ExitCode {
    let suites = [
        login::suites(),
        session::suites(),
        answers::suites(),
        framework::suites(),
        fleet::suites(),
    ]
    .concat();
    miracl_tests::run_with_promises(&suites, PROMISES)
}
