//! What this client expects of an ID token, and the check of each claim (OpenID Connect Core 1.0 §3.1.3.7).

use std::time::Duration;

use base64_simd::URL_SAFE_NO_PAD;
use ring::digest;
use serde_json::{Map, Value};

use crate::{
    base::{constant_time::same, text::printable},
    error::token::IdTokenError,
    jose::algorithm::SigningAlgorithm,
    provider::{
        claims::{audiences, check_audience, text, time},
        issuers::Issuers,
    },
    receipt::check::Pass,
};

/// How long ago a token may have been issued when it arrives from the token endpoint.
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest `sub` (OpenID Connect Core 1.0 §2).
const MAX_SUB: usize = 255;

/// What this client expects of an ID token.
pub(crate) struct ExpectedIdToken<'a> {
    pub(crate) issuers: Issuers<'a>,
    pub(crate) client_id: &'a str,
    pub(crate) trusted_audiences: &'a [String],
    /// `None` where none was sent: then the token must have none, or it belongs to another login.
    pub(crate) nonce: Option<&'a str>,
    pub(crate) access_token: &'a str,
    pub(crate) max_age: Option<u64>,
    /// Whether a login here proves that the person was there, so that the token need not say when.
    pub(crate) asks_every_time: bool,
    pub(crate) acr_values: Option<&'a str>,
    /// Seconds since 1970.
    pub(crate) now: u64,
    pub(crate) skew: Duration,
}

impl ExpectedIdToken<'_> {
    /// Step 2: the issuer, exactly.
    pub(super) fn check_issuer<'a>(
        &self,
        claims: &'a Map<String, Value>,
    ) -> Result<&'a str, IdTokenError> {
        let issuer = text(claims, "iss")?.ok_or(IdTokenError::Missing { claim: "iss" })?;
        let tenant = match self.issuers {
            Issuers::One(_) => None,
            Issuers::Tenants { .. } => text(claims, "tid")?,
        };
        match self.issuers.of_tenant(tenant) {
            Some(right) if right == issuer => Ok(issuer),
            _ => Err(IdTokenError::Issuer {
                expected: self.issuers.written().to_owned(),
                found: printable(issuer, 200),
            }),
        }
    }

    /// Step 3: this client is among the audiences, and all others are trusted.
    pub(super) fn check_audience(&self, claims: &Map<String, Value>) -> Result<(), IdTokenError> {
        check_audience(claims, self.client_id, self.trusted_audiences)
    }

    /// Steps 4 and 5: with several audiences there is an authorized party, and where there is one it is this client.
    pub(super) fn check_party(&self, claims: &Map<String, Value>) -> Result<Pass, IdTokenError> {
        match text(claims, "azp")? {
            Some(party) if party == self.client_id => Ok(Pass::Checked),
            None if audiences(claims)?.len() == 1 => Ok(Pass::NotApplicable),
            found => Err(IdTokenError::AuthorizedParty {
                expected: self.client_id.to_owned(),
                found: found.map(|party| printable(party, 200)),
            }),
        }
    }

    /// Step 9: the token has not expired.
    pub(super) fn check_exp(&self, claims: &Map<String, Value>) -> Result<(), IdTokenError> {
        let exp = time(claims, "exp")?.ok_or(IdTokenError::Missing { claim: "exp" })?;
        if self.now >= exp.saturating_add(self.skew.as_secs()) {
            return Err(IdTokenError::Expired {
                seconds: self.now - exp,
            });
        }
        Ok(())
    }

    /// Step 10: the token was issued recently.
    pub(super) fn check_iat(&self, claims: &Map<String, Value>) -> Result<u64, IdTokenError> {
        let iat = time(claims, "iat")?.ok_or(IdTokenError::Missing { claim: "iat" })?;
        self.not_in_the_future("iat", iat)?;
        let age = self.now.saturating_sub(iat);
        if age > MAX_AGE.as_secs() + self.skew.as_secs() {
            return Err(IdTokenError::IssuedTooLongAgo { seconds: age });
        }
        Ok(iat)
    }

    /// RFC 7519 §4.1.5: the token is valid already, if it says from when on it is.
    pub(super) fn check_nbf(&self, claims: &Map<String, Value>) -> Result<Pass, IdTokenError> {
        let Some(nbf) = time(claims, "nbf")? else {
            return Ok(Pass::NotApplicable);
        };
        self.not_in_the_future("nbf", nbf)?;
        Ok(Pass::Checked)
    }

    fn not_in_the_future(&self, claim: &'static str, at: u64) -> Result<(), IdTokenError> {
        if at > self.now.saturating_add(self.skew.as_secs()) {
            return Err(IdTokenError::NotYetValid {
                claim,
                seconds: at - self.now,
            });
        }
        Ok(())
    }

    /// Step 11: the nonce of this login.
    pub(super) fn check_nonce(&self, claims: &Map<String, Value>) -> Result<Pass, IdTokenError> {
        match (text(claims, "nonce")?, self.nonce) {
            (Some(found), Some(sent)) if same(found, sent) => Ok(Pass::Checked),
            (None, None) => Ok(Pass::NotApplicable),
            (None, Some(_)) => Err(IdTokenError::Missing { claim: "nonce" }),
            (Some(_), _) => Err(IdTokenError::Nonce),
        }
    }

    /// Step 12: how the person authenticated, if that was asked for.
    pub(super) fn check_acr(&self, claims: &Map<String, Value>) -> Result<Pass, IdTokenError> {
        // Some providers send something other than text. It does not matter unless this client asked for the claim.
        let Some(values) = self.acr_values else {
            return Ok(Pass::NotApplicable);
        };
        let acr = text(claims, "acr")?;
        let mut asked = values.split_ascii_whitespace();
        if acr.is_some_and(|acr| asked.any(|value| value == acr)) {
            return Ok(Pass::Checked);
        }
        Err(IdTokenError::Acr {
            asked: values.split_ascii_whitespace().map(str::to_owned).collect(),
            found: acr.map(|acr| printable(acr, 64)),
        })
    }

    /// Step 13: when the person authenticated, if that was asked for.
    pub(super) fn check_auth_time(
        &self,
        claims: &Map<String, Value>,
    ) -> Result<Pass, IdTokenError> {
        let Some(max_age) = self.max_age else {
            return Ok(Pass::NotApplicable);
        };
        let auth_time = match time(claims, "auth_time")? {
            Some(auth_time) => auth_time,
            None if self.asks_every_time => return Ok(Pass::NotApplicable),
            None => return Err(IdTokenError::Missing { claim: "auth_time" }),
        };
        let age = self.now.saturating_sub(auth_time);
        let skew = self.skew.as_secs();
        // A time that lies ahead proves nothing.
        let is_ahead = auth_time > self.now.saturating_add(skew);
        if is_ahead || age > max_age.saturating_add(skew) {
            return Err(IdTokenError::AuthTime { max_age, age });
        }
        Ok(Pass::Checked)
    }

    /// §3.1.3.8: an `at_hash`, if there is one, is the left half of the access token's hash.
    pub(super) fn check_at_hash(
        &self,
        claims: &Map<String, Value>,
        algorithm: SigningAlgorithm,
    ) -> Result<Pass, IdTokenError> {
        use SigningAlgorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        let Some(found) = text(claims, "at_hash")? else {
            return Ok(Pass::NotApplicable);
        };
        let hashes: &[&digest::Algorithm] = match algorithm {
            RS256 | PS256 | ES256 => &[&digest::SHA256],
            RS384 | PS384 | ES384 => &[&digest::SHA384],
            RS512 | PS512 => &[&digest::SHA512],
            // The name `EdDSA` implies no hash. Ed25519 uses SHA-512 internally; some providers use another one.
            EdDSA => &[&digest::SHA512, &digest::SHA256, &digest::SHA384],
        };
        let fits = hashes.iter().any(|hash| {
            let whole = digest::digest(hash, self.access_token.as_bytes());
            let half = &whole.as_ref()[..whole.as_ref().len() / 2];
            same(found, &URL_SAFE_NO_PAD.encode_to_string(half))
        });
        if fits {
            Ok(Pass::Checked)
        } else {
            Err(IdTokenError::AccessTokenHash)
        }
    }
}

/// §2: the identifier of the person.
pub(super) fn check_subject(claims: &Map<String, Value>) -> Result<&str, IdTokenError> {
    let subject = text(claims, "sub")?.ok_or(IdTokenError::Missing { claim: "sub" })?;
    if subject.is_empty() || subject.len() > MAX_SUB || !subject.is_ascii() {
        return Err(IdTokenError::Invalid { claim: "sub" });
    }
    Ok(subject)
}
