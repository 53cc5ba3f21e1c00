//! Sessions that a page begins and another device finishes.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use serde_json::{Value, json};

use super::fields::Fields;
use super::{ApiError, Reply, reply, signature};
use crate::access::{Purpose, Session, Status};
use crate::authorize::{self, Refused};
use crate::callback::ResponseMode;
use crate::device_id::DeviceId;
use crate::hex;
use crate::params::Params;
use crate::qr;
use crate::shared::Shared;
use crate::sign;

/// Answers `POST /authorize`: begins the login that a `GET` would show a page for.
pub(crate) async fn authorize(State(shared): State<Arc<Shared>>, uri: Uri, body: Bytes) -> Reply {
    let fields = Fields::parse_or_nothing(&body)?;
    let request = authorize::read(&shared, &Params::of_query(uri.query()));
    let request = request.map_err(refused)?.request;
    // Whoever waits for this session shows its QR code.
    if !request.client.qr_login {
        return Err(ApiError::forbidden("the app does not allow QR login"));
    }
    if request.response_mode != ResponseMode::Query {
        return Err(ApiError::field(
            "response_mode",
            "not query, and nobody could post the form",
        ));
    }
    let user_id = fields.short("prerollId")?;
    let purpose = Purpose {
        request: Some(Arc::new(request)),
        user_id,
        ..Purpose::default()
    };
    Ok(begun(&shared, purpose))
}

/// Answers `POST /rps/v2/session`.
pub(super) async fn begin(State(shared): State<Arc<Shared>>, body: Bytes) -> Reply {
    let fields = Fields::parse(&body)?;
    shared.check_project_id(fields.text("projectId")?)?;
    let hash = fields.optional("hash")?.map(|hash| {
        let wrong = || ApiError::field("hash", "not a SHA-256 in hexadecimal digits");
        sign::hash_of(hash).ok_or_else(wrong)
    });
    let hash = hash.transpose()?;
    let description = fields.optional("description")?;
    if description.is_some_and(|text| !sign::is_description(text)) {
        let is_not = "too long, or has characters that are not shown";
        return Err(ApiError::field("description", is_not));
    }
    let user_id = match fields.optional("userId")? {
        Some(_) => Some(fields.user_id("userId")?),
        None => None,
    };
    let purpose = Purpose {
        request: None,
        user_id,
        description: description.map(str::to_owned),
        hash,
    };
    Ok(begun(&shared, purpose))
}

fn begun(shared: &Shared, purpose: Purpose) -> Response {
    let (access_id, web_ott) = shared.sessions.begin(purpose);
    let issuer = shared.issuer();
    reply(&json!({
        "webOTT": web_ott,
        "accessURL": format!("{issuer}/rps/v2/access"),
        "qrURL": qr::address(shared, &access_id),
        "accessId": access_id,
    }))
}

/// Answers `POST /rps/v2/access`: how far a session has come, and at its end where the browser goes.
pub(super) async fn access(State(shared): State<Arc<Shared>>, body: Bytes) -> Reply {
    let fields = Fields::parse(&body)?;
    let session = shared.sessions.look(fields.text("webOTT")?);
    let session = session.ok_or_else(|| {
        let info = "the session is unknown";
        ApiError::new(StatusCode::NOT_FOUND, "INVALID_WEB_OTT", info)
    })?;
    let Session {
        purpose,
        status,
        user_id,
        ..
    } = session;
    let mut answer = json!({
        "status": status.name(),
        "statusCode": status.code(),
        "userId": user_id.or(purpose.user_id).unwrap_or_default(),
        "redirectURL": "",
        "signature": "",
    });
    match status {
        Status::Authenticated(session) => {
            if let Some(request) = purpose.request {
                answer["redirectURL"] = json!(shared.success(&request, None, session).url);
            }
        }
        Status::Signed(signature) => answer["signature"] = json!(signature),
        _ => {}
    }
    Ok(reply(&answer))
}

/// Answers `POST /rps/v2/codeStatus`: a device says how far it is, and learns what the session is for.
pub(super) async fn code_status(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    let fields = Fields::parse(&body)?;
    let access_id = fields.text("wid")?;
    let user_id = match fields.optional("userId")? {
        Some(_) => Some(fields.user_id("userId")?),
        None => None,
    };
    let session = shared
        .sessions
        .find(access_id)
        .ok_or_else(ApiError::login_session)?;
    let device = DeviceId::of(&headers).map(|id| id.key());
    if !session.admits(device.as_ref()) {
        return Err(ApiError::login_session());
    }
    let wanted = fields.text("status")?;
    let status = match wanted {
        "wid" => Status::Scanned,
        "user" => Status::User,
        "abort" => Status::Aborted,
        "signed" => signed(&shared, &fields, &session)?,
        _ => return Err(ApiError::field("status", "unknown")),
    };
    let session = shared
        .sessions
        .advance(access_id, user_id.as_deref(), status);
    let session = session.ok_or_else(ApiError::login_session)?;
    let reached = session.status.name();
    if session.status == Status::Expired || !session.status.is_open() && reached != wanted {
        return Err(ApiError::login_session().with("status", reached));
    }
    Ok(reply(&about(&shared, &session.purpose)))
}

/// Takes the signature that a session waits for.
fn signed(shared: &Shared, fields: &Fields, session: &Session) -> Result<Status, ApiError> {
    let wrong = || ApiError::field("signature", "not the base64 of a signature");
    let text = fields.text("signature")?;
    let bytes = base64_simd::STANDARD_NO_PAD.decode_to_vec(text.trim_end_matches('='));
    let signature =
        Fields::parse(&Bytes::from(bytes.map_err(|_| wrong())?)).map_err(|_| wrong())?;
    let timestamp = signature.number("timestamp")?;
    let timestamp = timestamp.ok_or_else(|| ApiError::field("timestamp", "missing"))?;
    let checked = signature::check(shared, &signature, timestamp)?;
    if session.purpose.hash.as_deref() != Some(hex::encode(&checked.hash).as_str()) {
        return Err(ApiError::field("hash", "not the one of the session"));
    }
    Ok(Status::Signed(text.to_owned()))
}

/// Returns what a device shows before it asks for the PIN.
fn about(shared: &Shared, purpose: &Purpose) -> Value {
    let project = shared.project();
    let (method, identity) = match project.verification_url {
        Some(_) => ("fullCustom", "alphanumeric"),
        None => ("standardEmail", "email"),
    };
    let client = purpose.request.as_ref().map(|request| &request.client);
    let name = client.map_or("Local MIRACL platform", |client| client.name.as_str());
    json!({
        "prerollId": purpose.user_id.as_deref().unwrap_or_default(),
        "projectId": shared.trust.project_id,
        "projectName": name,
        "projectLogoURL": "",
        "pinLength": project.pin_length(),
        "verificationMethod": method,
        "verificationURL": project.verification_url.as_deref().unwrap_or_default(),
        "verificationCustomText": "",
        "identityType": identity,
        "identityTypeLabel": "",
        "enableRegistrationCode": project.quick_code,
        "description": purpose.description.as_deref().unwrap_or_default(),
        "hash": purpose.hash.as_deref().unwrap_or_default(),
    })
}

/// Answers `POST /pushauth`. No device here takes push messages.
pub(super) async fn push(State(shared): State<Arc<Shared>>, uri: Uri, body: Bytes) -> Reply {
    let fields = Fields::parse(&body)?;
    authorize::read(&shared, &Params::of_query(uri.query())).map_err(refused)?;
    fields.user_id("prerollId")?;
    let info = "no device of this user takes push messages";
    Err(ApiError::new(
        StatusCode::BAD_REQUEST,
        "NO_PUSH_TOKEN",
        info,
    ))
}

fn refused(refused: Refused) -> ApiError {
    let info = match refused {
        Refused::Here(reason) => reason,
        Refused::ByCallback(refused) => format!("{}: {}", refused.1.error, refused.1.description),
    };
    ApiError::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST_PARAMETERS", info)
}
