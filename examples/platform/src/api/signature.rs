//! Checking signatures.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::fields::Fields;
use super::{ApiError, Reply, caller, project, reply};
use crate::audit::{Entry, Event};
use crate::mpin::signature::Signature;
use crate::service_account::Permission;
use crate::shared::Shared;
use crate::{clock, hex};

/// How long a certificate is good, in seconds.
const CERTIFICATE_SECONDS: u64 = 10;

/// A signature that is right.
pub(super) struct Checked {
    pub(super) mpin_id: String,
    pub(super) hash: Vec<u8>,
}

/// Answers `POST /dvs/verify`: a certificate that a signature is right.
pub(super) async fn verify(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    caller::authenticate(&shared, &headers, Permission::Signatures)?;
    let fields = Fields::parse(&body)?;
    fields.optional("type")?;
    let signature = fields.object("signature")?;
    let timestamp = fields.number("timestamp")?;
    let timestamp = timestamp.ok_or_else(|| ApiError::field("timestamp", "missing"))?;
    let own = signature.number("timestamp")?;
    if own.is_some_and(|own| own != timestamp) {
        return Err(ApiError::field("timestamp", "not the one of the signature"));
    }
    let Checked { mpin_id, hash } = check(&shared, &signature, timestamp)?;
    if let Some(registration) = shared.registrations.find(&mpin_id) {
        let (user_id, device_name) = (&registration.user_id, &registration.device_name);
        shared
            .audit
            .add(Entry::new(Event::Signed, &mpin_id, user_id, device_name));
    }
    let now = clock::now();
    let claims: Value =
        json!({ "cAt": now, "exp": now + CERTIFICATE_SECONDS, "hash": hex::encode(&hash) });
    Ok(reply(
        &json!({ "certificate": project::sign_certificate(&shared, &claims) }),
    ))
}

/// Checks a signature. A wrong one counts nowhere: whoever sends it need not be the person.
pub(super) fn check(
    shared: &Shared,
    signature: &Fields,
    timestamp: u64,
) -> Result<Checked, ApiError> {
    let mpin_id = signature.mpin_id("mpinId").or_else(|error| {
        // As one of MIRACL's libraries spells it.
        signature.mpin_id("mpinid").map_err(|_| error)
    })?;
    let hash = signature.bytes("hash")?;
    let key = signature.public_key("publicKey")?;
    let (u, v) = (signature.g1("u")?, signature.g1("v")?);
    if signature
        .optional("dtas")?
        .is_some_and(|dtas| !shared.trust.is_dtas(dtas))
    {
        return Err(ApiError::field("dtas", "not the one of this platform"));
    }
    let wrong = || {
        let info = "the signature is wrong";
        ApiError::new(StatusCode::UNAUTHORIZED, "INVALID_SIGNATURE", info)
    };
    let registration = shared.registrations.find(&mpin_id).ok_or_else(wrong)?;
    if registration.public_key.as_deref() != Some(key.as_str()) {
        return Err(wrong());
    }
    if registration.revoked {
        let info = "the M-Pin id is revoked";
        return Err(ApiError::new(StatusCode::GONE, "REVOKED_MPINID", info));
    }
    let subject = shared.registrations.subject(&mpin_id).ok_or_else(wrong)?;
    let is_right = Signature { u, v }.is_of(&shared.trust.authority, &subject, &hash, timestamp);
    is_right
        .then_some(Checked { mpin_id, hash })
        .ok_or_else(wrong)
}
