//! What may be wrong in a logout token, and in its signature.

use std::sync::Arc;

use serde_json::{Value, json};

use super::signing::{another, with_bad_signature};
use super::strangers::weak_key;
use super::{Fault, Faults, HOUR, OTHER_CLIENT, OTHER_ISSUER};
use crate::algorithm::SigningAlgorithm;
use crate::clock;
use crate::keys::Keys;
use crate::signer::Signer;

/// An event of RISC, which says something else about an account.
const OTHER_EVENT: &str = "https://schemas.openid.net/secevent/risc/event-type/account-disabled";

impl Faults {
    /// Changes the claims of a logout token about the session `sid`.
    pub(crate) fn on_logout_claims(&self, claims: &mut Value, sid: &str) {
        let now = clock::now();
        for fault in self.active.iter() {
            match fault {
                Fault::LogoutTokenWithoutEvents => remove(claims, &["events"]),
                Fault::LogoutTokenWrongEvent => claims["events"] = json!({ OTHER_EVENT: {} }),
                Fault::LogoutTokenWithNonce => claims["nonce"] = json!("a-nonce"),
                Fault::LogoutTokenNonceNull => claims["nonce"] = Value::Null,
                Fault::LogoutTokenWrongAudience => claims["aud"] = json!(OTHER_CLIENT),
                Fault::LogoutTokenWrongIssuer => claims["iss"] = json!(OTHER_ISSUER),
                Fault::LogoutTokenWithoutSubAndSid => remove(claims, &["sub", "sid"]),
                Fault::LogoutTokenSubOnly => remove(claims, &["sid"]),
                Fault::LogoutTokenSidOnly => {
                    remove(claims, &["sub"]);
                    claims["sid"] = json!(sid);
                }
                Fault::LogoutTokenWithoutJti => remove(claims, &["jti"]),
                Fault::LogoutTokenWithoutIat => remove(claims, &["iat"]),
                Fault::LogoutTokenWithoutExp => remove(claims, &["exp"]),
                Fault::LogoutTokenExpired => {
                    claims["iat"] = json!(now - 2 * HOUR);
                    claims["exp"] = json!(now - HOUR);
                }
                Fault::LogoutTokenStale => claims["iat"] = json!(now - HOUR),
                _ => {}
            }
        }
    }

    /// Chooses the signer of a logout token, in place of `keys` with `algorithm`.
    pub(crate) fn logout_signer(&self, keys: Arc<Keys>, algorithm: SigningAlgorithm) -> Signer {
        let keys = self.keys(keys);
        let header = keys.header(algorithm);
        if self.has(Fault::LogoutTokenUnsigned) {
            Signer::Nobody { header }
        } else if self.has(Fault::CertsWeakKey) {
            Signer::Weak(weak_key())
        } else if self.has(Fault::LogoutTokenOtherAlgorithm) {
            Signer::Keys(keys, another(algorithm))
        } else {
            Signer::Keys(keys, algorithm)
        }
    }

    /// Changes the header of a logout token before it is signed.
    pub(crate) fn on_logout_header(&self, header: &mut Value) {
        if self.has(Fault::LogoutTokenWithoutType) {
            remove(header, &["typ"]);
        }
        if self.has(Fault::LogoutTokenTypeJwt) {
            header["typ"] = json!("JWT");
        }
    }

    /// Changes a logout token after it is signed.
    pub(crate) fn on_signed_logout(&self, token: String) -> String {
        if self.has(Fault::LogoutTokenBadSignature) {
            with_bad_signature(&token)
        } else {
            token
        }
    }
}

fn remove(value: &mut Value, names: &[&str]) {
    if let Some(object) = value.as_object_mut() {
        object.retain(|name, _| !names.contains(&name.as_str()));
    }
}
