//! What a logout token says, and what each fault does to it.

use std::time::{SystemTime, UNIX_EPOCH};

use miracl_platform::{Fault, Platform, SigningAlgorithm};
use serde_json::{Value, json};

use crate::app::{EMAIL, certs, claims, log_in, start};
use crate::told_app::{App, FRAME, register};
use crate::verify::{candidates, header, verifies};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// A claim under a fault. What differs from token to token is written as in [`plain`].
type Claim = (&'static str, Option<Value>);

/// Faults of a token that is well signed, with what they change.
pub(crate) fn in_claims() -> Vec<(Fault, Vec<Claim>)> {
    let one = |fault, name, value| (fault, vec![(name, value)]);
    vec![
        one(Fault::LogoutTokenWithoutEvents, "events", None),
        one(
            Fault::LogoutTokenWrongEvent,
            "events",
            Some(
                json!({ "https://schemas.openid.net/secevent/risc/event-type/account-disabled": {} }),
            ),
        ),
        one(Fault::LogoutTokenWithNonce, "nonce", Some(json!("a-nonce"))),
        one(Fault::LogoutTokenNonceNull, "nonce", Some(Value::Null)),
        one(
            Fault::LogoutTokenWrongAudience,
            "aud",
            Some(json!("another-client")),
        ),
        one(
            Fault::LogoutTokenWrongIssuer,
            "iss",
            Some(json!("https://issuer.example")),
        ),
        (
            Fault::LogoutTokenWithoutSubAndSid,
            vec![("sub", None), ("sid", None)],
        ),
        one(Fault::LogoutTokenSubOnly, "sid", None),
        one(Fault::LogoutTokenSidOnly, "sub", None),
        one(Fault::LogoutTokenWithoutJti, "jti", None),
        one(Fault::LogoutTokenWithoutIat, "iat", None),
        one(Fault::LogoutTokenWithoutExp, "exp", None),
        (
            Fault::LogoutTokenExpired,
            vec![
                ("iat", Some(json!("-120 min"))),
                ("exp", Some(json!("-60 min"))),
            ],
        ),
        one(Fault::LogoutTokenStale, "iat", Some(json!("-60 min"))),
    ]
}

/// Faults that have a test of their own below.
pub(crate) const TESTED: &[Fault] = &[
    Fault::LogoutTokenUnsigned,
    Fault::LogoutTokenOtherAlgorithm,
    Fault::LogoutTokenBadSignature,
    Fault::LogoutTokenWithoutType,
    Fault::LogoutTokenTypeJwt,
    Fault::LogoutTokenSentTwice,
];

/// Replaces what differs from token to token by its meaning: times become distances from now.
fn plain(token: &str) -> Value {
    let mut claims = claims(token);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    for name in ["iat", "exp"] {
        if let Some(time) = claims[name].as_u64() {
            let minutes = (time as f64 - now as f64) / 60.0;
            claims[name] = json!(format!("{:+} min", minutes.round() + 0.0));
        }
    }
    if claims["jti"].as_str().is_some_and(|jti| jti.len() == 43) {
        claims["jti"] = json!("some id");
    }
    claims
}

fn honest(platform: &Platform) -> Value {
    json!({
        "iss": platform.issuer(), "aud": "app", "sub": EMAIL, "sid": "a session",
        "iat": "+0 min", "exp": "+2 min", "jti": "some id", "events": { EVENT: {} },
    })
}

fn token(platform: &Platform, fault: Option<Fault>) -> String {
    platform.set_fault(fault);
    let token = platform.logout_token("app", EMAIL, "a session").unwrap();
    platform.set_fault(None);
    token
}

#[tokio::test]
async fn a_logout_token_is_signed_as_id_tokens_are_and_used_once() {
    let platform = start().await;
    let keys = certs(&platform).await;
    assert_eq!(platform.logout_token("nobody", EMAIL, "a session"), None);
    for algorithm in SigningAlgorithm::ALL {
        register(&platform, "app", |app| {
            app.id_token_signed_response_alg = *algorithm;
        });
        let (first, second) = (token(&platform, None), token(&platform, None));
        assert_eq!(plain(&first), honest(&platform));
        assert_ne!(claims(&first)["jti"], claims(&second)["jti"]);
        assert_eq!(header(&first)["typ"], "logout+jwt");
        assert_eq!(header(&first)["alg"], algorithm.as_str());
        assert!(verifies(candidates(&keys, &first)[0], &first));
    }
}

#[tokio::test]
async fn an_app_that_requires_no_sid_is_told_of_the_person() {
    let platform = start().await;
    register(&platform, "app", |app| {
        app.backchannel_logout_session_required = false;
    });
    let mut expected = honest(&platform);
    expected.as_object_mut().unwrap().remove("sid");
    assert_eq!(plain(&token(&platform, None)), expected);
    let sid_only = token(&platform, Some(Fault::LogoutTokenSidOnly));
    assert_eq!(claims(&sid_only)["sid"], "a session");
}

#[tokio::test]
async fn a_fault_in_the_claims_of_a_logout_token_changes_what_it_says() {
    let platform = start().await;
    let keys = certs(&platform).await;
    for (fault, changes) in in_claims() {
        let token = token(&platform, Some(fault));
        let mut expected = honest(&platform);
        let object = expected.as_object_mut().unwrap();
        for (name, value) in changes {
            match value {
                Some(value) => object.insert(name.to_owned(), value),
                None => object.remove(name),
            };
        }
        assert_eq!(plain(&token), expected, "{}", fault.name());
        assert_eq!(header(&token)["typ"], "logout+jwt", "{}", fault.name());
        assert!(
            verifies(candidates(&keys, &token)[0], &token),
            "{}",
            fault.name()
        );
    }
}

#[tokio::test]
async fn a_fault_around_the_claims_leaves_them_alone() {
    let platform = start().await;
    let keys = certs(&platform).await;
    for (fault, algorithm, kind, is_signed) in [
        (
            Fault::LogoutTokenUnsigned,
            "none",
            Some("logout+jwt"),
            false,
        ),
        (
            Fault::LogoutTokenOtherAlgorithm,
            "ES256",
            Some("logout+jwt"),
            true,
        ),
        (
            Fault::LogoutTokenBadSignature,
            "RS256",
            Some("logout+jwt"),
            false,
        ),
        (Fault::LogoutTokenWithoutType, "RS256", None, true),
        (Fault::LogoutTokenTypeJwt, "RS256", Some("JWT"), true),
    ] {
        let token = token(&platform, Some(fault));
        let name = fault.name();
        assert_eq!(plain(&token), honest(&platform), "{name}");
        assert_eq!(header(&token)["alg"], algorithm, "{name}");
        assert_eq!(header(&token)["typ"].as_str(), kind, "{name}");
        if algorithm == "none" {
            assert!(token.ends_with('.'), "{token}");
        } else {
            let key = candidates(&keys, &token)[0];
            assert_eq!(verifies(key, &token), is_signed, "{name}");
        }
    }
}

#[tokio::test]
async fn a_token_sent_twice_is_the_same_token() {
    let platform = start().await;
    let mut app = App::start(&[200, 400]).await;
    register(&platform, "app", |client| {
        client.backchannel_logout_uri = Some(app.uri.clone());
        client.frontchannel_logout_uri = Some(FRAME.to_owned());
    });
    log_in(&platform).await;
    platform.set_fault(Some(Fault::LogoutTokenSentTwice));
    let done = platform.log_out().await;
    let statuses: Vec<_> = done.back_channel.iter().map(|sent| sent.status).collect();
    assert_eq!(statuses, [Some(200), Some(400)]);
    let seen = app.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0], seen[1]);
    assert_eq!(done.front_channel.len(), 0, "it was told the first time");
}
