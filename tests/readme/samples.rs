//! MIRACL's sample contract, walked with the sample of each framework.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use base64_simd::URL_SAFE_NO_PAD;
use miracl_platform::{Client, Platform, PlatformConfig};
use miracl_tests::{
    Adapter, Answers, Browser, Demo, DemoBuilder, Endpoint, Provider, Request, scenarios,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

use crate::{free_port, read};

scenarios![
    a_sample_is_short,
    a_sample_sends_a_visitor_to_log_in_and_tells_a_user_what_is_known_of_them,
    a_sample_reaches_the_provider_through_a_proxy,
    a_sample_refuses_a_login_whose_keys_are_broken,
    a_sample_answers_400_to_what_is_no_login,
];

const EMAIL: &str = "alice@example.com";
const PIN: &str = "1234";
const SECRET: &str = "secret-of-the-sample";

/// A sample on a free port, whose callback is at this port.
fn sample(adapter: Adapter) -> (DemoBuilder, String) {
    let port = free_port();
    let callback = format!("http://127.0.0.1:{port}/login");
    let builder = Demo::builder(adapter.sample())
        .env("HOST", "127.0.0.1")
        .env("PORT", &port.to_string())
        .env("REDIRECT_URL", &callback);
    (builder, callback)
}

/// A sample that is an app of a platform, which has one person.
async fn at_platform(
    adapter: Adapter,
    more: impl FnOnce(DemoBuilder) -> DemoBuilder,
) -> (Platform, Demo) {
    let (builder, callback) = sample(adapter);
    let platform = Platform::start(PlatformConfig {
        clients: vec![Client::new("sample", SECRET, callback)],
        ..PlatformConfig::default()
    });
    let platform = platform.await.expect("a platform");
    let registered = platform.register_identity(EMAIL, PIN);
    registered.expect("a person with a PIN");
    let builder = builder
        .env("ISSUER", platform.issuer())
        .env("CLIENT_ID", "sample")
        .env("CLIENT_SECRET", SECRET);
    let demo = more(builder).start();
    (platform, demo)
}

/// Logs in, and returns what the sample then tells of the person.
async fn logged_in(platform: &Platform, demo: &Demo) -> serde_json::Value {
    let browser = Browser::new();
    let sent = browser.open(demo.url("/")).await.expect(302);
    let authorize = sent.location().expect("the provider's address");
    assert!(
        authorize.as_str().starts_with(platform.issuer()),
        "{authorize}"
    );
    let callback = platform.log_in(authorize.as_str(), EMAIL, PIN).await;
    let callback = callback.expect("a login at the platform");
    let done = browser.open(&callback).await.expect(302);
    assert_eq!(done.location_path().as_deref(), Some("/"));
    browser.open(demo.url("/")).await.expect(200).json()
}

async fn a_sample_is_short(adapter: Adapter) {
    let source = read(&format!("examples/{}/src/bin/sample.rs", adapter.name));
    assert!(source.lines().count() < 60);
}

async fn a_sample_sends_a_visitor_to_log_in_and_tells_a_user_what_is_known_of_them(
    adapter: Adapter,
) {
    let (platform, demo) = at_platform(adapter, |builder| builder).await;
    let told = logged_in(&platform, &demo).await;
    assert_eq!(told["email"], EMAIL, "{told}");
    assert_eq!(told["sub"], EMAIL, "{told}");
    // MIRACL's own clients begin at the address that a visitor is sent to.
    let sent = Browser::new().open(demo.url("/")).await.expect(302);
    let authorize = sent.location().expect("the provider's address");
    let asked = Request::fetch(authorize).method("POST").body("null");
    let session = Browser::new().send(asked).await.expect(200).json();
    for member in ["webOTT", "accessURL", "qrURL"] {
        assert!(session[member].is_string(), "{member}: {session}");
    }
}

/// A proxy for plain HTTP, and how many requests it has passed on.
async fn proxy() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("a bound socket").port();
    let passed = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&passed);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(pass_on(stream, Arc::clone(&counted)));
        }
    });
    (port, passed)
}

/// Passes one request on to the host that its first line names (RFC 9112 §3.2.2), and the answer back.
async fn pass_on(mut client: TcpStream, passed: Arc<AtomicUsize>) -> Option<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        head.push(client.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let (method, rest) = head.split_once(' ')?;
    let (target, rest) = rest.split_once(' ')?;
    let (host, path) = target.strip_prefix("http://")?.split_once('/')?;
    let (line, headers) = rest.split_once("\r\n")?;
    let mut server = TcpStream::connect(host).await.ok()?;
    // One request to a connection, so that each is seen here.
    let request = format!("{method} /{path} {line}\r\nConnection: close\r\n{headers}");
    server.write_all(request.as_bytes()).await.ok()?;
    passed.fetch_add(1, Ordering::Relaxed);
    copy_bidirectional(&mut client, &mut server).await.ok()?;
    Some(())
}

async fn a_sample_reaches_the_provider_through_a_proxy(adapter: Adapter) {
    let (port, passed) = proxy().await;
    let (platform, demo) = at_platform(adapter, |builder| {
        builder
            .env("PROXY_HOST", "127.0.0.1")
            .env("PROXY_PORT", &port.to_string())
    })
    .await;
    let told = logged_in(&platform, &demo).await;
    assert_eq!(told["email"], EMAIL, "{told}");
    // Metadata, tokens, keys and userinfo.
    let passed = passed.load(Ordering::Relaxed);
    assert!(passed >= 4, "{passed} requests went through the proxy");
}

async fn a_sample_refuses_a_login_whose_keys_are_broken(adapter: Adapter) {
    let provider = Provider::start();
    provider.set(
        Endpoint::Jwks,
        Answers::Changed(Box::new(|set| {
            let keys = set["keys"].as_array_mut().into_iter().flatten();
            for key in keys.take(2) {
                // The modulus, or what an elliptic curve has in its place.
                let member = if key["n"].is_string() { "n" } else { "x" };
                let number = key[member].as_str().unwrap_or_default();
                let mut number = URL_SAFE_NO_PAD
                    .decode_to_vec(number.as_bytes())
                    .expect("a number of the key");
                number.reverse();
                key[member] = json!(URL_SAFE_NO_PAD.encode_to_string(number));
            }
        })),
    );
    let (builder, _) = sample(adapter);
    let demo = builder
        .env("ISSUER", &provider.issuer())
        .env("CLIENT_ID", Provider::CLIENT_ID)
        .env("CLIENT_SECRET", Provider::CLIENT_SECRET)
        .start();
    let browser = Browser::new();
    let refused = browser.visit(demo.url("/")).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    // Nobody is logged in.
    browser.open(demo.url("/")).await.expect(302);
}

async fn a_sample_answers_400_to_what_is_no_login(adapter: Adapter) {
    let (_platform, demo) = at_platform(adapter, |builder| builder).await;
    let browser = Browser::new();
    for path in [
        "/login",
        "/login?state=x",
        "/login?code=y",
        "/login?state=x&code=y",
        "/login?error=access_denied&state=x",
    ] {
        browser.open(demo.url(path)).await.expect(400);
    }
}
