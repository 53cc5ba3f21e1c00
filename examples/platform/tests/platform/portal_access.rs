//! Who gets the portal, the inbox and the back-end API: browsers and programs on the platform's own machine.

use std::io::{BufRead, BufReader};
use std::net::{IpAddr, UdpSocket};
use std::process::{Command, Stdio};

use miracl_platform::{Client, Platform, PlatformConfig};

use crate::app::{CALLBACK, start};
use crate::http;

/// What is for this machine alone.
fn own(platform: &Platform) -> Vec<(&'static str, String)> {
    let project = format!("/api/v1/projects/{}", platform.project_id());
    vec![
        ("GET", "/portal".to_owned()),
        ("POST", "/portal".to_owned()),
        ("GET", "/portal/apps/app".to_owned()),
        ("GET", "/portal/apps/app/miracl.json".to_owned()),
        ("GET", "/portal/project".to_owned()),
        ("POST", "/portal/project".to_owned()),
        ("GET", "/portal/accounts".to_owned()),
        ("GET", "/portal/devices".to_owned()),
        ("GET", "/portal/audit".to_owned()),
        ("GET", "/portal/nowhere".to_owned()),
        ("GET", "/inbox".to_owned()),
        ("GET", format!("{project}/audit")),
        ("POST", format!("{project}/mpinids/aa/revocation")),
        ("POST", "/verification".to_owned()),
        ("POST", "/activate/initiate".to_owned()),
        ("POST", "/dvs/verify".to_owned()),
    ]
}

/// The address of this machine on its network.
fn network_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // Sends nothing: it only chooses the way to an address that is reserved for examples.
    socket.connect("192.0.2.1:9").ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_loopback() && !ip.is_unspecified()).then_some(ip)
}

async fn on_network() -> Platform {
    let config = PlatformConfig {
        host: "0.0.0.0".to_owned(),
        allow_network: true,
        clients: vec![Client::new("app", "s3cret", CALLBACK)],
        ..PlatformConfig::default()
    };
    Platform::start(config).await.unwrap()
}

#[tokio::test]
async fn on_a_network_others_get_the_login_pages_and_nothing_of_the_portal() {
    let platform = on_network().await;
    let port = platform.address().port();
    assert_eq!(platform.issuer(), format!("http://127.0.0.1:{port}"));
    let Some(ip) = network_address() else {
        let all = std::env::var("MIRACL_TESTS").is_ok_and(|tests| tests == "all");
        assert!(!all, "this machine is on no network");
        eprintln!("left out: this machine is on no network");
        return;
    };
    let at = |path: &str| format!("http://{ip}:{port}{path}");
    let basic = base64_simd::STANDARD.encode_to_string("app:s3cret");
    let basic = format!("Basic {basic}");
    let loopback = format!("127.0.0.1:{port}");
    for (method, path) in own(&platform) {
        // The name in the request opens nothing either.
        for headers in [
            vec![("authorization", basic.as_str())],
            vec![
                ("authorization", basic.as_str()),
                ("host", loopback.as_str()),
            ],
        ] {
            let answer = http::try_send(method, &at(&path), &headers, "")
                .await
                .unwrap();
            assert_eq!(answer.status, 403, "{method} {path}");
        }
    }
    let login = format!(
        "/authorize?client_id=app&redirect_uri={CALLBACK}&response_type=code&scope=openid&state=s"
    );
    let begun = http::get(&at(&login), &[]).await;
    assert_eq!(begun.status, 303);
    let cookie = begun
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap();
    let page = http::get(
        &at(begun.header("location").unwrap()),
        &[("cookie", cookie)],
    )
    .await;
    assert_eq!(page.status, 200);
    for path in [
        "/",
        "/style.css",
        "/login.js",
        "/mpin.js",
        "/.well-known/openid-configuration",
        "/.well-known/project-configuration",
        "/oidc/certs",
    ] {
        assert_eq!(http::get(&at(path), &[]).await.status, 200, "{path}");
    }
    let session = format!("{{\"projectId\":\"{}\"}}", platform.project_id());
    let session = http::try_send("POST", &at("/rps/v2/session"), &[], &session).await;
    assert_eq!(session.unwrap().status, 200);
    let home = http::get(&at("/"), &[]).await.body;
    assert!(
        home.contains("id=\"elsewhere\"") && !home.contains("href=\"/portal\""),
        "{home}"
    );

    let here = format!("{}/portal", platform.issuer());
    assert_eq!(http::get(&here, &[]).await.status, 200);
    let named = http::get(&at("/"), &[("host", "platform.example")]).await;
    assert_eq!(named.status, 421, "a name could lead anywhere");
}

#[tokio::test]
async fn a_request_that_names_another_host_gets_nothing_on_loopback_either() {
    for platform in [start().await, on_network().await] {
        for (method, path) in own(&platform) {
            let url = format!("http://127.0.0.1:{}{path}", platform.address().port());
            for host in ["evil.example", "192.168.0.1", "localhost.evil.example"] {
                let answer = http::try_send(method, &url, &[("host", host)], "")
                    .await
                    .unwrap();
                assert!(
                    [403, 421].contains(&answer.status),
                    "{method} {path} {host}"
                );
            }
        }
    }
}

#[tokio::test]
async fn forms_of_other_sites_change_nothing() {
    let platform = start().await;
    let app = platform.register_app("http://127.0.0.1:9/login").unwrap();
    let app = format!("/portal/apps/{}", app.client_id);
    let form = [
        ("name", "Evil"),
        ("base_url", "http://127.0.0.1:6666"),
        ("qr_login", "on"),
        ("pin_length", "6"),
        ("verification", "code"),
        ("permission", "audit"),
    ];
    let before = http::get(&format!("{}{app}", platform.issuer()), &[])
        .await
        .body;
    for path in [
        "/portal",
        &app,
        &format!("{app}/keys"),
        &format!("{app}/remove"),
        "/portal/project",
        "/portal/accounts",
        "/portal/devices/aa/revoke",
    ] {
        for header in [
            ("origin", "http://evil.example"),
            ("origin", "http://127.0.0.1:5000"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let url = format!("{}{path}", platform.issuer());
            let answer = http::post(&url, &[header], &form).await;
            assert_eq!(answer.status, 403, "{path} {header:?}");
        }
    }
    let after = http::get(&format!("{}{app}", platform.issuer()), &[])
        .await
        .body;
    assert_eq!(after, before);
    assert_eq!(platform.project(), miracl_platform::Project::default());
}

/// Starts the program, and returns its first line, or what it said when it refused to start.
fn started(variables: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_miracl-platform"))
        .env("PORT", "0")
        .env("PLATFORM_DATA", folder.path())
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(program.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    if first.is_empty() {
        let ended = program.wait_with_output().unwrap();
        assert!(!ended.status.success());
        return String::from_utf8(ended.stderr).unwrap();
    }
    program.kill().unwrap();
    program.wait().unwrap();
    first
}

#[test]
fn the_program_listens_on_the_network_only_where_that_is_allowed() {
    for host in ["0.0.0.0", "::", "192.168.0.1"] {
        let refused = started(&[("HOST", host)]);
        assert!(refused.contains("PLATFORM_ALLOW_NETWORK=1"), "{refused}");
    }
    let refused = started(&[("HOST", "0.0.0.0"), ("PLATFORM_ALLOW_NETWORK", "yes")]);
    assert!(refused.contains("PLATFORM_ALLOW_NETWORK"), "{refused}");
    for allowed in ["PLATFORM_ALLOW_NETWORK", "MIRACL_PLATFORM_ALLOW_NETWORK"] {
        let greeting = started(&[("HOST", "0.0.0.0"), (allowed, "1")]);
        assert!(
            greeting.starts_with("listening on http://127.0.0.1:"),
            "{greeting}"
        );
    }
}

#[tokio::test]
async fn the_portal_answers_neither_a_proxy_nor_a_host_that_is_not_plain() {
    let platform = start().await;
    let address = platform.address();
    let portal = format!("http://{address}/portal");
    let host = address.to_string();
    assert_eq!(http::get(&portal, &[("host", &host)]).await.status, 200);
    for name in ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"] {
        let passed_on = http::get(&portal, &[(name, "127.0.0.1")]).await;
        assert_eq!(passed_on.status, 403, "{name}");
    }
    for host in [
        format!("a@{host}"),
        format!("{host}/"),
        format!("{host}?"),
        format!("{host}#"),
        format!("{host}\\"),
        host.replace('.', "%2e"),
        "127.1".to_owned(),
    ] {
        let refused = http::get(&portal, &[("host", &host)]).await;
        assert!(matches!(refused.status, 400 | 421), "{host}: {refused:?}");
    }
    let twice = http::get(&portal, &[("host", &host), ("host", &host)]).await;
    assert!(matches!(twice.status, 400 | 421), "{twice:?}");
}
