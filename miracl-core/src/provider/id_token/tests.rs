//! Each check of the ID token, by a token that is wrong in this one thing.

mod refreshed;

use std::fmt;

use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::json;

use super::*;
use crate::error::login::FailureReason;
use crate::jose::jws::Unverified;
use crate::jose::keys::{KeySet, SignatureCheck};
use crate::provider::claims::sid;
use crate::provider::userinfo::signed_claims;
use crate::receipt::Recorder;

pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const ES256: &[SigningAlgorithm] = &[SigningAlgorithm::ES256];

impl fmt::Debug for IdToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdToken").finish_non_exhaustive()
    }
}

/// A provider's key, and the set it is published in.
pub(crate) struct Provider {
    key: EcdsaKeyPair,
    pub(crate) keys: KeySet,
}

impl Provider {
    pub(crate) fn new() -> Self {
        let rng = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &rng)
            .unwrap();
        let published = jwks(&[(&key, json!({"kid": "1"}))]);
        let keys = KeySet::parse(published.as_bytes()).unwrap();
        Self { key, keys }
    }

    /// The set as it is published.
    pub(crate) fn jwks(&self) -> String {
        jwks(&[(&self.key, json!({"kid": "1"}))])
    }

    pub(crate) fn sign(&self, header: &Value, payload: &str) -> String {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode_to_string(text);
        let signed = format!("{}.{}", encode(&header.to_string()), encode(payload));
        let signature = self
            .key
            .sign(&SystemRandom::new(), signed.as_bytes())
            .unwrap();
        format!(
            "{signed}.{}",
            URL_SAFE_NO_PAD.encode_to_string(signature.as_ref())
        )
    }

    pub(crate) fn token(&self, claims: &Value) -> String {
        self.sign(&json!({"alg": "ES256", "kid": "1"}), &claims.to_string())
    }

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
        let verified = IdToken::verify(token, checked, expected, &mut Recorder::new());
        verified.map_err(|reason| match reason {
            FailureReason::IdToken(error) => error,
            other => panic!("not about the ID token: {other}"),
        })
    }
}

/// A key set of these public keys, each with further members.
fn jwks(keys: &[(&EcdsaKeyPair, Value)]) -> String {
    let keys: Vec<Value> = keys
        .iter()
        .map(|(key, more)| {
            // An uncompressed point: 4, x, y.
            let point = key.public_key().as_ref();
            let mut jwk = json!({
                "kty": "EC",
                "crv": "P-256",
                "x": URL_SAFE_NO_PAD.encode_to_string(&point[1..33]),
                "y": URL_SAFE_NO_PAD.encode_to_string(&point[33..]),
            });
            for (name, value) in more.as_object().unwrap() {
                jwk[name] = value.clone();
            }
            jwk
        })
        .collect();
    json!({ "keys": keys }).to_string()
}

fn expected() -> ExpectedIdToken<'static> {
    ExpectedIdToken {
        issuers: Issuers::One("https://issuer.example"),
        client_id: "client",
        trusted_audiences: &[],
        nonce: "n-0S6_WzA2Mj",
        access_token: "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y",
        max_age: None,
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

/// The good claims with one of them changed, or taken away by `null`.
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
    let provider = Provider::new();
    let token = provider
        .verify(&provider.token(&with("sid", json!("s1"))))
        .unwrap();
    assert_eq!(token.issuer, "https://issuer.example");
    assert_eq!(token.subject, "alice");
    assert_eq!(token.issued_at, NOW);
    assert_eq!(token.sid.as_deref(), Some("s1"));
}

#[test]
fn each_wrong_claim_is_refused_by_its_own_check() {
    use IdTokenError as E;
    let provider = Provider::new();
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
    let provider = Provider::new();
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
    let provider = Provider::new();
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
    let provider = Provider::new();
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
fn a_number_names_one_session_of_the_providers_however_it_is_written() {
    for (written, name) in [
        ("1", Some("1")),
        ("1.0", Some("1")),
        ("1e0", Some("1")),
        ("-0", Some("0")),
        ("-7.0", Some("-7")),
        ("18446744073709551615", Some("18446744073709551615")),
        ("999999999999.0", Some("999999999999")),
        // Others are read as the same.
        ("18446744073709551616", None),
        ("18446744073709551617", None),
        ("9007199254740991.0", None),
        ("1.5", None),
    ] {
        let claims =
            crate::base::json::in_token(format!(r#"{{"sid":{written}}}"#).as_bytes()).unwrap();
        let found = sid(&claims).ok().flatten();
        assert_eq!(found.as_deref(), name, "{written}");
        assert_eq!(sid(&claims).is_err(), name.is_none(), "{written}");
    }
}

#[test]
fn a_member_that_stands_twice_in_a_token_is_named() {
    let provider = Provider::new();
    let header = json!({"alg": "ES256", "kid": "1"});
    let payload = claims().to_string();
    let twice = format!("{},\"sub\":\"alice\"}}", payload.strip_suffix('}').unwrap());
    let error = provider
        .verify(&provider.sign(&header, &twice))
        .unwrap_err();
    let detail = "the payload is JSON with the member `sub` twice".to_owned();
    assert_eq!(error, IdTokenError::Malformed { detail });
}

#[test]
fn a_shared_key_is_refused_on_purpose_and_the_error_says_so() {
    let error = |found: &str| {
        let found = found.to_owned();
        let allowed = vec!["ES256"];
        IdTokenError::Algorithm { allowed, found }.to_string()
    };
    for name in ["HS256", "HS384", "HS512"] {
        assert_eq!(
            error(name),
            format!(
                "it is signed with `{name}`, which is not accepted here: shared-key signature; allowed is ES256"
            )
        );
    }
    assert!(error("none").contains("not accepted here: no signature"));
    assert_eq!(error("XX"), "it is signed with `XX`, allowed is ES256");
}

#[test]
fn an_algorithm_counts_by_each_of_its_names() {
    use SigningAlgorithm::{ES384, EdDSA};
    let provider = Provider::new();
    let raw = provider.sign(&json!({"alg": "ESP256", "kid": "1"}), &claims().to_string());
    assert!(provider.verify(&raw).is_ok());
    for (name, algorithm) in [("Ed25519", EdDSA), ("EdDSA", EdDSA), ("ESP384", ES384)] {
        let raw = provider.sign(&json!({"alg": name}), "{}");
        let Ok(token) = Unverified::parse(&raw, &[algorithm]) else {
            panic!("not taken apart: {name}");
        };
        assert_eq!(token.algorithm(), algorithm);
        assert!(Unverified::parse(&raw, ES256).is_err());
    }
    for name in ["Ed448", "ESP512", "ES512", "ed25519"] {
        let raw = provider.sign(&json!({"alg": name}), "{}");
        assert!(Unverified::parse(&raw, &SigningAlgorithm::ALL).is_err());
    }
}

#[test]
fn a_trusted_audience_still_needs_azp() {
    let provider = Provider::new();
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
    let provider = Provider::new();
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
    let provider = Provider::new();
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
fn only_allowed_algorithms_are_looked_at() {
    let provider = Provider::new();
    let payload = claims().to_string();
    for algorithm in ["none", "None", "HS256", "RS256", "ES384", "XX", ""] {
        let raw = provider.sign(&json!({"alg": algorithm, "kid": "1"}), &payload);
        let error = provider.verify(&raw).unwrap_err();
        assert!(
            matches!(error, IdTokenError::Algorithm { .. }),
            "{algorithm}: {error}"
        );
    }
    let unsigned = provider.sign(&json!({"alg": "none"}), &payload);
    let unsigned = format!("{}.", unsigned.rsplit_once('.').unwrap().0);
    assert!(matches!(
        provider.verify(&unsigned).unwrap_err(),
        IdTokenError::Algorithm { .. }
    ));
}

#[test]
fn a_key_that_the_token_brings_along_is_not_looked_at() {
    let (provider, mallory) = (Provider::new(), Provider::new());
    let own: Value = serde_json::from_str(&jwks(&[(&mallory.key, json!({"kid": "1"}))])).unwrap();
    for (header, error) in [
        (
            json!({"alg": "ES256", "kid": "1", "jwk": own["keys"][0], "jku": "https://evil.example"}),
            IdTokenError::Signature,
        ),
        (
            json!({"alg": "ES256", "jwk": own["keys"][0], "x5u": "https://evil.example", "x5c": ["AA"]}),
            IdTokenError::Signature,
        ),
        (
            json!({"alg": "ES256", "kid": "2", "jwk": own["keys"][0]}),
            IdTokenError::UnknownKey {
                kid: Some("2".to_owned()),
            },
        ),
    ] {
        let raw = mallory.sign(&header, &claims().to_string());
        assert_eq!(provider.verify(&raw).unwrap_err(), error, "{header}");
    }
}

#[test]
fn signed_userinfo_is_from_this_issuer_for_this_client_where_it_says_so() {
    let provider = Provider::new();
    let read = |claims: Value| {
        let raw = provider.token(&claims);
        let token = Unverified::parse(&raw, ES256).map_err(|error| error.to_string())?;
        let checked = token.check_signature(&provider.keys);
        signed_claims(
            &token,
            checked,
            Issuers::One("https://issuer.example"),
            "client",
            NOW,
        )
        .map_err(|error| error.to_string())
    };
    let full = json!({"iss": "https://issuer.example", "aud": ["client"], "sub": "alice"});
    assert_eq!(read(full).unwrap()["sub"], "alice");
    assert!(read(json!({"sub": "alice"})).is_ok());
    for claims in [
        json!({"iss": "https://other.example", "sub": "alice"}),
        json!({"iss": 1, "sub": "alice"}),
        json!({"aud": "other", "sub": "alice"}),
        json!({"aud": [], "sub": "alice"}),
        json!({"aud": 1, "sub": "alice"}),
        json!({"exp": "x", "sub": "alice"}),
    ] {
        assert!(read(claims.clone()).is_err(), "{claims}");
    }
    assert!(read(json!({"exp": NOW + 1, "sub": "alice"})).is_ok());
    for ago in [0, 90] {
        let error = read(json!({"exp": NOW - ago, "sub": "alice"})).unwrap_err();
        assert_eq!(error, format!("it expired {ago} s ago"));
    }
    let raw = Provider::new().token(&json!({"sub": "alice"}));
    let Ok(token) = Unverified::parse(&raw, ES256) else {
        panic!("not taken apart");
    };
    let checked = token.check_signature(&provider.keys);
    let error = signed_claims(
        &token,
        checked,
        Issuers::One("https://issuer.example"),
        "client",
        NOW,
    );
    assert_eq!(error.unwrap_err(), IdTokenError::Signature);
}

#[test]
fn what_is_no_signed_jwt_is_refused() {
    let provider = Provider::new();
    let good = provider.token(&claims());
    let (head, signature) = good.rsplit_once('.').unwrap();
    let cases = [
        String::new(),
        "a".to_owned(),
        "a.b".to_owned(),
        "a.b.c.d.e".to_owned(),
        format!("{head}.{signature}."),
        format!("{good}="),
        format!(" {good}"),
        format!("{}.{}", head.replacen("ey", "e*", 1), signature),
        "x".repeat(17 * 1024),
        provider.sign(&json!([]), "{}"),
        provider.sign(&json!({"alg": 1}), "{}"),
        provider.sign(&json!({"alg": "ES256", "kid": 1}), "{}"),
        provider.sign(&json!({"alg": "ES256", "kid": "1"}), "[]"),
        provider.sign(&json!({"alg": "ES256", "kid": "1"}), "not json"),
        provider.sign(
            &json!({"alg": "ES256", "kid": "1"}),
            r#"{"sub":"alice","sub":"bob"}"#,
        ),
    ];
    for raw in cases {
        let error = provider.verify(&raw).unwrap_err();
        assert!(
            matches!(error, IdTokenError::Malformed { .. }),
            "{raw}: {error}"
        );
    }
    let critical = provider.sign(
        &json!({"alg": "ES256", "kid": "1", "crit": ["b64"]}),
        &claims().to_string(),
    );
    assert_eq!(
        provider.verify(&critical).unwrap_err(),
        IdTokenError::CriticalHeader
    );
}

#[test]
fn what_is_wrong_with_a_token_that_is_none_is_said() {
    let longest = "x".repeat(16 * 1024);
    for (raw, said) in [
        (longest.clone(), "it has not three segments"),
        (longest + "x", "longer than 16 KiB"),
        (
            "a.b.c.d.e".to_owned(),
            "it is encrypted, which was not registered",
        ),
        ("a.b.c.d".to_owned(), "it has not three segments"),
    ] {
        let found = Unverified::parse(&raw, ES256).err();
        let detail = said.to_owned();
        assert_eq!(
            found,
            Some(IdTokenError::Malformed { detail }),
            "{}",
            raw.len()
        );
    }
}

#[test]
fn a_fresh_token_may_be_as_old_as_a_day_and_the_clocks_difference() {
    let provider = Provider::new();
    const DAY: u64 = 86_400;
    let issued = |ago: u64| provider.verify(&provider.token(&with("iat", json!(NOW - ago))));
    assert!(issued(DAY + 60).is_ok());
    let seconds = DAY + 61;
    let error = issued(seconds).unwrap_err();
    assert_eq!(error, IdTokenError::IssuedTooLongAgo { seconds });
}

#[test]
fn a_logout_token_is_no_id_token_whatever_its_claims() {
    let provider = Provider::new();
    let of_type = |typ: &str| {
        let header = json!({"alg": "ES256", "kid": "1", "typ": typ});
        provider.verify(&provider.sign(&header, &claims().to_string()))
    };
    for typ in ["logout+jwt", "application/logout+jwt", "LOGOUT+JWT"] {
        let error = of_type(typ).unwrap_err();
        assert!(matches!(error, IdTokenError::Malformed { .. }), "{typ}");
    }
    assert!(of_type("JWT").is_ok());
}

#[test]
fn no_byte_of_a_token_can_be_changed() {
    let provider = Provider::new();
    let good = provider.token(&claims());
    for place in (0..good.len()).step_by(7) {
        let mut changed = good.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(provider.verify(&changed).is_err(), "{place}");
    }
}

#[test]
fn keys_are_chosen_by_kid_type_use_and_algorithm() {
    let (good, other) = (Provider::new(), Provider::new());
    let checked = |keys: String, header: Value| {
        let raw = good.sign(&header, &claims().to_string());
        let Ok(token) = Unverified::parse(&raw, ES256) else {
            panic!("not taken apart: {header}");
        };
        token.check_signature(&KeySet::parse(keys.as_bytes()).unwrap())
    };
    let with_kid = || json!({"alg": "ES256", "kid": "1"});
    let without_kid = || json!({"alg": "ES256"});
    let set = |keys: &[(&EcdsaKeyPair, Value)]| jwks(keys);
    let kid = |kid: &str| json!({"kid": kid});

    assert_eq!(
        checked(set(&[(&good.key, kid("1"))]), with_kid()),
        SignatureCheck::Valid
    );
    assert_eq!(
        checked(set(&[(&good.key, kid("2"))]), with_kid()),
        SignatureCheck::NoKey
    );
    assert_eq!(
        checked(set(&[(&other.key, kid("1"))]), with_kid()),
        SignatureCheck::Invalid
    );
    assert_eq!(checked(set(&[]), with_kid()), SignatureCheck::NoKey);
    // Decoys that share the kid: another key, one for encryption, one of another algorithm.
    let decoys = set(&[
        (&other.key, kid("1")),
        (&other.key, json!({"kid": "1", "use": "enc"})),
        (&good.key, json!({"kid": "1", "use": "sig", "alg": "ES256"})),
    ]);
    assert_eq!(checked(decoys, with_kid()), SignatureCheck::Valid);
    for more in [
        json!({"kid": "1", "use": "enc"}),
        json!({"kid": "1", "alg": "ES384"}),
    ] {
        assert_eq!(
            checked(set(&[(&good.key, more)]), with_kid()),
            SignatureCheck::NoKey
        );
    }
    // Without a kid, every key that fits is tried.
    let several = set(&[(&other.key, kid("1")), (&good.key, kid("2"))]);
    assert_eq!(checked(several, without_kid()), SignatureCheck::Valid);
    assert_eq!(
        checked(set(&[(&other.key, kid("1"))]), without_kid()),
        SignatureCheck::Invalid
    );
}

#[test]
fn unusable_keys_in_a_set_do_not_spoil_the_others_and_short_rsa_keys_are_weak() {
    let short = URL_SAFE_NO_PAD.encode_to_string([0xff; 128]);
    let text = json!({"keys": [
        {"kty": "XX"},
        "rubbish",
        {"kty": "RSA", "kid": "1", "n": short, "e": "AQAB"},
    ]});
    let keys = KeySet::parse(text.to_string().as_bytes()).unwrap();
    let checked = keys.verify(Some("1"), SigningAlgorithm::RS256, b"", b"", &|_| true);
    assert_eq!(checked, SignatureCheck::WeakKey);
    // The same modulus with bits behind its last byte, as some providers write it, and what is no modulus.
    for (n, expected) in [
        (
            format!("{}x", &short[..short.len() - 1]),
            SignatureCheck::WeakKey,
        ),
        (format!("{short}="), SignatureCheck::WeakKey),
        ("*".to_owned(), SignatureCheck::UnreadableKey),
        (String::new(), SignatureCheck::WeakKey),
    ] {
        let text = json!({"keys": [{"kty": "RSA", "kid": "1", "n": n, "e": "AQAB"}]});
        let keys = KeySet::parse(text.to_string().as_bytes()).unwrap();
        let checked = keys.verify(Some("1"), SigningAlgorithm::RS256, b"", b"", &|_| true);
        assert_eq!(checked, expected, "{n}");
    }
    // No modulus at all.
    let keys = KeySet::parse(br#"{"keys":[{"kty":"RSA","kid":"1","e":"AQAB"}]}"#).unwrap();
    let checked = keys.verify(Some("1"), SigningAlgorithm::RS256, b"", b"", &|_| true);
    assert_eq!(checked, SignatureCheck::UnreadableKey);
    assert!(KeySet::parse(b"{}").is_err());
    assert!(KeySet::parse(b"[]").is_err());
    assert!(KeySet::parse(br#"{"keys":{}}"#).is_err());
}
