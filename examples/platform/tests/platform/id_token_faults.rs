//! What each fault does to an ID token, and that it does nothing else.

use std::time::{SystemTime, UNIX_EPOCH};

use miracl_platform::{Client, Fault, Platform, SigningAlgorithm};
use ring::digest::{SHA256, digest};
use ring::hmac;
use rsa::pkcs1::EncodeRsaPublicKey as _;
use serde_json::{Value, json};

use crate::app::{CALLBACK, EMAIL, PIN, authorize_url, certs, claims, exchange, start};
use crate::refresh::{offline, refresh, refresh_token};
use crate::verify::{candidates, encode, header, member, segment, verifies};

/// A claim that is not there.
const ABSENT: Option<Value> = None;

/// A claim under a fault. Times are written as in [`plain`].
type Claim = (&'static str, Option<Value>);

/// Faults of a token that is well signed by the right key, with what they change.
pub(crate) fn in_claims() -> Vec<(Fault, Vec<Claim>)> {
    let is = |value: Value| Some(value);
    let one = |fault, name, value| (fault, vec![(name, value)]);
    let extra = || is(json!(["app", "another-client"]));
    vec![
        one(
            Fault::IdTokenWrongIssuer,
            "iss",
            is(json!("https://issuer.example")),
        ),
        one(Fault::IdTokenIssArray, "iss", is(json!(["the issuer"]))),
        one(Fault::IdTokenWithoutIss, "iss", ABSENT),
        one(
            Fault::IdTokenWrongAudience,
            "aud",
            is(json!("another-client")),
        ),
        one(Fault::IdTokenWithoutAud, "aud", ABSENT),
        one(Fault::IdTokenEmptyAud, "aud", is(json!([]))),
        one(Fault::IdTokenAudArray, "aud", is(json!(["app"]))),
        one(Fault::IdTokenExtraAudience, "aud", extra()),
        (
            Fault::IdTokenExtraAudienceWithAzp,
            vec![("aud", extra()), ("azp", is(json!("app")))],
        ),
        (
            Fault::IdTokenExtraAudienceOtherAzp,
            vec![("aud", extra()), ("azp", is(json!("another-client")))],
        ),
        one(Fault::IdTokenWrongAzp, "azp", is(json!("another-client"))),
        (
            Fault::IdTokenExpired,
            vec![("iat", is(json!("-2 h"))), ("exp", is(json!("-2 h")))],
        ),
        one(Fault::IdTokenWithoutExp, "exp", ABSENT),
        one(
            Fault::IdTokenExpString,
            "exp",
            is(json!("a string: +15 min")),
        ),
        one(Fault::IdTokenExpEnormous, "exp", is(json!(1e300))),
        one(Fault::IdTokenExpNull, "exp", is(Value::Null)),
        one(Fault::IdTokenExpNegative, "exp", is(json!(-1))),
        (
            Fault::IdTokenFromTheFuture,
            vec![("iat", is(json!("+1 h"))), ("exp", is(json!("+1 h")))],
        ),
        one(Fault::IdTokenWithoutIat, "iat", ABSENT),
        one(Fault::IdTokenIatString, "iat", is(json!("a string: now"))),
        one(Fault::IdTokenIatWeekOld, "iat", is(json!("-168 h"))),
        one(Fault::IdTokenNotBeforeFuture, "nbf", is(json!("+1 h"))),
        one(
            Fault::IdTokenWrongNonce,
            "nonce",
            is(json!("another-nonce")),
        ),
        one(Fault::IdTokenWithoutNonce, "nonce", ABSENT),
        one(Fault::IdTokenNonceNumber, "nonce", is(json!(42))),
        one(Fault::IdTokenWithoutSub, "sub", ABSENT),
        one(Fault::IdTokenEmptySub, "sub", is(json!(""))),
        one(Fault::IdTokenSubNumber, "sub", is(json!(42))),
        one(Fault::IdTokenSubTooLong, "sub", is(json!("a".repeat(256)))),
        one(
            Fault::IdTokenSubNotAscii,
            "sub",
            is(json!("älice@example.com")),
        ),
        one(
            Fault::IdTokenAuthTimeTooOld,
            "auth_time",
            is(json!("-24 h")),
        ),
        one(Fault::IdTokenWithoutAuthTime, "auth_time", ABSENT),
        one(
            Fault::IdTokenAcrNotMet,
            "acr",
            is(json!("urn:example:not-asked-for")),
        ),
        one(Fault::IdTokenWithoutAcr, "acr", ABSENT),
        one(
            Fault::IdTokenWrongAtHash,
            "at_hash",
            is(json!("of another token")),
        ),
        one(Fault::IdTokenWithoutAtHash, "at_hash", ABSENT),
        (
            Fault::IdTokenNullClaims,
            ["acr", "at_hash", "auth_time", "azp", "nbf", "sid"]
                .map(|name| (name, is(Value::Null)))
                .to_vec(),
        ),
        one(Fault::IdTokenNonceNull, "nonce", is(Value::Null)),
        one(
            Fault::IdTokenAcrObject,
            "acr",
            is(json!({ "values": ["urn:example:pin"] })),
        ),
        one(Fault::IdTokenSidNumber, "sid", is(json!(4711))),
        one(
            Fault::IdTokenTooLong,
            "padding",
            is(json!("x".repeat(16 * 1024))),
        ),
    ]
}

/// Faults of the ID token of a refresh, with what they change.
pub(crate) fn in_refreshed_claims() -> Vec<(Fault, Claim)> {
    vec![
        (
            Fault::RefreshedWrongIssuer,
            ("iss", Some(json!("https://issuer.example"))),
        ),
        (
            Fault::RefreshedOtherSub,
            ("sub", Some(json!("mallory@example.com"))),
        ),
        (
            Fault::RefreshedOtherAudience,
            ("aud", Some(json!("another-client"))),
        ),
        (
            Fault::RefreshedOtherAuthTime,
            ("auth_time", Some(json!("-1 h"))),
        ),
        (
            Fault::RefreshedOtherNonce,
            ("nonce", Some(json!("another-nonce"))),
        ),
        (Fault::RefreshedAtHashNull, ("at_hash", Some(Value::Null))),
    ]
}

/// Faults that have a test of their own below.
pub(crate) const IN_FORM: &[Fault] = &[
    Fault::IdTokenBadSignature,
    Fault::IdTokenUnsigned,
    Fault::IdTokenUnsignedKeepsKid,
    Fault::IdTokenHmacWithPublicKey,
    Fault::IdTokenHmacWithSecret,
    Fault::IdTokenHmacWithEmptyKey,
    Fault::IdTokenOtherAlgorithm,
    Fault::IdTokenUnknownKey,
    Fault::IdTokenWithoutKid,
    Fault::IdTokenKidNull,
    Fault::IdTokenOtherName,
    Fault::IdTokenEmbeddedKey,
    Fault::IdTokenCritical,
    Fault::IdTokenEncrypted,
    Fault::IdTokenNotAToken,
    Fault::IdTokenDuplicateClaims,
    Fault::IdTokenPayloadNotJson,
];

/// Logs in under a fault and returns the token response.
pub(crate) async fn tokens(platform: &Platform, fault: Option<Fault>) -> Value {
    let url = authorize_url(platform, &[("acr_values", "gold")]);
    let callback = platform.log_in(&url, EMAIL, PIN).await.unwrap();
    platform.set_fault(fault);
    let tokens = exchange(platform, &callback, &[]).await.json();
    platform.set_fault(None);
    tokens
}

async fn id_token(platform: &Platform, fault: Fault) -> String {
    let tokens = tokens(platform, Some(fault)).await;
    tokens["id_token"].as_str().unwrap().to_owned()
}

/// Writes claims so that those of two logins are equal: times as distances from now, and the rest by its meaning.
fn plain(platform: &Platform, tokens: &Value) -> Value {
    let mut claims = claims(tokens["id_token"].as_str().unwrap());
    for name in ["iat", "exp", "nbf", "auth_time"] {
        let time = &claims[name];
        let plain = match (time.as_u64(), time.as_str()) {
            (Some(time), _) => distance(time),
            (_, Some(text)) => format!("a string: {}", distance(text.parse().unwrap())),
            _ => continue,
        };
        claims[name] = json!(plain);
    }
    if claims["iss"] == json!([platform.issuer()]) {
        claims["iss"] = json!(["the issuer"]);
    }
    if claims["at_hash"].is_string() {
        let hash = digest(&SHA256, tokens["access_token"].as_str().unwrap().as_bytes());
        let right = claims["at_hash"] == encode(&hash.as_ref()[..16]);
        claims["at_hash"] = json!(if right { "right" } else { "of another token" });
    }
    if claims["sid"].is_string() {
        claims["sid"] = json!("some session");
    }
    claims
}

fn distance(time: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seconds = i128::from(time) - i128::from(now.as_secs());
    match seconds {
        -60..60 => "now".to_owned(),
        840..=900 => "+15 min".to_owned(),
        _ => format!("{:+} h", (seconds as f64 / 3600.0).round()),
    }
}

#[tokio::test]
async fn a_fault_in_the_claims_changes_what_it_says_and_is_well_signed() {
    let platform = start().await;
    let keys = certs(&platform).await;
    let honest = tokens(&platform, None).await;
    let honest_header = header(honest["id_token"].as_str().unwrap());
    let honest = plain(&platform, &honest);
    let expected = json!({
        "iss": platform.issuer(), "sub": EMAIL, "aud": "app", "iat": "now", "exp": "+15 min",
        "auth_time": "now", "amr": ["mpin"], "at_hash": "right", "sid": "some session",
        "nonce": "n0nce", "acr": "gold",
    });
    assert_eq!(honest, expected);

    for (fault, changes) in in_claims() {
        let tokens = tokens(&platform, Some(fault)).await;
        let mut expected = honest.clone();
        change(&mut expected, changes);
        assert_eq!(plain(&platform, &tokens), expected, "{}", fault.name());
        let token = tokens["id_token"].as_str().unwrap();
        assert_eq!(header(token), honest_header, "{}", fault.name());
        assert!(
            verifies(candidates(&keys, token)[0], token),
            "{}",
            fault.name()
        );
        assert_eq!(
            token.len() > 16 * 1024,
            fault == Fault::IdTokenTooLong,
            "{}",
            fault.name()
        );
    }
}

fn change(claims: &mut Value, changes: impl IntoIterator<Item = Claim>) {
    let claims = claims.as_object_mut().unwrap();
    for (name, value) in changes {
        match value {
            Some(value) => claims.insert(name.to_owned(), value),
            None => claims.remove(name),
        };
    }
}

#[tokio::test]
async fn a_fault_in_refreshed_claims_changes_what_it_says() {
    let platform = start().await;
    let keys = certs(&platform).await;
    let mut last = offline(&platform).await;
    last = refresh(&platform, refresh_token(&last)).await.json();
    let honest = plain(&platform, &last);
    for (fault, changes) in in_refreshed_claims() {
        platform.set_fault(Some(fault));
        last = refresh(&platform, refresh_token(&last)).await.json();
        platform.set_fault(None);
        let mut expected = honest.clone();
        change(&mut expected, [changes]);
        assert_eq!(plain(&platform, &last), expected, "{}", fault.name());
        let token = last["id_token"].as_str().unwrap();
        assert!(
            verifies(candidates(&keys, token)[0], token),
            "{}",
            fault.name()
        );
    }
}

#[tokio::test]
async fn a_bad_signature_is_under_honest_claims() {
    let platform = start().await;
    let keys = certs(&platform).await;
    for algorithm in SigningAlgorithm::ALL {
        let mut client = Client::new("app", "s3cret", CALLBACK);
        client.id_token_signed_response_alg = *algorithm;
        platform.add_client(client).unwrap();
        let token = id_token(&platform, Fault::IdTokenBadSignature).await;
        assert_eq!(claims(&token)["sub"], EMAIL);
        assert_eq!(header(&token)["alg"], algorithm.as_str());
        assert!(
            !verifies(candidates(&keys, &token)[0], &token),
            "{algorithm:?}"
        );
    }
}

#[tokio::test]
async fn a_kid_that_is_null_is_there() {
    let platform = start().await;
    let header = header(&id_token(&platform, Fault::IdTokenKidNull).await);
    assert_eq!(header.get("kid"), Some(&Value::Null));
    assert_eq!(header["alg"], "RS256");
}

#[tokio::test]
async fn the_other_name_of_an_algorithm_stands_in_the_token_and_at_its_key() {
    let platform = start().await;
    for (algorithm, name) in [
        (SigningAlgorithm::EdDsa, "Ed25519"),
        (SigningAlgorithm::Es256, "ES256"),
    ] {
        let mut client = Client::new("app", "s3cret", CALLBACK);
        client.id_token_signed_response_alg = algorithm;
        platform.add_client(client).unwrap();
        let honest = certs(&platform).await;
        let token = id_token(&platform, Fault::IdTokenOtherName).await;
        assert_eq!(header(&token)["alg"], name);
        platform.set_fault(Some(Fault::IdTokenOtherName));
        let keys = certs(&platform).await;
        platform.set_fault(None);
        let [renamed] = candidates(&keys, &token)[..] else {
            panic!("not one key: {keys}");
        };
        let mut key = renamed.clone();
        key["alg"] = json!(algorithm.as_str());
        assert!(honest["keys"].as_array().unwrap().contains(&key));
    }
}

#[tokio::test]
async fn unsigned_tokens_end_with_a_dot_and_one_of_them_keeps_its_kid() {
    let platform = start().await;
    for (fault, keeps) in [
        (Fault::IdTokenUnsigned, false),
        (Fault::IdTokenUnsignedKeepsKid, true),
    ] {
        let token = id_token(&platform, fault).await;
        assert!(
            token.ends_with('.') && token.split('.').count() == 3,
            "{token}"
        );
        assert_eq!(header(&token)["alg"], "none");
        assert_eq!(header(&token)["kid"].is_string(), keeps);
        assert_eq!(claims(&token)["sub"], EMAIL);
    }
}

#[tokio::test]
async fn hmacs_are_made_with_what_their_name_says() {
    let platform = start().await;
    let honest = tokens(&platform, None).await;
    let honest = honest["id_token"].as_str().unwrap();
    let keys = certs(&platform).await;
    let jwk = candidates(&keys, honest)[0];
    let [n, e] = ["n", "e"].map(|name| rsa::BigUint::from_bytes_be(&member(jwk, name)));
    let public = rsa::RsaPublicKey::new(n, e).unwrap();
    let pem = public.to_pkcs1_pem(rsa::pkcs1::LineEnding::LF).unwrap();
    for (fault, key) in [
        (Fault::IdTokenHmacWithPublicKey, pem.as_bytes()),
        (Fault::IdTokenHmacWithSecret, b"s3cret"),
        (Fault::IdTokenHmacWithEmptyKey, b""),
    ] {
        let token = id_token(&platform, fault).await;
        assert_eq!(header(&token)["alg"], "HS256");
        assert_eq!(header(&token)["kid"], header(honest)["kid"]);
        let (signed, _) = token.rsplit_once('.').unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        let verified = hmac::verify(&key, signed.as_bytes(), &segment(&token, 2));
        assert!(verified.is_ok(), "{}", fault.name());
    }
}

#[tokio::test]
async fn another_algorithm_signs_well_with_a_published_key() {
    let platform = start().await;
    let keys = certs(&platform).await;
    for (registered, used) in [
        (SigningAlgorithm::Rs256, "ES256"),
        (SigningAlgorithm::Es256, "RS256"),
        (SigningAlgorithm::EdDsa, "ES256"),
    ] {
        let mut client = Client::new("app", "s3cret", CALLBACK);
        client.id_token_signed_response_alg = registered;
        platform.add_client(client).unwrap();
        let token = id_token(&platform, Fault::IdTokenOtherAlgorithm).await;
        assert_eq!(header(&token)["alg"], used);
        assert!(verifies(candidates(&keys, &token)[0], &token));
    }
}

#[tokio::test]
async fn a_token_that_names_no_key_or_an_unknown_one_is_signed_by_the_right_one() {
    let platform = start().await;
    let keys = certs(&platform).await;
    let honest = tokens(&platform, None).await;
    let key = candidates(&keys, honest["id_token"].as_str().unwrap())[0];
    for (fault, kid) in [
        (Fault::IdTokenWithoutKid, Value::Null),
        (Fault::IdTokenUnknownKey, json!("unknown")),
    ] {
        let token = id_token(&platform, fault).await;
        assert_eq!(header(&token)["kid"], kid);
        assert!(verifies(key, &token), "{}", fault.name());
    }
}

#[tokio::test]
async fn an_embedded_key_signs_and_is_not_published() {
    let platform = start().await;
    let keys = certs(&platform).await;
    let token = id_token(&platform, Fault::IdTokenEmbeddedKey).await;
    let jwk = &header(&token)["jwk"];
    assert!(verifies(jwk, &token));
    let published = candidates(&keys, &token);
    assert_eq!(published.len(), 1, "the header names the honest key");
    assert!(!verifies(published[0], &token));
}

#[tokio::test]
async fn a_critical_extension_is_in_the_header_of_a_good_token() {
    let platform = start().await;
    let keys = certs(&platform).await;
    let token = id_token(&platform, Fault::IdTokenCritical).await;
    let header = header(&token);
    let extension = header["crit"][0].as_str().unwrap();
    assert_eq!(header[extension], true);
    assert!(verifies(candidates(&keys, &token)[0], &token));
}

#[tokio::test]
async fn some_tokens_do_not_look_like_one() {
    let platform = start().await;
    let encrypted = id_token(&platform, Fault::IdTokenEncrypted).await;
    assert_eq!(encrypted.split('.').count(), 5);
    assert!(header(&encrypted)["enc"].is_string());
    assert_eq!(id_token(&platform, Fault::IdTokenNotAToken).await, "hello");

    let keys = certs(&platform).await;
    let token = id_token(&platform, Fault::IdTokenPayloadNotJson).await;
    assert!(serde_json::from_slice::<Value>(&segment(&token, 1)).is_err());
    assert!(verifies(candidates(&keys, &token)[0], &token));
}

#[tokio::test]
async fn duplicate_claims_stand_in_the_signed_text() {
    let platform = start().await;
    let keys = certs(&platform).await;
    let token = id_token(&platform, Fault::IdTokenDuplicateClaims).await;
    let payload = String::from_utf8(segment(&token, 1)).unwrap();
    assert_eq!(payload.matches(r#""sub":"#).count(), 2);
    assert!(payload.contains(EMAIL) && payload.ends_with(r#""sub":"mallory@example.com"}"#));
    assert!(verifies(candidates(&keys, &token)[0], &token));
}
