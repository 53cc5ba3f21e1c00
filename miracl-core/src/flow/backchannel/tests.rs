//! Each check of a logout token, by a token that is wrong in this one thing.

mod route;

use serde_json::{Value, json};

use super::*;
use crate::{
    config::options::LogoutTokenRules,
    jose::algorithm::SigningAlgorithm,
    probes::signer::{ES256, NOW, Signer},
    provider::{
        issuers::Issuers,
        logout_token::{EVENT, MAX_NAME},
        used_algorithms::UsedAlgorithms,
    },
};

fn expected(rules: LogoutTokenRules) -> ExpectedLogoutToken<'static> {
    ExpectedLogoutToken {
        issuers: Issuers::One("https://issuer.example"),
        client_id: "client",
        trusted_audiences: &[],
        rules,
        now: NOW,
        skew: 60,
    }
}

/// A good token of one session, with one claim set, or removed where the value is null.
fn with(claim: &str, value: Value) -> Value {
    let mut claims = json!({
        "iss": "https://issuer.example",
        "aud": "client",
        "iat": NOW,
        "exp": NOW + 120,
        "jti": "token-1",
        "sub": "alice",
        "sid": "session-1",
        "events": { EVENT: {} },
    });
    let object = claims.as_object_mut().unwrap();
    match value {
        Value::Null => drop(object.remove(claim)),
        value => drop(object.insert(claim.to_owned(), value)),
    }
    claims
}

fn verify_as(
    header: &Value,
    claims: &Value,
    rules: LogoutTokenRules,
) -> Result<LogoutToken, String> {
    let provider = Signer::new();
    let raw = provider.sign(header, &claims.to_string());
    let token = Unverified::parse(&raw, ES256).map_err(|error| error.to_string())?;
    let verdict = token.check_signature(&provider.keys);
    LogoutToken::verify(&token, verdict, &expected(rules)).map_err(|error| error.to_string())
}

fn header() -> Value {
    json!({ "alg": "ES256", "kid": "1", "typ": "logout+jwt" })
}

fn verify(claims: &Value) -> Result<LogoutToken, String> {
    verify_as(&header(), claims, LogoutTokenRules::Final)
}

#[test]
fn a_good_token_names_its_session() {
    let token = verify(&with("nothing", json!(1))).unwrap();
    assert_eq!(token.subject.as_deref(), Some("alice"));
    assert_eq!(token.sid.as_deref(), Some("session-1"));
    assert_eq!((token.issued_at, &*token.id), (NOW, "token-1"));
}

#[test]
fn what_may_be_missing_or_otherwise_is_accepted() {
    for claims in [
        with("sub", Value::Null),
        with("sid", Value::Null),
        with("aud", json!(["client"])),
        with("iat", json!(NOW + 60)),
        with("iat", json!(NOW - 660)),
        with("exp", json!(NOW - 59)),
        with("sid", json!("x".repeat(MAX_NAME))),
        with("jti", json!("x".repeat(MAX_NAME))),
        with("events", json!({ EVENT: {}, "https://other.example": {} })),
        with("events", json!({ EVENT: { "more": 1 } })),
    ] {
        verify(&claims).unwrap_or_else(|error| panic!("{error}: {claims}"));
    }
}

#[test]
fn a_token_that_is_wrong_in_one_thing_is_refused_for_it() {
    let event = |value: Value| with("events", value);
    for (claims, reason) in [
        (with("iss", Value::Null), "`iss` is missing"),
        (with("iss", json!("https://evil.example")), "`iss` is"),
        (with("iss", json!(7)), "`iss` has a value"),
        (with("aud", Value::Null), "`aud` is missing"),
        (with("aud", json!("another")), "`aud` is"),
        (with("aud", json!([])), "`aud` is"),
        (with("aud", json!(["client", "stranger"])), "stranger"),
        (with("iat", Value::Null), "`iat` is missing"),
        (with("iat", json!("now")), "`iat` has a value"),
        (with("iat", json!(NOW + 61)), "lies 61 s in the future"),
        (with("iat", json!(NOW - 661)), "issued 661 s ago"),
        (with("exp", Value::Null), "`exp` is missing"),
        (with("exp", json!("later")), "`exp` has a value"),
        (with("exp", json!(1e300)), "`exp` has a value"),
        (with("exp", json!(NOW - 60)), "expired 60 s ago"),
        (with("jti", Value::Null), "`jti` is missing"),
        (with("jti", json!("")), "`jti` has a value"),
        (with("jti", json!(7)), "`jti` has a value"),
        (with("jti", json!("x".repeat(1025))), "`jti` has a value"),
        (with("sub", json!(7)), "`sub` has a value"),
        (with("sid", json!("")), "`sid` has a value"),
        (with("nonce", json!("n")), "`nonce`"),
        (with("nonce", json!(7)), "`nonce`"),
        (event(Value::Null), "`events`"),
        (event(json!([EVENT])), "`events`"),
        (event(json!(EVENT)), "`events`"),
        (event(json!({ "https://other.example": {} })), "`events`"),
        (event(json!({ EVENT: true })), "`events`"),
        (event(json!({ EVENT: null })), "`events`"),
    ] {
        let error = verify(&claims).expect_err(reason);
        assert!(error.contains(reason), "{error}: {claims}");
    }
    let mut nobody = with("sub", Value::Null);
    nobody.as_object_mut().unwrap().remove("sid");
    assert!(verify(&nobody).unwrap_err().contains("neither"));
}

#[test]
fn a_claim_that_is_null_is_absent() {
    let null = |claim: &str, rules| {
        let mut claims = with(claim, Value::Null);
        claims[claim] = Value::Null;
        verify_as(&header(), &claims, rules)
    };
    let finally = |claim| null(claim, LogoutTokenRules::Final);
    assert_eq!(finally("sid").unwrap().sid, None);
    assert_eq!(finally("sub").unwrap().subject, None);
    assert!(finally("nonce").is_ok());
    assert!(null("exp", LogoutTokenRules::Lenient).is_ok());
    for claim in ["exp", "iat", "iss", "aud", "jti"] {
        let missing = format!("`{claim}` is missing");
        assert_eq!(finally(claim).unwrap_err(), missing);
    }
    assert!(finally("events").unwrap_err().contains("`events`"));
    let mut nobody = with("sub", Value::Null);
    (nobody["sub"], nobody["sid"]) = (Value::Null, Value::Null);
    assert!(verify(&nobody).unwrap_err().contains("neither"));
    let typ = json!({ "alg": "ES256", "kid": null, "typ": null });
    let good = with("nothing", json!(1));
    assert!(verify_as(&typ, &good, LogoutTokenRules::Final).is_ok());
    assert!(verify_as(&typ, &good, LogoutTokenRules::Strict).is_err());
}

#[test]
fn a_session_may_have_a_number_for_its_name() {
    let token = verify(&with("sid", json!(4711))).unwrap();
    assert_eq!(token.sid.as_deref(), Some("4711"));
    let one = verify(&with("sid", json!(1.0))).unwrap();
    assert_eq!(one.sid.as_deref(), Some("1"));
    for odd in [json!([1]), json!({}), json!(true), json!(1e20)] {
        let error = verify(&with("sid", odd)).unwrap_err();
        assert!(error.contains("`sid` has a value"), "{error}");
    }
}

#[test]
fn the_type_may_be_missing_unless_the_rules_are_strict() {
    use LogoutTokenRules::{Final, Lenient, Strict};
    let good = with("nothing", json!(1));
    let of_type = |typ: Value, rules| {
        let mut header = header();
        header["typ"] = typ;
        if header["typ"].is_null() {
            header.as_object_mut().unwrap().remove("typ");
        }
        verify_as(&header, &good, rules).is_ok()
    };
    for (typ, finally, strictly) in [
        (json!("logout+jwt"), true, true),
        (json!("application/LOGOUT+JWT"), true, true),
        (json!("JWT"), true, false),
        (Value::Null, true, false),
        (json!("at+jwt"), false, false),
        (json!(7), false, false),
    ] {
        assert_eq!(of_type(typ.clone(), Final), finally, "{typ}");
        assert_eq!(of_type(typ.clone(), Lenient), finally, "{typ}");
        assert_eq!(of_type(typ.clone(), Strict), strictly, "{typ}");
    }
}

#[test]
fn lenient_rules_do_without_an_end_and_with_a_beginning() {
    let lenient = |claims: &Value| verify_as(&header(), claims, LogoutTokenRules::Lenient);
    let mut claims = with("exp", Value::Null);
    assert!(lenient(&claims).is_ok());
    claims["iat"] = json!(NOW - 661);
    assert!(lenient(&claims).is_err());
    assert!(lenient(&with("exp", json!(NOW - 60))).is_err());
}

#[test]
fn another_signature_and_another_algorithm_are_refused() {
    let good = with("nothing", json!(1));
    let raw = Signer::new().sign(&header(), &good.to_string());
    let token = Unverified::parse(&raw, ES256).unwrap();
    let verdict = token.check_signature(&Signer::new().keys);
    let expected = expected(LogoutTokenRules::Final);
    assert!(LogoutToken::verify(&token, verdict, &expected).is_err());
    assert!(Unverified::parse(&raw, &[SigningAlgorithm::RS256]).is_err());
}

#[test]
fn a_client_without_a_registered_algorithm_takes_the_one_of_its_id_tokens() {
    use SigningAlgorithm::{ES256, EdDSA, RS256};
    let seen = UsedAlgorithms::default();
    assert_eq!(seen.restrict(vec![RS256, ES256]), [RS256, ES256]);
    seen.record(ES256);
    assert_eq!(seen.restrict(vec![RS256, ES256, EdDSA]), [ES256]);
    seen.record(EdDSA);
    assert_eq!(seen.restrict(vec![RS256, ES256, EdDSA]), [ES256, EdDSA]);
}

#[test]
fn a_form_has_one_token_and_whatever_else() {
    assert_eq!(
        logout_token(Some(b"logout_token=a.b.c&more=1")).unwrap(),
        "a.b.c"
    );
    for form in [
        None,
        Some(&b""[..]),
        Some(b"logout_tokens=a"),
        Some(b"logout_token=a&logout_token=a"),
    ] {
        assert!(logout_token(form).is_err(), "{form:?}");
    }
}
