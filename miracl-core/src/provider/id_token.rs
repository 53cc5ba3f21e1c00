//! The ID token and every check it must pass (OpenID Connect Core 1.0 §3.1.3.7).

use std::time::Duration;

use base64_simd::URL_SAFE_NO_PAD;
use ring::digest;
use serde_json::{Map, Value};

use crate::{
    base::{secret::same, text::printable},
    error::token::IdTokenError,
    jose::algorithm::SigningAlgorithm,
    provider::{
        claims::{audiences, text, time},
        issuers::Issuers,
    },
    receipt::Applied,
};

/// How old a token may be when it arrives fresh from the token endpoint.
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest `sub` (OpenID Connect Core 1.0 §2).
const MAX_SUB: usize = 255;

// The steps of OpenID Connect Core 1.0 §3.1.3.7, as receipts name them.
pub(crate) const CORE_2: &str = "OIDC Core §3.1.3.7 (2)";
pub(crate) const CORE_3: &str = "OIDC Core §3.1.3.7 (3)";
pub(crate) const CORE_4: &str = "OIDC Core §3.1.3.7 (4-5)";
pub(crate) const CORE_6: &str = "OIDC Core §3.1.3.7 (6-8)";
pub(crate) const CORE_9: &str = "OIDC Core §3.1.3.7 (9)";
pub(crate) const CORE_10: &str = "OIDC Core §3.1.3.7 (10)";
pub(crate) const CORE_11: &str = "OIDC Core §3.1.3.7 (11)";
pub(crate) const CORE_12: &str = "OIDC Core §3.1.3.7 (12)";
pub(crate) const CORE_13: &str = "OIDC Core §3.1.3.7 (13)";

/// What this client expects of an ID token.
pub(crate) struct Expected<'a> {
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

pub(crate) fn check_issuer<'a>(
    claims: &'a Map<String, Value>,
    expected: &Expected<'_>,
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
pub(crate) fn check_party(
    claims: &Map<String, Value>,
    expected: &Expected<'_>,
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
pub(crate) fn check_exp(
    claims: &Map<String, Value>,
    expected: &Expected<'_>,
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
pub(crate) fn check_iat(
    claims: &Map<String, Value>,
    expected: &Expected<'_>,
) -> Result<u64, IdTokenError> {
    let iat = time(claims, "iat")?.ok_or(IdTokenError::Missing { claim: "iat" })?;
    not_in_the_future("iat", iat, expected)?;
    let age = expected.now.saturating_sub(iat);
    if age > MAX_AGE.as_secs() + expected.skew.as_secs() {
        return Err(IdTokenError::IssuedTooLongAgo { seconds: age });
    }
    Ok(iat)
}

pub(crate) fn check_nbf(
    claims: &Map<String, Value>,
    expected: &Expected<'_>,
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
    expected: &Expected<'_>,
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
pub(crate) fn check_nonce(
    claims: &Map<String, Value>,
    expected: &Expected<'_>,
) -> Result<(), IdTokenError> {
    let nonce = text(claims, "nonce")?.ok_or(IdTokenError::Missing { claim: "nonce" })?;
    if same(nonce, expected.nonce) {
        Ok(())
    } else {
        Err(IdTokenError::Nonce)
    }
}

/// Step 12: how the person authenticated, if that was asked for.
pub(crate) fn check_acr(
    claims: &Map<String, Value>,
    expected: &Expected<'_>,
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
pub(crate) fn check_auth_time(
    claims: &Map<String, Value>,
    expected: &Expected<'_>,
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
pub(crate) fn check_subject(claims: &Map<String, Value>) -> Result<&str, IdTokenError> {
    let subject = text(claims, "sub")?.ok_or(IdTokenError::Missing { claim: "sub" })?;
    if subject.is_empty() || subject.len() > MAX_SUB || !subject.is_ascii() {
        return Err(IdTokenError::Invalid { claim: "sub" });
    }
    Ok(subject)
}

/// §3.1.3.8: when there is an `at_hash`, it is the left half of the access token's hash.
pub(crate) fn check_at_hash(
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
