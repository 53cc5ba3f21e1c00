//! What a key set may contain or lack.

use serde_json::{Value, json};

use super::signing::rename;
use super::strangers::{stranger, weak_key};
use super::{Fault, Faults, OTHER_ISSUER};
use crate::algorithm::SigningAlgorithm;
use crate::{jwt, random};

impl Faults {
    /// Changes the published keys.
    pub(crate) fn on_keys(&self, mut keys: Vec<Value>) -> Vec<Value> {
        if self.rotated {
            keys = stranger().jwks().to_vec();
        }
        for fault in self.active.iter() {
            match fault {
                Fault::CertsEmpty => keys.clear(),
                Fault::CertsWeakKey => keys = vec![weak_key().jwk().clone()],
                Fault::CertsDecoys => {
                    keys = keys.into_iter().flat_map(with_decoys).collect();
                }
                Fault::CertsDuplicateKid => {
                    keys = keys.into_iter().flat_map(with_namesake).collect();
                }
                Fault::CertsSeveralKeys | Fault::IdTokenWithoutKidSeveralKeys => {
                    keys.splice(0..0, stranger().jwks().iter().cloned());
                }
                Fault::CertsWithoutKid => {
                    for key in keys.iter_mut().filter_map(Value::as_object_mut) {
                        key.remove("kid");
                    }
                }
                Fault::CertsNullMembers => {
                    for key in &mut keys {
                        for name in ["alg", "use", "x5c", "issuer"] {
                            key[name] = Value::Null;
                        }
                    }
                }
                Fault::CertsUnreadable => {
                    for key in keys.iter_mut().filter_map(Value::as_object_mut) {
                        key.retain(|name, _| !["n", "x", "y"].contains(&name.as_str()));
                    }
                }
                Fault::CertsOtherIssuer => {
                    for key in &mut keys {
                        key["issuer"] = json!(OTHER_ISSUER);
                    }
                }
                Fault::IdTokenOtherName => keys.iter_mut().for_each(rename),
                _ => {}
            }
        }
        keys
    }
}

/// Returns the stranger's key for the algorithm of `key`, under the name of `key`.
fn namesake(key: &Value, algorithm: SigningAlgorithm) -> Value {
    let mut other = stranger().jwk(algorithm).clone();
    other["kid"] = key["kid"].clone();
    other
}

fn algorithm(key: &Value) -> SigningAlgorithm {
    let algorithm = key["alg"].as_str().and_then(SigningAlgorithm::parse);
    algorithm.unwrap_or_default()
}

fn with_namesake(key: Value) -> [Value; 2] {
    [namesake(&key, algorithm(&key)), key]
}

/// Returns a key behind others with its name, each of which differs from it in more than the numbers: in its type,
/// its algorithm, or its use.
fn with_decoys(key: Value) -> [Value; 5] {
    let other_type = match key["kty"].as_str() {
        Some("EC") => SigningAlgorithm::Rs256,
        _ => SigningAlgorithm::Es256,
    };
    let secret = json!({
        "kty": "oct", "use": "sig", "alg": "HS256", "kid": key["kid"],
        "k": jwt::encode(random::bytes::<32>()),
    });
    let mut for_encryption = namesake(&key, algorithm(&key));
    for_encryption["use"] = json!("enc");
    let mut other_algorithm = namesake(&key, algorithm(&key));
    other_algorithm["alg"] = json!(match key["kty"].as_str() {
        Some("RSA") if key["alg"] != "RS512" => "RS512",
        Some("RSA") => "RS256",
        _ => "ECDH-ES",
    });
    [
        namesake(&key, other_type),
        secret,
        for_encryption,
        other_algorithm,
        key,
    ]
}
