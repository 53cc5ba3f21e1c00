//! Malformed requests to every endpoint of M-Pin: each gets an error with a code.

use miracl_platform::{MpinIdentity, Platform};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::app::{CALLBACK, start};
use crate::mpin::{activation_token, code, registered};

/// Points of the twist outside the group.
const OUTSIDE: [&str; 2] = [
    "0000000000000000000000000000000000000000000000000000000000000002000000000000000000000000000000000000\
     000000000000000000000000000106176ba3f4107d10dc2d7a0c88dd70faa0306a3e24df47d599fa9617bdef3808136c845f\
     160873c58cc37c8b63bb5387cf8a6b8eb0c60ede20cf3f6f9ba73ca4",
    "0000000000000000000000000000000000000000000000000000000000000003000000000000000000000000000000000000\
     00000000000000000000000000011506b846d8cbf980692b203e7399892320f106458d836bfa82e060866eb5062c1b0ae528\
     a84080561040ea6be17ad2d8be9200375ee903243fde145cafc62d9c",
];

/// A good request, and the fields that a bad value is put into.
struct Endpoint {
    method: &'static str,
    path: String,
    body: Value,
    fields: Vec<&'static str>,
    /// Fields that may be left out or empty.
    optional: Vec<&'static str>,
    app: bool,
}

/// Sends requests one after another over one connection.
struct Connection(TcpStream);

impl Connection {
    async fn open(platform: &Platform) -> Self {
        Self(TcpStream::connect(platform.address()).await.unwrap())
    }

    async fn send(&mut self, method: &str, path: &str, is_app: bool, body: &str) -> (u16, Value) {
        let address = self.0.peer_addr().unwrap();
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n",
            body.len()
        );
        if is_app {
            let basic = base64_simd::STANDARD.encode_to_string("app:s3cret");
            request += &format!("Authorization: Basic {basic}\r\n");
        }
        request += &format!("\r\n{body}");
        self.0.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let (head, length) = loop {
            let mut bytes = [0; 4096];
            let read = self.0.read(&mut bytes).await.unwrap();
            assert_ne!(read, 0, "no answer to {method} {path} {body:.300}");
            answer.extend_from_slice(&bytes[..read]);
            let text = String::from_utf8_lossy(&answer);
            if let Some((head, _)) = text.split_once("\r\n\r\n") {
                let lower = head.to_ascii_lowercase();
                let length = lower.split_once("content-length: ").map_or(0, |(_, rest)| {
                    rest.lines().next().unwrap().parse::<usize>().unwrap()
                });
                if answer.len() >= head.len() + 4 + length {
                    break (head.to_owned(), length);
                }
            }
        };
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = &answer[head.len() + 4..][..length];
        (status, serde_json::from_slice(body).unwrap_or(Value::Null))
    }
}

/// Values that are right nowhere.
fn bad_values(other: &MpinIdentity) -> Vec<Value> {
    let key = other.public_key().unwrap();
    let mut texts: Vec<String> = [
        "x", "0", "00", "zz", "-1", "null", "\u{0}", "é", "04", "%00", "../..", "' OR 1=1",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.extend(OUTSIDE.map(str::to_owned));
    // Neutral elements, a wrong length, and points of the wrong kind.
    texts.extend([
        "04".to_owned() + &"0".repeat(128),
        "0".repeat(256),
        "f".repeat(130),
        "f".repeat(256),
    ]);
    texts.extend([
        key[2..].to_owned(),
        key.to_owned() + "00",
        key.replace('a', "g"),
        "x".repeat(9000),
    ]);
    texts.extend([
        "4".repeat(129),
        "é".repeat(65),
        "é".repeat(64),
        "é".repeat(128),
    ]);
    let mut values: Vec<Value> = texts.into_iter().map(Value::String).collect();
    values.extend([
        json!(0),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(true),
        json!([]),
        json!({}),
    ]);
    values.extend([
        json!([1]),
        json!(["x"]),
        json!([null]),
        json!({ "a": 1 }),
        json!([[[]]]),
    ]);
    values
}

async fn endpoints(platform: &Platform, ann: &MpinIdentity) -> Vec<Endpoint> {
    let client = platform.mpin_client();
    let token = activation_token(&client, "new@example.com").await;
    let project = platform.project_id();
    let (id, key, dtas) = (ann.mpin_id(), ann.public_key().unwrap(), ann.dtas());
    let signature = miracl_platform::MpinClient::sign(ann, "4321", b"x", 5).unwrap();
    let point = signature["u"].clone();
    let user = "ann@example.com";
    let post =
        |path: &str, body: Value, fields: &[&'static str], optional: &[&'static str], app| {
            Endpoint {
                method: "POST",
                path: path.to_owned(),
                body,
                fields: fields.to_vec(),
                optional: optional.to_vec(),
                app,
            }
        };
    let pushed =
        format!("/pushauth?client_id=app&redirect_uri={CALLBACK}&response_type=code&scope=openid");
    let mut all = vec![
        post(
            "/rps/v2/session",
            json!({ "projectId": project }),
            &["projectId"],
            &[],
            false,
        ),
        post(
            "/rps/v2/access",
            json!({ "webOTT": "" }),
            &["webOTT"],
            &[],
            false,
        ),
        post(
            "/rps/v2/codeStatus",
            json!({ "wid": "", "status": "wid" }),
            &["wid", "status"],
            &[],
            false,
        ),
        post(
            &pushed,
            json!({ "prerollId": user }),
            &["prerollId"],
            &[],
            false,
        ),
        post(
            "/verification",
            json!({ "userId": user, "delivery": "no", "projectId": project }),
            &[
                "delivery",
                "projectId",
                "expiration",
                "clientId",
                "redirectURI",
            ],
            &["projectId", "expiration", "clientId", "redirectURI"],
            true,
        ),
        post(
            "/verification/email",
            json!({ "userId": "eve@example.com", "projectId": project }),
            &["userId", "projectId", "clientId", "redirectURI"],
            &["clientId", "redirectURI"],
            false,
        ),
        post(
            "/verification/confirmation",
            json!({ "userId": user, "code": "" }),
            &["userId", "code"],
            &[],
            false,
        ),
        post(
            "/verification/quickcode",
            json!({ "projectId": project, "jwt": "" }),
            &["projectId", "jwt"],
            &[],
            false,
        ),
        post(
            "/registration",
            json!({ "userId": "new@example.com", "deviceName": "d", "activationToken": token, "publicKey": key }),
            &["activationToken", "publicKey"],
            &[],
            false,
        ),
        post(
            "/rps/v2/pass1",
            json!({ "scope": ["jwt"], "mpin_id": id, "dtas": dtas, "publicKey": key, "UT": "", "U": point }),
            &["scope", "mpin_id", "dtas", "publicKey", "U", "UT"],
            &["UT"],
            false,
        ),
        post(
            "/rps/v2/pass2",
            json!({ "mpin_id": id, "V": point }),
            &["mpin_id", "V"],
            &[],
            false,
        ),
        post(
            "/rps/v2/authenticate",
            json!({ "authOTT": "" }),
            &["authOTT"],
            &[],
            false,
        ),
        post(
            "/rps/v2/share",
            json!({ "mpinId": id, "pubKey": key }),
            &["mpinId", "pubKey"],
            &[],
            false,
        ),
    ];
    all.push(Endpoint {
        method: "PUT",
        ..post(
            "/rps/v2/user",
            json!({ "userId": user, "activateCode": "" }),
            &["userId", "activateCode"],
            &[],
            false,
        )
    });
    all
}

#[tokio::test]
async fn ten_thousand_malformed_requests_each_get_an_error_with_a_code() {
    let platform = start().await;
    let client = platform.mpin_client();
    let mut ann = registered(&client, "ann@example.com").await;
    let bob = registered(&client, "bob@example.com").await;
    let mut connection = Connection::open(&platform).await;
    let mut sent = 0;
    let mut check = |(status, answer): (u16, Value), what: &str| {
        sent += 1;
        assert!((400..500).contains(&status), "{status} for {what:.400}");
        let code = answer["error"].as_str().unwrap_or_default();
        assert!(
            !code.is_empty() && answer["info"].is_string(),
            "{answer} for {what:.400}"
        );
        let known = ["UNSUCCESSFUL_AUTHENTICATION", "REVOKED_MPINID"];
        assert!(!known.contains(&code), "{what:.400}");
    };
    let endpoints = endpoints(&platform, &ann).await;
    let values = bad_values(&bob);
    for Endpoint {
        method,
        path,
        body,
        fields,
        optional,
        app,
    } in &endpoints
    {
        for text in [
            "", "null", "1", "[]", "\"\"", "{", "}", "{\"a\"", "\u{0}", "é", "{}x", "[{}]",
        ] {
            check(
                connection.send(method, path, *app, text).await,
                &format!("{path} {text}"),
            );
        }
        for field in fields {
            let mut bad: Vec<Value> = values.clone();
            if !optional.contains(field) {
                bad.extend([Value::Null, json!("")]);
            }
            for value in bad {
                let mut changed = body.clone();
                changed[*field] = value;
                let text = changed.to_string();
                check(
                    connection.send(method, path, *app, &text).await,
                    &format!("{path} {text}"),
                );
            }
        }
    }
    // Signatures, inside and out.
    let signature = miracl_platform::MpinClient::sign(&ann, "4321", b"x", 5).unwrap();
    for field in ["hash", "u", "v", "mpinId", "publicKey", "timestamp"] {
        for value in values
            .iter()
            .chain(&[json!("")])
            .filter(|value| **value != json!("5"))
        {
            let mut changed = signature.clone();
            changed[field] = value.clone();
            let body = json!({ "signature": changed, "timestamp": 5 }).to_string();
            check(
                connection.send("POST", "/dvs/verify", true, &body).await,
                &body,
            );
        }
    }
    for value in &values {
        let body = json!({ "signature": value, "timestamp": 5 }).to_string();
        check(
            connection.send("POST", "/dvs/verify", true, &body).await,
            &body,
        );
    }
    // Addresses.
    let id = ann.mpin_id();
    let project = platform.project_id();
    for value in [
        "", "x", "%00", "%ff", "zz", "00", id, "1%202", "%2e%2e", "é", "a?b=c&d",
    ] {
        for path in [
            format!("/rps/v2/signature/{id}?regOTT={value}"),
            format!("/rps/v2/signature/{value}x?regOTT=x"),
            format!("/rps/v2/signature/{id}?regOTT=x&publicKey={value}x"),
            format!("/rps/v2/share?ticket={value}"),
            format!("/rps/v2/cs2?ticket={value}"),
            format!("/api/v1/projects/{value}x/audit"),
            format!("/api/v1/projects/{project}/audit?fromDate={value}x"),
            format!("/api/v1/projects/{project}/audit?limit={value}x"),
        ] {
            if path.is_ascii() {
                check(connection.send("GET", &path, true, "").await, &path);
            }
        }
    }
    // The rest at random: a good body with some bytes changed.
    let mut state = 1_u64;
    let mut random = move |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let mut at_random = 0;
    while at_random < 10_000 - values.len() * 20 {
        at_random += 1;
        let Endpoint {
            method,
            path,
            body,
            app,
            ..
        } = &endpoints[random(endpoints.len())];
        let mut bytes: Vec<char> = body.to_string().chars().collect();
        for _ in 0..=random(4) {
            let at = random(bytes.len());
            bytes[at] = char::from(u8::try_from(32 + random(95)).unwrap());
        }
        let text: String = bytes.into_iter().collect();
        let (status, _) = connection.send(method, path, *app, &text).await;
        assert!(status < 500, "{status} for {path} {text}");
    }
    assert!(sent + at_random >= 10_000, "{sent} and {at_random}");

    // None of that counted against anybody: three wrong PINs are three.
    for _ in 0..2 {
        let wrong = client.log_in(&mut ann, "0000", "jwt", None).await;
        assert_eq!(code(wrong), "UNSUCCESSFUL_AUTHENTICATION");
    }
    client.log_in(&mut ann, "4321", "jwt", None).await.unwrap();
}

#[tokio::test]
async fn a_body_over_64_kib_is_too_large_at_every_endpoint() {
    let platform = start().await;
    let client = platform.mpin_client();
    let ann = registered(&client, "ann@example.com").await;
    for Endpoint {
        method,
        path,
        fields,
        ..
    } in endpoints(&platform, &ann).await
    {
        for field in fields {
            let body = json!({ field: "x".repeat(1 << 20) }).to_string();
            let url = format!("{}{path}", platform.issuer());
            let answer = crate::http::try_send(method, &url, &[], &body).await;
            // The platform does not wait for the rest of the body, so the connection may break off.
            if let Some(answer) = answer {
                assert_eq!(answer.status, 413, "{path}");
                assert_eq!(answer.json()["error"], "REQUEST_TOO_LARGE");
            }
        }
        let body = " ".repeat(64 * 1024) + "{";
        let url = format!("{}{path}", platform.issuer());
        let answer = crate::http::try_send(method, &url, &[], &body)
            .await
            .unwrap();
        assert_eq!(answer.status, 413, "{path}");
    }
}

#[tokio::test]
async fn y_and_auth_ott_are_used_once_and_belong_to_one_id() {
    let platform = start().await;
    let client = platform.mpin_client();
    let ann = registered(&client, "ann@example.com").await;
    let bob = registered(&client, "bob@example.com").await;
    let point = miracl_platform::MpinClient::sign(&ann, "4321", b"x", 5).unwrap()["u"].clone();
    let pass1 = |id: &MpinIdentity, key: Option<&str>| {
        json!({
            "scope": ["jwt"], "mpin_id": id.mpin_id(), "dtas": id.dtas(), "publicKey": key, "U": point,
        })
    };
    let pass2 = |id: &MpinIdentity| json!({ "mpin_id": id.mpin_id(), "V": point });
    // The key must be the registered one: not another's, and not none.
    for key in [bob.public_key(), None] {
        let refused = client.call("/rps/v2/pass1", &pass1(&ann, key)).await;
        assert_eq!(code(refused), "INVALID_REQUEST_PARAMETERS");
    }
    client
        .call("/rps/v2/pass1", &pass1(&ann, ann.public_key()))
        .await
        .unwrap();
    let refused = client.call("/rps/v2/pass2", &pass2(&bob)).await;
    assert_eq!(code(refused), "INVALID_AUTHENTICATION_SESSION");
    let answer = client.call("/rps/v2/pass2", &pass2(&ann)).await.unwrap();
    let refused = client.call("/rps/v2/pass2", &pass2(&ann)).await;
    assert_eq!(code(refused), "INVALID_AUTHENTICATION_SESSION");
    let verdict = client.call("/rps/v2/authenticate", &answer).await;
    assert_eq!(code(verdict), "UNSUCCESSFUL_AUTHENTICATION");
    let again = client.call("/rps/v2/authenticate", &answer).await;
    assert_eq!(code(again), "INVALID_AUTHENTICATION_SESSION");
}
