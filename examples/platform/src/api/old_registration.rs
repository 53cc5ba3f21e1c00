//! Registering a device as clients did it before `/registration`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use serde_json::json;

use super::fields::{Fields, public_key};
use super::login::CURVE;
use super::registration::{begin, device_name};
use super::{ApiError, Reply, reply};
use crate::clock;
use crate::exchange::Ticket;
use crate::mpin::authority::Half;
use crate::mpin::subject::Subject;
use crate::params::Params;
use crate::shared::Shared;

/// Answers `PUT /rps/v2/user`.
pub(super) async fn register(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    let fields = Fields::parse(&body)?;
    let user_id = fields.user_id("userId")?;
    let device_name = device_name(&fields, &headers)?;
    let access_id = fields.optional("wid")?;
    if access_id.is_some_and(|id| !shared.sessions.is_open(id)) {
        return Err(ApiError::field("wid", "no session that is open"));
    }
    let token = fields.text("activateCode")?;
    let mpin_id = begin(&shared, &user_id, token, &device_name, None)?;
    let now = clock::now();
    let reg_otts = &shared.exchanges.reg_otts;
    Ok(reply(&json!({
        "mpinId": mpin_id,
        "regOTT": reg_otts.add(mpin_id.clone()),
        "customerId": shared.trust.project_id,
        "projectId": shared.trust.project_id,
        "appId": shared.trust.project_id,
        "active": true,
        "expireTime": now + reg_otts.lifetime(),
        "nowTime": now,
        "pinLength": shared.project().pin_length(),
        "verificationType": "standardEmail",
    })))
}

/// Answers `GET /rps/v2/signature/{mpinId}?regOTT=[&publicKey=]`: the first share, and where the second one is.
pub(super) async fn first_share(
    State(shared): State<Arc<Shared>>,
    mpin_id: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Reply {
    let params = Params::of_query(uri.query());
    let mpin_id = mpin_id?.to_ascii_lowercase();
    let reg_ott = params.get("regOTT");
    let reg_ott = reg_ott.ok_or_else(|| ApiError::field("regOTT", "missing"))?;
    let key = params
        .get("publicKey")
        .map(|key| public_key("publicKey", key))
        .transpose()?;
    let is_for_it = shared.exchanges.reg_otts.with(reg_ott, |id| *id == mpin_id);
    if is_for_it != Some(true) || !shared.registrations.bind_key(&mpin_id, key.as_deref()) {
        return Err(no_reg_ott());
    }
    let half = Half::First;
    let subject = shared
        .registrations
        .fetch(&mpin_id, half)
        .ok_or_else(no_reg_ott)?;
    let ticket = shared.exchanges.tickets.add(Ticket {
        mpin_id: mpin_id.clone(),
        half: Half::Second,
    });
    let (plain, with_key) = both(&shared, half, &mpin_id, &subject, key.is_some());
    Ok(reply(&json!({
        "clientSecretShare": plain,
        "dvsClientSecretShare": with_key,
        "cs2url": format!("{}/rps/v2/cs2?ticket={ticket}", shared.issuer()),
        "curve": CURVE,
        "dtas": shared.trust.dtas(),
    })))
}

/// Answers the address that [`first_share`] returns.
pub(super) async fn second_share(State(shared): State<Arc<Shared>>, uri: Uri) -> Reply {
    let params = Params::of_query(uri.query());
    let ticket = params.get("ticket");
    let ticket = ticket.ok_or_else(|| ApiError::field("ticket", "missing"))?;
    let ticket = shared
        .exchanges
        .tickets
        .with(ticket, |ticket| ticket.clone());
    let Ticket { mpin_id, half } = ticket.ok_or_else(no_reg_ott)?;
    let subject = shared
        .registrations
        .fetch(&mpin_id, half)
        .ok_or_else(no_reg_ott)?;
    let (plain, with_key) = both(&shared, half, &mpin_id, &subject, subject.has_key());
    Ok(reply(&json!({
        "clientSecret": plain,
        "dvsClientSecret": with_key,
        "createdAt": clock::now(),
        "message": "OK",
        "version": "5",
    })))
}

/// Returns the share of the id alone, and the one of the id with its key, which is empty where there is none.
fn both(
    shared: &Shared,
    half: Half,
    mpin_id: &str,
    subject: &Subject,
    has_key: bool,
) -> (String, String) {
    let share = |subject: &Subject| shared.trust.authority.share(half, subject).to_hex();
    let plain = Subject::of_hex(mpin_id, None).map(|plain| share(&plain));
    let with_key = if has_key {
        share(subject)
    } else {
        String::new()
    };
    (plain.unwrap_or_default(), with_key)
}

fn no_reg_ott() -> ApiError {
    let info = "the one-time token is unknown, expired or for something else";
    ApiError::new(StatusCode::FORBIDDEN, "INVALID_ACTIVATION_TOKEN", info)
}
