//! The platform as a server: what it listens on, keeps, records and refuses, and how it stops.

use miracl_platform::{
    Authorization, ClientAuthMethod, Fault, Platform, PlatformConfig, StartError,
};

use crate::app::{CALLBACK, authorize_url, exchange, log_in, start};
use crate::http;

#[tokio::test]
async fn foreign_host_names_huge_bodies_and_prefetches_get_nothing() {
    let platform = start().await;
    let url = format!("{}/inbox", platform.issuer());
    assert_eq!(
        http::get(&url, &[("host", "evil.example")]).await.status,
        421
    );
    let url = authorize_url(&platform, &[]);
    assert_eq!(
        http::get(&url, &[("sec-purpose", "prefetch")]).await.status,
        503
    );
    let token = format!("{}/oidc/token", platform.issuer());
    assert_eq!(
        http::post(&token, &[], &[("code", &"x".repeat(100_000))])
            .await
            .status,
        413
    );
    assert_eq!(http::get(&token, &[]).await.status, 405);
    assert_eq!(
        http::get(&format!("{}/nowhere", platform.issuer()), &[])
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn requests_are_recorded_without_secrets() {
    let platform = start().await;
    let callback = log_in(&platform).await;
    platform.clear_requests();
    exchange(&platform, &callback, &[]).await;
    assert_eq!(platform.count("/oidc/token"), 1);
    assert_eq!(platform.count("/oidc/userinfo"), 0);
    let requests = platform.requests();
    let request = &requests[0];
    assert_eq!(request.authorization, Authorization::Absent);
    assert_eq!(request.form_value("grant_type"), Some("authorization_code"));
    assert_eq!(request.form_value("client_secret"), Some("[redacted]"));
    assert_eq!(request.client_auth, [ClientAuthMethod::ClientSecretPost]);
    let mut names = request.form_names();
    names.sort_unstable();
    let expected = "client_id client_secret code code_verifier grant_type redirect_uri";
    assert_eq!(names.join(" "), expected);
    assert!(!request.has_access_token_in_query());
    assert!(!format!("{requests:?}").contains("s3cret"));

    let url = format!("{}/oidc/userinfo?access_token=x", platform.issuer());
    assert_eq!(http::get(&url, &[]).await.status, 401);
    let requests = platform.requests();
    assert!(requests[1].has_access_token_in_query());
    assert_eq!(requests[1].query_value("access_token"), Some("[redacted]"));
    assert_eq!(requests[1].number, requests[0].number + 1);
    assert!(requests[0].number > 1, "those forgotten count too");
}

#[tokio::test]
async fn apps_identities_and_keys_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let config = PlatformConfig {
        data_dir: Some(folder.path().to_owned()),
        ..PlatformConfig::default()
    };
    let first = Platform::start(config.clone()).await.unwrap();
    let certs = |platform: &Platform| format!("{}/oidc/certs", platform.issuer());
    let keys = http::get(&certs(&first), &[]).await.json();
    let form = [
        ("name", "Kept"),
        ("redirect_uris", CALLBACK),
        ("browser_login", "on"),
    ];
    let registered = http::post(&format!("{}/portal", first.issuer()), &[], &form).await;
    assert_eq!(registered.status, 303, "{registered:?}");
    let page = registered.header("location").unwrap().to_owned();
    first.shutdown().await;

    let second = Platform::start(config).await.unwrap();
    assert_eq!(http::get(&certs(&second), &[]).await.json(), keys);
    let shown = http::get(&format!("{}{page}", second.issuer()), &[]).await;
    assert!(shown.body.contains("Kept") && shown.body.contains("id=\"client-secret\""));
    let removed = http::post(&format!("{}{page}/remove", second.issuer()), &[], &[]).await;
    assert_eq!(removed.status, 303);
    assert_eq!(
        http::get(&format!("{}{page}", second.issuer()), &[])
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn only_loopback_is_listened_on_and_a_taken_port_is_told() {
    for host in ["0.0.0.0", "192.168.0.1", "::", "example.com"] {
        let config = PlatformConfig {
            host: host.to_owned(),
            ..PlatformConfig::default()
        };
        let error = Platform::start(config).await.unwrap_err();
        assert!(matches!(error, StartError::NotLoopback { .. }), "{host}");
    }
    let first = start().await;
    let port = first.address().port();
    let config = PlatformConfig {
        port,
        ..PlatformConfig::default()
    };
    let error = Platform::start(config.clone()).await.unwrap_err();
    assert!(error.to_string().contains("in use already"), "{error}");
    first.shutdown().await;
    let second = Platform::start(config).await.unwrap();
    assert_eq!(second.address().port(), port);
}

#[tokio::test]
async fn a_hanging_answer_does_not_hold_up_a_shutdown() {
    let platform = start().await;
    platform.set_fault(Some(Fault::DiscoveryHangs));
    let url = format!("{}/.well-known/openid-configuration", platform.issuer());
    let waiting = tokio::spawn(async move { http::get(&url, &[]).await });
    while platform.count("/.well-known/openid-configuration") == 0 {
        tokio::task::yield_now().await;
    }
    assert!(!waiting.is_finished());
    platform.shutdown().await;
    waiting.await.unwrap();
}

#[cfg(unix)]
#[test]
fn a_signal_right_after_the_greeting_stops_the_program_in_order() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    for signal in ["-TERM", "-INT", "-TERM", "-INT"] {
        let folder = tempfile::tempdir().unwrap();
        let mut program = Command::new(env!("CARGO_BIN_EXE_miracl-platform"))
            .envs([("PORT", "0"), ("HOST", "127.0.0.1")])
            .env("PLATFORM_DATA", folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(program.stdout.take().unwrap());
        let mut greeting = String::new();
        output.read_line(&mut greeting).unwrap();
        assert!(greeting.starts_with("listening on "), "{greeting:?}");
        let kill = format!("kill {signal} {}", program.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(sent.success());
        let status = program.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{signal}: {status}");
    }
}

#[tokio::test]
async fn an_app_is_registered_once_for_its_callback_and_known_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let start = async || {
        let config = PlatformConfig {
            data_dir: Some(folder.path().join("data")),
            ..PlatformConfig::default()
        };
        Platform::start(config).await.expect("it starts")
    };
    let callback = "http://127.0.0.1:3000/login";
    let platform = start().await;
    let app = platform.register_app(callback).expect("an app");
    assert_eq!(app.redirect_uris, [callback]);
    let after = ["http://127.0.0.1:3000/signed-out"];
    assert_eq!(app.post_logout_redirect_uris, after);
    assert_eq!(platform.register_app(callback).expect("the same"), app);
    assert!(platform.register_app("javascript:alert(1)").is_err());
    let settings = folder.path().join("miracl.json");
    platform
        .write_settings(&app, &settings)
        .expect("a new file");
    platform.shutdown().await;

    let platform = start().await;
    let again = platform.register_app(callback).expect("the same");
    assert_eq!(again, app);
    // Another port is another issuer: the file is not that of this app any more.
    assert!(platform.write_settings(&again, &settings).is_err());
    let other = platform.register_app("https://app.example/login");
    let other = other.expect("another app");
    assert_ne!(other.client_id, app.client_id);
    assert_eq!(other.backchannel_logout_uri, None, "it is not on loopback");
}
