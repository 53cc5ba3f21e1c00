//! What the demos ask of MIRACL Trust besides the login, in JSON.

use miracl_core::Miracl;
use miracl_core::app::error::TrustError;
use miracl_core::app::trust::{ProjectUser, Signature, SignatureVerdict, VerificationOptions};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::codes::{Codes, Step};

/// What a front end sends of a document that somebody has signed.
#[derive(Debug, Deserialize)]
pub struct Signed {
    signature: Signature,
    timestamp: u64,
    /// The document that it must be of. An app of yours has that itself.
    document: Option<String>,
}

impl Signed {
    /// Asks the platform, and returns the status and the body of the answer. A valid signature is of the hash in it, so
    /// that is compared with the document.
    pub async fn verify(&self, miracl: &Miracl) -> (u16, Value) {
        let verdict = miracl.verify_signature(&self.signature, self.timestamp);
        let status = match verdict.await {
            Ok(SignatureVerdict::Valid(_)) if self.is_of_another() => "OtherDocument",
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

    fn is_of_another(&self) -> bool {
        let document = self.document.as_ref();
        document.is_some_and(|document| !self.signature.is_of(document))
    }
}

/// What a front end of the app's own sends to register a person: first who they are, then with the code.
#[derive(Debug, Deserialize)]
pub struct Registration {
    user_id: String,
    code: Option<String>,
}

impl Registration {
    /// Makes a code, or takes it and has the platform make a link, and returns the status and the body of the answer.
    /// The code itself is in it in development only.
    pub async fn next(&self, codes: &Codes, miracl: &Miracl) -> (u16, Value) {
        let sentence = match codes.next(Some(&self.user_id), self.code.as_deref()) {
            Step::Made { code, .. } => {
                let shown = Some(code).filter(|_| miracl.development());
                return (200, json!({ "code": shown }));
            }
            Step::Right(user_id) => return verification_url(miracl, &user_id).await,
            Step::Who(_) => "A user ID has 1 to 255 bytes.",
            Step::Wrong(_) => "That is not the code.",
            Step::Over(_) => "The code is too old, or too many were wrong.",
        };
        (403, json!({ "error": sentence }))
    }
}

async fn verification_url(miracl: &Miracl, user_id: &str) -> (u16, Value) {
    let url = miracl.verification_url(user_id, VerificationOptions::default());
    match url.await {
        Ok(url) => (200, json!({ "verificationURL": url })),
        Err(error) => {
            tracing::warn!(%error, advice = error.advice(), "nobody can be registered");
            (error.status(), json!({ "error": error.to_string() }))
        }
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
