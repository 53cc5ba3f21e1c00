//! Verifying that a person owns a user id, by e-mail or by an app's own means.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use url::Url;

use super::fields::Fields;
use super::registration::device_name;
use super::{ApiError, Reply, caller, reply};
use crate::identity::{hash_mpin_id, parse_email};
use crate::project::EmailVerification;
use crate::service_account::Permission;
use crate::shared::Shared;
use crate::verification::{Activation, LINK_SECONDS, MAX_LINK_SECONDS, Purpose};
use crate::{access, clock};

/// The longest list of scopes, in bytes.
const MAX_SCOPE: usize = 1024;

/// What an app calls the mail of a request that names no app.
const NO_APP: &str = "the project";

/// Answers `POST /verification`: an app has made sure of the user, and gets a link for them.
pub(super) async fn begin(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    let app = caller::authenticate(&shared, &headers, Permission::Verification)?;
    let fields = Fields::parse(&body)?;
    if let Some(project_id) = fields.optional("projectId")? {
        shared.check_project_id(project_id)?;
    }
    let purpose = purpose(&shared, &fields)?;
    if fields.text("delivery")? != "no" {
        return Err(ApiError::field("delivery", "not \"no\""));
    }
    fields.optional("deviceName")?;
    fields.optional("stage")?;
    let app_id = app.as_ref().map(|app| app.client_id.as_str());
    if fields
        .optional("clientId")?
        .is_some_and(|id| app_id.is_some_and(|app| app != id))
    {
        return Err(ApiError::field("clientId", "not the app that calls"));
    }
    let now = clock::now();
    let expires = fields.number("expiration")?;
    let fits = |at: &u64| *at > now && *at <= now + MAX_LINK_SECONDS;
    if expires.is_some_and(|at| !fits(&at)) {
        return Err(ApiError::field("expiration", "not within the next 30 days"));
    }
    let mut extra = Vec::new();
    if let (Some(client), Some(uri)) = (fields.optional("clientId")?, &purpose.redirect) {
        extra = vec![
            ("client_id", client.to_owned()),
            ("redirect_uri", uri.clone()),
        ];
        extra.push(("stage", "auth".to_owned()));
    }
    let url = link(
        &shared,
        purpose,
        expires.unwrap_or(now + LINK_SECONDS),
        extra,
    );
    Ok(reply(&json!({ "verificationURL": url.0 })))
}

/// Answers `POST /verification/email`: sends a message to an address.
pub(super) async fn email(State(shared): State<Arc<Shared>>, body: Bytes) -> Reply {
    let fields = Fields::parse(&body)?;
    shared.check_project_id(fields.text("projectId")?)?;
    let project = shared.project();
    if let Some(url) = &project.verification_url {
        let info = "this project verifies people at a page of its own";
        return Err(ApiError::forbidden(info).with("verificationURL", url.as_str()));
    }
    let purpose = purpose(&shared, &fields)?;
    let email = parse_email(&purpose.user_id);
    let email = email.ok_or_else(|| ApiError::field("userId", "no e-mail address"))?;
    for name in ["deviceName", "deviceTag", "type"] {
        fields.optional(name)?;
    }
    let now = clock::now();
    // Digits could be talked out of somebody who is registered elsewhere.
    let is_safe = purpose.replaces.is_some() || !shared.registrations.knows(&email);
    let is_code = project.email_verification == EmailVerification::Code && is_safe;
    // A link of another login is another person's wish, who waits at their own page, and nobody can guess it. Digits
    // can be guessed: a new login brings no more of them.
    let sender = match (is_code, &purpose.access_id) {
        (false, Some(access_id)) => format!("{email} {access_id}"),
        _ => email.clone(),
    };
    let backoff = shared
        .verifications
        .may_send(&sender, now)
        .map_err(|next| {
            let info = "a message was sent to this address just now";
            ApiError::new(StatusCode::TOO_MANY_REQUESTS, "REQUEST_BACKOFF", info)
                .with("backoff", next.to_string())
        })?;
    let app = fields
        .optional("clientId")?
        .and_then(|id| shared.clients.find(id));
    let app = app.or_else(|| {
        let session = shared.sessions.find(purpose.access_id.as_deref()?)?;
        Some(session.purpose.request?.client.clone())
    });
    let app = app.map_or_else(|| NO_APP.to_owned(), |app| app.name);
    let method = if is_code {
        let digits = shared.verifications.new_mail_code(purpose);
        shared.inbox.send_digits(&email, &app, &digits);
        "code"
    } else {
        let (url, code) = link(&shared, purpose, now + LINK_SECONDS, Vec::new());
        shared.inbox.send_link(&email, &app, &url, &code);
        "link"
    };
    Ok(reply(&json!({ "backoff": backoff, "method": method })))
}

/// Answers `POST /verification/confirmation`: exchanges what came by mail for an activation token.
pub(crate) async fn confirm(State(shared): State<Arc<Shared>>, body: Bytes) -> Reply {
    let fields = Fields::parse(&body)?;
    let user_id = fields.user_id("userId")?;
    let code = fields.text("code")?;
    let guesser = fields.optional("accessId")?;
    let access_id = shared.verifications.session_of(code);
    let with_quick_codes = shared.project().quick_code;
    let purpose =
        shared
            .verifications
            .confirm(&user_id, guesser, code, clock::now(), with_quick_codes);
    let purpose = purpose.ok_or_else(|| {
        let info = "the code is unknown, used, expired or somebody else's";
        ApiError::new(StatusCode::FORBIDDEN, "UNSUCCESSFUL_VERIFICATION", info)
            .with("projectId", shared.trust.project_id.as_str())
            .with("userId", user_id.as_str())
            .with("accessId", access_id.unwrap_or_default())
    })?;
    shared.inbox.mark_used(code);
    let token = shared.verifications.activate(Activation {
        user_id,
        replaces: purpose.replaces,
        ..Activation::default()
    });
    let mut answer = json!({
        "actToken": token,
        "projectId": shared.trust.project_id,
        "accessId": purpose.access_id.unwrap_or_default(),
        "expireTime": clock::now() + shared.verifications.activation_seconds(),
    });
    // MIRACL documents neither `clientId` nor `scope`: with them, this platform's page goes on to `/authorize`.
    let scope = Some(purpose.scope).filter(|scope| !scope.is_empty());
    let members = [
        ("state", purpose.state),
        ("nonce", purpose.nonce),
        ("verificationRedirectUrl", purpose.redirect),
        ("clientId", purpose.client_id),
        ("scope", scope),
    ];
    for (name, value) in members {
        if let Some(value) = value {
            answer[name] = Value::String(value);
        }
    }
    Ok(reply(&answer))
}

/// Answers `POST /activate/initiate`: as `/verification`, but the app gets the activation token itself.
pub(super) async fn initiate(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    caller::authenticate_app(&shared, &headers)?;
    let fields = Fields::parse(&body)?;
    let user_id = fields.user_id("userId")?;
    device_name(&fields, &headers)?;
    let mpin_id = shared.trust.new_mpin_id(&user_id);
    let token = shared.verifications.activate(Activation {
        user_id,
        mpin_id: Some(mpin_id.clone()),
        ..Activation::default()
    });
    Ok(reply(&json!({
        "mpinId": mpin_id,
        "hashMPinId": hash_mpin_id(&mpin_id),
        "actToken": token,
        "expireTime": clock::now() + shared.verifications.activation_seconds(),
    })))
}

/// Reads who is to be verified, and what follows.
fn purpose(shared: &Shared, fields: &Fields) -> Result<Purpose, ApiError> {
    let user_id = fields.user_id("userId")?;
    let access_id = fields.short("accessId")?;
    let scope = fields.texts("scope")?.join(" ");
    if scope.len() > MAX_SCOPE {
        return Err(ApiError::field("scope", "too long"));
    }
    let redirect = fields.short("redirectURI")?;
    let client_id = fields.optional("clientId")?;
    let client = client_id.map(|id| {
        let unknown = || ApiError::field("clientId", "not registered");
        shared.clients.find(id).ok_or_else(unknown)
    });
    if let Some(uri) = &redirect {
        let unknown = || ApiError::field("redirectURI", "not registered");
        let client = client.transpose()?.ok_or_else(unknown)?;
        if !client.redirect_uris.contains(uri) {
            return Err(unknown());
        }
    } else {
        client.transpose()?;
    }
    let mpin_id = match fields.optional("mpinId")? {
        Some(_) => Some(fields.mpin_id("mpinId")?),
        None => None,
    };
    // An id of somebody else would be revoked by a registration that it does not belong to.
    let replaces = mpin_id.filter(|id| {
        let registration = shared.registrations.find(id);
        registration.is_some_and(|registration| registration.user_id == user_id)
    });
    Ok(Purpose {
        user_id,
        access_id: access_id.filter(|id| shared.sessions.find(id).as_ref().is_some_and(is_known)),
        state: fields.short("state")?,
        nonce: fields.short("nonce")?,
        client_id: client_id.filter(|_| redirect.is_some()).map(str::to_owned),
        redirect,
        scope,
        replaces,
    })
}

fn is_known(session: &access::Session) -> bool {
    session.status != access::Status::Expired
}

/// Makes the link of a message, and returns it with its secret.
fn link(
    shared: &Shared,
    purpose: Purpose,
    expires: u64,
    extra: Vec<(&'static str, String)>,
) -> (String, String) {
    let user_id = purpose.user_id.clone();
    let code = shared.verifications.new_link(purpose, expires);
    let base = format!("{}/verification/confirmation", shared.issuer());
    let mut params = vec![("user_id", user_id), ("code", code.clone())];
    params.extend(extra);
    let url = Url::parse_with_params(&base, params);
    (url.map_or(base, String::from), code)
}
