//! The registered devices, and revoking one.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;

use super::form::Form;
use super::not_found;
use super::paging::Paging;
use super::question::Question;
use crate::audit::{Entry, Event};
use crate::identity::hash_mpin_id;
use crate::pages::{Frame, redirect, show};
use crate::params::Params;
use crate::registration::Registration;
use crate::rfc3339;
use crate::shared::Shared;

#[derive(Template)]
#[template(path = "portal/devices.html")]
struct Devices<'a> {
    section: &'a str,
    devices: &'a [Device],
    form: &'a Form,
    paging: &'a Paging,
}

/// A device, as it is shown.
struct Device {
    /// The hash of its M-Pin id, which names it in addresses.
    hash: String,
    user_id: String,
    name: String,
    since: String,
    used: String,
    state: String,
    revoked: bool,
}

impl Device {
    fn new(mpin_id: &str, registration: &Registration) -> Self {
        let state = match (registration.revoked, registration.wrong_pins()) {
            (true, _) => "revoked".to_owned(),
            (false, 0) => "active".to_owned(),
            (false, 1) => "1 wrong PIN".to_owned(),
            (false, wrong) => format!("{wrong} wrong PINs"),
        };
        let used = registration.used();
        Self {
            hash: hash_mpin_id(mpin_id),
            user_id: registration.user_id.clone(),
            name: registration.device_name.clone(),
            since: rfc3339::short(registration.registered()),
            used: used.map_or_else(|| "never".to_owned(), rfc3339::short),
            state,
            revoked: registration.revoked,
        }
    }
}

/// Answers `GET /portal/devices`.
pub(super) async fn list(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    let form = Form::of(Params::of_query(uri.query()));
    let who = form.value("who").to_lowercase();
    let paging = Paging::of(&form, &["who"]);
    let (skip, most) = paging.range();
    let (total, devices) = shared.registrations.list(&who, skip, most);
    let devices: Vec<Device> = devices
        .iter()
        .map(|(id, registration)| Device::new(id, registration))
        .collect();
    let page = Devices {
        section: "devices",
        devices: &devices,
        form: &form,
        paging: &paging.over(total),
    };
    show(&page, StatusCode::OK, Frame::Nobody)
}

/// Answers `GET /portal/devices/{hash}/revoke`.
pub(super) async fn ask_to_revoke(
    State(shared): State<Arc<Shared>>,
    Path(hash): Path<String>,
) -> Response {
    let Some((id, registration)) = find(&shared, &hash) else {
        return not_found().await;
    };
    let hash = hash_mpin_id(&id);
    let (name, user_id) = (&registration.device_name, &registration.user_id);
    Question {
        section: "devices",
        title: "Revoke this device?",
        text: &format!(
            "{user_id} cannot log in on {} any more, until the address is confirmed there again.",
            if name.is_empty() { "it" } else { name }
        ),
        yes: "Revoke the device",
        action: &format!("/portal/devices/{hash}/revoke"),
        back: "/portal/devices",
        problem: "",
    }
    .ask()
}

/// Answers `POST /portal/devices/{hash}/revoke`.
pub(super) async fn revoke(
    State(shared): State<Arc<Shared>>,
    Path(hash): Path<String>,
) -> Response {
    let Some((id, registration)) = find(&shared, &hash) else {
        return not_found().await;
    };
    if !registration.revoked && shared.registrations.revoke(&id) {
        let (user_id, name) = (&registration.user_id, &registration.device_name);
        let entry = Entry::new(Event::Revoked, &id, user_id, name);
        shared.audit.add(entry);
    }
    redirect("/portal/devices")
}

fn find(shared: &Shared, hash: &str) -> Option<(String, Registration)> {
    let id = shared.registrations.resolve(hash)?;
    let registration = shared.registrations.find(&id)?;
    Some((id, registration))
}
