//! What may be wrong in an ID token's claims. `signing.rs` has what may be wrong in its signature.

use serde_json::{Map, Value, json};

use super::{DAY, Fault, Faults, HOUR, OTHER_CLIENT, OTHER_ISSUER, OTHER_PERSON};
use crate::clock;
use crate::id_token::Occasion;

/// How many bytes are added to a token that is too long.
const PADDING: usize = 16 * 1024;

/// By how many seconds clocks differ in practice.
const SKEW: u64 = 20;

/// More seconds than any leeway for clocks.
const MINUTES: u64 = 6 * 60;

/// The longest `sub` has 255 characters (OIDC Core §2).
const TOO_LONG: usize = 256;

impl Faults {
    /// Changes the claims of an ID token before it is signed.
    pub(crate) fn on_claims(&self, claims: &mut Value, occasion: Occasion) {
        for fault in self.active.iter().copied() {
            if let Some((name, value)) = other_claim(fault, claims, occasion) {
                match value {
                    Some(value) => claims[name] = value,
                    None => remove(claims, name),
                }
            }
            match fault {
                Fault::IdTokenExpired => shift(claims, |time| time.saturating_sub(2 * HOUR)),
                Fault::IdTokenExpiredSecondsAgo => run_out(claims, SKEW),
                Fault::IdTokenExpiredMinutesAgo => run_out(claims, MINUTES),
                Fault::IdTokenFromTheFuture => shift(claims, |time| time + HOUR),
                Fault::IdTokenSecondsAhead => shift(claims, |time| time + SKEW),
                Fault::IdTokenMinutesAhead => shift(claims, |time| time + MINUTES),
                Fault::IdTokenExtraAudienceWithAzp => claims["azp"] = client(claims).into(),
                Fault::IdTokenExtraAudienceOtherAzp => claims["azp"] = json!(OTHER_CLIENT),
                Fault::IdTokenNullClaims => {
                    for name in ["acr", "at_hash", "auth_time", "azp", "nbf", "sid"] {
                        claims[name] = Value::Null;
                    }
                }
                _ => {}
            }
        }
    }

    /// Changes the text of an ID token's claims.
    pub(crate) fn on_payload(&self, payload: &mut String) {
        if self.has(Fault::IdTokenDuplicateClaims) {
            payload.truncate(payload.len() - 1);
            *payload += &format!(r#","sub":"{OTHER_PERSON}"}}"#);
        }
        if self.has(Fault::IdTokenPayloadNotJson) {
            *payload = "no claims today".to_owned();
        }
    }
}

/// Returns the claim that a fault changes, with its value, or without one where the claim is left out.
fn other_claim(
    fault: Fault,
    claims: &Value,
    occasion: Occasion,
) -> Option<(&'static str, Option<Value>)> {
    let refreshed = occasion == Occasion::Refresh;
    let time = |name: &str| claims[name].as_u64().unwrap_or(0);
    let both = || Some(json!([client(claims), OTHER_CLIENT]));
    Some(match fault {
        Fault::IdTokenWrongIssuer => ("iss", Some(json!(OTHER_ISSUER))),
        Fault::IdTokenIssArray => ("iss", Some(json!([claims["iss"]]))),
        Fault::IdTokenWithoutIss => ("iss", None),

        Fault::IdTokenWrongAudience => ("aud", Some(json!(OTHER_CLIENT))),
        Fault::IdTokenWithoutAud => ("aud", None),
        Fault::IdTokenEmptyAud => ("aud", Some(json!([]))),
        Fault::IdTokenAudArray => ("aud", Some(json!([client(claims)]))),
        Fault::IdTokenExtraAudience
        | Fault::IdTokenExtraAudienceWithAzp
        | Fault::IdTokenExtraAudienceOtherAzp => ("aud", both()),
        Fault::IdTokenWrongAzp => ("azp", Some(json!(OTHER_CLIENT))),

        Fault::IdTokenWithoutExp => ("exp", None),
        Fault::IdTokenExpString => ("exp", Some(json!(time("exp").to_string()))),
        Fault::IdTokenExpEnormous => ("exp", Some(json!(1e300))),
        Fault::IdTokenExpNull => ("exp", Some(Value::Null)),
        Fault::IdTokenExpNegative => ("exp", Some(json!(-1))),
        Fault::IdTokenWithoutIat => ("iat", None),
        Fault::IdTokenIatString => ("iat", Some(json!(time("iat").to_string()))),
        Fault::IdTokenIatWeekOld => ("iat", Some(json!(time("iat").saturating_sub(7 * DAY)))),
        Fault::IdTokenNotBeforeFuture => ("nbf", Some(json!(clock::now() + HOUR))),

        Fault::IdTokenWrongNonce => ("nonce", Some(json!("another-nonce"))),
        Fault::IdTokenWithoutNonce => ("nonce", None),
        Fault::IdTokenNonceNumber => ("nonce", Some(json!(42))),

        Fault::IdTokenWithoutSub => ("sub", None),
        Fault::IdTokenEmptySub => ("sub", Some(json!(""))),
        Fault::IdTokenSubNumber => ("sub", Some(json!(42))),
        Fault::IdTokenSubTooLong => ("sub", Some(json!("a".repeat(TOO_LONG)))),
        Fault::IdTokenSubNotAscii => ("sub", Some(json!("älice@example.com"))),

        Fault::IdTokenAuthTimeTooOld => (
            "auth_time",
            Some(json!(time("auth_time").saturating_sub(DAY))),
        ),
        Fault::IdTokenWithoutAuthTime => ("auth_time", None),
        Fault::IdTokenAcrNotMet => ("acr", Some(json!("urn:example:not-asked-for"))),
        Fault::IdTokenWithoutAcr => ("acr", None),
        Fault::IdTokenWrongAtHash => ("at_hash", Some(json!("AAAAAAAAAAAAAAAAAAAAAA"))),
        Fault::IdTokenWithoutAtHash => ("at_hash", None),
        Fault::IdTokenNonceNull => ("nonce", Some(Value::Null)),
        Fault::IdTokenAcrObject => ("acr", Some(json!({ "values": ["urn:example:pin"] }))),
        Fault::IdTokenSidNumber => ("sid", Some(json!(4711))),
        Fault::IdTokenTooLong => ("padding", Some(json!("x".repeat(PADDING)))),

        Fault::RefreshedWrongIssuer if refreshed => ("iss", Some(json!(OTHER_ISSUER))),
        Fault::RefreshedOtherSub if refreshed => ("sub", Some(json!(OTHER_PERSON))),
        Fault::RefreshedOtherAudience if refreshed => ("aud", Some(json!(OTHER_CLIENT))),
        Fault::RefreshedOtherAuthTime if refreshed => (
            "auth_time",
            Some(json!(time("auth_time").saturating_sub(HOUR))),
        ),
        Fault::RefreshedOtherNonce if refreshed => ("nonce", Some(json!("another-nonce"))),
        Fault::RefreshedAtHashNull if refreshed => ("at_hash", Some(Value::Null)),
        _ => return None,
    })
}

/// Returns the client that a token is for, also where others stand beside it.
fn client(claims: &Value) -> Option<&str> {
    claims["aud"].as_str().or_else(|| claims["aud"][0].as_str())
}

/// Moves `iat` and `exp` so that the token expired this many seconds ago.
fn run_out(claims: &mut Value, ago: u64) {
    let end = clock::now().saturating_sub(ago);
    let past = claims["exp"].as_u64().unwrap_or(0).saturating_sub(end);
    shift(claims, |time| time.saturating_sub(past));
}

/// Moves `iat` and `exp`, the only claims that `exp` checks look at; `auth_time` stays.
fn shift(claims: &mut Value, by: impl Fn(u64) -> u64) {
    for name in ["iat", "exp"] {
        claims[name] = json!(by(claims[name].as_u64().unwrap_or(0)));
    }
}

fn remove(value: &mut Value, name: &str) {
    value
        .as_object_mut()
        .map(|object: &mut Map<_, _>| object.remove(name));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_of_two_subjects_is_somebody_else() {
        let mut payload = json!({ "sub": "alice" }).to_string();
        Faults::new([Fault::IdTokenDuplicateClaims]).on_payload(&mut payload);
        assert_eq!(payload, r#"{"sub":"alice","sub":"mallory@example.com"}"#);
    }

    #[test]
    fn a_token_runs_out_when_the_fault_says() {
        let now = clock::now();
        let mut claims = json!({ "iat": now, "exp": now + 900 });
        Faults::new([Fault::IdTokenExpiredSecondsAgo]).on_claims(&mut claims, Occasion::Login);
        let (iat, exp) = (
            claims["iat"].as_u64().unwrap(),
            claims["exp"].as_u64().unwrap(),
        );
        assert_eq!(exp - iat, 900);
        assert!((SKEW..SKEW + 5).contains(&(clock::now() - exp)));
    }

    #[test]
    fn two_faults_at_once_do_both() {
        let mut claims = json!({ "iss": "a", "aud": "b", "iat": 10_000, "exp": 10_900 });
        let faults = Faults::new([Fault::IdTokenExtraAudienceWithAzp, Fault::IdTokenExpired]);
        faults.on_claims(&mut claims, Occasion::Login);
        let expected = json!({
            "iss": "a", "aud": ["b", OTHER_CLIENT], "azp": "b", "iat": 2800, "exp": 3700,
        });
        assert_eq!(claims, expected);
    }
}
