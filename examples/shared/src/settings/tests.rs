//! A demo starts with no settings at all, and says everything that is wrong with those it has.

use miracl_core::{Config, CookieKey};

use super::{Settings, SettingsError};
use crate::users::Database;
use std::ffi::OsString;

fn settings(environment: &[(&str, &str)], config: Config) -> Result<Settings, SettingsError> {
    let environment = |name: &str| {
        let found = environment.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| OsString::from(value))
    };
    Settings::read("axum", &environment, Ok(config))
}

fn refusal(environment: &[(&str, &str)], config: Config) -> String {
    settings(environment, config).unwrap_err().to_string()
}

fn provider() -> Config {
    Config {
        issuer: "https://project.example".into(),
        client_id: "id".into(),
        client_secret: "secret".into(),
        cookie_keys: vec![CookieKey::generate()],
        ..Config::default()
    }
}

#[test]
fn a_demo_needs_no_settings() {
    let settings = settings(&[], Config::default()).unwrap();
    assert_eq!(settings.address(), ("127.0.0.1", 5000));
    assert_eq!(
        settings.database,
        Database::File("miracl-demo.sqlite".into())
    );
    let config = settings.config_at("http://127.0.0.1:5000");
    assert_eq!(config.redirect_uri, "http://127.0.0.1:5000/login");
    assert_eq!(
        config.post_logout_redirect_uri.as_deref(),
        Some("http://127.0.0.1:5000/signed-out")
    );
    assert_eq!(config.cookie_prefix, "miracl-axum");
}

#[tokio::test]
async fn the_port_listened_on_and_not_the_wildcard_host_is_in_the_callback() {
    for (host, base, line) in [
        (
            "0.0.0.0",
            "http://127.0.0.1:4711",
            "listening on http://0.0.0.0:4711\n",
        ),
        (
            "::",
            "http://127.0.0.1:4711",
            "listening on http://[::]:4711\n",
        ),
        (
            "[::1]",
            "http://[::1]:4711",
            "listening on http://[::1]:4711\n",
        ),
        (
            "localhost",
            "http://localhost:4711",
            "listening on http://localhost:4711\n",
        ),
    ] {
        let environment = [
            ("HOST", host),
            ("PORT", "0"),
            ("DATABASE_URL", "sqlite::memory:"),
        ];
        let settings = settings(&environment, provider()).unwrap();
        let demo = settings
            .resolve(([127, 0, 0, 1], 4711).into())
            .await
            .unwrap();
        assert_eq!(demo.config.redirect_uri, format!("{base}/login"));
        assert_eq!(
            demo.config.post_logout_redirect_uri,
            Some(format!("{base}/signed-out"))
        );
        assert!(demo.greeting().starts_with(line), "{}", demo.greeting());
        assert!(demo.platform.is_none());
    }
}

#[tokio::test]
async fn values_that_were_given_are_kept() {
    let config = Config {
        redirect_uri: "http://localhost:5000/c2id".into(),
        cookie_prefix: "mine".into(),
        ..provider()
    };
    let settings = settings(&[("DATABASE_URL", ":memory:")], config).unwrap();
    let demo = settings
        .resolve(([127, 0, 0, 1], 5000).into())
        .await
        .unwrap();
    assert_eq!(demo.config.redirect_uri, "http://localhost:5000/c2id");
    assert_eq!(
        demo.config.post_logout_redirect_uri.as_deref(),
        Some("http://localhost:5000/signed-out")
    );
    assert_eq!(demo.config.cookie_prefix, "mine");
    assert!(demo.greeting().contains("open http://localhost:5000/"));
}

#[tokio::test]
async fn the_cookie_key_is_kept_beside_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("users.sqlite");
    let mut keys = Vec::new();
    for _ in 0..2 {
        let config = Config {
            cookie_keys: Vec::new(),
            ..provider()
        };
        let settings = settings(&[("DATABASE_URL", database.to_str().unwrap())], config).unwrap();
        let demo = settings
            .resolve(([127, 0, 0, 1], 5000).into())
            .await
            .unwrap();
        keys.push(format!("{:?}", demo.config.cookie_keys[0]));
    }
    assert_eq!(keys[0], keys[1]);
    assert!(folder.path().join("users.sqlite-cookie-key").exists());
}

#[test]
fn every_mistake_is_told_at_once_by_its_name() {
    let environment = [
        ("HOST", "http://x"),
        ("PORT", "abc"),
        ("DATABASE_URL", "postgres://me:hunter2@db/users"),
    ];
    let config = Config {
        client_secret: "".into(),
        mpad_url: Some("mpad.js".into()),
        ..provider()
    };
    let told = refusal(&environment, config);
    for name in [
        "HOST",
        "PORT",
        "DATABASE_URL",
        "mpad_url (variable MPAD_URL)",
        "client_secret (variable CLIENT_SECRET)",
    ] {
        assert!(
            told.lines()
                .any(|line| line.starts_with(&format!("{name}: "))),
            "{name}: {told}"
        );
    }
    assert_eq!(told.lines().count(), 5, "{told}");
    assert!(!told.contains("hunter2"));
}

#[test]
fn some_of_issuer_id_and_secret_are_not_enough_and_no_platform_is_started() {
    let told = refusal(
        &[],
        Config {
            issuer: "https://project.example".into(),
            ..Config::default()
        },
    );
    assert!(
        told.contains("client_id") && told.contains("client_secret"),
        "{told}"
    );
    assert!(!told.contains("issuer"), "{told}");
}

#[test]
fn the_untouched_template_stops_the_start() {
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../miracl.example.json");
    let told = refusal(&[], Config::from_file(template).unwrap());
    for key in ["issuer", "client_id", "client_secret"] {
        assert!(told.contains(key), "{told}");
    }
}

#[tokio::test]
async fn below_a_path_that_a_proxy_removes_addresses_have_it_and_pages_too() {
    let config = |redirect_uri: &str| Config {
        redirect_uri: redirect_uri.into(),
        public_path: "/app/".into(),
        ..provider()
    };
    for (given, callback, after, home) in [
        (
            "",
            "http://127.0.0.1:5000/app/login",
            "http://127.0.0.1:5000/app/signed-out",
            "open http://127.0.0.1:5000/app/ in",
        ),
        (
            "https://demo.example/app/c2id",
            "https://demo.example/app/c2id",
            "https://demo.example/app/signed-out",
            "open https://demo.example/app/ in",
        ),
    ] {
        let settings = settings(&[("DATABASE_URL", ":memory:")], config(given)).unwrap();
        let local = ([127, 0, 0, 1], 5000).into();
        let demo = settings.resolve(local).await.unwrap();
        assert_eq!(demo.config.redirect_uri, callback);
        assert_eq!(demo.config.post_logout_redirect_uri.as_deref(), Some(after));
        assert!(demo.greeting().contains(home), "{}", demo.greeting());
        assert!(
            demo.pages
                .not_found(None)
                .html
                .contains(r#"href="/app/public""#)
        );
    }
    // A page of the demo is found below it as well.
    let told = refusal(&[], config("https://demo.example/app/members"));
    assert!(told.contains("is a page of the demo already"), "{told}");
}

#[test]
fn a_variable_is_read_as_containers_give_it() {
    let given = [
        ("HOST", " localhost\r\n"),
        ("PORT", "4711\n"),
        ("DATABASE_URL", "\n"),
    ];
    let read = settings(&given, provider()).unwrap();
    assert_eq!(read.address(), ("localhost", 4711));
    for (name, value, says) in [
        ("PORT", "'5000'", "quotes"),
        ("HOST", "\"localhost\"\n", "quotes"),
        ("DATABASE_URL", "\"\"", "quotes"),
        ("PORT", "tcp://10.0.0.1:5000", "Kubernetes"),
        ("MIRACL_PORT", "abc", "no port"),
        ("MIRACL_DATABASE_URL", "mysql://db/users", "SQLite"),
    ] {
        let error = settings(&[(name, value)], provider()).unwrap_err();
        assert!(
            error.to_string().starts_with(&format!("{name}: ")),
            "{error}"
        );
        assert!(error.to_string().contains(says), "{error}");
        // What a `main` prints that returns it.
        assert_eq!(format!("{error:?}"), error.to_string());
    }
}

#[test]
fn each_of_the_demos_own_variables_may_have_the_prefix_which_wins() {
    let given = [
        ("HOST", "localhost"),
        ("MIRACL_HOST", "127.0.0.2"),
        ("MIRACL_PORT", "4711"),
        ("PORT", "80"),
        ("MIRACL_DATABASE_URL", ":memory:"),
    ];
    let read = settings(&given, provider()).unwrap();
    assert_eq!(read.address(), ("127.0.0.2", 4711));
    assert_eq!(read.database, Database::Memory);
    let link = [("MIRACL_PORT", "tcp://10.0.0.1:80"), ("PORT", "80")];
    assert_eq!(settings(&link, provider()).unwrap().address().1, 80);
    let taken = std::io::Error::from(std::io::ErrorKind::AddrInUse);
    let told = read.cannot_listen(&taken).to_string();
    assert!(told.starts_with("MIRACL_HOST, MIRACL_PORT: "), "{told}");
}
