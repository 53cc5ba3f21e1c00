//! The page of a login, and how it ends. The steps in between are the page's own: it speaks to the endpoints of M-Pin.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::access::Status;
use crate::authorize::Denial;
use crate::device_id::{DeviceId, DeviceKey};
use crate::interaction::{Gone, Interaction};
use crate::pages::{self, Frame, redirect, show};
use crate::params::Params;
use crate::shared::Shared;

/// Answers `GET /login/{id}`.
pub(crate) async fn page(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let device = device(&headers);
    let found = shared
        .interactions
        .with(&id, device.as_ref(), |interaction| interaction.clone());
    match found {
        Ok(interaction) => show_login(&shared, &interaction, "", ""),
        Err(gone) => over(&shared, &id, gone),
    }
}

fn show_login(shared: &Shared, interaction: &Interaction, user_id: &str, code: &str) -> Response {
    let page = pages::Login {
        id: &interaction.id,
        app: &interaction.request.client.name,
        access_id: &interaction.access_id,
        client_id: &interaction.request.client.client_id,
        prompt: interaction.wanted.prompt,
        hint: interaction.wanted.hint.as_deref().unwrap_or_default(),
        act_token: interaction.wanted.act_token.as_deref().unwrap_or_default(),
        user_id,
        code,
        project_id: &shared.trust.project_id,
        pin_length: shared.project().pin_length(),
    };
    let frame = Frame::Client(&interaction.request.client);
    show(&page, StatusCode::OK, frame)
}

/// Answers `GET /login/{id}/stage` in plain text, for the page that waits for a message to be opened elsewhere.
pub(crate) async fn stage(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let device = device(&headers);
    let stage = shared.interactions.with(&id, device.as_ref(), |_| "login");
    (
        [(header::CACHE_CONTROL, "no-store")],
        stage.unwrap_or("over"),
    )
        .into_response()
}

/// Answers `POST /login/{id}/finish`: the page has proved a PIN, and the browser goes to the app.
pub(crate) async fn finish(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let device = device(&headers);
    let login = shared
        .interactions
        .with(&id, device.as_ref(), |interaction| {
            shared.sessions.take_login(&interaction.access_id)
        });
    let session = match login {
        Ok(Some(session)) => session,
        // Nobody has logged in yet.
        Ok(None) => return redirect(&format!("/login/{id}")),
        Err(gone) => return over(&shared, &id, gone),
    };
    let Some(interaction) = shared.interactions.end(&id) else {
        return over(&shared, &id, Gone::Over);
    };
    let Interaction {
        request, device, ..
    } = &interaction;
    shared.devices.sign_in(device, session.clone());
    let callback = shared.success(request, Some(device), session);
    callback.leave(&request.client, &headers)
}

/// Answers `GET /verification/confirmation?user_id=&code=`, the link in a message. Its script confirms the address, so
/// that nothing happens where a program opens the link.
pub(crate) async fn confirmation(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let params = Params::of_query(uri.query());
    let (Some(user_id), Some(code)) = (params.get("user_id"), params.get("code")) else {
        let problem = pages::Problem {
            title: "This link does not work",
            text: "A part of it is missing. Open it as it stands in the message.",
            detail: "",
        };
        return show(&problem, StatusCode::NOT_FOUND, Frame::Nobody);
    };
    let access_id = shared.verifications.session_of(code);
    let interaction = access_id.and_then(|id| shared.interactions.of_session(&id));
    let is_here =
        |interaction: &&Interaction| device(&headers).as_ref() == Some(&interaction.device);
    if let Some(interaction) = interaction.as_ref().filter(is_here) {
        return show_login(&shared, interaction, user_id, code);
    }
    let app = interaction
        .as_ref()
        .map(|interaction| interaction.request.client.name.as_str());
    let page = pages::Confirmation {
        app: app.unwrap_or_default(),
        user_id,
        code,
        project_id: &shared.trust.project_id,
        pin_length: shared.project().pin_length(),
    };
    show(&page, StatusCode::OK, Frame::Nobody)
}

/// Answers `POST /login/{id}/cancel`.
pub(crate) async fn cancel(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let device = device(&headers);
    if let Err(gone) = shared.interactions.with(&id, device.as_ref(), |_| ()) {
        return over(&shared, &id, gone);
    }
    let Some(interaction) = shared.interactions.end(&id) else {
        return over(&shared, &id, Gone::Over);
    };
    shared
        .sessions
        .advance(&interaction.access_id, None, Status::Aborted);
    let denial = Denial {
        error: "access_denied",
        description: "the person cancelled the login",
    };
    let callback = shared.denial(&interaction.request, denial);
    callback.leave(&interaction.request.client, &headers)
}

fn over(shared: &Shared, id: &str, gone: Gone) -> Response {
    let client = shared.interactions.client(id);
    let (status, problem) = match gone {
        Gone::Over => (
            StatusCode::GONE,
            pages::Problem {
                title: "This login is over",
                text: "It was finished in another tab, it took longer than 15 minutes, or the platform was \
                       restarted. Go back to the app and log in again.",
                detail: "",
            },
        ),
        Gone::OtherBrowser => (
            StatusCode::FORBIDDEN,
            pages::Problem {
                title: "This login belongs to another browser",
                text: "It can only go on in the browser that began it. If this is that browser, it did not send \
                       the platform's cookie back: allow cookies for this address, then log in again.",
                detail: "",
            },
        ),
    };
    show(
        &problem,
        status,
        client.as_ref().map_or(Frame::Nobody, Frame::Client),
    )
}

fn device(headers: &HeaderMap) -> Option<DeviceKey> {
    DeviceId::of(headers).map(|id| id.key())
}
