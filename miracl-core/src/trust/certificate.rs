//! The certificate of a signature: the platform's own signature that a person's is valid.

use std::fmt;

use crate::{
    base::text::printable,
    error::{token::IdTokenError, trust::TrustError},
    jose::{algorithm::SigningAlgorithm, jws::Unverified},
    provider::{
        Provider,
        claims::{text, time},
        jwks::Cause,
    },
    receipt::Recorder,
    trust::{Trust, api::url},
};

/// The proof that a signature was valid: keep it beside the document.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    jws: String,
    hash: String,
    created_at: u64,
    expires_at: u64,
}

impl Certificate {
    /// Returns the certificate as the platform signed it, a JWS. Anybody can check it with the keys at `/dvs/jwks`.
    pub fn jws(&self) -> &str {
        &self.jws
    }

    /// Returns the hash of the document.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Returns when the platform made it (`cAt`), in seconds since 1970.
    pub fn created_at(&self) -> u64 {
        self.created_at
    }

    /// Returns until when it is to be checked (`exp`), in seconds since 1970. What was checked in time stays valid.
    pub fn expires_at(&self) -> u64 {
        self.expires_at
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("hash", &self.hash)
            .field("created_at", &self.created_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// What a certificate must say.
pub(super) struct Expected<'a> {
    pub(super) hash: &'a str,
    /// The time of the signature.
    pub(super) timestamp: u64,
    pub(super) now: u64,
    pub(super) skew: u64,
}

/// Checks a certificate. Returns `None` for one that is wrong; keys that cannot be had are an error.
pub(super) async fn verify(
    trust: &Trust,
    provider: &Provider,
    jws: &str,
    expected: &Expected<'_>,
) -> Result<Option<Certificate>, TrustError> {
    let checked = match Unverified::parse(jws, &[SigningAlgorithm::RS256]) {
        Ok(token) => {
            // The platform itself sent it.
            let (cause, mut receipt) = (Cause::Login, Recorder::new());
            let (http, uri) = (&provider.client.http, url(provider, "/dvs/jwks"));
            let keys = &trust.certificate_keys;
            let signature = keys.check(http, &uri, &token, cause, &mut receipt).await?;
            let signed = token.require_signature(signature);
            signed.and_then(|()| expected.check(jws, &token))
        }
        Err(error) => Err(error),
    };
    if let Err(error) = &checked {
        tracing::warn!(%error, "the certificate of a signature was refused");
    }
    Ok(checked.ok())
}

impl Expected<'_> {
    fn check(&self, jws: &str, token: &Unverified<'_>) -> Result<Certificate, IdTokenError> {
        let claims = token.payload()?;
        let missing = |claim| IdTokenError::Missing { claim };
        let hash = text(&claims, "hash")?.ok_or(missing("hash"))?;
        if !hash.eq_ignore_ascii_case(self.hash) {
            return Err(IdTokenError::Malformed {
                detail: format!("it is for another hash ({})", printable(hash, 64)),
            });
        }
        let created_at = time(&claims, "cAt")?.ok_or(missing("cAt"))?;
        if created_at.saturating_add(self.skew) < self.timestamp {
            return Err(IdTokenError::Malformed {
                detail: "it is from before the time of the signature".to_owned(),
            });
        }
        if created_at > self.now.saturating_add(self.skew) {
            return Err(IdTokenError::NotYetValid {
                claim: "cAt",
                seconds: created_at - self.now,
            });
        }
        let expires_at = time(&claims, "exp")?.ok_or(missing("exp"))?;
        if self.now >= expires_at.saturating_add(self.skew) {
            return Err(IdTokenError::Expired {
                seconds: self.now - expires_at,
            });
        }
        Ok(Certificate {
            jws: jws.to_owned(),
            hash: hash.to_owned(),
            created_at,
            expires_at,
        })
    }
}
