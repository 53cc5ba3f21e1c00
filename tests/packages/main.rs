//! What would be published is complete: apps outside the workspace are made from the templates and by the commands of
//! the book, built from the packed crates, and log people in.

mod containers;
mod outside;
mod walk;

use std::{collections::BTreeSet, path::Path, process::Command};

use miracl_tests::forget_package;
use serde_json::Value;

use crate::outside::{Outside, ROOT, succeed};

#[test]
fn each_package_that_can_be_published_is_described_and_has_its_licences() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version=1", "--no-deps", "--offline"]);
    cargo.current_dir(ROOT);
    forget_package(&mut cargo);
    let metadata: Value = serde_json::from_slice(&succeed(&mut cargo)).expect("JSON");
    let packed = std::fs::read_to_string(Path::new(ROOT).join("tests/packages/run"));
    let packed = packed.expect("the script");
    let packed: BTreeSet<&str> = packed
        .split_whitespace()
        .zip(packed.split_whitespace().skip(1))
        .filter_map(|(option, name)| (option == "-p").then_some(name))
        .collect();
    let mut publishable = BTreeSet::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().expect("a name");
        // An empty list of registries is `publish = false`.
        if !package["publish"].is_null() {
            continue;
        }
        publishable.insert(name);
        for key in ["description", "license", "readme", "rust_version"] {
            assert!(package[key].is_string(), "{name} has no {key}");
        }
        for key in ["keywords", "categories"] {
            let count = package[key].as_array().map_or(0, Vec::len);
            assert!((1..=5).contains(&count), "{name} has {count} {key}");
        }
        assert!(
            package["repository"].is_null(),
            "{name}: nobody has named it"
        );
        let manifest = Path::new(package["manifest_path"].as_str().expect("a path"));
        let folder = manifest.parent().expect("a folder");
        for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
            let own = std::fs::read(folder.join(licence)).expect(licence);
            let ours = std::fs::read(Path::new(ROOT).join(licence)).expect(licence);
            assert!(own == ours, "{name} has another {licence}");
        }
    }
    assert_eq!(
        publishable, packed,
        "tests/packages/run packs what can be published"
    );
}

/// One test, so that one workspace and one build serve all of it.
#[test]
fn apps_outside_the_workspace_are_built_from_the_packed_crates_and_log_people_in() {
    let outside = Outside::make();
    for framework in ["axum", "actix", "rocket"] {
        outside.app_of_template(framework);
    }
    walk::make_the_app(&outside);
    // All at once: for one package alone, cargo would build the dependencies again, with fewer features.
    outside.cargo(&["build", "--workspace", "--bins", "--tests"]);
    // The templates' own tests log a person in, and out again.
    let said = outside.cargo(&["test", "--workspace", "--no-fail-fast"]);
    for test in [
        "a_person_logs_in_sees_the_page_and_logs_out",
        "a_page_for_admins_is_closed_to_others",
    ] {
        let passed = said.matches(&format!("test tests::{test} ... ok")).count();
        assert_eq!(passed, 3, "{said}");
    }
    walk::log_in(&outside);
}
