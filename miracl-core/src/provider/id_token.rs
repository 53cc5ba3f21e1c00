//! The ID token and every check it must pass (OpenID Connect Core 1.0 §3.1.3.7).

use std::{borrow::Cow, time::Duration};

use base64_simd::URL_SAFE_NO_PAD;
use ring::digest;
use serde_json::{Map, Value};

use crate::{
    base::{secret::same, text::printable},
    error::{login::FailureReason, token::IdTokenError},
    jose::{algorithm::SigningAlgorithm, jws::Unverified, keys::SignatureCheck},
    provider::{
        claims::{audiences, check_audience, sid, text, time},
        issuers::Issuers,
        logout_token::LOGOUT_TYP,
    },
    receipt::{Applied, Recorder},
};

/// How old a token may be when it arrives fresh from the token endpoint.
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest `sub` (OpenID Connect Core 1.0 §2).
const MAX_SUB: usize = 255;

// The steps of OpenID Connect Core 1.0 §3.1.3.7, as receipts name them.
const CORE_2: &str = "OIDC Core §3.1.3.7 (2)";
const CORE_3: &str = "OIDC Core §3.1.3.7 (3)";
const CORE_4: &str = "OIDC Core §3.1.3.7 (4-5)";
const CORE_6: &str = "OIDC Core §3.1.3.7 (6-8)";
const CORE_9: &str = "OIDC Core §3.1.3.7 (9)";
const CORE_10: &str = "OIDC Core §3.1.3.7 (10)";
const CORE_11: &str = "OIDC Core §3.1.3.7 (11)";
const CORE_12: &str = "OIDC Core §3.1.3.7 (12)";
const CORE_13: &str = "OIDC Core §3.1.3.7 (13)";

/// What this client expects of an ID token.
pub(crate) struct ExpectedIdToken<'a> {
    pub(crate) issuers: Issuers<'a>,
    pub(crate) client_id: &'a str,
    pub(crate) trusted_audiences: &'a [String],
    pub(crate) nonce: &'a str,
    pub(crate) access_token: &'a str,
    pub(crate) max_age: Option<u64>,
    pub(crate) acr_values: Option<&'a str>,
    /// Seconds since 1970.
    pub(crate) now: u64,
    pub(crate) skew: Duration,
}

/// The claims of an ID token that passed every check.
pub(crate) struct IdToken {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) issued_at: u64,
    pub(crate) sid: Option<String>,
    pub(crate) claims: Map<String, Value>,
}

impl IdToken {
    /// Checks the claims of a token whose signature was found good, in the order of OpenID Connect Core 1.0 §3.1.3.7.
    pub(crate) fn verify(
        token: Unverified<'_>,
        signature: SignatureCheck,
        expected: &ExpectedIdToken<'_>,
        receipt: &mut Recorder,
    ) -> Result<Self, FailureReason> {
        // A token for something else, which the provider signed as well (RFC 8725 §3.11).
        let kind = match token.typ.as_deref() {
            Some(LOGOUT_TYP) => Err(IdTokenError::Malformed {
                detail: "it is a logout token".to_owned(),
            }),
            _ => Ok(()),
        };
        receipt.check("id_token typ", "RFC 8725 §3.11", kind)?;
        // Steps 6 to 8.
        receipt.check(
            "id_token signature",
            CORE_6,
            token.require_signature(signature),
        )?;
        let claims = receipt.check("id_token claims", "RFC 7519 §4", token.payload())?;
        let claims = &claims;

        // Step 2: the issuer, exactly.
        let issuer = receipt.check("id_token iss", CORE_2, check_issuer(claims, expected))?;
        let audience = check_audience(claims, expected.client_id, expected.trusted_audiences);
        receipt.check("id_token aud", CORE_3, audience)?;
        receipt.check_if("id_token azp", CORE_4, check_party(claims, expected))?;
        receipt.check("id_token exp", CORE_9, check_exp(claims, expected))?;
        let issued_at = receipt.check("id_token iat", CORE_10, check_iat(claims, expected))?;
        receipt.check_if(
            "id_token nbf",
            "RFC 7519 §4.1.5",
            check_nbf(claims, expected),
        )?;
        receipt.check("id_token nonce", CORE_11, check_nonce(claims, expected))?;
        receipt.check_if("id_token acr", CORE_12, check_acr(claims, expected))?;
        receipt.check_if(
            "id_token auth_time",
            CORE_13,
            check_auth_time(claims, expected),
        )?;
        let at_hash = check_at_hash(claims, token.algorithm(), expected.access_token);
        receipt.check_if("id_token at_hash", "OIDC Core §3.1.3.8", at_hash)?;
        let subject = receipt.check("id_token sub", "OIDC Core §2", check_subject(claims))?;
        Ok(Self {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            issued_at,
            sid: sid(claims).ok().flatten().map(Cow::into_owned),
            claims: claims.clone(),
        })
    }

    /// Checks the claims of an ID token that came with refreshed tokens (OpenID Connect Core 1.0 §12.2): it must be about the same
    /// person as the `first` one of the session, from the same issuer, and if it names a nonce, then the first one's.
    ///
    /// `auth_time` is not compared, though §12.2 has it stay: providers change it when the person logs in again
    /// elsewhere, and who they are is proven without it. openid-client compares at most `sub`, and mod_auth_openidc
    /// nothing.
    pub(crate) fn verify_refreshed(
        token: &Unverified<'_>,
        signature: SignatureCheck,
        subject: &str,
        first: &Map<String, Value>,
        expected: &ExpectedIdToken<'_>,
    ) -> Result<(), IdTokenError> {
        token.require_signature(signature)?;
        let claims = &token.payload()?;
        check_issuer(claims, expected)?;
        check_audience(claims, expected.client_id, expected.trusted_audiences)?;
        check_party(claims, expected)?;
        check_exp(claims, expected)?;
        check_iat(claims, expected)?;
        check_nbf(claims, expected)?;
        check_at_hash(claims, token.algorithm(), expected.access_token)?;
        if check_subject(claims)? != subject {
            return Err(IdTokenError::Changed { claim: "sub" });
        }
        // An `azp` is this client both times, or neither token was taken.
        let (now, before) = (claims.get("nonce"), first.get("nonce"));
        if now.is_some() && before.is_some() && now != before {
            return Err(IdTokenError::Changed { claim: "nonce" });
        }
        Ok(())
    }
}

fn check_issuer<'a>(
    claims: &'a Map<String, Value>,
    expected: &ExpectedIdToken<'_>,
) -> Result<&'a str, IdTokenError> {
    let issuer = text(claims, "iss")?.ok_or(IdTokenError::Missing { claim: "iss" })?;
    let tenant = match expected.issuers {
        Issuers::One(_) => None,
        Issuers::Tenants { .. } => text(claims, "tid")?,
    };
    match expected.issuers.of_tenant(tenant) {
        Some(right) if right == issuer => Ok(issuer),
        _ => Err(IdTokenError::Issuer {
            expected: expected.issuers.written().to_owned(),
            found: printable(issuer, 200),
        }),
    }
}

/// Steps 4 and 5: with several audiences there is an authorized party, and where there is one it is this client.
fn check_party(
    claims: &Map<String, Value>,
    expected: &ExpectedIdToken<'_>,
) -> Result<Applied, IdTokenError> {
    match text(claims, "azp")? {
        Some(party) if party == expected.client_id => Ok(Applied::Yes),
        None if audiences(claims)?.len() == 1 => Ok(Applied::No),
        found => Err(IdTokenError::AuthorizedParty {
            expected: expected.client_id.to_owned(),
            found: found.map(|party| printable(party, 200)),
        }),
    }
}

/// Step 9.
fn check_exp(
    claims: &Map<String, Value>,
    expected: &ExpectedIdToken<'_>,
) -> Result<(), IdTokenError> {
    let exp = time(claims, "exp")?.ok_or(IdTokenError::Missing { claim: "exp" })?;
    if expected.now >= exp.saturating_add(expected.skew.as_secs()) {
        return Err(IdTokenError::Expired {
            seconds: expected.now - exp,
        });
    }
    Ok(())
}

/// Step 10.
fn check_iat(
    claims: &Map<String, Value>,
    expected: &ExpectedIdToken<'_>,
) -> Result<u64, IdTokenError> {
    let iat = time(claims, "iat")?.ok_or(IdTokenError::Missing { claim: "iat" })?;
    not_in_the_future("iat", iat, expected)?;
    let age = expected.now.saturating_sub(iat);
    if age > MAX_AGE.as_secs() + expected.skew.as_secs() {
        return Err(IdTokenError::IssuedTooLongAgo { seconds: age });
    }
    Ok(iat)
}

fn check_nbf(
    claims: &Map<String, Value>,
    expected: &ExpectedIdToken<'_>,
) -> Result<Applied, IdTokenError> {
    let Some(nbf) = time(claims, "nbf")? else {
        return Ok(Applied::No);
    };
    not_in_the_future("nbf", nbf, expected)?;
    Ok(Applied::Yes)
}

fn not_in_the_future(
    claim: &'static str,
    at: u64,
    expected: &ExpectedIdToken<'_>,
) -> Result<(), IdTokenError> {
    if at > expected.now.saturating_add(expected.skew.as_secs()) {
        return Err(IdTokenError::NotYetValid {
            claim,
            seconds: at - expected.now,
        });
    }
    Ok(())
}

/// Step 11: the nonce of this login.
fn check_nonce(
    claims: &Map<String, Value>,
    expected: &ExpectedIdToken<'_>,
) -> Result<(), IdTokenError> {
    let nonce = text(claims, "nonce")?.ok_or(IdTokenError::Missing { claim: "nonce" })?;
    if same(nonce, expected.nonce) {
        Ok(())
    } else {
        Err(IdTokenError::Nonce)
    }
}

/// Step 12: how the person authenticated, if that was asked for.
fn check_acr(
    claims: &Map<String, Value>,
    expected: &ExpectedIdToken<'_>,
) -> Result<Applied, IdTokenError> {
    // Some providers send something else than text, which is nobody's business that did not ask.
    let Some(values) = expected.acr_values else {
        return Ok(Applied::No);
    };
    let acr = text(claims, "acr")?;
    let mut asked = values.split_ascii_whitespace();
    if acr.is_some_and(|acr| asked.any(|value| value == acr)) {
        return Ok(Applied::Yes);
    }
    Err(IdTokenError::Acr {
        asked: values.split_ascii_whitespace().map(str::to_owned).collect(),
        found: acr.map(|acr| printable(acr, 64)),
    })
}

/// Step 13: when the person authenticated, if that was asked for.
fn check_auth_time(
    claims: &Map<String, Value>,
    expected: &ExpectedIdToken<'_>,
) -> Result<Applied, IdTokenError> {
    let Some(max_age) = expected.max_age else {
        return Ok(Applied::No);
    };
    let auth_time =
        time(claims, "auth_time")?.ok_or(IdTokenError::Missing { claim: "auth_time" })?;
    let age = expected.now.saturating_sub(auth_time);
    if age > max_age.saturating_add(expected.skew.as_secs()) {
        return Err(IdTokenError::AuthTime { max_age, age });
    }
    Ok(Applied::Yes)
}

/// §2: who it is.
fn check_subject(claims: &Map<String, Value>) -> Result<&str, IdTokenError> {
    let subject = text(claims, "sub")?.ok_or(IdTokenError::Missing { claim: "sub" })?;
    if subject.is_empty() || subject.len() > MAX_SUB || !subject.is_ascii() {
        return Err(IdTokenError::Invalid { claim: "sub" });
    }
    Ok(subject)
}

/// §3.1.3.8: when there is an `at_hash`, it is the left half of the access token's hash.
fn check_at_hash(
    claims: &Map<String, Value>,
    algorithm: SigningAlgorithm,
    access_token: &str,
) -> Result<Applied, IdTokenError> {
    let Some(found) = text(claims, "at_hash")? else {
        return Ok(Applied::No);
    };
    use SigningAlgorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    let hashes: &[&digest::Algorithm] = match algorithm {
        RS256 | PS256 | ES256 => &[&digest::SHA256],
        RS384 | PS384 | ES384 => &[&digest::SHA384],
        RS512 | PS512 => &[&digest::SHA512],
        // Its name says no hash. SHA-512 is what Ed25519 uses inside; some providers take another.
        EdDSA => &[&digest::SHA512, &digest::SHA256, &digest::SHA384],
    };
    let fits = hashes.iter().any(|hash| {
        let whole = digest::digest(hash, access_token.as_bytes());
        let half = &whole.as_ref()[..whole.as_ref().len() / 2];
        same(found, &URL_SAFE_NO_PAD.encode_to_string(half))
    });
    if fits {
        Ok(Applied::Yes)
    } else {
        Err(IdTokenError::AccessTokenHash)
    }
}

#[cfg(test)]
pub(crate) mod tests;
