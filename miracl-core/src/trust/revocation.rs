//! Revoking a person's registration on one device.

use serde_json::json;

use crate::{
    error::trust::TrustError,
    trust::{
        Trust,
        api::{Api, any_text},
        project,
        user_id::check_name,
    },
};

const ENDPOINT: &str = "revocation";

/// The longest M-Pin id, in hexadecimal digits.
const MAX_MPIN_ID: usize = 4096;

/// A registration that was revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revocation {
    /// The hash of the M-Pin id, as the audit log has it.
    pub hash_mpin_id: String,
    /// The reason, as the platform keeps it.
    pub reason: String,
}

/// Revokes a registration, by its M-Pin id or that one's hash.
pub(crate) async fn revoke(
    trust: &Trust,
    api: &Api<'_>,
    mpin_id: &str,
    reason: &str,
) -> Result<Revocation, TrustError> {
    let is_hex = mpin_id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if mpin_id.is_empty() || mpin_id.len() > MAX_MPIN_ID || !is_hex {
        return Err(TrustError::argument(
            "mpin_id",
            "1 to 4096 hexadecimal digits",
        ));
    }
    check_name("reason", Some(reason))?;
    let project = project::id(trust, api.provider).await?;
    let path = format!("/api/v1/projects/{project}/mpinids/{mpin_id}/revocation");
    let answer = api
        .post(ENDPOINT, &path, &json!({ "reason": reason }))
        .await?;
    tracing::info!("a registration was revoked");
    Ok(Revocation {
        hash_mpin_id: any_text(&answer, "hashMPinID"),
        reason: any_text(&answer, "reason"),
    })
}
