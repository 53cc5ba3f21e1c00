//! What may be wrong in user info.

use std::sync::Arc;

use serde_json::{Value, json};

use super::signing::with_bad_signature;
use super::{Fault, Faults, OTHER_CLIENT, OTHER_ISSUER, OTHER_PERSON};
use crate::algorithm::SigningAlgorithm;
use crate::keys::Keys;
use crate::random;
use crate::signer::Signer;

/// By how many bytes user info is larger than necessary when it has much.
pub const MUCH: usize = 2_400;

/// By how many bytes user info is larger than necessary when it has too much.
pub const TOO_MUCH: usize = 48 * 1024;

impl Faults {
    /// Changes the claims of user info, before they are signed where they are.
    pub(crate) fn on_userinfo(&self, claims: &mut Value) {
        let Some(object) = claims.as_object_mut() else {
            return;
        };
        for fault in self.active.iter() {
            match fault {
                Fault::UserinfoWithoutEmail => {
                    object.remove("email");
                    object.remove("email_verified");
                }
                Fault::UserinfoEmailNotVerified => {
                    object.insert("email_verified".to_owned(), json!(false));
                }
                Fault::UserinfoMuch => {
                    object.insert("groups".to_owned(), json!(groups(MUCH)));
                }
                Fault::UserinfoTooMuch => {
                    object.insert("groups".to_owned(), json!(groups(TOO_MUCH)));
                }
                Fault::UserinfoWithoutSub => {
                    object.remove("sub");
                }
                Fault::UserinfoSubNumber => {
                    object.insert("sub".to_owned(), json!(42));
                }
                Fault::UserinfoOtherSub => {
                    object.insert("sub".to_owned(), json!(OTHER_PERSON));
                }
                Fault::UserinfoSignedOtherIssuer => {
                    object.insert("iss".to_owned(), json!(OTHER_ISSUER));
                }
                Fault::UserinfoSignedOtherAudience => {
                    object.insert("aud".to_owned(), json!(OTHER_CLIENT));
                }
                _ => {}
            }
        }
    }

    /// Returns the algorithm that signs user info, if any: the registered one, or (for a fault) one that nobody
    /// asked for.
    pub(crate) fn userinfo_algorithm(
        &self,
        registered: Option<SigningAlgorithm>,
        id_token: SigningAlgorithm,
    ) -> Option<SigningAlgorithm> {
        let signs = self.has_any(&[
            Fault::UserinfoSigned,
            Fault::UserinfoSignedOtherIssuer,
            Fault::UserinfoSignedOtherAudience,
            Fault::UserinfoSignedBadSignature,
            Fault::UserinfoSignedUnsigned,
        ]);
        registered.or(signs.then_some(id_token))
    }

    /// Signs user info.
    pub(crate) fn sign_userinfo(
        &self,
        keys: Arc<Keys>,
        algorithm: SigningAlgorithm,
        claims: &Value,
    ) -> String {
        let keys = self.keys(keys);
        let signer = if self.has(Fault::UserinfoSignedUnsigned) {
            let header = keys.header(algorithm);
            Signer::Nobody { header }
        } else {
            Signer::Keys(keys, algorithm)
        };
        let token = signer.sign(&signer.header(), &claims.to_string());
        if self.has(Fault::UserinfoSignedBadSignature) {
            with_bad_signature(&token)
        } else {
            token
        }
    }
}

/// Makes names of groups, random so that they cannot be compressed.
fn groups(bytes: usize) -> Vec<String> {
    let one = random::token();
    (0..bytes / (one.len() + 3))
        .map(|_| random::token())
        .collect()
}
