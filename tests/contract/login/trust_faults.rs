//! MIRACL Trust where something is wrong: a platform that is ill or lies, and input that makes no sense. Each is told
//! by its own status, never by 500, and changes no session.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use base64_simd::URL_SAFE_NO_PAD;
use miracl_platform::{Client, Platform, PlatformConfig};
use miracl_tests::{Adapter, Answer, Browser, Demo, Request, scenarios};
use ring::hmac;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::journey::subject;

scenarios![
    a_platform_that_is_ill_is_told_and_changes_no_session,
    a_verification_url_on_another_host_leads_nobody_there,
    a_certificate_that_is_not_signed_by_the_platform_makes_no_signature_valid,
    a_project_jwt_that_the_platform_did_not_sign_for_this_project_is_refused,
    what_a_mobile_app_may_send_is_taken_or_refused_and_never_breaks_anything,
];

const USER: &str = "ann@example.com";
const PIN: &str = "4321";
const ID: &str = "app";
const SECRET: &str = "a secret of the tests";

/// What stands before the platform's API and answers in its place. The provider's metadata is the platform's own, so
/// that people log in.
struct InBetween {
    address: SocketAddr,
    answer: Arc<Mutex<Said>>,
}

/// What is answered to everything but the metadata.
#[derive(Clone)]
struct Said {
    status: u16,
    /// The media type, and further lines of the head.
    head: String,
    body: String,
    /// How many bytes the head promises beyond the body.
    missing: usize,
}

impl Said {
    fn new(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            head: "application/json".to_owned(),
            body: body.into(),
            missing: 0,
        }
    }
}

impl InBetween {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let answer = Arc::new(Mutex::new(Said::new(404, "{}")));
        let said = Arc::clone(&answer);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // The client may break it off.
                tokio::spawn(answer_one(stream, Arc::clone(&said)));
            }
        });
        Self { address, answer }
    }

    fn say(&self, said: Said) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = said;
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

const METADATA: &str = "/.well-known/openid-configuration";

/// Reads one request, answers it, and closes the connection.
async fn answer_one(stream: TcpStream, said: Arc<Mutex<Said>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let length = head.lines().find_map(|line| {
        line.to_lowercase()
            .strip_prefix("content-length: ")?
            .parse()
            .ok()
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await?;
    let said = said.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let head = format!(
        "HTTP/1.1 {} .\r\nconnection: close\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n",
        said.status,
        said.head,
        said.body.len() + said.missing,
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(said.body.as_bytes()).await?;
    stream.shutdown().await
}

/// An app, and somebody who is logged in to it.
struct Site {
    platform: Platform,
    between: InBetween,
    demo: Demo,
    browser: Browser,
}

impl Site {
    async fn logged_in(adapter: Adapter) -> Self {
        let platform = Platform::start(PlatformConfig::default()).await;
        let platform = platform.expect("a platform");
        let between = InBetween::start().await;
        let metadata = Browser::new()
            .send(Request::script(format!("{}{METADATA}", platform.issuer())))
            .await
            .expect(200);
        between.say(Said::new(200, metadata.body));
        let demo = Demo::builder(adapter)
            .env("ISSUER", platform.issuer())
            .env("METADATA_URL", &between.url(METADATA))
            .env("CLIENT_ID", ID)
            .env("CLIENT_SECRET", SECRET)
            .env("PROJECT_ID", platform.project_id())
            .start();
        let client = Client::new(ID, SECRET, demo.url("/login"));
        platform.add_client(client).expect("a client");
        platform.register_identity(USER, PIN).expect("a device");
        let site = Self {
            platform,
            between,
            demo,
            browser: Browser::new(),
        };
        let start = site.browser.open(site.demo.url("/login/start")).await;
        let authorize = start.expect(303).location().expect("the platform");
        let callback = site.platform.log_in(authorize.as_str(), USER, PIN).await;
        let callback = callback.expect("a login");
        site.browser.open(callback).await.expect(303);
        site.assert_still_logged_in().await;
        site
    }

    async fn assert_still_logged_in(&self) {
        let subject = subject(&self.browser, &self.demo).await;
        assert_eq!(subject.as_deref(), Some(USER));
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = Request::script(self.demo.url(path)).method("POST");
        let request = request.header("content-type", "application/json");
        self.browser.send(request.body(&body.to_string())).await
    }

    async fn verify(&self) -> Answer {
        let signature = json!({
            "hash": "ab".repeat(32), "u": "04", "v": "04", "mpinId": "7b", "publicKey": "0c",
        });
        let body = json!({ "signature": signature, "timestamp": 1_700_000_000 });
        self.post("/documents/verify", &body).await
    }

    async fn api(&self, jwt: &str) -> Answer {
        let request = Request::script(self.demo.url("/api/me"));
        let request = request.header("authorization", &format!("Bearer {jwt}"));
        self.browser.send(request).await
    }

    async fn log_in_by(&self, jwt: &str) -> Answer {
        let form = Request::form(self.demo.url("/login/jwt"), &[("jwt", jwt)]);
        self.browser.send(form).await
    }

    /// Asks for a further device, and fails if that leads anywhere but to the app's own page, which says so.
    async fn assert_no_device(&self) {
        let answer = self.browser.post(self.demo.url("/devices/add"), &[]).await;
        let answer = answer.expect(303);
        let to = answer.location().expect("a page");
        assert!(to.as_str().starts_with(&self.demo.url("/")), "{to}");
        let page = self.browser.follow(answer).await.expect(200);
        let sentence = "Another device cannot be registered at the moment.";
        assert!(page.has_alert("warning", sentence), "{}", page.body);
    }
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode_to_string(value.to_string())
}

/// A JWS with this algorithm, and an HMAC by this secret as its signature.
fn jws(alg: &str, claims: &Value, secret: &[u8]) -> String {
    let message = format!(
        "{}.{}",
        part(&json!({ "alg": alg, "kid": "a" })),
        part(claims)
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let tag = hmac::sign(&key, message.as_bytes());
    let tag = URL_SAFE_NO_PAD.encode_to_string(tag.as_ref());
    match alg {
        "none" => format!("{message}."),
        _ => format!("{message}.{tag}"),
    }
}

async fn a_platform_that_is_ill_is_told_and_changes_no_session(adapter: Adapter) {
    let site = Site::logged_in(adapter).await;
    let jwt = jws("RS256", &json!({}), b"x");
    let with_head = |head: &str| Said {
        head: head.to_owned(),
        ..Said::new(302, "")
    };
    let cut = |body: &str| Said {
        missing: 1,
        ..Said::new(200, body)
    };
    let elsewhere = format!(
        "application/json\r\nlocation: {}",
        site.between.url("/elsewhere")
    );
    for (name, said) in [
        ("not JSON", Said::new(200, "<html>")),
        ("nothing", Said::new(200, "")),
        ("another type", Said::new(200, "[]")),
        (
            "members of another type",
            Said::new(200, r#"{"verificationURL":7,"certificate":{},"keys":"x"}"#),
        ),
        (
            "1 MiB",
            Said::new(200, format!("{{\"x\":\"{}\"}}", "x".repeat(1 << 20))),
        ),
        (
            "JSON that is cut short",
            Said::new(200, r#"{"verificationURL":"#),
        ),
        (
            "cut short",
            cut(r#"{"verificationURL":"x","certificate":"x","keys":[]}"#),
        ),
        ("500", Said::new(500, r#"{"error":"FORBIDDEN","info":"x"}"#)),
        ("503", Said::new(503, "")),
        ("a redirect", with_head(&elsewhere)),
        (
            "an unknown code",
            Said::new(403, r#"{"error":"A_NEW_CODE","info":"x"}"#),
        ),
    ] {
        site.between.say(said);
        site.assert_no_device().await;
        for (what, answer) in [
            ("a signature", site.verify().await),
            ("an API", site.api(&jwt).await),
            ("a login", site.log_in_by(&jwt).await),
        ] {
            assert!(
                (502..=504).contains(&answer.status),
                "{name}, {what}: {answer:?}"
            );
            assert!(answer.location().is_none(), "{name}, {what}: {answer:?}");
        }
        site.assert_still_logged_in().await;
    }
}

async fn a_verification_url_on_another_host_leads_nobody_there(adapter: Adapter) {
    let site = Site::logged_in(adapter).await;
    let path = "/verification/confirmation?user_id=ann%40example.com&code=1";
    for url in [
        format!("https://evil.example{path}"),
        format!("{}@evil.example{path}", site.platform.issuer()),
        format!("{}.evil.example{path}", site.platform.issuer()),
        format!("//evil.example{path}"),
        "javascript:alert(1)".to_owned(),
        path.to_owned(),
    ] {
        let answer = json!({ "verificationURL": url });
        site.between.say(Said::new(200, answer.to_string()));
        site.assert_no_device().await;
    }
    let good = format!("{}{path}", site.platform.issuer());
    let answer = json!({ "verificationURL": good });
    site.between.say(Said::new(200, answer.to_string()));
    let answer = site.browser.post(site.demo.url("/devices/add"), &[]).await;
    assert_eq!(
        answer.expect(303).location().expect("a link").as_str(),
        good
    );
    site.assert_still_logged_in().await;
}

async fn a_certificate_that_is_not_signed_by_the_platform_makes_no_signature_valid(
    adapter: Adapter,
) {
    let site = Site::logged_in(adapter).await;
    let far = 4_000_000_000_u64;
    let claims = json!({ "cAt": 1_700_000_000, "exp": far, "hash": "ab".repeat(32) });
    for alg in ["none", "HS256", "RS384"] {
        let certificate = jws(alg, &claims, b"");
        let answer = json!({ "certificate": certificate });
        site.between.say(Said::new(200, answer.to_string()));
        let verdict = site.verify().await.expect(200).json();
        let expected = json!({ "valid": false, "status": "InvalidSignature" });
        assert_eq!(verdict, expected, "{alg}");
    }
    site.assert_still_logged_in().await;
}

async fn a_project_jwt_that_the_platform_did_not_sign_for_this_project_is_refused(
    adapter: Adapter,
) {
    let site = Site::logged_in(adapter).await;
    let jwks = Browser::new()
        .send(Request::script(format!(
            "{}/.well-known/jwks",
            site.platform.issuer()
        )))
        .await
        .expect(200);
    site.between.say(Said::new(200, jwks.body.clone()));
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a clock")
        .as_secs();
    let claims = json!({
        "iss": site.platform.issuer(), "aud": site.platform.project_id(), "sub": USER,
        "iat": now, "exp": now + 60,
    });
    // Of another project: a whole platform of its own, with the same person.
    let other = Platform::start(PlatformConfig::default()).await;
    let other = other.expect("another platform");
    let client = other.mpin_client();
    other
        .add_client(Client::new(ID, SECRET, "http://127.0.0.1:1/login"))
        .expect("a client");
    let body = json!({ "userId": USER, "deviceName": "Phone" });
    let activation = client.call_as_app(ID, SECRET, "/activate/initiate", &body);
    let activation = activation.await.expect("an activation");
    let token = activation["actToken"].as_str().expect("a token");
    let device = client.register(USER, token, PIN).await;
    let login = client
        .log_in(&mut device.expect("a device"), PIN, "jwt", None)
        .await
        .expect("a login");
    let theirs = login["jwt"].as_str().expect("a JWT").to_owned();
    for (name, jwt) in [
        ("of another project", theirs),
        ("not signed", jws("none", &claims, b"")),
        (
            "by the public key",
            jws("HS256", &claims, jwks.body.as_bytes()),
        ),
        ("by nobody", jws("RS256", &claims, b"")),
    ] {
        let refused = site.api(&jwt).await;
        assert_eq!(refused.status, 401, "{name}: {refused:?}");
        assert!(refused.header("www-authenticate").is_some(), "{name}");
        let refused = site.log_in_by(&jwt).await;
        assert!((400..500).contains(&refused.status), "{name}: {refused:?}");
        assert!(refused.location().is_none(), "{name}");
    }
    site.assert_still_logged_in().await;
}

async fn what_a_mobile_app_may_send_is_taken_or_refused_and_never_breaks_anything(
    adapter: Adapter,
) {
    let site = Site::logged_in(adapter).await;
    let long = "x".repeat(10 * 1024);
    for (name, body, status) in [
        (
            "an ampersand",
            json!({ "code": "x", "userID": "a&b=c#d" }),
            401,
        ),
        (
            "a line break",
            json!({ "code": "x", "userID": "a\r\nb\0" }),
            401,
        ),
        ("10 KB", json!({ "code": "x", "userID": long }), 401),
        (
            "a code with anything",
            json!({ "code": "a&b=c#d\r\n\0é", "userID": USER }),
            401,
        ),
        (
            "a code of 10 KB",
            json!({ "code": long, "userID": USER }),
            400,
        ),
        ("a list", json!({ "code": ["x"], "userID": USER }), 400),
        ("null", json!({ "code": null, "userID": null }), 400),
        (
            "70 KB",
            json!({ "code": "x".repeat(70_000), "userID": USER }),
            400,
        ),
    ] {
        let answer = site.post("/authtoken", &body).await;
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        assert!(answer.set_cookies().is_empty(), "{name}: {answer:?}");
    }
    let url = site.demo.url("/authtoken");
    let post = |body: &str| {
        let request = Request::script(&url).method("POST").body(body);
        request.header("content-type", "application/json")
    };
    for request in [
        Request::script(&url).method("POST"),
        post(""),
        post("{\"code\":\"x\""),
        post(&"[".repeat(10_000)),
        post("{}").header("content-type", "text/plain"),
        post("{}").header("content-type", "multipart/form-data; boundary=x"),
    ] {
        site.browser.send(request).await.expect(400);
    }
    site.assert_still_logged_in().await;
}
