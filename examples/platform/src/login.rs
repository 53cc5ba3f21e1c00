//! The page of a login, and how it ends. The steps in between are the page's own: it speaks to the endpoints of M-Pin.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::access::{Purpose, Status};
use crate::authorize::Denial;
use crate::device_id::{DeviceId, DeviceKey};
use crate::interaction::{Gone, Interaction};
use crate::login_pages::{Kind, LoginPage, LoginProblem, Settings, Standalone};
use crate::pages::{Frame, redirect, show};
use crate::params::Params;
use crate::qr::{self, Picture};
use crate::shared::Shared;
use crate::texts::Lang;

/// Answers `GET /login/{id}`.
pub(crate) async fn page(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let found = shared
        .interactions
        .with(&id, device(&headers).as_ref(), |interaction| {
            speak(interaction, &uri);
            begin_qr(&shared, interaction);
            interaction.clone()
        });
    let interaction = match found {
        Ok(interaction) => interaction,
        Err(gone) => return over(&shared, &headers, &id, gone),
    };
    let qr = interaction.qr.as_deref();
    let picture = qr.and_then(|access_id| Picture::of(qr::address(&shared, access_id)));
    let settings = Settings::of(&shared, &headers);
    let page = LoginPage::of(&interaction, "", "", picture.as_ref(), settings);
    show_login(&page, &interaction)
}

fn show_login(page: &LoginPage<'_>, interaction: &Interaction) -> Response {
    let frame = Frame::Client(&interaction.request.client);
    show(page, StatusCode::OK, frame)
}

/// Sets the language that the person has chosen on the page.
fn speak(interaction: &mut Interaction, uri: &Uri) {
    if let Some(lang) = Lang::asked(&Params::of_query(uri.query())) {
        interaction.wanted.lang = lang;
    }
}

/// Gives an interaction a QR code, if its app wants one and the earlier one is not good any more.
fn begin_qr(shared: &Shared, interaction: &mut Interaction) {
    if !interaction.request.client.qr_login {
        interaction.qr = None;
        return;
    }
    let earlier = interaction.qr.as_deref();
    let earlier = earlier.and_then(|access_id| shared.sessions.find(access_id));
    let is_good = earlier.is_some_and(|session| match session.status {
        Status::Aborted | Status::Expired => false,
        Status::New | Status::Scanned | Status::User => true,
        Status::Authenticated(_) | Status::Signed(_) => true,
    });
    if !is_good {
        let purpose = Purpose::of_page(&interaction.request, &interaction.wanted);
        let access_id = shared.sessions.begin_qr(purpose, interaction.ends());
        interaction.qr = Some(access_id);
    }
}

/// Answers `GET /login/{id}/stage`, for the page that waits for another tab or another device: how far the QR code has
/// come, and who was chosen there.
pub(crate) async fn stage(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let found = shared
        .interactions
        .with(&id, device(&headers).as_ref(), |interaction| {
            speak(interaction, &uri);
            interaction.qr.clone()
        });
    let stage = match found {
        Err(_) => json!({ "stage": "over" }),
        Ok(None) => json!({ "stage": "login" }),
        Ok(Some(access_id)) => stage_of_qr(&shared, &access_id),
    };
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, stage.to_string()).into_response()
}

fn stage_of_qr(shared: &Shared, access_id: &str) -> Value {
    let session = shared.sessions.find(access_id);
    let status = session.as_ref().map(|session| session.status.name());
    let user_id = session
        .as_ref()
        .and_then(|session| session.user_id.as_deref());
    json!({
        "stage": status.unwrap_or(Status::Expired.name()),
        "userId": user_id.unwrap_or_default(),
    })
}

/// Answers `POST /login/{id}/finish`: a PIN has been proved, here or on another device, and the browser that began the
/// login goes to the app.
pub(crate) async fn finish(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let result = shared
        .interactions
        .with(&id, device(&headers).as_ref(), |interaction| {
            let mut ids = interaction.access_ids();
            ids.find_map(|access_id| shared.sessions.take_result(access_id))
        });
    let result = match result {
        Ok(Some(result)) => result,
        // Nobody has logged in yet.
        Ok(None) => return redirect(&format!("/login/{id}")),
        Err(gone) => return over(&shared, &headers, &id, gone),
    };
    let Some(interaction) = shared.interactions.end(&id) else {
        return over(&shared, &headers, &id, Gone::Over);
    };
    // A device that has read the code, but not finished, learns that it is too late.
    for access_id in interaction.access_ids() {
        shared.sessions.advance(access_id, None, result.clone());
    }
    let Interaction {
        request, device, ..
    } = &interaction;
    let callback = match result {
        Status::Authenticated(session) => {
            shared.devices.sign_in(device, session.clone());
            shared.success(request, Some(device), session)
        }
        Status::Signed(signature) => shared.signed(request, signature),
        _ => return redirect(&format!("/login/{id}")),
    };
    callback.leave(&request.client, &headers, interaction.wanted.lang)
}

/// Answers `GET /verification/confirmation?user_id=&code=`, the link in a message. Its script confirms the address, so
/// that nothing happens where a program opens the link.
pub(crate) async fn confirmation(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let params = Params::of_query(uri.query());
    let lang = Lang::of(&params, &headers);
    let (Some(user_id), Some(code)) = (params.get("user_id"), params.get("code")) else {
        let problem = LoginProblem {
            lang,
            title: lang.text("broken-link.title"),
            text: lang.text("broken-link.text"),
        };
        return show(&problem, StatusCode::NOT_FOUND, Frame::Nobody);
    };
    let access_id = shared.verifications.session_of(code);
    let interaction = access_id
        .as_ref()
        .and_then(|id| shared.interactions.of_session(id));
    let settings = Settings::of(&shared, &headers);
    let is_here =
        |interaction: &&Interaction| device(&headers).as_ref() == Some(&interaction.device);
    if let Some(interaction) = interaction.as_ref().filter(is_here) {
        let page = LoginPage::of(interaction, user_id, code, None, settings);
        return show_login(&page, interaction);
    }
    let session = access_id.as_ref().and_then(|id| shared.sessions.find(id));
    let request = session.and_then(|session| session.purpose.request);
    let page = Standalone {
        lang,
        kind: Kind::Message,
        app: request
            .as_ref()
            .map_or("", |request| request.client.name.as_str()),
        access_id: access_id.as_deref().unwrap_or_default(),
        user_id,
        code,
        goes_on: params.get("stage") == Some("auth"),
        settings,
    };
    show(&page, StatusCode::OK, Frame::Nobody)
}

/// Answers `GET /qr`, where a device finishes the session whose id stands after `#`.
pub(crate) async fn other_device(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    standalone(&shared, &headers, &uri, Kind::OtherDevice)
}

/// Answers `GET /quick-code`, where a registered browser makes a QuickCode.
pub(crate) async fn quick_code(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    standalone(&shared, &headers, &uri, Kind::QuickCode)
}

fn standalone(shared: &Shared, headers: &HeaderMap, uri: &Uri, kind: Kind) -> Response {
    let page = Standalone {
        lang: Lang::of(&Params::of_query(uri.query()), headers),
        kind,
        app: "",
        access_id: "",
        user_id: "",
        code: "",
        goes_on: false,
        settings: Settings::of(shared, headers),
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
        return over(&shared, &headers, &id, gone);
    }
    let Some(interaction) = shared.interactions.end(&id) else {
        return over(&shared, &headers, &id, Gone::Over);
    };
    for access_id in interaction.access_ids() {
        shared.sessions.advance(access_id, None, Status::Aborted);
    }
    let description = match interaction.wanted.document {
        None => "the person cancelled the login",
        Some(_) => "the person did not sign",
    };
    let denial = Denial {
        error: "access_denied",
        description,
    };
    let callback = shared.denial(&interaction.request, denial);
    let lang = interaction.wanted.lang;
    callback.leave(&interaction.request.client, &headers, lang)
}

fn over(shared: &Shared, headers: &HeaderMap, id: &str, gone: Gone) -> Response {
    let client = shared.interactions.client(id);
    let lang = Lang::of(&Params::default(), headers);
    let (status, title, text) = match gone {
        Gone::Over => (
            StatusCode::GONE,
            lang.text("over.title"),
            lang.text("over.text"),
        ),
        Gone::OtherBrowser => (
            StatusCode::FORBIDDEN,
            lang.text("elsewhere.title"),
            lang.text("elsewhere.text"),
        ),
    };
    let problem = LoginProblem { lang, title, text };
    show(
        &problem,
        status,
        client.as_ref().map_or(Frame::Nobody, Frame::Client),
    )
}

fn device(headers: &HeaderMap) -> Option<DeviceKey> {
    DeviceId::of(headers).map(|id| id.key())
}
