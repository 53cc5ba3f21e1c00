//! The inbox, which stands in for e-mail.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;

use crate::clock;
use crate::device_id::DeviceId;
use crate::interaction::Interaction;
use crate::pages::{self, Frame, show};
use crate::params::Params;
use crate::shared::Shared;

/// Answers `GET /inbox`. With `?login=` it may be shown in the frame of that login.
pub(super) async fn inbox(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let params = Params::of_query(uri.query());
    let device = DeviceId::of(&headers).map(|id| id.key());
    let client = params.get("login").and_then(|id| {
        let client = |interaction: &mut Interaction| interaction.request.client.clone();
        shared.interactions.with(id, device.as_ref(), client).ok()
    });
    let messages = shared.inbox.all();
    let page = pages::InboxPage {
        messages: &messages,
        now: clock::now(),
    };
    show(
        &page,
        StatusCode::OK,
        client.as_ref().map_or(Frame::Nobody, Frame::Client),
    )
}
