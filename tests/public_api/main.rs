//! The core's public API carries plain data only: std, serde's traits, `serde_json::Value`.
//!
//! So a new major version of a dependency is no breaking change of the engine, and one core serves frameworks on
//! http 0.2 and on http 1. rustdoc lists every public item, and the crate of every type in it.

mod named;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The crates whose types and traits may occur.
const ALLOWED: &[&str] = &["std", "core", "alloc", "serde", "serde_core", "serde_json"];

#[test]
fn the_core_shows_plain_data_only() {
    let package = ["--package", "miracl-login-core", "--all-features"];
    let docs = rustdoc(&package, Path::new(ROOT), None);
    let leaks = leaks(&docs.join("miracl_core.json"));
    assert!(
        leaks.is_empty(),
        "miracl-login-core shows other people's types:\n{leaks:#?}"
    );
}

#[test]
fn a_leak_is_found_wherever_it_hides() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "Cargo.toml",
        "[package]\nname = \"sample\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
         [dependencies]\nother = { path = \"other\" }\n[workspace]\n",
    );
    write(
        "other/Cargo.toml",
        "[package]\nname = \"other\"\nversion = \"0.0.0\"\nedition = \"2024\"\n",
    );
    write(
        "other/src/lib.rs",
        "pub struct Theirs; pub trait TheirTrait {} pub fn their_function() {}",
    );
    write("src/lib.rs", SAMPLE);
    let docs = rustdoc(&[], folder.path(), Some(&folder.path().join("target")));
    let found: BTreeSet<_> = leaks(&docs.join("sample.json"))
        .into_iter()
        .map(|leak| leak.split(" shows ").next().unwrap_or_default().to_owned())
        .collect();
    let expected: BTreeSet<_> = [
        "argument",
        "result",
        "bound",
        "future",
        "field",
        "Alias",
        // The field of the variant.
        "0",
        "assoc",
        "impl",
        "Reexported",
        "CONSTANT",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect();
    assert_eq!(found, expected);
}

/// Every public place a type can hide in, and some that are private or ours.
const SAMPLE: &str = "
    pub struct Ours { pub field: Vec<other::Theirs>, private: other::Theirs }
    pub use other::Theirs as Reexported;
    pub fn argument(_: &other::Theirs) {}
    pub fn result() -> Result<(), Option<other::Theirs>> { Ok(()) }
    pub fn bound<T: other::TheirTrait>(_: T) {}
    pub fn future() -> impl Future<Output = other::Theirs> { async { other::Theirs } }
    pub type Alias = Box<other::Theirs>;
    pub enum Choice { Variant(other::Theirs), Fine }
    pub const CONSTANT: Option<other::Theirs> = None;
    pub trait OurTrait { fn assoc(&self) -> other::Theirs; }
    impl other::TheirTrait for Ours {}
    impl Clone for Ours { fn clone(&self) -> Self { loop {} } }
    fn private_function(_: other::Theirs) {}
    pub(crate) mod hidden { pub fn not_seen(_: other::Theirs) {} }
    impl Ours {
        pub fn fine(&self) -> std::time::SystemTime {
            private_function(other::Theirs);
            hidden::not_seen(other::Theirs);
            let _ = &self.private;
            other::their_function();
            loop {}
        }
    }
";

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(ROOT).join("target"), PathBuf::from)
}

/// Writes a package's rustdoc JSON and returns the folder it is in.
fn rustdoc(arguments: &[&str], folder: &Path, target_dir: Option<&Path>) -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["rustdoc", "--lib", "--quiet"])
        .args(arguments)
        .current_dir(folder)
        .env(
            "RUSTDOC",
            concat!(env!("CARGO_MANIFEST_DIR"), "/public_api/rustdoc-json"),
        )
        .env_remove("RUSTDOCFLAGS");
    miracl_tests::forget_package(&mut cargo);
    if let Some(target_dir) = target_dir {
        cargo.arg("--target-dir").arg(target_dir);
    }
    let output = cargo.output().expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    target_dir.map_or_else(target, Path::to_owned).join("doc")
}

/// What a crate shows that is not allowed, as `item shows path`.
fn leaks(file: &Path) -> Vec<String> {
    let text =
        std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let docs: Value = serde_json::from_str(&text).expect("rustdoc writes JSON");
    let mut found = BTreeSet::new();
    let index = docs["index"].as_object().expect("an index");
    assert!(index.len() > 10, "nothing to look at: {}", file.display());
    for item in index.values() {
        if item["crate_id"] != 0 || is_made_by_the_compiler(item) {
            continue;
        }
        let (kind, inner) = item["inner"]
            .as_object()
            .and_then(|inner| inner.iter().next())
            .expect("an item's inside");
        if kind == "module" || kind == "use" && is_allowed(&docs, &inner["id"]).is_none() {
            continue;
        }
        let mut ids = BTreeSet::new();
        walk(inner, &mut ids);
        for id in ids {
            if let Some(path) = is_allowed(&docs, &Value::from(id)) {
                let name = item["name"]
                    .as_str()
                    .or(inner["name"].as_str())
                    .unwrap_or(kind);
                found.insert(format!("{name} shows {path}"));
            }
        }
    }
    found.into_iter().collect()
}

/// Blanket and auto implementations say nothing about this crate: `impl<T> TheirTrait for T` holds for every type.
fn is_made_by_the_compiler(item: &Value) -> bool {
    let implementation = &item["inner"]["impl"];
    implementation["is_synthetic"] == true || !implementation["blanket_impl"].is_null()
}

/// The path of an item that must not occur, or nothing for one that may.
fn is_allowed(docs: &Value, id: &Value) -> Option<String> {
    let summary = &docs["paths"][id.to_string()];
    let number = summary["crate_id"].as_u64()?;
    if number == 0 {
        return None;
    }
    let name = docs["external_crates"][number.to_string()]["name"].as_str()?;
    let path: Vec<_> = summary["path"]
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    (!ALLOWED.contains(&name)).then(|| path.join("::"))
}

/// Collects the ids of everything a signature names.
fn walk(value: &Value, ids: &mut BTreeSet<u64>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| walk(value, ids)),
        Value::Object(members) => {
            if let Some(id) = members.get("id").and_then(Value::as_u64) {
                ids.insert(id);
            }
            // The items inside have their own entries, and attributes are no types.
            let inside = [
                "items",
                "impls",
                "variants",
                "implementations",
                "attrs",
                "provided_trait_methods",
            ];
            members
                .iter()
                .filter(|(name, _)| !inside.contains(&name.as_str()))
                .for_each(|(_, value)| walk(value, ids));
        }
        _ => {}
    }
}
