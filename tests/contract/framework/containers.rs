//! Settings as container platforms hand them over: with line breaks, in quotes, under other names, beside variables of
//! their own.

use miracl_tests::{Adapter, Browser, Demo, DemoBuilder, Provider, scenarios};

use crate::journey::{key, log_in, parameter};

scenarios![
    every_variable_may_have_the_prefix_which_wins,
    a_message_names_a_variable_with_the_prefix_it_was_given_with,
    white_space_around_every_setting_does_no_harm,
    quotes_around_a_setting_stop_the_start_and_are_named,
    secrets_can_lie_in_files_as_containers_mount_them,
    a_secret_given_twice_or_in_a_file_of_no_use_stops_the_start,
    the_addresses_have_two_names_and_two_that_differ_stop_the_start,
    the_port_of_a_kubernetes_service_is_ignored_with_a_line_in_the_log,
];

/// Starts a demo that must not start, and returns what it says.
fn refused(settings: DemoBuilder) -> String {
    let refused = settings
        .try_start()
        .map(|demo| demo.log())
        .expect_err("a start that should have been refused");
    assert!(refused.code.is_some_and(|code| code != 0), "{refused}");
    assert!(!refused.log.contains(Provider::CLIENT_SECRET), "{refused}");
    refused.log
}

async fn white_space_around_every_setting_does_no_harm(adapter: Adapter) {
    let provider = Provider::start();
    for end in ["\n", "\r\n", " \t"] {
        let around = |value: &str| format!(" {value}{end}");
        let demo = Demo::builder(adapter)
            .env("HOST", &around("127.0.0.1"))
            .env("PORT", &around("0"))
            .env("DATABASE_URL", &around("sqlite::memory:"))
            .env("ISSUER", &around(&provider.issuer()))
            .env("CLIENT_ID", &around(Provider::CLIENT_ID))
            .env("CLIENT_SECRET_FILE", &around("secret.txt"))
            .file("secret.txt", &around(Provider::CLIENT_SECRET))
            .env("COOKIE_KEYS_FILE", &around("keys.txt"))
            .file("keys.txt", &around(&key(1)))
            .env("COOKIE_PREFIX", &around("shop"))
            .env("SCOPES", &around("openid\n email"))
            .env("PKCE", &around("on"))
            .env("HOME_PATH", &around("/"))
            .env("DEVELOPMENT", &around("1"))
            .env("REDIRECT_URL", end)
            .start();
        let browser = Browser::new();
        let away = browser.open(demo.url("/login/start")).await.expect(303);
        let redirect_uri = parameter(&away.location().expect("a location"), "redirect_uri");
        assert_eq!(redirect_uri, Some(demo.url("/login")));
        log_in(&browser, &demo).await;
        assert!(!browser.cookies_named("shop-session").is_empty());
    }
    // In the file too, and with the secret in it.
    let file = serde_json::json!({
        "issuer": format!(" {}\n", provider.issuer()),
        "client_id": format!("{}\r\n", Provider::CLIENT_ID),
        "secret": format!("{}\n", Provider::CLIENT_SECRET),
        "redirect_uri": "\n",
    });
    let demo = Demo::builder(adapter)
        .file("settings.json", &file.to_string())
        .env("MIRACL_CONFIG", "settings.json\n")
        .start();
    log_in(&Browser::new(), &demo).await;
}

async fn quotes_around_a_setting_stop_the_start_and_are_named(adapter: Adapter) {
    let provider = Provider::start();
    let secret = format!("\"{}\"", Provider::CLIENT_SECRET);
    for (name, value) in [
        ("CLIENT_SECRET", secret.as_str()),
        ("CLIENT_ID", "'id'"),
        ("ISSUER", "\"https://issuer.example\""),
        ("REDIRECT_URL", "\"http://127.0.0.1:5000/login\""),
        ("REDIRECT_URI", "'http://127.0.0.1:5000/login'\n"),
        ("SCOPES", "\"openid email\""),
        ("SESSION_STORE", "'memory'"),
        ("PKCE", "\"on\""),
        ("MIRACL_CONFIG", "\"miracl.json\""),
        ("HOST", "\"127.0.0.1\""),
        ("PORT", "'0'"),
        ("DATABASE_URL", "\"sqlite::memory:\""),
        ("MPAD_URL", "\"https://cdn.example/mpad.js\""),
    ] {
        let log = refused(Demo::of(adapter, &provider).env(name, value));
        let named = log
            .lines()
            .any(|line| line.contains(name) && line.contains("quotes"));
        assert!(named, "{name}={value}: {log}");
    }
    let log = refused(
        Demo::of(adapter, &provider)
            .without("CLIENT_SECRET")
            .env("CLIENT_SECRET_FILE", "secret.txt")
            .file("secret.txt", &format!("{secret}\n")),
    );
    assert!(log.contains("secret.txt has quotes"), "{log}");
}

async fn secrets_can_lie_in_files_as_containers_mount_them(adapter: Adapter) {
    let provider = Provider::start();
    let mounted = |keys: &str| {
        Demo::of(adapter, &provider)
            .without("CLIENT_ID")
            .without("CLIENT_SECRET")
            .without("SESSION_STORE")
            .file("client-id", &format!("{}\n", Provider::CLIENT_ID))
            .file("client-secret", &format!("{}\n", Provider::CLIENT_SECRET))
            .file("cookie-keys", keys)
            .file("sessions", "memory\n")
            .env("CLIENT_ID_FILE", "client-id")
            .env("MIRACL_CLIENT_SECRET_FILE", "client-secret")
            .env("MIRACL_COOKIE_KEYS_FILE", "cookie-keys")
    };
    let demo = mounted(&format!("{}\n", key(1))).start();
    let browser = Browser::new();
    log_in(&browser, &demo).await;
    // Only a demo whose file has the key as well, be it as its second one, knows who is logged in.
    let stranger = mounted(&key(2)).start();
    browser.fetch(stranger.url("/whoami")).await.expect(401);
    let other = mounted(&format!("{},\n{}\r\n", key(2), key(1))).start();
    browser.fetch(other.url("/whoami")).await.expect(200);

    // Where sessions are kept is in a file, too: in the memory of the first demo, so that the second has none.
    let demo = mounted(&key(1))
        .env("SESSION_STORE_FILE", "sessions")
        .start();
    let browser = Browser::new();
    log_in(&browser, &demo).await;
    browser.fetch(demo.url("/whoami")).await.expect(200);
    let other = mounted(&key(1)).start();
    browser.fetch(other.url("/whoami")).await.expect(401);
}

async fn a_secret_given_twice_or_in_a_file_of_no_use_stops_the_start(adapter: Adapter) {
    let provider = Provider::start();
    let settings = || Demo::of(adapter, &provider).file("secret", &key(1));
    for (name, value) in [
        ("CLIENT_ID", Provider::CLIENT_ID),
        ("CLIENT_SECRET", Provider::CLIENT_SECRET),
        ("COOKIE_KEYS", &key(2)),
        ("SESSION_STORE", "memory"),
        ("MARKS_STORE", "memory"),
    ] {
        let file = format!("{name}_FILE");
        let log = refused(settings().env(name, value).env(&file, "secret"));
        let named = log
            .lines()
            .any(|line| line.contains(&file) && line.contains(&format!("and {name} is set")));
        assert!(named, "{name}: {log}");
        let without = || settings().without(name);
        for (path, reason) in [("no-such-file", "No such file"), ("empty", "is empty")] {
            let log = refused(without().file("empty", "\n").env(&file, path));
            let named = log.lines().any(|line| {
                [&*file, path, reason]
                    .iter()
                    .all(|part| line.contains(part))
            });
            assert!(named, "{file}={path}: {log}");
        }
    }
}

async fn the_addresses_have_two_names_and_two_that_differ_stop_the_start(adapter: Adapter) {
    let provider = Provider::start();
    let (callback, after) = ("http://127.0.0.1:5000/c2id", "http://127.0.0.1:5000/bye");
    let demo = Demo::of(adapter, &provider)
        .env("REDIRECT_URI", callback)
        .env("POST_LOGOUT_REDIRECT_URI", after)
        .start();
    let away = Browser::new()
        .open(demo.url("/login/start"))
        .await
        .expect(303);
    let redirect_uri = parameter(&away.location().expect("a location"), "redirect_uri");
    assert_eq!(redirect_uri.as_deref(), Some(callback));
    Browser::new().open(demo.url("/bye")).await.expect(303);
    for (one, other, value) in [
        ("REDIRECT_URL", "REDIRECT_URI", callback),
        (
            "POST_LOGOUT_REDIRECT_URL",
            "POST_LOGOUT_REDIRECT_URI",
            after,
        ),
    ] {
        let both = Demo::of(adapter, &provider).env(one, value);
        let log = refused(both.clone().env(other, "http://127.0.0.1:5000/other"));
        let named = log.lines().any(|line| {
            [one, other, "differs"]
                .iter()
                .all(|part| line.contains(part))
        });
        assert!(named, "{log}");
        both.env(other, &format!("{value}\n")).start();
    }
}

async fn the_port_of_a_kubernetes_service_is_ignored_with_a_line_in_the_log(adapter: Adapter) {
    let provider = Provider::start();
    let settings = Demo::of(adapter, &provider).env("PROXY_PORT", "tcp://10.0.0.1:8080");
    let demo = settings.clone().start();
    demo.wait_for_line(&["WARN", "PROXY_PORT", "Kubernetes"]);
    log_in(&Browser::new(), &demo).await;
    let log = refused(settings.env("PROXY_HOST", "127.0.0.1"));
    assert!(
        log.contains("PROXY_PORT") && log.contains("Kubernetes' own"),
        "{log}"
    );
    let log = refused(Demo::of(adapter, &provider).env("PORT", "tcp://10.0.0.1:5000"));
    assert!(
        log.contains("PORT: ") && log.contains("Kubernetes"),
        "{log}"
    );
}

async fn every_variable_may_have_the_prefix_which_wins(adapter: Adapter) {
    let provider = Provider::start();
    let file = serde_json::json!({
        "issuer": provider.issuer(),
        "client_id": Provider::CLIENT_ID,
        "secret": Provider::CLIENT_SECRET,
        "scopes": "openid",
    });
    let demo = Demo::builder(adapter)
        .file("settings.json", &file.to_string())
        .env("MIRACL_CONFIG", "settings.json")
        .env("SCOPES", "'not this'")
        .env("MIRACL_SCOPES", "openid email dvs")
        .env("REDIRECT_URL", "http://127.0.0.1:5000/not-this")
        .env("MIRACL_REDIRECT_URI", "http://127.0.0.1:5000/c2id")
        .env("PORT", "many")
        .env("MIRACL_PORT", "0")
        .env("HOST", "0.0.0.0")
        .env("MIRACL_HOST", "127.0.0.1")
        .env("MIRACL_DATABASE_URL", "sqlite:own.sqlite")
        .env("MIRACL_COOKIE_PREFIX", "own")
        // An empty one counts as not given.
        .env("MIRACL_SESSION_STORE", " ")
        .start();
    assert!(demo.origin().starts_with("http://127.0.0.1:"));
    assert!(demo.directory().join("own.sqlite").exists());
    let away = Browser::new().open(demo.url("/login/start")).await;
    let away = away.expect(303);
    let location = away.location().expect("a location");
    let sent = |name: &str| parameter(&location, name);
    assert_eq!(sent("scope").as_deref(), Some("openid email dvs"));
    let callback = "http://127.0.0.1:5000/c2id";
    assert_eq!(sent("redirect_uri").as_deref(), Some(callback));
    let cookies = away.set_cookies();
    assert!(
        cookies.iter().all(|cookie| cookie.name.starts_with("own")),
        "{cookies:?}"
    );
}

async fn a_message_names_a_variable_with_the_prefix_it_was_given_with(adapter: Adapter) {
    let provider = Provider::start();
    for (name, value) in [
        ("MIRACL_PORT", "many"),
        ("MIRACL_HOST", "http://x"),
        ("MIRACL_DATABASE_URL", "mysql://db/users"),
        ("MIRACL_PKCE", "perhaps"),
        ("MIRACL_SESSION_STORE", "redis://"),
        ("MIRACL_CLIENT_SECRET", "'quoted'"),
        ("MIRACL_MPAD_URL", "mpad.js"),
        // What the checks find.
        ("MIRACL_ISSUER", "http://issuer.example"),
        ("MIRACL_REDIRECT_URL", "login"),
        ("MIRACL_REDIRECT_URI", "http://127.0.0.1:5000/members"),
        ("MIRACL_SCOPES", "email"),
        ("MIRACL_CA_CERT", "no-such-file"),
        ("MIRACL_DANGER_ALLOW_HTTP", "perhaps"),
    ] {
        let log = refused(Demo::of(adapter, &provider).env(name, value));
        assert!(log.contains(name), "{name}={value}: {log}");
    }
    // Kubernetes sets this one for a Service named `miracl`.
    let demo = Demo::of(adapter, &provider).env("MIRACL_PORT", "tcp://10.0.0.1:80");
    demo.start().wait_for_log("enableServiceLinks");
}
