//! Signatures of documents (designated verifier signatures): the hash, and what the platform says of a signature.

use std::fmt;

use base64_simd::STANDARD;
use ring::{digest, hmac};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    base::{hex::hex, secret::Secret},
    error::{
        provider::ProviderError,
        trust::{TrustCode, TrustError},
    },
    provider::Provider,
    trust::{
        Trust,
        api::{Api, text},
        certificate::{self, Certificate},
        rfc3339::END_OF_TIME,
    },
};

const ENDPOINT: &str = "/dvs/verify";

/// The longest field of a signature, in bytes. Real ones have less than 2 KiB.
const MAX_FIELD: usize = 8 * 1024;

/// Returns the hash of a document that a person signs: SHA-256, as lower-case hexadecimal text.
///
/// ```
/// use miracl_core::app::trust::document_hash;
///
/// assert_eq!(
///     document_hash("sample document"),
///     "1789c9eeee7dcbf9a5e9b47374e244f85263dc45922a249d37f7ba9fd4efb850",
/// );
/// ```
pub fn document_hash(document: impl AsRef<[u8]>) -> String {
    hex(digest::digest(&digest::SHA256, document.as_ref()).as_ref())
}

/// A signature, as a front end hands it over: the JSON that MIRACL's clients make, read by `serde`.
///
/// It proves nothing before [`Miracl::verify_signature`](crate::Miracl::verify_signature) says that it is valid, and
/// then it is of the `hash` in it: compare that with your own document by [`is_of`](Self::is_of). `Debug` shows nothing
/// of it, because the M-Pin id contains the user id.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Signature {
    /// The hash of the document, as [`document_hash`] returns it.
    pub hash: String,
    /// The first half, as hexadecimal text.
    pub u: String,
    /// The second half.
    pub v: String,
    /// The registration that signed.
    #[serde(alias = "mpinid")]
    pub mpin_id: String,
    /// Its public key.
    pub public_key: String,
    /// What names the authorities that the registration has its secret of. Older clients send none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dtas: Option<String>,
}

impl Signature {
    /// Returns whether the signature is of this document, provided that it is valid.
    pub fn is_of(&self, document: impl AsRef<[u8]>) -> bool {
        self.hash.eq_ignore_ascii_case(&document_hash(document))
    }

    /// Checks what can be seen without the platform.
    fn check(&self) -> Result<(), TrustError> {
        check_hash(&self.hash)?;
        let fields = [
            ("u", Some(&self.u)),
            ("v", Some(&self.v)),
            ("mpin_id", Some(&self.mpin_id)),
            ("public_key", Some(&self.public_key)),
            ("dtas", self.dtas.as_ref()),
        ];
        for (name, value) in fields {
            if value.is_some_and(|value| value.is_empty() || value.len() > MAX_FIELD) {
                return Err(TrustError::argument(name, "there, and at most 8 KiB"));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signature").finish_non_exhaustive()
    }
}

/// What the platform says of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureVerdict {
    /// It is valid, and this is the proof.
    Valid(Certificate),
    /// It was made with a wrong PIN, or was changed since.
    BadPin,
    /// The registration that signed is revoked, for example after too many wrong PINs.
    UserBlocked,
    /// A part of the signature is missing, or is not what it must be.
    MissingSignature,
    /// The platform says that it is valid, but its certificate does not prove it: it is not signed by the platform, is
    /// for another hash, has expired, or is from before the time of the signature.
    InvalidSignature,
}

impl SignatureVerdict {
    /// Returns whether the signature is valid.
    pub fn is_valid(&self) -> bool {
        matches!(self, Self::Valid(_))
    }
}

/// Asks the platform about a signature, and checks its certificate.
pub(crate) async fn verify(
    trust: &Trust,
    api: &Api<'_>,
    signature: &Signature,
    timestamp: u64,
) -> Result<SignatureVerdict, TrustError> {
    signature.check()?;
    if timestamp >= END_OF_TIME {
        return Err(TrustError::argument(
            "timestamp",
            "seconds since 1970, before the year 10000",
        ));
    }
    let answer = match api
        .post(ENDPOINT, ENDPOINT, &body(signature, timestamp))
        .await
    {
        Ok(answer) => answer,
        Err(error) => return judgement(error),
    };
    let certificate = text(ENDPOINT, &answer, "certificate")?;
    let expected = certificate::Expected {
        hash: &signature.hash,
        timestamp,
        now: api.provider.client.now(),
        skew: api.provider.client.config.clock_skew.as_secs(),
    };
    let proof = certificate::verify(trust, api.provider, certificate, &expected).await?;
    Ok(proof.map_or(SignatureVerdict::InvalidSignature, SignatureVerdict::Valid))
}

/// The request, field by field.
fn body(signature: &Signature, timestamp: u64) -> Value {
    let mut fields = json!({
        "hash": signature.hash,
        "u": signature.u,
        "v": signature.v,
        "mpinId": signature.mpin_id,
        "publicKey": signature.public_key,
    });
    if let Some(dtas) = &signature.dtas {
        fields["dtas"] = dtas.as_str().into();
    }
    json!({ "signature": fields, "timestamp": timestamp, "type": "verification" })
}

/// Turns a refusal that judges the signature into a verdict. By the status, as MIRACL's other libraries do; only a 401
/// may mean the credentials of the app, and then its code says so.
fn judgement(error: TrustError) -> Result<SignatureVerdict, TrustError> {
    let (status, code) = match &error {
        TrustError::Refused { status, code, .. } => (*status, Some(code)),
        TrustError::Provider(ProviderError::Status { status, .. }) => (*status, None),
        _ => return Err(error),
    };
    let verdict = match (status, code) {
        (_, Some(TrustCode::Unauthorized | TrustCode::Forbidden)) => return Err(error),
        (_, Some(TrustCode::Revoked)) | (410, _) => SignatureVerdict::UserBlocked,
        (_, Some(TrustCode::InvalidSignature)) | (401, _) => SignatureVerdict::BadPin,
        (_, Some(TrustCode::InvalidParameters | TrustCode::InvalidBody)) | (400, _) => {
            SignatureVerdict::MissingSignature
        }
        _ => return Err(error),
    };
    tracing::debug!(?verdict, status, "a signature is not valid");
    Ok(verdict)
}

/// Makes the token by which a front end of an earlier version asks for a signature:
/// base64(`client_id` `:` hex(HMAC-SHA256(`client_secret`, `hash`))).
pub(crate) async fn auth_token(provider: &Provider, hash: &str) -> Result<Secret, TrustError> {
    check_hash(hash)?;
    let (id, secret) = (provider.client.id().await?, provider.client.secret().await?);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let tag = hmac::sign(&key, hash.as_bytes());
    let pair = format!("{id}:{}", hex(tag.as_ref()));
    Ok(STANDARD.encode_to_string(pair).into())
}

fn check_hash(hash: &str) -> Result<(), TrustError> {
    if hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(TrustError::argument(
        "hash",
        "a SHA-256 in 64 hexadecimal digits",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_has_the_fields_of_the_reference() {
        let mut signature = Signature {
            hash: document_hash("sample document"),
            u: "04aa".to_owned(),
            v: "04bb".to_owned(),
            mpin_id: "7b7d".to_owned(),
            public_key: "0c".to_owned(),
            dtas: Some("W10=".to_owned()),
        };
        let hash = "1789c9eeee7dcbf9a5e9b47374e244f85263dc45922a249d37f7ba9fd4efb850";
        let mut expected = json!({
            "signature": {
                "hash": hash, "u": "04aa", "v": "04bb", "mpinId": "7b7d", "publicKey": "0c", "dtas": "W10=",
            },
            "timestamp": 1_700_000_000,
            "type": "verification",
        });
        assert_eq!(body(&signature, 1_700_000_000), expected);
        signature.dtas = None;
        expected["signature"]
            .as_object_mut()
            .unwrap()
            .remove("dtas");
        assert_eq!(body(&signature, 1_700_000_000), expected);
        assert!(signature.is_of("sample document") && !signature.is_of("Sample document"));
    }

    #[test]
    fn a_signature_is_read_as_every_client_writes_it() {
        for (mpin_id, more) in [
            ("mpinId", ""),
            ("mpinid", r#","dtas":"W10=","timestamp":1"#),
        ] {
            let text =
                format!(r#"{{"hash":"h","u":"u","v":"v","{mpin_id}":"id","publicKey":"k"{more}}}"#);
            let read: Signature = serde_json::from_str(&text).unwrap();
            assert_eq!(read.mpin_id, "id");
            assert_eq!(format!("{read:?}"), "Signature { .. }");
        }
        for bad in [
            "{}",
            "[]",
            r#"{"hash":1,"u":"u","v":"v","mpinId":"id","publicKey":"k"}"#,
        ] {
            assert!(serde_json::from_str::<Signature>(bad).is_err(), "{bad}");
        }
    }
}
