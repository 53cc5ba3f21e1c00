//! Each check of the ID token, by a token that is wrong in this one thing.

mod form;
mod refreshed;

use std::{fmt, time::Duration};

use serde_json::json;

use super::*;
use crate::{
    probes::signer::{ES256, NOW, Signer},
    provider::issuers::Issuers,
};

impl fmt::Debug for IdToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdToken").finish_non_exhaustive()
    }
}

impl Signer {
    fn verify(&self, raw: &str) -> Result<IdToken, IdTokenError> {
        self.verify_as(raw, &expected())
    }

    fn verify_as(
        &self,
        raw: &str,
        expected: &ExpectedIdToken<'_>,
    ) -> Result<IdToken, IdTokenError> {
        let token = Unverified::parse(raw, ES256)?;
        let checked = token.check_signature(&self.keys);
        let verified = IdToken::verify(&token, checked, expected, &mut Recorder::new());
        verified.map_err(|reason| match reason {
            FailureReason::IdToken(error) => error,
            other => panic!("not about the ID token: {other}"),
        })
    }
}

fn expected() -> ExpectedIdToken<'static> {
    ExpectedIdToken {
        issuers: Issuers::One("https://issuer.example"),
        client_id: "client",
        trusted_audiences: &[],
        nonce: Some("n-0S6_WzA2Mj"),
        access_token: "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y",
        max_age: None,
        asks_every_time: false,
        acr_values: None,
        now: NOW,
        skew: Duration::from_secs(60),
    }
}

fn claims() -> Value {
    json!({
        "iss": "https://issuer.example",
        "sub": "alice",
        "aud": "client",
        "exp": NOW + 300,
        "iat": NOW,
        "nonce": "n-0S6_WzA2Mj",
    })
}

/// Returns the good claims with one of them changed, or removed by `null`.
fn with(claim: &str, value: Value) -> Value {
    let mut claims = claims();
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(claim);
    } else {
        claims[claim] = value;
    }
    claims
}

#[test]
fn a_good_token_is_accepted_with_what_it_says() {
    let provider = Signer::new();
    let token = provider
        .verify(&provider.token(&with("sid", json!("s1"))))
        .unwrap();
    assert_eq!(token.issuer, "https://issuer.example");
    assert_eq!(token.subject, "alice");
    assert_eq!(token.issued_at, NOW);
    assert_eq!(token.sid.as_deref(), Some("s1"));
}

#[test]
fn where_no_nonce_was_sent_a_token_with_one_belongs_to_another_login() {
    let provider = Signer::new();
    let expected = ExpectedIdToken {
        nonce: None,
        ..expected()
    };
    let without = provider.token(&with("nonce", Value::Null));
    assert!(provider.verify_as(&without, &expected).is_ok());
    for (nonce, error) in [
        (json!("n-0S6_WzA2Mj"), IdTokenError::Nonce),
        (json!(""), IdTokenError::Nonce),
        (json!(7), IdTokenError::Invalid { claim: "nonce" }),
    ] {
        let raw = provider.token(&with("nonce", nonce));
        assert_eq!(provider.verify_as(&raw, &expected).err(), Some(error));
    }
}

#[test]
fn each_wrong_claim_is_refused_by_its_own_check() {
    use IdTokenError as E;
    let provider = Signer::new();
    let audience = |found: &[&str]| E::Audience {
        expected: "client".to_owned(),
        found: found.iter().map(|one| (*one).to_owned()).collect(),
    };
    let cases = [
        (with("iss", Value::Null), E::Missing { claim: "iss" }),
        (with("iss", json!(1)), E::Invalid { claim: "iss" }),
        (
            with("iss", json!("https://issuer.example/")),
            E::Issuer {
                expected: "https://issuer.example".to_owned(),
                found: "https://issuer.example/".to_owned(),
            },
        ),
        (with("aud", Value::Null), E::Missing { claim: "aud" }),
        (with("aud", json!(1)), E::Invalid { claim: "aud" }),
        (
            with("aud", json!(["client", 1])),
            E::Invalid { claim: "aud" },
        ),
        (with("aud", json!([])), audience(&[])),
        (with("aud", json!("other")), audience(&["other"])),
        (
            with("aud", json!(["client", "other"])),
            E::UntrustedAudience {
                found: "other".to_owned(),
            },
        ),
        (
            with("azp", json!("other")),
            E::AuthorizedParty {
                expected: "client".to_owned(),
                found: Some("other".to_owned()),
            },
        ),
        (with("exp", Value::Null), E::Missing { claim: "exp" }),
        (
            with("exp", json!("1900000000")),
            E::Invalid { claim: "exp" },
        ),
        (with("exp", json!(1e300)), E::Invalid { claim: "exp" }),
        (with("exp", json!(-1)), E::Invalid { claim: "exp" }),
        (with("exp", json!(NOW - 60)), E::Expired { seconds: 60 }),
        (with("iat", Value::Null), E::Missing { claim: "iat" }),
        (with("iat", json!(true)), E::Invalid { claim: "iat" }),
        (
            with("iat", json!(NOW + 61)),
            E::NotYetValid {
                claim: "iat",
                seconds: 61,
            },
        ),
        (
            with("iat", json!(NOW - 7 * 86_400)),
            E::IssuedTooLongAgo {
                seconds: 7 * 86_400,
            },
        ),
        (
            with("nbf", json!(NOW + 61)),
            E::NotYetValid {
                claim: "nbf",
                seconds: 61,
            },
        ),
        (with("nbf", json!("x")), E::Invalid { claim: "nbf" }),
        (with("nonce", Value::Null), E::Missing { claim: "nonce" }),
        (with("nonce", json!("")), E::Nonce),
        (with("nonce", json!("other")), E::Nonce),
        (with("nonce", json!(["n"])), E::Invalid { claim: "nonce" }),
        (with("sub", Value::Null), E::Missing { claim: "sub" }),
        (with("sub", json!("")), E::Invalid { claim: "sub" }),
        (with("sub", json!(7)), E::Invalid { claim: "sub" }),
        (with("sub", json!("é")), E::Invalid { claim: "sub" }),
        (
            with("sub", json!("x".repeat(256))),
            E::Invalid { claim: "sub" },
        ),
        (with("at_hash", json!("wrong")), E::AccessTokenHash),
        (with("at_hash", json!(1)), E::Invalid { claim: "at_hash" }),
    ];
    for (claims, error) in cases {
        let found = provider.verify(&provider.token(&claims)).unwrap_err();
        assert_eq!(found, error, "{claims}");
    }
}

#[test]
fn what_providers_are_free_to_do_is_accepted() {
    let provider = Signer::new();
    for claims in [
        with("aud", json!(["client"])),
        with("azp", json!("client")),
        with("exp", json!(NOW - 59)),
        with("exp", json!(1_900_000_000.5)),
        with("iat", json!(NOW + 60)),
        with("auth_time", json!(1_795_450_731.56)),
        with("nbf", json!(NOW)),
        with("unknown", json!({"a": [1]})),
        // Nobody asked for these two.
        with("acr", json!(1)),
        with("acr", json!({"values": ["urn:example"]})),
        with("auth_time", json!("yesterday")),
        // Without it, log-out from outside has the person.
        with("sid", json!({"id": 1})),
        with("sid", json!("")),
        with("sub", json!("x".repeat(255))),
        // OpenID Connect Core 1.0, the example of its appendix A.3 for SHA-256.
        with("at_hash", json!("77QmUPtjPfzWtF2AnpK9RQ")),
    ] {
        provider
            .verify(&provider.token(&claims))
            .unwrap_or_else(|error| panic!("{error}: {claims}"));
    }
}

#[test]
fn a_claim_that_is_null_is_absent() {
    let provider = Signer::new();
    let null = |claim: &str| {
        let mut claims = claims();
        claims[claim] = Value::Null;
        provider.verify(&provider.token(&claims))
    };
    for claim in [
        "azp",
        "at_hash",
        "c_hash",
        "acr",
        "auth_time",
        "nbf",
        "sid",
        "jti",
        "email",
    ] {
        let token = null(claim).unwrap_or_else(|error| panic!("{error}: {claim}"));
        assert!(!token.claims.contains_key(claim));
        assert_eq!(token.sid, None);
    }
    for claim in ["iss", "sub", "aud", "exp", "iat", "nonce"] {
        let missing = IdTokenError::Missing { claim };
        assert_eq!(null(claim).unwrap_err(), missing);
    }
    for member in ["kid", "typ", "crit", "cty", "jku"] {
        let mut header = json!({"alg": "ES256"});
        header[member] = Value::Null;
        let raw = provider.sign(&header, &claims().to_string());
        assert!(provider.verify(&raw).is_ok(), "{member}");
    }
    let raw = provider.sign(&json!({"alg": null, "kid": "1"}), &claims().to_string());
    let error = provider.verify(&raw).unwrap_err();
    assert!(matches!(error, IdTokenError::Malformed { .. }), "{error}");
    // What was asked for and is null was not delivered.
    let asked = ExpectedIdToken {
        max_age: Some(100),
        acr_values: Some("gold"),
        ..expected()
    };
    let mut claims = with("acr", json!("gold"));
    claims["auth_time"] = Value::Null;
    let error = provider.verify_as(&provider.token(&claims), &asked);
    let missing = IdTokenError::Missing { claim: "auth_time" };
    assert_eq!(error.unwrap_err(), missing);
}

#[test]
fn a_session_of_the_providers_may_have_a_number_for_its_name() {
    let provider = Signer::new();
    for (sid, name) in [
        (json!(4711), Some("4711")),
        (json!("s"), Some("s")),
        (json!([1]), None),
    ] {
        let token = provider.verify(&provider.token(&with("sid", sid))).unwrap();
        assert_eq!(token.sid.as_deref(), name);
    }
}

#[test]
fn a_trusted_audience_still_needs_azp() {
    let provider = Signer::new();
    let trusted = ["api".to_owned()];
    let expected = ExpectedIdToken {
        trusted_audiences: &trusted,
        ..expected()
    };
    let mut claims = with("aud", json!(["client", "api"]));
    let error = provider
        .verify_as(&provider.token(&claims), &expected)
        .unwrap_err();
    assert!(matches!(
        error,
        IdTokenError::AuthorizedParty { found: None, .. }
    ));
    claims["azp"] = json!("client");
    assert!(
        provider
            .verify_as(&provider.token(&claims), &expected)
            .is_ok()
    );
}

#[test]
fn max_age_needs_an_auth_time_that_is_young_enough() {
    let provider = Signer::new();
    let asked = ExpectedIdToken {
        max_age: Some(100),
        ..expected()
    };
    let verify = |claims: &Value| provider.verify_as(&provider.token(claims), &asked);
    assert_eq!(
        verify(&claims()).unwrap_err(),
        IdTokenError::Missing { claim: "auth_time" }
    );
    assert_eq!(
        verify(&with("auth_time", json!(NOW - 161))).unwrap_err(),
        IdTokenError::AuthTime {
            max_age: 100,
            age: 161
        }
    );
    assert!(verify(&with("auth_time", json!(NOW - 160))).is_ok());
    assert!(verify(&with("auth_time", json!(0))).is_err());
    let odd = verify(&with("auth_time", json!("now"))).unwrap_err();
    assert_eq!(odd, IdTokenError::Invalid { claim: "auth_time" });
}

#[test]
fn acr_must_be_one_of_those_asked_for() {
    let provider = Signer::new();
    let asked = ExpectedIdToken {
        acr_values: Some("gold silver"),
        ..expected()
    };
    let verify = |claims: &Value| provider.verify_as(&provider.token(claims), &asked);
    assert!(verify(&with("acr", json!("silver"))).is_ok());
    for claims in [
        claims(),
        with("acr", json!("bronze")),
        with("acr", json!("gold silver")),
    ] {
        assert!(matches!(
            verify(&claims).unwrap_err(),
            IdTokenError::Acr { .. }
        ));
    }
    for odd in [json!(1), json!(["gold"]), json!({"gold": true})] {
        let invalid = IdTokenError::Invalid { claim: "acr" };
        assert_eq!(verify(&with("acr", odd)).unwrap_err(), invalid);
    }
}

#[test]
fn a_fresh_token_may_be_as_old_as_a_day_and_the_clocks_difference() {
    let provider = Signer::new();
    const DAY: u64 = 86_400;
    let issued = |ago: u64| provider.verify(&provider.token(&with("iat", json!(NOW - ago))));
    assert!(issued(DAY + 60).is_ok());
    let seconds = DAY + 61;
    let error = issued(seconds).unwrap_err();
    assert_eq!(error, IdTokenError::IssuedTooLongAgo { seconds });
}
