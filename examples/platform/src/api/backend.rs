//! The back-end API: the audit log, and revoking a device.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use serde_json::json;

use super::fields::Fields;
use super::{ApiError, Reply, caller, reply};
use crate::audit::{Entry, Event, Filter};
use crate::identity::hash_mpin_id;
use crate::params::Params;
use crate::rfc3339;
use crate::service_account::Permission;
use crate::shared::Shared;
use crate::verification::{is_mpin_id, parse_user_id};

/// How many entries come at once, unless the request says so.
const LIMIT: usize = 100;

/// Answers `GET /api/v1/projects/{id}/audit`.
pub(super) async fn audit(
    State(shared): State<Arc<Shared>>,
    project_id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
) -> Reply {
    caller::authenticate(&shared, &headers, Permission::Audit)?;
    let Path(project_id) = project_id?;
    shared.check_project_id(&project_id)?;
    let params = Params::of_query(uri.query());
    let text = |name| params.get(name).map(str::to_owned);
    let time = |name| {
        let wrong = || ApiError::field(name, "no time of RFC 3339");
        let text = params.get(name);
        text.map(|text| rfc3339::parse(text).ok_or_else(wrong))
            .transpose()
    };
    let number = |name, default: usize| {
        let wrong = |_| ApiError::field(name, "no whole number");
        let text = params.get(name);
        text.map_or(Ok(default), |text| text.parse().map_err(wrong))
    };
    let mpin_id = params.get("mpinId").map(|id| {
        let wrong = || ApiError::field("mpinId", "no hexadecimal text");
        let id = is_mpin_id(id)
            .then(|| id.to_ascii_lowercase())
            .ok_or_else(wrong)?;
        // The hash is what the log shows.
        Ok::<_, ApiError>(if id.len() == 64 {
            id
        } else {
            hash_mpin_id(&id)
        })
    });
    let filter = Filter {
        application_id: text("applicationId"),
        from: time("fromDate")?,
        to: time("toDate")?,
        user_id: params
            .get("userId")
            .map(|id| parse_user_id(id).unwrap_or_else(|| id.to_owned())),
        mpin_id: mpin_id.transpose()?,
        device_name: text("deviceName"),
        ..Filter::default()
    };
    let (offset, limit) = (number("offset", 0)?, number("limit", LIMIT)?);
    let (total, list) = shared.audit.list(&filter, offset, limit);
    Ok(reply(&json!({ "total": total, "list": list })))
}

/// Answers `POST /api/v1/projects/{id}/mpinids/{mpinId}/revocation`. The id's hash will do.
pub(super) async fn revoke(
    State(shared): State<Arc<Shared>>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    caller::authenticate(&shared, &headers, Permission::Revocation)?;
    let Path((project_id, id)) = path?;
    shared.check_project_id(&project_id)?;
    let fields = Fields::parse_or_nothing(&body)?;
    let reason = fields.optional("reason")?.unwrap_or_default();
    let unknown = || ApiError::not_found("this M-Pin id is not registered here");
    let mpin_id = shared
        .registrations
        .resolve(&id.to_ascii_lowercase())
        .ok_or_else(unknown)?;
    if shared.registrations.revoke(&mpin_id)
        && let Some(registration) = shared.registrations.find(&mpin_id)
    {
        let (user_id, device_name) = (&registration.user_id, &registration.device_name);
        shared
            .audit
            .add(Entry::new(Event::Revoked, &mpin_id, user_id, device_name));
    }
    Ok(reply(
        &json!({ "hashMPinID": hash_mpin_id(&mpin_id), "reason": reason }),
    ))
}
