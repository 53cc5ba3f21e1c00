//! QuickCodes: a device that is registered vouches for another one.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;

use super::fields::Fields;
use super::{ApiError, Reply, project, reply};
use crate::clock;
use crate::shared::Shared;

/// Answers `POST /verification/quickcode`: makes a code for the token of a login with the scope `reg-code`.
pub(super) async fn make(State(shared): State<Arc<Shared>>, body: Bytes) -> Reply {
    let fields = Fields::parse(&body)?;
    shared.check_project_id(fields.text("projectId")?)?;
    fields.optional("deviceName")?;
    let token = fields.text("jwt")?;
    if !shared.project().quick_code {
        return Err(ApiError::forbidden("the project does not use QuickCodes"));
    }
    let invalid = || {
        let info = "the token is not one of a login for a QuickCode, or it was used";
        ApiError::new(StatusCode::UNAUTHORIZED, "INVALID_TOKEN", info)
    };
    let claims = project::open_login(&shared, token).ok_or_else(invalid)?;
    let is_for_this = claims["aud"] == shared.issuer();
    let token_id = claims["jti"]
        .as_str()
        .filter(|_| is_for_this)
        .ok_or_else(invalid)?;
    let user_id = shared
        .exchanges
        .quick_tokens
        .take(token_id)
        .ok_or_else(invalid)?;
    let (code, seconds) = shared.verifications.new_quick_code(&user_id);
    Ok(reply(&json!({
        "code": code,
        "expireTime": clock::now() + seconds,
        "ttlSeconds": seconds,
    })))
}
