//! What the demos ask of MIRACL Trust besides the login, in JSON.

use miracl_core::Miracl;
use miracl_core::app::error::TrustError;
use miracl_core::app::trust::{ProjectUser, Signature, SignatureVerdict};
use serde::Deserialize;
use serde_json::{Value, json};

/// What a front end sends of a document that somebody has signed.
#[derive(Debug, Deserialize)]
pub struct Signed {
    signature: Signature,
    timestamp: u64,
}

impl Signed {
    /// Asks the platform, and returns the status and the body of the answer. An app of yours also compares the hash
    /// with that of its own document.
    pub async fn verify(&self, miracl: &Miracl) -> (u16, Value) {
        let verdict = miracl.verify_signature(&self.signature, self.timestamp);
        let status = match verdict.await {
            Ok(SignatureVerdict::Valid(_)) => {
                return (200, json!({ "valid": true, "status": "OK" }));
            }
            Ok(SignatureVerdict::BadPin) => "BadPin",
            Ok(SignatureVerdict::UserBlocked) => "UserBlocked",
            Ok(SignatureVerdict::MissingSignature) => "MissingSignature",
            Ok(_) => "InvalidSignature",
            Err(error) => return refused(&error),
        };
        (200, json!({ "valid": false, "status": status }))
    }
}

fn refused(error: &TrustError) -> (u16, Value) {
    tracing::warn!(%error, advice = error.advice(), "a signature could not be checked");
    (error.status(), json!({ "error": error.to_string() }))
}

/// Whose project JWT the API was called with.
pub fn me(user: &ProjectUser) -> Value {
    json!({ "sub": user.id(), "iss": user.issuer() })
}

/// What a person is told whose further device cannot be registered now.
pub fn no_device(error: &TrustError) -> &'static str {
    tracing::warn!(%error, advice = error.advice(), "no device can be registered");
    "Another device cannot be registered at the moment."
}
