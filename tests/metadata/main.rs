//! The dependencies that the project needs are there, each in real use, and no large one twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};

use miracl_tests::forget_package;
use serde_json::Value;

/// The dependencies that a crate's own manifest must name.
const DIRECT: &[(&str, &[&str])] = &[
    (
        "miracl-login-core",
        &["reqwest", "serde", "openidconnect", "cookie"],
    ),
    ("miracl-axum", &["axum", "tower"]),
    ("miracl-actix", &["actix-web"]),
    ("miracl-rocket", &["rocket"]),
];

/// The crates of which there may be only one version: two would be two TLS stacks, two HTTP clients, two random
/// generators.
const ONCE: &[&str] = &["reqwest", "rustls", "ring", "openidconnect", "serde"];

#[test]
fn the_crates_that_were_asked_for_are_direct_dependencies() {
    let metadata = metadata();
    for (package, wanted) in DIRECT {
        let direct = direct(&metadata, package);
        for name in *wanted {
            assert!(direct.contains_key(*name), "{package} has no {name}");
        }
    }
}

#[test]
fn every_direct_dependency_is_used() {
    let metadata = metadata();
    for (package, _) in DIRECT {
        let source = source(&folder(&metadata, package).join("src"));
        for (name, in_code) in direct(&metadata, package) {
            assert!(
                names(&source, &in_code),
                "{package} depends on {name} and never names it"
            );
        }
    }
}

#[test]
fn nothing_weighty_is_there_twice() {
    let metadata = metadata();
    for (package, _) in DIRECT {
        let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for id in tree(&metadata, package) {
            let package = by_id(&metadata, id);
            versions
                .entry(text(&package["name"]))
                .or_default()
                .insert(text(&package["version"]));
        }
        for name in ONCE {
            let found = versions.get(name).map_or(0, BTreeSet::len);
            assert!(found < 2, "{package} has {name} as {:?}", versions[name]);
        }
    }
    let core = tree(&metadata, "miracl-login-core").len();
    assert!(
        core > 50,
        "the tree of miracl-login-core has {core} crates only"
    );
}

#[test]
fn an_adapter_brings_as_many_crates_as_the_book_says() {
    let page = Path::new(ROOT).join("docs/src/decisions.md");
    let page = std::fs::read_to_string(page).expect("the page");
    for adapter in ADAPTERS {
        let crates = crates(adapter);
        let count: usize = crates.values().map(BTreeSet::len).sum();
        let said = said_of(&page, adapter).expect("the page says how many crates");
        assert_eq!(count, said, "{adapter}: in the tree, and on the page");
    }
}

#[test]
fn an_app_has_one_http_client_one_tls_stack_and_one_cryptography_beneath_it() {
    for adapter in ADAPTERS {
        let crates = crates(adapter);
        for name in ["reqwest", "rustls", "ring"] {
            assert_eq!(
                crates[name].len(),
                1,
                "{adapter}: {name} as {:?}",
                crates[name]
            );
        }
        for name in ["aws-lc-rs", "aws-lc-sys", "openssl", "native-tls"] {
            assert_eq!(crates.get(name), None, "{adapter}: {name}");
        }
    }
}

#[test]
fn a_number_of_crates_is_found_behind_its_adapter() {
    let text = "`miracl-axum` and `miracl-axum` 204, `miracl-actix` is that of actix-web";
    assert_eq!(said_of(text, "miracl-axum"), Some(204));
    assert_eq!(said_of(text, "miracl-actix"), None);
    assert_eq!(said_of(text, "miracl-rocket"), None);
}

#[test]
fn private_rsa_keys_are_never_the_rsa_crates() {
    let metadata = metadata();
    for (package, _) in DIRECT {
        let direct = list(&by_name(&metadata, package)["dependencies"]);
        let names: Vec<&str> = direct.map(|dependency| text(&dependency["name"])).collect();
        assert!(!names.is_empty() && !names.contains(&"rsa"), "{package}");
        let source = source(&folder(&metadata, package).join("src"));
        assert_eq!(private_keys(&source), Vec::<&str>::new(), "{package}");
    }
}

#[test]
fn who_depends_on_the_rsa_crate_stands_in_deny_toml() {
    let metadata = metadata();
    let dependents: BTreeSet<&str> = list(&metadata["packages"])
        .filter(|package| list(&package["dependencies"]).any(|dep| dep["name"] == "rsa"))
        .map(|package| text(&package["name"]))
        .collect();
    let named = BTreeSet::from(["openidconnect", "miracl-platform"]);
    assert_eq!(dependents, named);
    let deny = std::fs::read_to_string(Path::new(ROOT).join("deny.toml")).expect("deny.toml");
    let entry = deny
        .lines()
        .find(|line| line.contains("crate = \"rsa\", wrappers"));
    let entry = entry.expect("deny.toml says who may depend on rsa");
    for name in named {
        assert!(entry.contains(&format!("{name:?}")), "{name}: {entry}");
    }
}

#[test]
fn a_private_key_is_found_by_any_of_its_names() {
    for (source, found) in [
        ("use openidconnect::core::CoreRsaPrivateSigningKey;", true),
        ("impl PrivateSigningKey for Ours {}", true),
        ("let key = CoreHmacKey::new(secret);", true),
        ("use rsa::{RsaPrivateKey, RsaPublicKey};", true),
        ("let key = SigningKey::<Sha256>::new(private);", true),
        ("CoreIdToken::new(claims, &key, alg, None, None)", true),
        ("let jwk: CoreJsonWebKey = parse(text);", false),
        ("fn client_key(&self) -> &ClientKey {}", false),
    ] {
        assert_eq!(!private_keys(source).is_empty(), found, "{source}");
    }
}

#[test]
fn a_name_is_found_in_code_and_not_in_comments() {
    for (source, found) in [
        ("use cookie::Cookie;", true),
        ("use cookie;", true),
        ("use {\n    cookie::Cookie,\n};", true),
        ("let a = cookie::parse();", true),
        ("#[derive(cookie::A)]", true),
        ("pub use cookie as biscuit;", true),
        ("crate::cookie::parse();", false),
        ("my_cookie::parse();", false),
        ("cookies::parse();", false),
        ("use cookies;", false),
        ("let cookie = 1;", false),
    ] {
        assert_eq!(names(source, "cookie"), found, "{source}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let code = "//! See cookie::Cookie.\n/// cookie::\nfn a() {} // cookie::\n";
    std::fs::write(folder.path().join("a.rs"), code).expect("a file");
    assert!(!names(&source(folder.path()), "cookie"));
}

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

const ADAPTERS: [&str; 3] = ["miracl-axum", "miracl-actix", "miracl-rocket"];

/// The crates that an adapter with its default features brings to an app on this platform, including itself, with
/// their versions. The workspace's other packages ask for further features, so the adapter is resolved alone.
fn crates(adapter: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["tree", "--locked", "--offline", "--package", adapter])
        .args(["--edges", "normal", "--prefix", "none", "--no-dedupe"])
        .args(["--format", "{p}", "--target", &host()]);
    let listed = said_by(cargo);
    let mut crates: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in String::from_utf8_lossy(&listed).lines() {
        // A name and a version, and the folder of a crate of the workspace.
        let mut words = line.split(' ').map(str::to_owned);
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            crates.entry(name).or_default().insert(version);
        }
    }
    crates
}

/// How many crates an adapter brings, as a text says it: the number after its name in backticks.
fn said_of(text: &str, adapter: &str) -> Option<usize> {
    let quoted = format!("`{adapter}` ");
    let mut behind = text.split(&quoted).skip(1);
    behind.find_map(|text| {
        let number = text.split(|letter: char| !letter.is_ascii_digit()).next()?;
        number.parse().ok()
    })
}

/// What cargo knows of the workspace and its dependencies on this platform. It uses no network.
fn metadata() -> Value {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["metadata", "--format-version=1", "--locked", "--offline"])
        .args(["--filter-platform", &host()]);
    serde_json::from_slice(&said_by(cargo)).expect("cargo writes JSON")
}

/// What cargo answers about this workspace.
fn said_by(mut cargo: Command) -> Vec<u8> {
    cargo.current_dir(ROOT);
    forget_package(&mut cargo);
    let output = cargo.output().expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// This platform, as rustc calls it.
fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output();
    let output = output.expect("rustc runs").stdout;
    String::from_utf8_lossy(&output)
        .lines()
        .find_map(|line| line.strip_prefix("host: ").map(str::to_owned))
        .expect("rustc tells its host")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn by_id<'a>(metadata: &'a Value, id: &str) -> &'a Value {
    list(&metadata["packages"])
        .find(|package| package["id"] == id)
        .expect("a package of the tree")
}

fn by_name<'a>(metadata: &'a Value, name: &str) -> &'a Value {
    list(&metadata["packages"])
        .find(|package| package["name"] == name && package["source"].is_null())
        .unwrap_or_else(|| panic!("no package {name}"))
}

/// The folder of a package of the workspace.
fn folder(metadata: &Value, package: &str) -> PathBuf {
    let manifest = Path::new(text(&by_name(metadata, package)["manifest_path"]));
    manifest.parent().expect("a folder").to_owned()
}

/// What code calls the library of a package. A package may give it another name, as the engine's does.
fn library(metadata: &Value, package: &str) -> String {
    let found = list(&metadata["packages"]).find(|found| found["name"] == package);
    let mut targets = found.into_iter().flat_map(|found| list(&found["targets"]));
    let library = targets
        .find(|target| list(&target["kind"]).any(|kind| kind == "lib" || kind == "proc-macro"));
    let name = library.map_or(package, |library| text(&library["name"]));
    name.replace('-', "_")
}

/// A package's own normal dependencies, and what each is called in code.
fn direct(metadata: &Value, package: &str) -> BTreeMap<String, String> {
    list(&by_name(metadata, package)["dependencies"])
        .filter(|dependency| dependency["kind"].is_null())
        .map(|dependency| {
            let name = text(&dependency["name"]);
            let in_code = match dependency["rename"].as_str() {
                Some(renamed) => renamed.replace('-', "_"),
                None => library(metadata, name),
            };
            (name.to_owned(), in_code)
        })
        .collect()
}

/// Everything that a package needs to run, itself included.
fn tree<'a>(metadata: &'a Value, package: &str) -> BTreeSet<&'a str> {
    let nodes: BTreeMap<_, _> = list(&metadata["resolve"]["nodes"])
        .map(|node| (text(&node["id"]), node))
        .collect();
    let mut seen = BTreeSet::new();
    let mut open = vec![text(&by_name(metadata, package)["id"])];
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        for dependency in list(&nodes[id]["deps"]) {
            if list(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null()) {
                open.push(text(&dependency["pkg"]));
            }
        }
    }
    seen
}

/// The code of a folder, without comments.
fn source(folder: &Path) -> String {
    let mut code = String::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).expect("a folder");
            open.extend(entries.flatten().map(|entry| entry.path()));
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = std::fs::read_to_string(&path).expect("a source file");
            for line in text.lines() {
                code += line.split("//").next().unwrap_or_default();
                code.push('\n');
            }
        }
    }
    code
}

/// The names in the `rsa` crate and in `openidconnect` that sign or decrypt. The timing of the `rsa` crate's
/// private-key operations can be measured (RUSTSEC-2023-0071); the engine signs with ring.
const PRIVATE_KEYS: &[&str] = &[
    "RsaPrivateKey",
    "RsaPrivateSigningKey",
    "PrivateSigningKey",
    "EdDsaPrivateSigningKey",
    "SigningKey::",
    "BlindedSigningKey",
    "DecryptingKey",
    "HmacKey",
    "IdToken::new",
    "JsonWebToken::new",
];

/// The names among them that code contains.
fn private_keys(code: &str) -> Vec<&'static str> {
    let names = PRIVATE_KEYS.iter();
    names
        .filter(|name| code.contains(**name))
        .copied()
        .collect()
}

/// Whether code names a crate: by `name::` at the start of a path, or by `use name`.
fn names(code: &str, name: &str) -> bool {
    let word = |letter: char| letter.is_alphanumeric() || letter == '_';
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        let begins =
            !before.ends_with(|before: char| before.is_alphanumeric() || "_:".contains(before));
        begins && (after.starts_with("::") || before.ends_with("use ") && !after.starts_with(word))
    })
}
