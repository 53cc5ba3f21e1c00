//! What every demo answers, whatever its framework: the demo as a process, over HTTP, against a provider that does as
//! it is told.
//!
//! `cargo test -p miracl-tests --test contract -- refused` runs the scenarios whose name holds "refused".

use std::process::ExitCode;

mod challenge;
mod cookies;
mod cross_origin;
mod journey;
mod login;
mod logout;
mod outage;
mod pages;
mod platform;
mod refresh;
mod refusal;
mod secrets;
mod session;
mod settings;
mod tabs;

fn main() -> ExitCode {
    miracl_tests::run(&[
        ("login", login::scenarios()),
        ("refusal", refusal::scenarios()),
        ("tabs", tabs::scenarios()),
        ("session", session::scenarios()),
        ("refresh", refresh::scenarios()),
        ("logout", logout::scenarios()),
        ("cookies", cookies::scenarios()),
        ("secrets", secrets::scenarios()),
        ("outage", outage::scenarios()),
        ("challenge", challenge::scenarios()),
        ("cross_origin", cross_origin::scenarios()),
        ("pages", pages::scenarios()),
        ("settings", settings::scenarios()),
        ("platform", platform::scenarios()),
    ])
}
