//! The house's rules: which room of the engine may use which, and no circles.
//!
//! `cargo test -p miracl-tests --test house -- --nocapture` shows the rooms and the arrows between them.

mod arrows;
mod circles;
mod imports;
mod modules;
mod names;
mod report;
mod rooms;
mod source;
mod test_code;
mod tokens;
mod tree;

use std::path::Path;

use rooms::ROOMS;
use tree::ROOT;

/// Crates without rooms, whose files form no circle either.
const ADAPTERS: &[&str] = &[
    "miracl-axum/src",
    "miracl-actix/src",
    "miracl-rocket/src",
    "examples/adapter-template/src",
];

#[test]
fn imports_of_the_engine_run_downwards_only_and_without_a_circle() {
    let folder = "miracl-core/src";
    let report = report::rooms(folder, &tree::sources(Path::new(ROOT), folder), ROOMS);
    println!("{}", report.summary);
    none(&report.findings);
}

#[test]
fn no_files_of_an_adapter_use_each_other_in_a_circle() {
    let mut findings = Vec::new();
    for folder in ADAPTERS {
        let report = report::no_circles(folder, &tree::sources(Path::new(ROOT), folder));
        println!("{}", report.summary);
        findings.extend(report.findings);
    }
    none(&findings);
}

#[track_caller]
fn none(findings: &[String]) {
    assert!(
        findings.is_empty(),
        "findings: {}\n{}",
        findings.len(),
        findings.join("\n")
    );
}
