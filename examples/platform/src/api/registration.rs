//! Registering a device, and the shares of its secret.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};

use super::caller::bearer;
use super::fields::Fields;
use super::login::CURVE;
use super::{ApiError, Reply, reply};
use crate::audit::{Entry, Event};
use crate::clock;
use crate::exchange::Ticket;
use crate::mpin::authority::Half;
use crate::params::Params;
use crate::registration::Registration;
use crate::shared::Shared;

/// The longest name of a device, in bytes.
const MAX_DEVICE_NAME: usize = 255;

/// Begins the registration of a device, for which an activation token is used up. Returns its M-Pin id.
pub(super) fn begin(
    shared: &Shared,
    user_id: &str,
    token: &str,
    device_name: &str,
    public_key: Option<String>,
) -> Result<String, ApiError> {
    let quick_code = shared.project().quick_code;
    let activation = shared
        .verifications
        .take_activation(user_id, token, quick_code)
        .ok_or_else(ApiError::activation_token)?;
    let mpin_id = activation
        .mpin_id
        .unwrap_or_else(|| shared.trust.new_mpin_id(user_id));
    let registration = Registration::new(user_id, device_name, public_key)
        .in_place_of(activation.replaces, activation.renewal);
    shared.registrations.begin(&mpin_id, registration);
    let entry = Entry::new(Event::Registered, &mpin_id, user_id, device_name);
    shared.audit.add(entry);
    Ok(mpin_id)
}

/// Answers `POST /registration`.
pub(super) async fn register(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    let fields = Fields::parse(&body)?;
    let user_id = fields.user_id("userId")?;
    let device_name = device_name(&fields, &headers)?;
    let token = fields.text("activationToken")?;
    let public_key = fields.public_key("publicKey")?;
    fields.optional("pushToken")?;
    fields.optional("deviceTag")?;

    let mpin_id = begin(&shared, &user_id, token, &device_name, Some(public_key))?;

    let tickets = [Half::First, Half::Second].map(|half| {
        let mpin_id = mpin_id.clone();
        shared.exchanges.tickets.add(Ticket { mpin_id, half })
    });
    let share_url = format!("{}/rps/v2/share", shared.issuer());
    let secret_urls = tickets
        .each_ref()
        .map(|ticket| format!("{share_url}?ticket={ticket}"));
    let designated = tickets.map(|ticket| json!({ "url": share_url, "token": ticket }));
    let now = clock::now();
    Ok(reply(&json!({
        "mpinId": mpin_id,
        "projectId": shared.trust.project_id,
        "dtas": shared.trust.dtas(),
        "curve": CURVE,
        "secretUrls": secret_urls,
        // The same for clients that send the ticket in a header.
        "designatedTAs": designated,
        "pinLength": shared.project().pin_length(),
        "verificationType": "standardEmail",
        "nowTime": now,
        "createdAt": now,
    })))
}

/// Answers `GET /rps/v2/share?ticket=`, one of the two addresses that a registration returns. It can be fetched again,
/// for a connection may break off.
pub(super) async fn share(State(shared): State<Arc<Shared>>, uri: Uri) -> Reply {
    let params = Params::of_query(uri.query());
    let ticket = params.get("ticket");
    let ticket = ticket.ok_or_else(|| ApiError::field("ticket", "missing"))?;
    let (share, _) = fetch(&shared, ticket).ok_or_else(no_ticket)?;
    Ok(reply(&json!({ "dvsClientSecret": share })))
}

/// Answers `POST /rps/v2/share`, where the ticket is the token of the request.
pub(super) async fn share_of_node(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    let fields = Fields::parse(&body)?;
    let (mpin_id, key) = (fields.mpin_id("mpinId")?, fields.public_key("pubKey")?);
    let ticket = bearer(&headers).ok_or_else(ApiError::unauthorized)?;
    let is_key = |key: &str| {
        let bound = shared
            .exchanges
            .tickets
            .with(ticket, |ticket| ticket.mpin_id == mpin_id);
        bound == Some(true) && shared.registrations.bind_key(&mpin_id, Some(key))
    };
    if !is_key(&key) {
        return Err(no_ticket());
    }
    let (share, half) = fetch(&shared, ticket).ok_or_else(no_ticket)?;
    Ok(reply(
        &json!({ "node": shared.trust.node(half), "share": share }),
    ))
}

/// Returns a share, and whose it is.
fn fetch(shared: &Shared, ticket: &str) -> Option<(Value, Half)> {
    let Ticket { mpin_id, half } = shared
        .exchanges
        .tickets
        .with(ticket, |ticket| ticket.clone())?;
    let subject = shared.registrations.fetch(&mpin_id, half)?;
    let share = shared.trust.authority.share(half, &subject);
    Some((json!(share.to_hex()), half))
}

fn no_ticket() -> ApiError {
    let info = "the ticket is unknown, expired or for something else";
    ApiError::new(StatusCode::FORBIDDEN, "INVALID_TICKET", info)
}

/// Returns the name of a device, which some clients send in a header.
pub(super) fn device_name(fields: &Fields, headers: &HeaderMap) -> Result<String, ApiError> {
    let name = fields.optional("deviceName")?;
    let header = headers
        .get("x-miracl-device-name")
        .and_then(|value| value.to_str().ok());
    let name = name.or(header).unwrap_or("Unknown device");
    if name.len() > MAX_DEVICE_NAME {
        return Err(ApiError::field("deviceName", "too long"));
    }
    Ok(name.to_owned())
}
