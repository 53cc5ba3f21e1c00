//! Which keys are trusted, and how often they are fetched.

use std::sync::atomic::{AtomicUsize, Ordering};

use base64_simd::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;
use crate::jose::algorithm::SigningAlgorithm;
use crate::{
    Config,
    probes::provider::Provider,
    provider::id_token::tests::{ES256, Provider as Signer},
};

#[test]
fn logins_that_share_a_fetch_use_up_one() {
    let jwks = Jwks::default();
    for seen in 0..u64::from(LOGIN_FETCHES) {
        for _ in 0..LOGIN_FETCHES {
            assert!(jwks.may_fetch(Cause::Login, seen), "{seen}");
        }
    }
    assert!(!jwks.may_fetch(Cause::Login, u64::from(LOGIN_FETCHES)));
}

#[test]
fn a_storm_of_logout_tokens_leaves_logins_their_own_fetches() {
    let jwks = Jwks::default();
    let fetches = (0..100).filter(|seen| jwks.may_fetch(Cause::LogoutToken, *seen));
    assert_eq!(fetches.count(), LOGOUT_TOKEN_FETCHES as usize);
    assert!(jwks.may_fetch(Cause::Login, 100));
}

#[test]
fn a_window_that_is_over_allows_fetches_again() {
    let jwks = Jwks::default();
    let spent = |began| Window {
        began,
        count: LOGOUT_TOKEN_FETCHES,
        last: 0,
    };
    let now = Instant::now();
    for (began, allowed) in [(now, false), (now.checked_sub(WINDOW).unwrap(), true)] {
        *jwks.windows[Cause::LogoutToken as usize].lock().unwrap() = Some(spent(began));
        assert_eq!(jwks.may_fetch(Cause::LogoutToken, 1), allowed);
    }
    // The new window has a budget of its own.
    let more = (2..100).filter(|seen| jwks.may_fetch(Cause::LogoutToken, *seen));
    assert_eq!(more.count(), LOGOUT_TOKEN_FETCHES as usize - 1);
}

/// An RSA key with this modulus.
fn rsa(kid: &str, modulus: &[u8]) -> Value {
    let n = URL_SAFE_NO_PAD.encode_to_string(modulus);
    json!({ "kty": "RSA", "kid": kid, "n": n, "e": "AQAB" })
}

fn checked(keys: &[Value], kid: Option<&str>) -> SignatureCheck {
    let text = json!({ "keys": keys }).to_string();
    let keys = KeySet::parse(text.as_bytes()).unwrap();
    keys.verify(
        kid,
        SigningAlgorithm::RS256,
        b"message",
        b"signature",
        &|_| true,
    )
}

#[test]
fn an_rsa_key_is_measured_by_the_bits_of_its_modulus() {
    let long = [0xff; 256];
    let mut short = long;
    short[0] = 0x7f;
    let mut padded = vec![0; 3];
    padded.extend(long);
    for (modulus, expected) in [
        (&long[..], SignatureCheck::Invalid),
        (&short, SignatureCheck::WeakKey),
        (&padded, SignatureCheck::Invalid),
        (&long[1..], SignatureCheck::WeakKey),
        (&[0xff; 512], SignatureCheck::Invalid),
        (&[0; 512], SignatureCheck::WeakKey),
    ] {
        let found = checked(&[rsa("1", modulus)], Some("1"));
        assert_eq!(found, expected, "{} bytes", modulus.len());
    }
}

#[test]
fn a_weak_key_is_told_only_where_there_is_no_other() {
    let (weak, strong) = (rsa("1", &[0xff; 128]), rsa("1", &[0xff; 256]));
    let of = |keys: &[Value]| checked(keys, Some("1"));
    assert_eq!(of(&[weak.clone(), strong.clone()]), SignatureCheck::Invalid);
    assert_eq!(of(&[strong, weak.clone()]), SignatureCheck::Invalid);
    assert_eq!(of(&[weak]), SignatureCheck::WeakKey);
    assert_eq!(of(&[]), SignatureCheck::NoKey);
}

#[test]
fn a_key_that_is_unreadable_is_skipped_and_told_where_the_token_needs_it() {
    let signer = Signer::new();
    let raw = |kid: Value| signer.sign(&json!({ "alg": "ES256", "kid": kid }), "{}");
    let good: Value = serde_json::from_str(&signer.jwks()).unwrap();
    let good = &good["keys"][0];
    let broken = |kid: &str| json!({ "kty": "EC", "crv": "P-256", "kid": kid, "x": "AA" });
    let checked = |keys: &[Value], raw: &str| {
        let Ok(token) = Unverified::parse(raw, ES256) else {
            panic!("not taken apart");
        };
        let text = json!({ "keys": keys }).to_string();
        token.check_signature(&KeySet::parse(text.as_bytes()).unwrap())
    };
    let others = [
        json!("rubbish"),
        Value::Null,
        json!({ "kid": "1", "kty": "oct" }),
    ];
    let set = |key: &Value| [&others[..], std::slice::from_ref(key)].concat();
    // Another key, or a namesake, does not spoil a good one.
    for kid in ["1", "2"] {
        let keys = [set(&broken(kid)), vec![good.clone()]].concat();
        for named in [json!("1"), Value::Null] {
            assert_eq!(checked(&keys, &raw(named)), SignatureCheck::Valid, "{kid}");
        }
    }
    for (keys, kid, expected) in [
        (set(&broken("1")), json!("1"), SignatureCheck::UnreadableKey),
        (set(&broken("1")), json!("2"), SignatureCheck::NoKey),
        (
            set(&broken("1")),
            Value::Null,
            SignatureCheck::UnreadableKey,
        ),
        (
            set(&json!({ "kid": "1" })),
            json!("1"),
            SignatureCheck::UnreadableKey,
        ),
        (
            set(&json!({ "kid": "1" })),
            Value::Null,
            SignatureCheck::NoKey,
        ),
    ] {
        assert_eq!(checked(&keys, &raw(kid)), expected, "{keys:?}");
    }
    // Nobody can tell which of two namesakes signed a token that is not by the one that can be read.
    let stranger = Signer::new().sign(&json!({ "alg": "ES256", "kid": "1" }), "{}");
    let keys = [broken("1"), good.clone()];
    assert_eq!(checked(&keys, &stranger), SignatureCheck::UnreadableKey);
    assert_eq!(checked(&keys[1..], &stranger), SignatureCheck::Invalid);
    // A key that contradicts itself is no key.
    let twice =
        br#"{"keys":[{"kty":"EC","kid":"1","kid":"2"}],"keys":[{"kty":"EC","kid":"1","kid":"2"}]}"#;
    assert!(KeySet::parse(twice).unwrap().0.is_empty());
}

#[test]
fn a_set_that_is_none_says_which_member_is_wrong() {
    for (text, error) in [
        ("{}", "`keys` is missing"),
        (r#"{"keys":null}"#, "`keys` is missing"),
        (
            r#"{"keys":{}}"#,
            "`keys` is a JSON object instead of an array",
        ),
        (
            r#"{"keys":[],"keys":[1]}"#,
            "JSON with the member `keys` twice",
        ),
    ] {
        assert_eq!(KeySet::parse(text.as_bytes()).unwrap_err(), error);
    }
}

#[test]
fn a_key_that_names_an_issuer_is_for_its_tokens_alone() {
    let signer = Signer::new();
    let published: Value = serde_json::from_str(&signer.jwks()).unwrap();
    let checked = |key: &str, claims: Value| {
        let mut published = published.clone();
        published["keys"][0]["issuer"] = json!(key);
        let raw = signer.token(&claims);
        let Ok(token) = Unverified::parse(&raw, ES256) else {
            panic!("not taken apart");
        };
        token.check_signature(&KeySet::parse(published.to_string().as_bytes()).unwrap())
    };
    let template = "https://i/{tenantid}/v2.0";
    let of = |iss: &str, tid: &str| json!({ "iss": iss, "tid": tid });
    for (key, claims) in [
        (template, of("https://i/one/v2.0", "one")),
        (template, json!({ "iss": "https://i/one/v2.0" })),
        ("https://i/one/v2.0", of("https://i/one/v2.0", "one")),
        ("https://i", json!({ "iss": "https://i" })),
        // The slash at the end makes no other issuer.
        ("https://i/", json!({ "iss": "https://i" })),
    ] {
        assert_eq!(
            checked(key, claims.clone()),
            SignatureCheck::Valid,
            "{key} {claims}"
        );
    }
    for (key, claims) in [
        ("https://i/one/v2.0", of("https://i/two/v2.0", "two")),
        ("https://i/one/v2.0", of("https://i/two/v2.0", "one")),
        (template, of("https://i/one/v2.0", "two")),
        (template, of("https://evil/one/v2.0", "one")),
        (template, of("https://i/{tenantid}/v2.0", "{tenantid}")),
        (template, of("https://i/a/b/v2.0", "a/b")),
        (template, of("https://i//v2.0", "")),
        (template, json!({ "iss": "https://i/one/v2.0", "tid": 1 })),
        (template, json!({ "iss": 1, "tid": "one" })),
        (template, json!({ "tid": "one" })),
        ("https://i", json!({ "iss": "https://other" })),
        ("", json!({ "iss": "https://i" })),
    ] {
        let found = checked(key, claims.clone());
        assert_eq!(found, SignatureCheck::OtherIssuer, "{key} {claims}");
    }
    // It says what a key is for, and not whose signature is good.
    let stranger = Signer::new().token(&json!({ "iss": "https://i" }));
    let Ok(token) = Unverified::parse(&stranger, ES256) else {
        panic!("not taken apart");
    };
    let mut published = published;
    published["keys"][0]["issuer"] = json!("https://i");
    let keys = KeySet::parse(published.to_string().as_bytes()).unwrap();
    assert_eq!(token.check_signature(&keys), SignatureCheck::Invalid);
}

#[test]
fn a_token_without_a_kid_is_tried_with_eight_keys_at_most() {
    let signer = Signer::new();
    let raw = signer.sign(&json!({ "alg": "ES256" }), "{}");
    let Ok(token) = Unverified::parse(&raw, ES256) else {
        panic!("not taken apart");
    };
    let key = |signer: &Signer| -> Value {
        let mut set: Value = serde_json::from_str(&signer.jwks()).unwrap();
        set["keys"][0].take()
    };
    for (strangers, expected) in [(7, SignatureCheck::Valid), (8, SignatureCheck::Invalid)] {
        let mut keys: Vec<Value> = (0..strangers).map(|_| key(&Signer::new())).collect();
        keys.push(key(&signer));
        let keys = json!({ "keys": keys }).to_string();
        let keys = KeySet::parse(keys.as_bytes()).unwrap();
        assert_eq!(token.check_signature(&keys), expected, "{strangers}");
    }
}

/// A provider, and what asks it for keys.
struct Asking {
    provider: Provider,
    jwks: Jwks,
    http: HttpClient,
    asked: AtomicUsize,
}

impl Asking {
    async fn new() -> Self {
        Self {
            provider: Provider::start().await,
            jwks: Jwks::default(),
            http: HttpClient::new(&Config::default()).unwrap(),
            asked: AtomicUsize::new(0),
        }
    }

    /// Checks a token of this signer's, and says how many fetches that took.
    async fn check(
        &self,
        signer: &Signer,
        kid: &str,
    ) -> (Result<SignatureCheck, ProviderError>, usize) {
        let raw = signer.sign(&json!({ "alg": "ES256", "kid": kid }), "{}");
        let Ok(token) = Unverified::parse(&raw, ES256) else {
            panic!("not taken apart");
        };
        let uri = format!("{}/jwks", self.provider.issuer);
        let receipt = &mut Recorder::new();
        let checked = self
            .jwks
            .check(&self.http, &uri, &token, Cause::LogoutToken, receipt);
        let checked = checked.await;
        let asked = self.provider.asked("/jwks").len();
        (checked, asked - self.asked.swap(asked, Ordering::Relaxed))
    }

    /// The same for a check that comes to a checked.
    async fn checked(&self, signer: &Signer, kid: &str) -> (SignatureCheck, usize) {
        let (checked, fetches) = self.check(signer, kid).await;
        (checked.unwrap(), fetches)
    }
}

#[tokio::test]
async fn keys_are_fetched_once_and_again_when_they_do_not_fit() {
    let asking = Asking::new().await;
    let (old, new) = (&asking.provider.signer, Signer::new());
    assert_eq!(asking.checked(old, "1").await, (SignatureCheck::Valid, 1));
    assert_eq!(asking.checked(old, "1").await, (SignatureCheck::Valid, 0));
    // New keys under the old name.
    asking.provider.say("/jwks", &new.jwks());
    assert_eq!(asking.checked(&new, "1").await, (SignatureCheck::Valid, 1));
    assert_eq!(asking.checked(old, "1").await, (SignatureCheck::Invalid, 1));
    // A key that is nowhere.
    assert_eq!(asking.checked(&new, "2").await, (SignatureCheck::NoKey, 1));
    // The budget is spent, and what is known still serves.
    assert_eq!(asking.checked(&new, "2").await, (SignatureCheck::NoKey, 0));
    assert_eq!(asking.checked(&new, "1").await, (SignatureCheck::Valid, 0));
}

#[tokio::test]
async fn keys_that_were_just_fetched_are_fetched_again_only_for_a_name_they_lack() {
    let asking = Asking::new().await;
    assert_eq!(
        asking.checked(&Signer::new(), "1").await,
        (SignatureCheck::Invalid, 1)
    );
    let asking = Asking::new().await;
    assert_eq!(
        asking.checked(&Signer::new(), "2").await,
        (SignatureCheck::NoKey, 2)
    );
}

#[tokio::test]
async fn keys_that_are_not_to_be_had_are_an_error_and_not_a_verdict() {
    let asking = Asking::new().await;
    let signer = &asking.provider.signer;
    for status in [204, 404, 500] {
        asking.provider.say_as("/jwks", status, "text/plain", "");
        let (found, _) = asking.check(signer, "1").await;
        let status_is = |error: &ProviderError| matches!(error, ProviderError::Status { status: found, .. } if *found == status);
        assert!(found.as_ref().is_err_and(status_is), "{found:?}");
    }
    asking.provider.say("/jwks", "[]");
    let (found, _) = asking.check(signer, "1").await;
    assert!(matches!(found, Err(ProviderError::Malformed { .. })));
    asking.provider.say("/jwks", &signer.jwks());
    assert_eq!(
        asking.checked(signer, "1").await,
        (SignatureCheck::Valid, 1)
    );
}
