//! The house's rules: which room of the engine may use which, no circles, no wide lines, no long files, nothing new at
//! the top.
//!
//! `cargo test -p miracl-tests --test house -- --nocapture` shows the rooms and the arrows between them.

mod arrows;
mod circles;
mod imports;
mod lengths;
mod modules;
mod names;
mod report;
mod rooms;
mod source;
mod test_code;
mod tokens;
mod top_level;
mod tree;
mod widths;

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

#[test]
fn no_line_is_wider_than_120_characters() {
    let mut findings = Vec::new();
    for (path, text) in texts() {
        if !widths::is_fixture(&path) {
            findings.extend(
                widths::too_wide(&path, &text)
                    .iter()
                    .map(ToString::to_string),
            );
        }
    }
    none(&findings);
}

#[test]
fn no_file_of_rust_is_longer_than_500_lines() {
    let texts = texts();
    let mut findings: Vec<String> = texts
        .iter()
        .filter_map(|(path, text)| lengths::too_long(path, text))
        .collect();
    findings.extend(lengths::needless(&texts));
    none(&findings);
}

/// It is packaged without the engine, and so has a copy.
#[test]
fn the_local_platform_has_the_style_of_the_engines_pages() {
    let read = |path: &str| {
        let text = std::fs::read_to_string(Path::new(ROOT).join(path));
        text.unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    let own = read("miracl-core/src/web/style.css");
    let copy = read("examples/platform/assets/family.css");
    assert!(
        own == copy,
        "copy the engine's style.css to the platform's family.css"
    );
}

#[test]
fn the_top_of_the_repository_has_what_is_on_the_list() {
    let tracked = tree::tracked(Path::new(ROOT));
    none(&top_level::findings(tracked.iter().map(String::as_str)));
}

/// The project's text files: paths and texts.
fn texts() -> Vec<(String, String)> {
    let root = Path::new(ROOT);
    let files = tree::tracked(root).into_iter();
    files
        .filter_map(|path| tree::text(root, &path).map(|text| (path, text)))
        .collect()
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
