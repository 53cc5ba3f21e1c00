//! The ID token and every check it must pass (OpenID Connect Core 1.0 §3.1.3.7).

pub(crate) mod expected;

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::{
    error::{login::FailureReason, token::IdTokenError},
    jose::{jws::Unverified, keys::SignatureCheck},
    provider::{
        claims::sid,
        id_token::expected::{ExpectedIdToken, check_subject},
        logout_token::LOGOUT_TYP,
    },
    receipt::Recorder,
};

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

/// The claims of an ID token that passed every check.
pub(crate) struct IdToken {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) issued_at: u64,
    pub(crate) sid: Option<String>,
    pub(crate) claims: Map<String, Value>,
}

impl IdToken {
    /// Checks the result of the signature check and every claim, in the order of OpenID Connect Core 1.0 §3.1.3.7.
    pub(crate) fn verify(
        token: &Unverified<'_>,
        signature: SignatureCheck,
        expected: &ExpectedIdToken<'_>,
        receipt: &mut Recorder,
    ) -> Result<Self, FailureReason> {
        // A logout token is signed by the provider, too, but is no ID token (RFC 8725 §3.11).
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
        let issuer = receipt.check("id_token iss", CORE_2, expected.check_issuer(claims))?;
        let audience = expected.check_audience(claims);
        receipt.check("id_token aud", CORE_3, audience)?;
        receipt.check_if("id_token azp", CORE_4, expected.check_party(claims))?;
        receipt.check("id_token exp", CORE_9, expected.check_exp(claims))?;
        let issued_at = receipt.check("id_token iat", CORE_10, expected.check_iat(claims))?;
        receipt.check_if(
            "id_token nbf",
            "RFC 7519 §4.1.5",
            expected.check_nbf(claims),
        )?;
        receipt.check_if("id_token nonce", CORE_11, expected.check_nonce(claims))?;
        receipt.check_if("id_token acr", CORE_12, expected.check_acr(claims))?;
        receipt.check_if(
            "id_token auth_time",
            CORE_13,
            expected.check_auth_time(claims),
        )?;
        let at_hash = expected.check_at_hash(claims, token.algorithm());
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

    /// Checks the claims of an ID token that came with refreshed tokens (OpenID Connect Core 1.0 §12.2).
    ///
    /// It must be about the person of the session's `first` ID token and from its issuer. If it has a nonce, the nonce
    /// must be that of the first.
    ///
    /// `auth_time` is not compared, although §12.2 says that it stays: providers change it when the person logs in
    /// again elsewhere, and the person is identified without it. openid-client compares at most `sub`, and
    /// mod_auth_openidc nothing.
    pub(crate) fn verify_refreshed(
        token: &Unverified<'_>,
        signature: SignatureCheck,
        subject: &str,
        first: &Map<String, Value>,
        expected: &ExpectedIdToken<'_>,
    ) -> Result<(), IdTokenError> {
        token.require_signature(signature)?;
        let claims = &token.payload()?;
        expected.check_issuer(claims)?;
        expected.check_audience(claims)?;
        expected.check_party(claims)?;
        expected.check_exp(claims)?;
        expected.check_iat(claims)?;
        expected.check_nbf(claims)?;
        expected.check_at_hash(claims, token.algorithm())?;
        if check_subject(claims)? != subject {
            return Err(IdTokenError::Changed { claim: "sub" });
        }
        // An `azp` need not be compared: each token is accepted only if it names this client.
        let (now, before) = (claims.get("nonce"), first.get("nonce"));
        if now.is_some() && before.is_some() && now != before {
            return Err(IdTokenError::Changed { claim: "nonce" });
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests;
