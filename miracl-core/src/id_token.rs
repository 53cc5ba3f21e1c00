//! The ID token and every check it must pass (OpenID Connect Core 1.0 §3.1.3.7).

mod error;

use std::{borrow::Cow, cell::OnceCell, time::Duration};

use base64_simd::URL_SAFE_NO_PAD;
use ring::digest;
use serde_json::{Map, Value};

pub use error::IdTokenError;

use crate::{
    config::SigningAlgorithm,
    discovery::{Issuers, is_of_issuer},
    error::{FailureReason, printable},
    json,
    jwks::{KeySet, Verdict},
    receipt::{Applied, Recorder},
};

/// The longest token that is looked at.
const MAX_LEN: usize = 16 * 1024;
/// How old a token may be when it arrives fresh from the token endpoint.
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);
/// Times beyond the year 9999 are no times.
const LAST_TIME: f64 = 253_402_300_800.0;
/// The `typ` of logout tokens (Back-Channel Logout 1.0 §2.4).
pub(crate) const LOGOUT_TYP: &str = "logout+jwt";
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

/// A token taken apart, of which nothing is proven yet.
pub(crate) struct Unverified<'a> {
    pub(crate) kid: Option<String>,
    /// The header's `typ` in lower case, without an `application/` before it (RFC 7515 §4.1.9).
    pub(crate) typ: Option<String>,
    algorithm: SigningAlgorithm,
    signed: &'a str,
    signature: Vec<u8>,
    payload: Vec<u8>,
}

/// The claims of an ID token that passed every check.
pub(crate) struct IdToken {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) issued_at: u64,
    pub(crate) sid: Option<String>,
    pub(crate) claims: Map<String, Value>,
}

impl<'a> Unverified<'a> {
    /// Takes a compact JWS apart (RFC 7515 §7.1). Keys that the token itself offers (`jwk`, `jku`, `x5u`) are not looked at.
    pub(crate) fn parse(raw: &'a str, allowed: &[SigningAlgorithm]) -> Result<Self, IdTokenError> {
        let malformed = |detail: &str| IdTokenError::Malformed {
            detail: detail.to_owned(),
        };
        if raw.len() > MAX_LEN {
            return Err(malformed("longer than 16 KiB"));
        }
        let segments: Vec<&str> = raw.split('.').collect();
        let [header, payload, signature] = segments[..] else {
            return Err(malformed(if segments.len() == 5 {
                "it is encrypted, which was not registered"
            } else {
                "it has not three segments"
            }));
        };
        let decode = |segment: &str| {
            URL_SAFE_NO_PAD
                .decode_to_vec(segment.as_bytes())
                .map_err(|_| malformed("a segment is not base64url"))
        };
        let header = json::in_token(&decode(header)?)
            .map_err(|error| malformed(&format!("the header is {error}")))?;
        let named = match header.get("alg") {
            Some(Value::String(name)) => name.as_str(),
            _ => return Err(malformed("the header has no `alg`")),
        };
        let algorithm = SigningAlgorithm::from_name(named)
            .filter(|algorithm| allowed.contains(algorithm))
            .ok_or_else(|| IdTokenError::Algorithm {
                allowed: allowed.iter().map(|algorithm| algorithm.name()).collect(),
                found: printable(named, 32),
            })?;
        if header.contains_key("crit") {
            return Err(IdTokenError::CriticalHeader);
        }
        let kid = match header.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.clone()),
            Some(_) => return Err(malformed("the header's `kid` is no string")),
        };
        let typ = match header.get("typ") {
            None => None,
            Some(Value::String(typ)) => {
                let typ = typ.to_ascii_lowercase();
                Some(typ.strip_prefix("application/").unwrap_or(&typ).to_owned())
            }
            Some(_) => return Err(malformed("the header's `typ` is no string")),
        };
        let payload_bytes = decode(payload)?;
        let signature_bytes = decode(signature)?;
        Ok(Self {
            kid,
            typ,
            algorithm,
            signed: &raw[..raw.len() - signature.len() - 1],
            signature: signature_bytes,
            payload: payload_bytes,
        })
    }

    /// Whether the signature is by one of these keys.
    pub(crate) fn signature(&self, keys: &KeySet) -> Verdict {
        let claims = OnceCell::new();
        // Not proven yet: a token that lies about it is not by a key of that issuer.
        let is_of = |issuer: &str| {
            let claims = claims.get_or_init(|| self.payload().unwrap_or_default());
            match (claims.get("iss"), claims.get("tid")) {
                (Some(Value::String(iss)), None) => is_of_issuer(issuer, iss, None),
                (Some(Value::String(iss)), Some(Value::String(tenant))) => {
                    is_of_issuer(issuer, iss, Some(tenant))
                }
                _ => false,
            }
        };
        keys.verify(
            self.kid.as_deref(),
            self.algorithm,
            self.signed.as_bytes(),
            &self.signature,
            &is_of,
        )
    }

    /// Checks the claims of a token whose signature was found good, in the order of OpenID Connect Core 1.0 §3.1.3.7.
    pub(crate) fn verify(
        self,
        verdict: Verdict,
        expected: &Expected<'_>,
        receipt: &mut Recorder,
    ) -> Result<IdToken, FailureReason> {
        // A token for something else, which the provider signed as well (RFC 8725 §3.11).
        let kind = match self.typ.as_deref() {
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
            self.signed_by_provider(verdict),
        )?;
        let claims = receipt.check("id_token claims", "RFC 7519 §4", self.payload())?;
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
        let at_hash = check_at_hash(claims, self.algorithm, expected.access_token);
        receipt.check_if("id_token at_hash", "OIDC Core §3.1.3.8", at_hash)?;
        let subject = receipt.check("id_token sub", "OIDC Core §2", check_subject(claims))?;
        Ok(IdToken {
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
        &self,
        verdict: Verdict,
        subject: &str,
        first: &Map<String, Value>,
        expected: &Expected<'_>,
    ) -> Result<(), IdTokenError> {
        self.signed_by_provider(verdict)?;
        let claims = &self.payload()?;
        check_issuer(claims, expected)?;
        check_audience(claims, expected.client_id, expected.trusted_audiences)?;
        check_party(claims, expected)?;
        check_exp(claims, expected)?;
        check_iat(claims, expected)?;
        check_nbf(claims, expected)?;
        check_at_hash(claims, self.algorithm, expected.access_token)?;
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

    /// Returns the claims of a userinfo response that is a JWT (OpenID Connect Core 1.0 §5.3.2): signed by the provider, and
    /// where it says by whom and for whom, by this issuer for this client.
    pub(crate) fn userinfo(
        &self,
        verdict: Verdict,
        issuers: Issuers<'_>,
        client_id: &str,
        now: u64,
    ) -> Result<Map<String, Value>, IdTokenError> {
        self.signed_by_provider(verdict)?;
        let claims = self.payload()?;
        if let Some(found) = text(&claims, "iss")?.filter(|found| !issuers.contains(found)) {
            return Err(IdTokenError::Issuer {
                expected: issuers.written().to_owned(),
                found: printable(found, 200),
            });
        }
        if let Some(exp) = time(&claims, "exp")?.filter(|exp| *exp <= now) {
            return Err(IdTokenError::Expired { seconds: now - exp });
        }
        if claims.contains_key("aud") && !audiences(&claims)?.contains(&client_id) {
            let found = audiences(&claims)?;
            return Err(IdTokenError::Audience {
                expected: client_id.to_owned(),
                found: found.iter().map(|one| printable(one, 200)).collect(),
            });
        }
        Ok(claims)
    }

    pub(crate) fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    pub(crate) fn payload(&self) -> Result<Map<String, Value>, IdTokenError> {
        json::in_token(&self.payload).map_err(|error| IdTokenError::Malformed {
            detail: format!("the payload is {error}"),
        })
    }

    pub(crate) fn signed_by_provider(&self, verdict: Verdict) -> Result<(), IdTokenError> {
        match verdict {
            Verdict::Good => Ok(()),
            Verdict::Bad => Err(IdTokenError::Signature),
            Verdict::WeakKey => Err(IdTokenError::WeakKey),
            Verdict::OtherIssuer => Err(IdTokenError::KeyOfOtherIssuer),
            Verdict::UnreadableKey => Err(IdTokenError::UnreadableKey {
                kid: self.printable_kid(),
            }),
            Verdict::NoKey => Err(IdTokenError::UnknownKey {
                kid: self.printable_kid(),
            }),
        }
    }

    fn printable_kid(&self) -> Option<String> {
        self.kid.as_ref().map(|kid| printable(kid, 64))
    }
}

fn check_issuer<'a>(
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

/// The audiences of a token: one as text, or several.
fn audiences(claims: &Map<String, Value>) -> Result<Vec<&str>, IdTokenError> {
    match claims.get("aud") {
        None => Err(IdTokenError::Missing { claim: "aud" }),
        Some(Value::String(one)) => Ok(vec![one]),
        Some(Value::Array(several)) => several
            .iter()
            .map(|value| value.as_str().ok_or(IdTokenError::Invalid { claim: "aud" }))
            .collect(),
        Some(_) => Err(IdTokenError::Invalid { claim: "aud" }),
    }
}

/// Step 3: this client is among the audiences, and all others are trusted.
pub(crate) fn check_audience(
    claims: &Map<String, Value>,
    client_id: &str,
    trusted: &[String],
) -> Result<(), IdTokenError> {
    let audiences = audiences(claims)?;
    if !audiences.contains(&client_id) {
        return Err(IdTokenError::Audience {
            expected: client_id.to_owned(),
            found: audiences.iter().map(|one| printable(one, 200)).collect(),
        });
    }
    let untrusted = audiences
        .iter()
        .find(|audience| **audience != client_id && !trusted.iter().any(|t| t == *audience));
    match untrusted {
        Some(untrusted) => Err(IdTokenError::UntrustedAudience {
            found: printable(untrusted, 200),
        }),
        None => Ok(()),
    }
}

/// Steps 4 and 5: with several audiences there is an authorized party, and where there is one it is this client.
fn check_party(
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
fn check_exp(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), IdTokenError> {
    let exp = time(claims, "exp")?.ok_or(IdTokenError::Missing { claim: "exp" })?;
    if expected.now >= exp.saturating_add(expected.skew.as_secs()) {
        return Err(IdTokenError::Expired {
            seconds: expected.now - exp,
        });
    }
    Ok(())
}

/// Step 10.
fn check_iat(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<u64, IdTokenError> {
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
fn check_nonce(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), IdTokenError> {
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
fn check_auth_time(
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

/// A claim that is text where it is there. The wrong type is an error, never the same as missing.
pub(crate) fn text<'a>(
    claims: &'a Map<String, Value>,
    claim: &'static str,
) -> Result<Option<&'a str>, IdTokenError> {
    match claims.get(claim) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(IdTokenError::Invalid { claim }),
    }
}

/// The provider's name of the session: text, and a number with some.
///
/// A whole number has one name, however it is written: `1`, `1.0` and `1e0` are `1`. One that may be read as another
/// is no name: two sessions could have it, and the log-out of one would end the other.
pub(crate) fn sid(claims: &Map<String, Value>) -> Result<Option<Cow<'_, str>>, IdTokenError> {
    /// So far from the end of a double that no other whole number is read as it, however many digits it is written with.
    const EXACT: f64 = 1e12;
    let Some(Value::Number(number)) = claims.get("sid") else {
        return Ok(text(claims, "sid")?.map(Cow::from));
    };
    if number.is_u64() || number.is_i64() {
        return Ok(Some(number.to_string().into()));
    }
    match number.as_f64() {
        // The range makes the conversion exact.
        #[allow(clippy::cast_possible_truncation)]
        Some(whole) if whole.fract() == 0.0 && whole.abs() <= EXACT => {
            Ok(Some((whole as i64).to_string().into()))
        }
        _ => Err(IdTokenError::Invalid { claim: "sid" }),
    }
}

/// A claim that is a `NumericDate` (RFC 7519 §2) where it is there: a number, maybe with a fraction, that is a time.
pub(crate) fn time(
    claims: &Map<String, Value>,
    claim: &'static str,
) -> Result<Option<u64>, IdTokenError> {
    match claims.get(claim) {
        None => Ok(None),
        Some(Value::Number(number)) => match number.as_f64() {
            // The range makes the conversion exact up to the fraction, which is dropped.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            Some(seconds) if (0.0..LAST_TIME).contains(&seconds) => Ok(Some(seconds as u64)),
            _ => Err(IdTokenError::Invalid { claim }),
        },
        Some(_) => Err(IdTokenError::Invalid { claim }),
    }
}

/// Compares by hashes, so that the time it takes tells nothing of where the texts differ.
pub(crate) fn same(a: &str, b: &str) -> bool {
    let hash = |text: &str| digest::digest(&digest::SHA256, text.as_bytes());
    hash(a).as_ref() == hash(b).as_ref()
}

#[cfg(test)]
pub(crate) mod tests;
