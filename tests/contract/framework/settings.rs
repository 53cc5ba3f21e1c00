//! Settings: read from three places, refused by name when they are wrong, never ignored.

use miracl_tests::{Adapter, Browser, Demo, Provider, Refused, scenarios};

use crate::journey::{log_in, parameter, subject};

scenarios![
    without_settings_the_demo_brings_its_own_platform,
    a_partial_set_stops_the_start_and_names_what_is_missing,
    an_untouched_template_stops_the_start,
    a_setting_that_makes_no_sense_stops_the_start_and_is_named,
    a_store_that_is_not_known_stops_the_start,
    a_port_that_is_taken_stops_the_start,
    the_file_of_the_tornado_sdk_is_read,
    the_environment_wins_over_the_file,
    the_secret_can_come_from_a_file,
    a_secret_in_the_clear_is_warned_about_once,
    a_cookie_key_is_its_owners_and_one_that_others_can_read_is_warned_about,
    scopes_can_be_chosen,
    a_demo_on_every_address_is_reached_by_loopback,
    a_redirect_url_with_another_port_is_warned_about,
];

/// Starts a demo that must not start, and returns what it says.
fn refused(settings: miracl_tests::DemoBuilder) -> Refused {
    let refused = settings
        .try_start()
        .map(|demo| demo.log())
        .expect_err("a start that should have been refused");
    assert!(refused.code.is_some_and(|code| code != 0), "{refused}");
    assert!(
        !refused.log.contains("panicked"),
        "an error is no panic: {refused}"
    );
    assert!(!refused.log.contains(Provider::CLIENT_SECRET), "{refused}");
    refused
}

/// A setting is named as it was set: in capitals in the environment, in small letters in a file.
#[track_caller]
fn assert_names(refused: &Refused, keys: &[&str]) {
    let log = refused.log.to_lowercase();
    for key in keys {
        assert!(log.contains(&key.to_lowercase()), "no {key}: {refused}");
    }
}

async fn without_settings_the_demo_brings_its_own_platform(adapter: Adapter) {
    let demo = Demo::builder(adapter).start();
    let browser = Browser::new();
    let home = browser.open(demo.url("/")).await.expect(200);
    let script = home
        .tags()
        .into_iter()
        .find(|tag| tag.get("data-authurl").is_some())
        .expect("the login button");
    assert_eq!(script.name, "script");
    let script = script.get("src").expect("an address").to_owned();
    assert!(script.ends_with("/mpad.js"), "{script}");
    browser.open(script).await.expect(200);
    let page = browser.visit(demo.url("/login/start")).await.expect(200);
    assert_ne!(
        page.url.origin().ascii_serialization(),
        demo.origin(),
        "the platform's page"
    );
    assert!(
        page.body.to_lowercase().contains("development"),
        "{}",
        page.body
    );
}

async fn a_partial_set_stops_the_start_and_names_what_is_missing(adapter: Adapter) {
    let provider = Provider::start();
    let all = ["ISSUER", "CLIENT_ID", "CLIENT_SECRET"];
    for missing in all {
        assert_names(
            &refused(Demo::of(adapter, &provider).without(missing)),
            &[missing],
        );
        let only = all
            .iter()
            .filter(|name| **name != missing)
            .fold(Demo::of(adapter, &provider), |settings, name| {
                settings.without(name)
            });
        let others: Vec<_> = all.into_iter().filter(|name| *name != missing).collect();
        assert_names(&refused(only), &others);
        assert_names(
            &refused(Demo::of(adapter, &provider).env(missing, "")),
            &[missing],
        );
    }
}

async fn an_untouched_template_stops_the_start(adapter: Adapter) {
    let provider = Provider::start();
    assert_names(
        &refused(Demo::of(adapter, &provider).env("CLIENT_ID", "CLIENT_ID")),
        &["CLIENT_ID"],
    );
    assert_names(
        &refused(Demo::of(adapter, &provider).env("CLIENT_SECRET", "CLIENT_SECRET")),
        &["CLIENT_SECRET"],
    );
    let template = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples/miracl.example.json"
    ));
    let template = template.expect("the template");
    let json: serde_json::Value = serde_json::from_str(&template).expect("the template is JSON");
    assert!(
        json.get("client_id").is_some() && json.get("redirect_uri").is_some(),
        "{template}"
    );
    assert_names(
        &refused(Demo::builder(adapter).file("miracl.json", &template)),
        &["client_id"],
    );
}

async fn a_setting_that_makes_no_sense_stops_the_start_and_is_named(adapter: Adapter) {
    let provider = Provider::start();
    for (key, value) in [
        ("PORT", "many"),
        ("PORT", "65536"),
        ("REDIRECT_URL", "login"),
        ("REDIRECT_URL", "http://127.0.0.1:5000/login#fragment"),
        ("ISSUER", "issuer"),
        ("ISSUER", "http://issuer.example"),
        ("ISSUER", "https://issuer.example?query"),
        ("METADATA_URL", "metadata"),
        ("METADATA_URL", "http://issuer.example/metadata"),
        ("DANGER_ALLOW_HTTP", "perhaps"),
        ("END_SESSION_PARAMETERS", "id_token_hint=x"),
        ("END_SESSION_PARAMETERS", "a=1&a=2"),
        ("SCOPES", "email"),
        ("PKCE", "perhaps"),
        ("DEVELOPMENT", "perhaps"),
        ("TOKEN_ENDPOINT_AUTH_METHOD", "shouting"),
        ("ID_TOKEN_SIGNED_RESPONSE_ALG", "none"),
        ("ID_TOKEN_SIGNED_RESPONSE_ALG", "HS256"),
        ("COOKIE_KEYS", "dG9vIHNob3J0"),
        ("COOKIE_KEYS", "not base64!"),
        ("COOKIE_PREFIX", "a b;"),
        ("MIRACL_CLIENT_SECRET_FILE", "no-such-file"),
        ("COOKIE_KEYS_FILE", "no-such-file"),
        ("CA_CERT", "no-such-file"),
        ("POST_LOGOUT_REDIRECT_URL", "nowhere"),
        ("SESSION_STORE", "redis://"),
        ("SESSION_STORE", "rediss://redis.example#insecure"),
        ("SESSION_STORE", "postgres://database.example"),
    ] {
        let refused = refused(Demo::of(adapter, &provider).env(key, value));
        assert_names(&refused, &[key]);
    }
    let proxy = Demo::of(adapter, &provider).env("PROXY_HOST", "127.0.0.1");
    assert_names(&refused(proxy.env("PROXY_PORT", "many")), &["PROXY_PORT"]);
    // A file has its own name in the message.
    assert_names(
        &refused(Demo::builder(adapter).file("miracl.json", "{ not json")),
        &["miracl.json"],
    );
    assert_names(
        &refused(Demo::builder(adapter).env("MIRACL_CONFIG", "no-such-file.json")),
        &["no-such-file.json"],
    );
}

async fn a_store_that_is_not_known_stops_the_start(adapter: Adapter) {
    let provider = Provider::start();
    for value in ["cookie", "postgres://me:hunter2@db", "redis+unix://hunter2"] {
        let marks = Demo::of(adapter, &provider).env("MARKS_STORE", value);
        let said = refused(marks);
        assert_names(&said, &["MARKS_STORE"]);
        assert!(!said.log.contains("hunter2"), "{}", said.log);
    }
    for (key, value) in [
        ("SESSION_STORE", "cookie"),
        ("SESSION_STORE", "memory"),
        ("MARKS_STORE", "memory"),
        ("MARKS_STORE", "redis://127.0.0.1:1"),
        ("SESSION_UNAVAILABLE", "anonymous"),
        ("RENEWAL", "eager"),
        ("USERINFO_REQUESTS", "never"),
    ] {
        Demo::of(adapter, &provider).env(key, value).start();
    }
}

async fn a_port_that_is_taken_stops_the_start(adapter: Adapter) {
    let provider = Provider::start();
    let first = Demo::start(adapter, &provider);
    let port = first.port().to_string();
    let refused = refused(Demo::of(adapter, &provider).env("PORT", &port));
    assert_names(&refused, &[&port]);
}

async fn the_file_of_the_tornado_sdk_is_read(adapter: Adapter) {
    let provider = Provider::start();
    for secret in ["secret", "client_secret"] {
        let file = serde_json::json!({
            "client_id": Provider::CLIENT_ID,
            secret: Provider::CLIENT_SECRET,
            "redirect_uri": "",
            "issuer": provider.issuer(),
        });
        let demo = Demo::builder(adapter)
            .file("miracl.json", &file.to_string())
            .start();
        log_in(&Browser::new(), &demo).await;
        let demo = Demo::builder(adapter)
            .file("elsewhere.json", &file.to_string())
            .env("MIRACL_CONFIG", "elsewhere.json")
            .start();
        log_in(&Browser::new(), &demo).await;
    }
}

async fn the_environment_wins_over_the_file(adapter: Adapter) {
    let provider = Provider::start();
    let file = serde_json::json!({
        "client_id": "of-the-file",
        "secret": "of-the-file",
        "redirect_uri": "",
        "issuer": "https://of-the-file.example",
    });
    let demo = Demo::of(adapter, &provider)
        .file("miracl.json", &file.to_string())
        .start();
    log_in(&Browser::new(), &demo).await;
}

async fn the_secret_can_come_from_a_file(adapter: Adapter) {
    let provider = Provider::start();
    // The one with the prefix wins, as of two names.
    let demo = Demo::of(adapter, &provider)
        .env("CLIENT_SECRET", "a wrong one")
        .file("secret", &format!("{}\n", Provider::CLIENT_SECRET))
        .env("MIRACL_CLIENT_SECRET_FILE", "secret")
        .start();
    log_in(&Browser::new(), &demo).await;
    let demo = Demo::of(adapter, &provider)
        .without("CLIENT_SECRET")
        .file("secret", Provider::CLIENT_SECRET)
        .env("CLIENT_SECRET_FILE", "secret")
        .start();
    log_in(&Browser::new(), &demo).await;
}

async fn a_secret_in_the_clear_is_warned_about_once(adapter: Adapter) {
    let provider = Provider::start();
    let file = serde_json::json!({
        "client_id": Provider::CLIENT_ID,
        "secret": Provider::CLIENT_SECRET,
        "redirect_uri": "",
        "issuer": provider.issuer(),
    });
    let demo = Demo::builder(adapter)
        .file("miracl.json", &file.to_string())
        .start();
    log_in(&Browser::new(), &demo).await;
    demo.wait_for_log("login succeeded");
    let log = demo.log();
    let warnings = log
        .lines()
        .filter(|line| line.contains("WARN") && line.contains("secret"))
        .count();
    assert_eq!(warnings, 1, "{log}");
    let demo = Demo::start(adapter, &provider);
    demo.wait_for_log("login with");
    assert!(
        !demo
            .log()
            .lines()
            .any(|line| line.contains("WARN") && line.contains("secret")),
        "{}",
        demo.log()
    );
}

async fn a_cookie_key_is_its_owners_and_one_that_others_can_read_is_warned_about(adapter: Adapter) {
    use std::{fs, os::unix::fs::PermissionsExt};

    const WARNING: &str = "can read or change the cookie key";
    let provider = Provider::start();
    let settings = Demo::of(adapter, &provider).env("DATABASE_URL", "users.sqlite");
    let mut demo = settings.start();
    let file = demo.directory().join("users.sqlite-cookie-key");
    let mode = || {
        fs::symlink_metadata(&file)
            .expect("the key")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(), 0o600);
    let browser = Browser::new();
    log_in(&browser, &demo).await;
    demo.restart();
    demo.wait_for_log("login with");
    assert!(!demo.log().contains(WARNING), "{}", demo.log());
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("another mode");
    demo.restart();
    demo.wait_for_log(WARNING);
    // The key is used nevertheless: nobody is logged out.
    assert!(subject(&browser, &demo).await.is_some());
    assert_eq!(mode(), 0o644, "it is the operator's to change");
}

async fn scopes_can_be_chosen(adapter: Adapter) {
    let provider = Provider::start();
    let demo = Demo::of(adapter, &provider)
        .env("SCOPES", "openid email mpin_id")
        .start();
    let answer = Browser::new()
        .open(demo.url("/login/start"))
        .await
        .expect(303);
    let url = answer.location().expect("a location");
    assert_eq!(
        parameter(&url, "scope").as_deref(),
        Some("openid email mpin_id")
    );
}

async fn a_demo_on_every_address_is_reached_by_loopback(adapter: Adapter) {
    let provider = Provider::start();
    let demo = Demo::of(adapter, &provider).env("HOST", "0.0.0.0").start();
    assert_eq!(demo.origin(), format!("http://0.0.0.0:{}", demo.port()));
    let home = format!("http://127.0.0.1:{}", demo.port());
    let browser = Browser::new();
    let answer = browser
        .open(format!("{home}/login/start"))
        .await
        .expect(303);
    let url = answer.location().expect("a location");
    assert_eq!(
        parameter(&url, "redirect_uri"),
        Some(format!("{home}/login"))
    );
    browser.follow(answer).await.expect(200);
}

async fn a_redirect_url_with_another_port_is_warned_about(adapter: Adapter) {
    let provider = Provider::start();
    let demo = Demo::of(adapter, &provider)
        .env("REDIRECT_URL", "http://127.0.0.1:1/login")
        .start();
    demo.wait_for_line(&["WARN", "127.0.0.1:1/login"]);
}
