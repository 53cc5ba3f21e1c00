//! What the platform may answer to any of the calls, and what cannot be sent to it.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

use super::*;
use crate::{
    app::trust::{AuditQuery, ServiceAccount, Signature, VerificationOptions, document_hash},
    base::hex::hex,
    error::{
        party::Party,
        provider::ProviderError,
        trust::{TrustCode, TrustError},
    },
};

/// Every call that the platform answers by itself, by the path that it asks at.
const CALLS: [(&str, &str); 6] = [
    ("verification", "/verification"),
    ("activation", "/activate/initiate"),
    ("signature", "/dvs/verify"),
    ("project", "/.well-known/project-configuration"),
    ("audit", "/api/v1/projects/0e4a3b52-project/audit"),
    (
        "revocation",
        "/api/v1/projects/0e4a3b52-project/mpinids/00ff/revocation",
    ),
];

fn signature() -> Signature {
    Signature {
        hash: document_hash("sample document"),
        u: "04".to_owned(),
        v: "04".to_owned(),
        mpin_id: "7b".to_owned(),
        public_key: "0c".to_owned(),
        dtas: None,
    }
}

/// Makes a call, and returns its error.
async fn call(miracl: &Miracl, name: &str) -> Option<TrustError> {
    let options = VerificationOptions::default();
    match name {
        "verification" => miracl.verification_url("alice", options).await.err(),
        "activation" => miracl.activate("alice", None).await.err(),
        "signature" => miracl.verify_signature(&signature(), 1).await.err(),
        "project" => miracl.project_configuration().await.err(),
        "audit" => miracl.audit(AuditQuery::default()).await.err(),
        _ => miracl.revoke_identity("00ff", "lost").await.err(),
    }
}

#[tokio::test]
async fn an_answer_that_breaks_the_protocol_is_a_typed_error_of_the_platform() {
    let huge = format!("{{\"x\":\"{}\"}}", "x".repeat(1024 * 1024));
    for (name, path) in CALLS {
        let asking = Asking::with(|config| {
            // Where the id is asked for is a call of its own.
            config.project_id = (name != "project").then(|| PROJECT.to_owned());
        })
        .await;
        for (status, media_type, body) in [
            (200, "text/html", "<html>"),
            (200, "application/json", ""),
            (200, "application/json", "[]"),
            (200, "application/json", "{\"verificationURL\":"),
            (200, "application/json", r#"{"error":"UNAUTHORIZED"}"#),
            (200, "application/json", &*huge),
            (204, "application/json", ""),
            (302, "application/json\r\nlocation: /elsewhere", ""),
            (403, "text/html", "<html>"),
            (
                500,
                "application/json",
                r#"{"error":"FORBIDDEN","info":"x"}"#,
            ),
            (503, "text/html", ""),
            // Without an answer, and with one that is cut short.
            (0, "", ""),
            (0, "application/json", r#"{"total":0,"list":[]}"#),
            (0, "application/json", r#"{"id":"0e4a3b52-project"}"#),
            (0, "application/json", r#"{"actToken":"t","reason":"lost"}"#),
        ] {
            asking.provider.say_as(path, status, media_type, body);
            let error = call(&asking.miracl, name).await;
            let error = error.unwrap_or_else(|| panic!("{name}: {status} {body:.40}"));
            assert!(
                (502..=504).contains(&error.status()),
                "{name} {status}: {error:?}"
            );
            assert_ne!(error.at_fault(), Party::Person, "{error}");
        }
        assert!(asking.provider.asked("/elsewhere").is_empty());
    }
}

#[tokio::test]
async fn a_member_of_the_wrong_type_is_a_typed_error() {
    for (name, path, bodies) in [
        (
            "verification",
            "/verification",
            &[
                "{}",
                r#"{"verificationURL":1}"#,
                r#"{"verificationURL":"/x"}"#,
            ][..],
        ),
        (
            "activation",
            "/activate/initiate",
            &["{}", r#"{"actToken":["a"]}"#],
        ),
        ("signature", "/dvs/verify", &["{}", r#"{"certificate":{}}"#]),
        (
            "project",
            "/.well-known/project-configuration",
            &["{}", r#"{"id":1}"#, r#"{"id":"../x"}"#, r#"{"id":""}"#],
        ),
        (
            "audit",
            CALLS[4].1,
            &[
                "{}",
                r#"{"total":"1"}"#,
                r#"{"total":1,"list":{}}"#,
                r#"{"total":1,"list":[1]}"#,
            ],
        ),
    ] {
        let asking = Asking::with(|config| {
            config.project_id = (name != "project").then(|| PROJECT.to_owned());
        })
        .await;
        for body in bodies {
            asking.provider.say(path, body);
            let error = call(&asking.miracl, name).await;
            let malformed = matches!(
                &error,
                Some(TrustError::Provider(ProviderError::Malformed { .. }))
            );
            assert!(malformed, "{name} {body}: {error:?}");
        }
    }
}

#[tokio::test]
async fn every_code_reaches_the_caller_as_its_variant_by_every_call() {
    for (name, path) in CALLS
        .into_iter()
        .filter(|(name, _)| !["project", "signature"].contains(name))
    {
        let asking = Asking::with(|config| config.project_id = Some(PROJECT.to_owned())).await;
        for (status, code, expected) in [
            (401, "UNAUTHORIZED", TrustCode::Unauthorized),
            (401, "UNAUTHORIZED_REQUEST", TrustCode::Unauthorized),
            (403, "FORBIDDEN", TrustCode::Forbidden),
            (
                400,
                "INVALID_REQUEST_PARAMETERS",
                TrustCode::InvalidParameters,
            ),
            (400, "INVALID_REQUEST_PAYLOAD", TrustCode::InvalidBody),
            (400, "INVALID_REQUEST_BODY", TrustCode::InvalidBody),
            (413, "REQUEST_TOO_LARGE", TrustCode::TooLarge),
            (404, "NOT_FOUND", TrustCode::NotFound),
            (405, "METHOD_NOT_ALLOWED", TrustCode::MethodNotAllowed),
            (429, "REQUEST_BACKOFF", TrustCode::Backoff),
            (400, "A_NEW_CODE", TrustCode::Other("A_NEW_CODE".to_owned())),
        ] {
            let context = json!({ "params": "userId" });
            let today = json!({ "error": code, "info": "for alice", "context": context });
            let inner = json!({ "code": code, "info": "for alice", "context": context });
            let before = json!({ "requestID": "1", "error": inner });
            for body in [today, before] {
                asking
                    .provider
                    .say_as(path, status, "application/json", &body.to_string());
                match call(&asking.miracl, name).await {
                    Some(TrustError::Refused {
                        status: found,
                        code,
                        field,
                        info,
                        ..
                    }) => {
                        assert_eq!((found, &code), (status, &expected), "{name}");
                        assert_eq!(field.as_deref(), Some("userId"));
                        assert_eq!(info.text(), Some("for alice"));
                    }
                    other => panic!("{name} {code}: {other:?}"),
                }
            }
        }
        let long = json!({ "error": "x".repeat(500), "info": "y\n".repeat(500) });
        asking
            .provider
            .say_as(path, 400, "application/json", &long.to_string());
        let error = call(&asking.miracl, name).await.unwrap();
        assert!(format!("{error}").len() < 200 && !format!("{error:?}").contains("y y"));
    }
}

#[tokio::test]
async fn a_platform_that_does_not_answer_is_given_up_in_time() {
    // It accepts connections, and nobody reads them.
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    // It begins an answer, and never goes on.
    let slow = TcpListener::bind("127.0.0.1:0").unwrap();
    let addresses = [&deaf, &slow].map(|listener| listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = slow.accept() {
            let head =
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
            let asked = stream
                .read(&mut [0; 4096])
                .and_then(|_| stream.write_all(head.as_bytes()));
            asked.unwrap();
            open.push(stream);
        }
    });
    for address in addresses {
        let asking = Asking::with(|config| {
            config.issuer = format!("http://{address}");
            config.project_id = Some(PROJECT.to_owned());
            config.request_timeout = Duration::from_millis(50);
        })
        .await;
        for (name, _) in CALLS {
            let error = call(&asking.miracl, name).await.unwrap();
            assert_eq!(error.status(), 504, "{name}: {error:?}");
            assert!(error.is_transient());
        }
    }
}

#[tokio::test]
async fn a_verification_url_on_another_host_is_given_to_nobody() {
    let asking = Asking::new().await;
    let issuer = asking.provider.issuer.clone();
    let at = |url: &str| json!({ "verificationURL": url }).to_string();
    let path = "/verification/confirmation?user_id=alice&code=1";
    for bad in [
        format!("https://evil.example{path}"),
        format!("http://127.0.0.1:1{path}"),
        format!("https://127.0.0.1.evil.example{path}"),
        format!("{}@evil.example{path}", issuer),
        "javascript:alert(1)".to_owned(),
        "data:text/html,x".to_owned(),
    ] {
        asking.provider.say("/verification", &at(&bad));
        let refused = asking
            .miracl
            .verification_url("alice", VerificationOptions::default());
        let error = refused.await.unwrap_err();
        assert!(
            matches!(error, TrustError::OtherHost { .. }),
            "{bad}: {error:?}"
        );
        assert!(!format!("{error} {error:?}").contains("alice"));
        assert_eq!(error.status(), 502);
    }
    let good = format!("{issuer}{path}");
    asking.provider.say("/verification", &at(&good));
    let url = asking
        .miracl
        .verification_url("alice", VerificationOptions::default());
    assert_eq!(url.await.unwrap(), good);
}

#[tokio::test]
async fn each_caller_shows_its_own_credentials_on_a_connection_of_its_own() {
    let asking = Asking::with(|config| config.project_id = Some(PROJECT.to_owned())).await;
    let (path, body) = (CALLS[4].1, json!({ "total": 0, "list": [] }).to_string());
    asking.provider.say(path, &body);
    asking.miracl.audit(AuditQuery::default()).await.unwrap();
    let account = ServiceAccount::new("a-token\n");
    let service = asking.miracl.with_service_account(&account);
    service.audit(AuditQuery::default()).await.unwrap();
    let asked = asking.provider.asked(path);
    let basic = base64_simd::STANDARD.encode_to_string("MockClientId:MockClientSecret");
    let basic = format!("authorization: basic {basic}").to_lowercase();
    assert!(asked[0].head.contains(&basic), "{}", asked[0].head);
    assert!(asked[1].head.contains("authorization: bearer a-token\r\n"));
    assert_eq!(asking.provider.connections(), 2);
    assert!(!format!("{account:?} {service:?}").contains("a-token"));
}

#[tokio::test]
async fn what_cannot_be_right_is_not_sent() {
    let asking = Asking::with(|config| config.project_id = Some(PROJECT.to_owned())).await;
    let miracl = &asking.miracl;
    for user_id in ["", "a\nb", "a\r\n", " a", &"x".repeat(10_240)] {
        let options = VerificationOptions::default();
        for error in [
            miracl.verification_url(user_id, options).await.unwrap_err(),
            miracl.activate(user_id, None).await.unwrap_err(),
        ] {
            assert!(matches!(
                error,
                TrustError::Argument {
                    name: "user_id",
                    ..
                }
            ));
            assert_eq!(error.status(), 400);
        }
    }
    for mpin_id in ["", "zz", "../x", "00/../", &"a".repeat(5000)] {
        let error = miracl.revoke_identity(mpin_id, "lost").await.unwrap_err();
        assert!(matches!(
            error,
            TrustError::Argument {
                name: "mpin_id",
                ..
            }
        ));
    }
    let error = miracl
        .revoke_identity(&hex(b"x"), &"r".repeat(300))
        .await
        .unwrap_err();
    assert!(matches!(error, TrustError::Argument { name: "reason", .. }));
    for (_, path) in CALLS {
        assert!(asking.provider.asked(path).is_empty(), "{path}");
    }
    // These are right, and encoded.
    asking
        .provider
        .say("/activate/initiate", r#"{"actToken":"t"}"#);
    miracl.activate("a&b=c#d", Some("my phone")).await.unwrap();
    let body: Value =
        serde_json::from_str(&asking.provider.asked("/activate/initiate")[0].body).unwrap();
    assert_eq!(
        body,
        json!({ "userId": "a&b=c#d", "deviceName": "my phone" })
    );
}

#[tokio::test]
async fn an_audit_log_is_read_page_by_page() {
    let asking = Asking::new().await;
    let entry = json!({
        "IPAddress": "192.0.2.1", "appID": "app", "appName": "App", "country": "CH",
        "createdAt": "2026-01-01T00:00:00.000001Z", "deviceName": "Chrome on Linux",
        "eventStatus": "authenticate_success", "eventType": "authentication", "mpinID": "00", "userID": "alice",
    });
    let page = json!({ "total": 3, "list": [entry, entry] }).to_string();
    asking.provider.say(CALLS[4].1, &page);
    let first = asking.miracl.audit(AuditQuery::default()).await.unwrap();
    assert_eq!((first.total, first.entries.len()), (3, 2));
    assert_eq!(first.entries[0].user_id, "alice");
    assert_eq!(first.entries[0].country, "CH");
    assert!(!format!("{first:?}").contains("alice"));
    let next = first.next.unwrap();
    assert_eq!(next.offset, 2);
    let second = format!("{}?offset=2", CALLS[4].1);
    asking
        .provider
        .say(&second, &json!({ "total": 3, "list": [{}] }).to_string());
    let last = asking.miracl.audit(next).await.unwrap();
    assert!(last.next.is_none() && last.entries[0].user_id.is_empty());
    // A page that is empty ends it, whatever the platform says of their number.
    asking.provider.say(CALLS[4].1, r#"{"total":9}"#);
    let empty = asking.miracl.audit(AuditQuery::default()).await.unwrap();
    assert!(empty.next.is_none() && empty.entries.is_empty());
}
