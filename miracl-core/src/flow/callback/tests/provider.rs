//! How the provider's answers to a login's requests are read, and over which connections they come.

use serde_json::{Value, json};

use super::*;
use crate::{ProviderError, error::description::Description, provider::http::body::tests::gzip};

#[tokio::test]
async fn logins_ask_for_nothing_twice_and_only_what_carries_a_secret_has_a_connection_of_its_own() {
    const LOGINS: usize = 10;
    let mut login = begin().await;
    assert_eq!(
        login
            .provider
            .asked("/.well-known/openid-configuration")
            .len(),
        1
    );
    for number in 1..=LOGINS {
        let before = |path: &str| login.provider.asked(path).len();
        let metadata = before("/.well-known/openid-configuration");
        let visit = login.visit();
        visit.complete_login(&login.query).await.unwrap();
        visit.confirm_login().await.unwrap();
        let asked = |path: &str| login.provider.asked(path).len();
        assert_eq!(asked("/.well-known/openid-configuration"), metadata);
        assert_eq!((asked("/token"), asked("/userinfo")), (number, number));
        assert_eq!(asked("/jwks"), 1);
        login.another(LoginOptions::default()).await;
    }
    assert_eq!(login.provider.connections(), 1 + 2 * LOGINS);
}

#[tokio::test]
async fn a_connection_that_is_reset_when_it_is_used_again_costs_nobody_their_login() {
    let login = begin().await;
    login.provider.reset_what_is_used_again();
    let visit = login.visit();
    visit.complete_login(&login.query).await.unwrap();
    visit.confirm_login().await.unwrap();
    visit.refresh_user_data().await.unwrap();
    // A code is sent once.
    assert_eq!(login.provider.asked("/token").len(), 1);
    assert_eq!(login.provider.asked("/jwks").len(), 1);
    assert_eq!(login.provider.asked("/userinfo").len(), 2);
}

#[tokio::test]
async fn a_document_is_asked_for_once_more_when_a_connection_breaks_and_a_code_is_never_sent_again()
{
    for (path, times) in [("/token", 1), ("/jwks", 2), ("/userinfo", 1)] {
        let login = begin().await;
        login.provider.say_as(path, 0, "", "");
        let reason = login.fails().await;
        let broke = matches!(
            reason,
            FailureReason::Provider(ProviderError::Unreachable { .. })
        );
        assert!(broke, "{path}: {reason}");
        assert_eq!(login.provider.asked(path).len(), times, "{path}");
    }
    // Nor a refresh token.
    let login = begin().await;
    login.grant_with(
        &json!({}),
        &json!({ "refresh_token": "r", "expires_in": 0 }),
    );
    let visit = login.visit();
    visit.complete_login(&login.query).await.unwrap();
    visit.confirm_login().await.unwrap();
    login.provider.say_as("/token", 0, "", "");
    assert!(visit.tokens().await.unwrap().is_some());
    assert_eq!(login.provider.asked("/token").len(), 2);
}

/// The paths that a login asks at, and what a good answer at each always has.
const ASKED: [(&str, &str); 4] = [
    ("/.well-known/openid-configuration", "issuer"),
    ("/token", "access_token"),
    ("/jwks", "keys"),
    ("/userinfo", "sub"),
];

/// Logs in at a provider whose answers at one path, or at all, are changed before anything of it is known.
async fn log_in_where(change: impl Fn(&Provider, &str)) -> Result<AuthSuccess, AuthFailure> {
    let login = begin().await;
    for (path, _) in ASKED {
        change(&login.provider, path);
    }
    // An engine that knows nothing yet, and opens the cookie of the login all the same.
    let miracl = Miracl::new(login.miracl.config().clone()).unwrap();
    let visit = miracl.visit(&request("/login", &login.cookies));
    visit.complete_login(&login.query).await
}

#[tokio::test]
async fn answers_are_read_as_real_providers_and_the_proxies_before_them_send_them() {
    const GZIP: &str = "application/json\r\ncontent-encoding: gzip";
    const TWICE: &str = "application/json\r\nContent-Encoding: GZIP\r\ncontent-encoding: identity";
    type Change = fn(&Provider, &str, Vec<u8>);
    let changes: [(&str, Change); 6] = [
        ("201", |provider, path, said| {
            provider.say_bytes(path, 201, "application/json", &said);
        }),
        ("203", |provider, path, said| {
            provider.say_bytes(path, 203, "application/json", &said);
        }),
        ("a byte order mark", |provider, path, said| {
            let said = [b"\xef\xbb\xbf", said.as_slice()].concat();
            provider.say_bytes(path, 200, "application/json", &said);
        }),
        ("gzip", |provider, path, said| {
            provider.say_bytes(path, 200, GZIP, &gzip(&said));
        }),
        ("gzip, in other words", |provider, path, said| {
            provider.say_bytes(path, 200, TWICE, &gzip(&said));
        }),
        ("UTF-16", |provider, path, said| {
            let text = String::from_utf8(said).unwrap();
            let said: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let media_type = "application/json ; charset=\"UTF-16LE\"";
            provider.say_bytes(path, 200, media_type, &said);
        }),
    ];
    for (what, change) in changes {
        let login = log_in_where(|provider, path| change(provider, path, provider.said(path)));
        let login = login
            .await
            .unwrap_or_else(|failure| panic!("{what}: {failure}"));
        assert_eq!(login.user().email(), Some("alice@example.com"), "{what}");
    }
    let latin = |provider: &Provider, path: &str| {
        if path == "/userinfo" {
            let said = b"{\"sub\":\"alice\",\"name\":\"Andr\xe9\"}";
            provider.say_bytes(path, 200, "application/json; Charset=ISO-8859-1", said);
        }
    };
    let login = log_in_where(latin).await.unwrap();
    assert_eq!(login.user_data().get("name").unwrap(), "André");
}

#[tokio::test]
async fn what_was_compressed_otherwise_or_too_well_is_refused_and_says_so() {
    for (path, _) in ASKED {
        let brotli = |provider: &Provider, at: &str| {
            if at == path {
                let media_type = "application/json\r\ncontent-encoding: br";
                provider.say_bytes(path, 200, media_type, b"{}");
            }
        };
        let failure = log_in_where(brotli).await.unwrap_err();
        assert!(
            failure.to_string().contains("`Content-Encoding: br`"),
            "{failure}"
        );
        let bomb = |provider: &Provider, at: &str| {
            if at == path {
                let media_type = "application/json\r\ncontent-encoding: gzip";
                let packed = gzip(&vec![b' '; 8 * 1024 * 1024]);
                provider.say_bytes(path, 200, media_type, &packed);
            }
        };
        let failure = log_in_where(bomb).await.unwrap_err();
        let too_large = matches!(
            failure.reason(),
            FailureReason::Provider(ProviderError::TooLarge { .. })
        );
        assert!(too_large, "{path}: {failure}");
    }
}

#[tokio::test]
async fn an_error_under_a_status_of_success_is_that_error_at_every_endpoint() {
    for (path, needed) in ASKED {
        for (body, code) in [
            (
                r#"{"error":"incorrect_client_credentials"}"#,
                "incorrect_client_credentials",
            ),
            (r#"{"ok":false,"error":"invalid_code"}"#, "invalid_code"),
            (r#"{"error":{"code":7,"message":"no"}}"#, "7"),
            ("error=bad_verification_code", "bad_verification_code"),
        ] {
            let failure = log_in_where(|provider, at| {
                if at == path {
                    provider.say(path, body);
                }
            });
            let failure = failure.await.unwrap_err();
            let found = match failure.reason() {
                FailureReason::Provider(ProviderError::Refused { error, .. }) => error.as_str(),
                other => panic!("{path} {body}: {other:?}"),
            };
            assert_eq!(found, code, "{path} {body}");
            // As with a 4xx: only these two judge the login.
            let judges = ["/token", "/userinfo"].contains(&path);
            assert_eq!(
                failure.status(),
                if judges { 403 } else { 502 },
                "{path} {body}"
            );
        }
        // Beside what was asked for, `error` is a member like any other.
        let login = log_in_where(|provider, at| {
            let mut said: Value = serde_json::from_slice(&provider.said(at)).unwrap();
            assert!(at != path || said.get(needed).is_some());
            said["error"] = json!("harmless");
            provider.say(at, &said.to_string());
        });
        assert!(login.await.is_ok(), "{path}");
    }
    // A provider that says it is ill is not put down to the person.
    let failure = log_in_where(|provider, at| {
        if at == "/token" {
            provider.say(at, r#"{"error":"temporarily_unavailable"}"#);
        }
    });
    assert_eq!(failure.await.unwrap_err().status(), 503);
}

#[tokio::test]
async fn a_refresh_that_is_told_with_200_that_its_grant_is_worth_nothing_ends_the_session() {
    for (body, ends) in [
        (r#"{"error":"invalid_grant"}"#, true),
        (r#"{"error":"bad_refresh_token"}"#, true),
        (r#"{"ok":false,"error":"invalid_refresh_token"}"#, true),
        ("error=invalid_grant", true),
        (r#"{"error":"unauthorized_client"}"#, false),
        (r#"{"error":"temporarily_unavailable"}"#, false),
        ("{}", false),
    ] {
        let login = begin().await;
        login.grant_with(
            &json!({}),
            &json!({ "refresh_token": "r", "expires_in": 0 }),
        );
        let visit = login.visit();
        visit.complete_login(&login.query).await.unwrap();
        visit.confirm_login().await.unwrap();
        login.provider.say("/token", body);
        let refreshed = visit.refresh_user_data().await;
        assert_eq!(
            visit.is_authenticated().await.unwrap(),
            !ends,
            "{body}: {refreshed:?}"
        );
        assert_eq!(visit.tokens().await.unwrap().is_some(), !ends, "{body}");
        // Nobody asks again for a session that has ended.
        let asked = login.provider.asked("/token").len();
        drop(visit.tokens().await);
        if ends {
            assert_eq!(asked, 2, "{body}");
            assert_eq!(login.provider.asked("/token").len(), 2, "{body}");
        }
    }
}

#[tokio::test]
async fn what_the_provider_says_of_a_client_it_refuses_reaches_the_hook_without_the_clients_secrets()
 {
    let login = begin().await;
    let said = json!({
        "error": "invalid_client",
        "error_description": "AADSTS7000222: The secret 'secret' of bob@example.com is expired; the code was a-code.",
        "error_codes": [7000222],
    });
    login
        .provider
        .say_as("/token", 401, "application/json", &said.to_string());
    let reason = login.fails().await;
    let FailureReason::Provider(error @ ProviderError::Refused { description, .. }) = &reason
    else {
        panic!("{reason}");
    };
    let text = description.text().unwrap();
    assert!(text.starts_with("AADSTS7000222: "), "{text}");
    assert!(text.ends_with("(error_codes 7000222)"), "{text}");
    assert!(
        !text.contains("'secret'") && !text.contains("a-code"),
        "{text}"
    );
    let logged = error.words().unwrap();
    assert!(
        logged.starts_with("AADSTS7000222: ") && logged.contains("expired"),
        "{logged}"
    );
    assert!(!logged.contains("bob"), "{logged}");
    assert!(
        !format!("{reason} {reason:?}").contains("AADSTS"),
        "{reason:?}"
    );
}

#[test]
fn words_for_the_log_are_without_addresses_tokens_and_the_beginnings_of_secrets() {
    let mut description = Description(Some(format!(
        "For alice@example.com or alice%40example.com: {} 9122040d-6c67-4c5b-b112-36a304b66dad at AADSTS1",
        "x".repeat(33)
    )));
    assert_eq!(
        description.for_log().unwrap(),
        "For [...] or [...] [...] [...] at AADSTS1"
    );
    description.leave_out(&["", "36a304b66dad"]);
    assert!(!description.text().unwrap().contains("36a3"));
    let mut cut = Description(Some("the secret was abcdefgh".to_owned()));
    cut.leave_out(&["abcdefghijkl"]);
    assert_eq!(cut.text(), Some("the secret was [...]"));
}
