//! A signed token before its signature is checked (RFC 7515).

use std::cell::OnceCell;

use base64_simd::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::{
    base::{issuer_template::is_of_issuer, json, text::printable},
    error::token::IdTokenError,
    jose::{
        algorithm::SigningAlgorithm,
        keys::{KeySet, SignatureCheck},
    },
};

/// The longest token that is parsed, in bytes.
const MAX_LEN: usize = 16 * 1024;

/// A parsed token of which nothing is proven yet.
pub(crate) struct Unverified<'a> {
    pub(crate) kid: Option<String>,
    /// The header's `typ` in lower case, without an `application/` before it (RFC 7515 §4.1.9).
    pub(crate) typ: Option<String>,
    algorithm: SigningAlgorithm,
    signed: &'a str,
    signature: Vec<u8>,
    payload: Vec<u8>,
}

impl<'a> Unverified<'a> {
    /// Parses a compact JWS (RFC 7515 §7.1). Keys that the token itself offers (`jwk`, `jku`, `x5u`) are ignored.
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

    /// Checks the signature with these keys.
    pub(crate) fn check_signature(&self, keys: &KeySet) -> SignatureCheck {
        let claims = OnceCell::new();
        // The claim is not proven yet, but a false one helps nobody: no key of that issuer made the signature.
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

    /// Returns what is signed: header and payload, which no other spelling of the token has.
    pub(crate) fn signed(&self) -> &str {
        self.signed
    }

    /// Returns the algorithm of the header.
    pub(crate) fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// Returns the claims, whether or not the signature is valid.
    pub(crate) fn payload(&self) -> Result<Map<String, Value>, IdTokenError> {
        json::in_token(&self.payload).map_err(|error| IdTokenError::Malformed {
            detail: format!("the payload is {error}"),
        })
    }

    /// Returns the error for a signature that is not valid.
    pub(crate) fn require_signature(&self, signature: SignatureCheck) -> Result<(), IdTokenError> {
        match signature {
            SignatureCheck::Valid => Ok(()),
            SignatureCheck::Invalid => Err(IdTokenError::Signature),
            SignatureCheck::WeakKey => Err(IdTokenError::WeakKey),
            SignatureCheck::OtherIssuer => Err(IdTokenError::KeyOfOtherIssuer),
            SignatureCheck::UnreadableKey => Err(IdTokenError::UnreadableKey {
                kid: self.printable_kid(),
            }),
            SignatureCheck::NoKey => Err(IdTokenError::UnknownKey {
                kid: self.printable_kid(),
            }),
        }
    }

    fn printable_kid(&self) -> Option<String> {
        self.kid.as_ref().map(|kid| printable(kid, 64))
    }
}

#[cfg(test)]
mod tests;
