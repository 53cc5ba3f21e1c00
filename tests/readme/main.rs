//! The apps that the README and the book show are those that run here, and so are the samples.

use std::{net::TcpListener, os::unix::fs::PermissionsExt, path::Path, process::ExitCode};

use miracl_platform::{Client, Platform, PlatformConfig};
use miracl_tests::{
    Adapter, Answer, Browser, Demo,
    person::{EMAIL, approve},
    scenarios,
};

mod samples;

scenarios![
    the_app_of_the_readme_is_the_one_that_is_tested,
    the_app_of_the_readme_is_short,
    the_app_of_the_readme_logs_people_in,
    the_portals_file_is_all_that_an_app_needs,
    an_app_that_is_not_on_loopback_makes_no_cookie_key,
];

fn main() -> ExitCode {
    let adapters: Vec<Adapter> = Adapter::ALL
        .iter()
        .copied()
        .filter(|adapter| adapter.is_a_crate())
        .collect();
    miracl_tests::run_on(&adapters, &[suite(), samples::suite()])
}

/// The source of an adapter's app, without what only this project's lints require.
fn source(adapter: Adapter) -> String {
    let path = format!("miracl-{}/examples/app.rs", adapter.name);
    let source = read(&path);
    let at = source.find("\nuse ").expect("imports after the header");
    source[at + 1..].to_owned()
}

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

async fn the_app_of_the_readme_is_the_one_that_is_tested(adapter: Adapter) {
    let (name, source) = (adapter.name, source(adapter));
    let page = format!("docs/src/start/{name}.md");
    let shown_in = |path: &str, fence: &str| {
        let block = format!("{fence}\n{source}```\n");
        let shown = read(path).contains(&block);
        assert!(
            shown,
            "{path} does not have miracl-{name}/examples/app.rs as it is"
        );
    };
    shown_in(&page, "```rust,no_run");
    shown_in(&format!("miracl-{name}/README.md"), "```rust,no_run");
    if name == "axum" {
        shown_in("README.md", "```rust");
    }
}

async fn the_app_of_the_readme_is_short(adapter: Adapter) {
    let source = source(adapter);
    let lines = source
        .lines()
        .filter(|line| !line.trim().is_empty())
        .count();
    assert!(lines <= 42, "{lines} lines");
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port()
}

async fn the_app_of_the_readme_logs_people_in(adapter: Adapter) {
    let port = free_port();
    let callback = format!("http://127.0.0.1:{port}/login");
    let platform = Platform::start(PlatformConfig {
        clients: vec![Client::new("app", "secret-of-the-app", &callback)],
        ..PlatformConfig::default()
    })
    .await
    .expect("the platform starts");
    let app = Demo::builder(adapter.app())
        .env("PORT", &port.to_string())
        .env("ROCKET_PORT", &port.to_string())
        .env("ISSUER", platform.issuer())
        .env("CLIENT_ID", "app")
        .env("CLIENT_SECRET", "secret-of-the-app")
        .env("REDIRECT_URL", &callback)
        .env(
            "COOKIE_KEYS",
            "qOSJrMzb9Jn1gq8Nfg1yD0dB7vP2sTzXhU5kWmE3RiY=",
        )
        .silent_at(port)
        .start();
    let browser = Browser::new();
    let home = async || browser.open(app.url("/")).await.expect(200).body;
    let assert_home = async |greeting: &str, way_on: &str| {
        let page = home().await;
        assert!(
            page.starts_with(greeting) && page.contains(way_on),
            "{page}"
        );
    };
    assert_home("Hello, stranger.", "/login/start?return_to=/members").await;
    browser.fetch(app.url("/members")).await.expect(401);
    let page: Answer = browser.visit(app.url("/members")).await.expect(200);
    let page = approve(&browser, page, app.origin(), &mut Vec::new()).await;
    assert_eq!(page.url.path(), "/members");
    assert_eq!(page.body, format!("Hello, {EMAIL}."));
    assert_home("Welcome back.", "<form method=post action=/logout>").await;
    browser.post(app.url("/logout"), &[]).await.expect(303);
    assert_home("Hello, stranger.", "/login/start").await;
    // By default Rocket logs each request with its address. That of the callback holds a code.
    if adapter.name == "rocket" {
        app.wait_for_log("GET /login ");
    }
    let log = app.log();
    for secret in ["?code=", "&code=", "?state=", "&state="] {
        assert!(!log.contains(secret), "{log}");
    }
}

async fn the_portals_file_is_all_that_an_app_needs(adapter: Adapter) {
    let port = free_port();
    let callback = format!("http://127.0.0.1:{port}/login");
    let platform = Platform::start(PlatformConfig::default()).await;
    let platform = platform.expect("the platform starts");
    let client = platform.register_app(&callback).expect("an app");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("miracl.json");
    platform.write_settings(&client, &file).expect("a file");
    let file = std::fs::read_to_string(file).expect("the file");
    let start = |port: u16| {
        Demo::builder(adapter.app())
            .file("miracl.json", &file)
            .env("PORT", &port.to_string())
            .env("ROCKET_PORT", &port.to_string())
            .silent_at(port)
    };
    let mut app = start(port).start();
    let browser = Browser::new();
    let page: Answer = browser.visit(app.url("/members")).await.expect(200);
    let page = approve(&browser, page, app.origin(), &mut Vec::new()).await;
    assert_eq!(page.body, format!("Hello, {EMAIL}."));
    let kept = app.directory().join(".miracl/cookie-key");
    let mode = std::fs::metadata(&kept).expect("the key").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    // The session outlives a restart.
    app.restart();
    let home = browser.open(app.url("/")).await.expect(200);
    assert!(home.body.starts_with("Welcome back."), "{}", home.body);
    // The log-out comes back to the app.
    let away = browser.post(app.url("/logout"), &[]).await.expect(303);
    let away = away.location().expect("the provider's log-out");
    assert!(away.as_str().contains("signed-out"), "{away}");

    // Where nothing can be kept, the app starts nevertheless.
    let port = free_port();
    let app = start(port).file(".miracl", "a file").start();
    Browser::new().open(app.url("/")).await.expect(200);
}

async fn an_app_that_is_not_on_loopback_makes_no_cookie_key(adapter: Adapter) {
    let port = free_port();
    let settings = Demo::builder(adapter.app())
        .env("PORT", &port.to_string())
        .env("ROCKET_PORT", &port.to_string())
        .env("ISSUER", "https://issuer.example")
        .env("CLIENT_ID", "app")
        .env("CLIENT_SECRET", "secret")
        .env("MIRACL_REDIRECT_URL", "https://app.example/login")
        .silent_at(port);
    let refused = match settings.try_start() {
        Ok(app) => panic!("it starts: {}", app.log()),
        Err(refused) => refused.log,
    };
    for told in ["cookie_keys", "is missing", "openssl rand -base64 32"] {
        assert!(refused.contains(told), "{told}: {refused}");
    }
}
