//! A signed token before its signature is checked (RFC 7515).

use std::{borrow::Cow, cell::OnceCell};

use base64_simd::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::{
    base::{json, text::printable},
    error::{login::FailureReason, token::IdTokenError},
    jose::{
        algorithm::SigningAlgorithm,
        keys::{KeySet, Verdict},
    },
    provider::{
        claims::{audiences, check_audience, sid, text, time},
        id_token::{
            CORE_2, CORE_3, CORE_4, CORE_6, CORE_9, CORE_10, CORE_11, CORE_12, CORE_13, Expected,
            IdToken, check_acr, check_at_hash, check_auth_time, check_exp, check_iat, check_issuer,
            check_nbf, check_nonce, check_party, check_subject,
        },
        issuers::{Issuers, is_of_issuer},
        logout_token::LOGOUT_TYP,
    },
    receipt::Recorder,
};

/// The longest token that is looked at.
const MAX_LEN: usize = 16 * 1024;

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
