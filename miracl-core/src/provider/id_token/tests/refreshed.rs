//! The ID token that comes with refreshed tokens (OpenID Connect Core 1.0 §12.2), by tokens that are wrong in one thing
//! each.

use super::*;
use crate::base::json;

/// Checks a refreshed token against the first one of a session.
fn refresh(provider: &Signer, first: &Value, now: &Value) -> Result<(), IdTokenError> {
    let raw = provider.token(now);
    let token = Unverified::parse(&raw, ES256)?;
    let checked = token.check_signature(&provider.keys);
    let first = first.as_object().unwrap();
    IdToken::verify_refreshed(&token, checked, "alice", first, &expected())
}

#[test]
fn a_refreshed_token_is_about_the_same_person_from_the_same_issuer_for_this_client() {
    use IdTokenError as E;
    let provider = Signer::new();
    let cases = [
        (with("sub", json!("bob")), E::Changed { claim: "sub" }),
        (with("sub", Value::Null), E::Missing { claim: "sub" }),
        (
            with("iss", json!("https://other.example")),
            E::Issuer {
                expected: "https://issuer.example".to_owned(),
                found: "https://other.example".to_owned(),
            },
        ),
        (
            with("aud", json!("other")),
            E::Audience {
                expected: "client".to_owned(),
                found: vec!["other".to_owned()],
            },
        ),
        (
            with("azp", json!("other")),
            E::AuthorizedParty {
                expected: "client".to_owned(),
                found: Some("other".to_owned()),
            },
        ),
        (with("exp", json!(NOW - 60)), E::Expired { seconds: 60 }),
        (with("iat", Value::Null), E::Missing { claim: "iat" }),
        (
            with("nbf", json!(NOW + 61)),
            E::NotYetValid {
                claim: "nbf",
                seconds: 61,
            },
        ),
        (with("at_hash", json!("wrong")), E::AccessTokenHash),
        (with("nonce", json!("other")), E::Changed { claim: "nonce" }),
    ];
    for (now, error) in cases {
        let found = refresh(&provider, &claims(), &now).unwrap_err();
        assert_eq!(found, error, "{now}");
    }
    assert_eq!(refresh(&provider, &claims(), &claims()), Ok(()));
}

#[test]
fn what_a_refreshed_token_leaves_out_or_adds_is_not_compared() {
    let provider = Signer::new();
    for claim in ["nonce", "azp"] {
        let (named, mut silent) = (with(claim, json!("client")), with(claim, Value::Null));
        for null in [false, true] {
            if null {
                silent[claim] = Value::Null;
            }
            let first = without_null(&silent);
            assert_eq!(refresh(&provider, &named, &silent), Ok(()), "{claim}");
            assert_eq!(refresh(&provider, &first, &named), Ok(()), "{claim}");
            assert_eq!(refresh(&provider, &named, &named), Ok(()), "{claim}");
        }
    }
}

/// The claims as a session has them.
fn without_null(claims: &Value) -> Value {
    json::in_token(claims.to_string().as_bytes())
        .unwrap()
        .into()
}

#[test]
fn another_time_of_authentication_ends_no_session() {
    let provider = Signer::new();
    let at = |time: Value| with("auth_time", time);
    for (then, later) in [
        (json!(NOW - 9), json!(NOW)),
        (json!(NOW), json!(NOW - 9)),
        (json!(NOW), json!("yesterday")),
        (json!(NOW), Value::Null),
        (Value::Null, json!(NOW)),
    ] {
        let refreshed = refresh(&provider, &at(then), &at(later.clone()));
        assert_eq!(refreshed, Ok(()), "{later}");
    }
}

#[test]
fn claims_of_a_refreshed_token_that_are_null_are_absent() {
    let provider = Signer::new();
    for claim in ["at_hash", "nonce", "auth_time", "azp", "nbf", "acr", "sid"] {
        let mut now = claims();
        now[claim] = Value::Null;
        assert_eq!(refresh(&provider, &claims(), &now), Ok(()), "{claim}");
    }
    for claim in ["iss", "sub", "aud", "exp", "iat"] {
        let mut now = claims();
        now[claim] = Value::Null;
        let missing = IdTokenError::Missing { claim };
        assert_eq!(refresh(&provider, &claims(), &now), Err(missing));
    }
}

#[test]
fn a_refreshed_token_is_signed_by_the_provider() {
    let (provider, stranger) = (Signer::new(), Signer::new());
    let raw = stranger.token(&claims());
    let Ok(token) = Unverified::parse(&raw, ES256) else {
        panic!("not taken apart");
    };
    let first = claims();
    let first = first.as_object().unwrap();
    for (checked, error) in [
        (
            token.check_signature(&provider.keys),
            IdTokenError::Signature,
        ),
        (SignatureCheck::WeakKey, IdTokenError::WeakKey),
        (SignatureCheck::OtherIssuer, IdTokenError::KeyOfOtherIssuer),
        (
            SignatureCheck::UnreadableKey,
            IdTokenError::UnreadableKey {
                kid: Some("1".to_owned()),
            },
        ),
        (
            SignatureCheck::NoKey,
            IdTokenError::UnknownKey {
                kid: Some("1".to_owned()),
            },
        ),
    ] {
        let found = IdToken::verify_refreshed(&token, checked, "alice", first, &expected());
        assert_eq!(found, Err(error));
    }
}
