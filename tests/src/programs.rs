//! The workspace's programs: built once, found by name.

use std::{collections::HashMap, path::PathBuf, process::Command, sync::OnceLock};

/// Builds the workspace's programs, for test programs that run more than scenarios.
pub fn build_programs() {
    programs();
}

/// The workspace's programs, built once per test process.
pub(crate) fn programs() -> &'static HashMap<String, PathBuf> {
    static PROGRAMS: OnceLock<HashMap<String, PathBuf>> = OnceLock::new();
    PROGRAMS.get_or_init(build)
}

/// Builds the workspace's programs and returns where they are.
///
/// It builds the whole workspace at once, because `cargo test --workspace` has built that: for one package alone,
/// cargo would build its dependencies a second time, with fewer features.
fn build() -> HashMap<String, PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--workspace", "--bins", "--examples"])
        .args(["--locked", "--quiet"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    built(&mut cargo)
}

/// Runs this `cargo build`, and returns the programs it made, by name.
pub fn built(cargo: &mut Command) -> HashMap<String, PathBuf> {
    cargo.arg("--message-format=json-render-diagnostics");
    forget_package(cargo);
    let output = cargo.output().expect("cargo runs");
    assert!(
        output.status.success(),
        "{cargo:?} fails:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter_map(|message| {
            let name = message["target"]["name"].as_str()?.to_owned();
            Some((name, PathBuf::from(message["executable"].as_str()?)))
        })
        .collect()
}

/// Removes from another cargo's environment what cargo told this test about its package: build scripts that watch
/// those variables would take it for a change.
pub fn forget_package(cargo: &mut Command) {
    let told = [
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_",
        "CARGO_CRATE_",
        "CARGO_PRIMARY_",
    ];
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if told.iter().any(|prefix| name.starts_with(prefix)) {
            cargo.env_remove(name);
        }
    }
}
