//! Log-out at the platform (OpenID Connect RP-Initiated Logout 1.0).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use url::Url;

use crate::device::DeviceId;
use crate::pages::{self, Frame, redirect, show};
use crate::params::Params;
use crate::platform::Shared;

/// Answers `GET` and `POST /oidc/logout`.
pub(crate) async fn logout(
    State(shared): State<Arc<Shared>>,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Response {
    let params = match method {
        Method::POST => Params::of_form(&body),
        _ => Params::of_query(uri.query()),
    };
    if let Some(id) = DeviceId::of(&headers) {
        shared.devices.sign_out(&id.key());
    }
    match return_url(&shared, &params) {
        Ok(Some(url)) => redirect(&url),
        Ok(None) => show(
            &pages::SignedOut { problem: "" },
            StatusCode::OK,
            Frame::Nobody,
        ),
        Err(problem) => show(
            &pages::SignedOut { problem },
            StatusCode::BAD_REQUEST,
            Frame::Nobody,
        ),
    }
}

/// Works out where to go back to. A reason not to go there does not keep anyone signed in.
fn return_url(shared: &Shared, params: &Params) -> Result<Option<String>, &'static str> {
    if params.repeated().is_some() {
        return Err("A parameter came more than once.");
    }
    let hinted = match params.get("id_token_hint") {
        None => None,
        Some(token) => {
            let claims = shared
                .keys
                .open_token(token)
                .ok_or("id_token_hint is not a token of this platform.")?;
            claims["aud"].as_str().map(str::to_owned)
        }
    };
    let client_id = match (hinted, params.get("client_id")) {
        (Some(hinted), Some(named)) if hinted != named => {
            return Err("id_token_hint belongs to another client_id.");
        }
        (hinted, named) => hinted.or(named.map(str::to_owned)),
    };
    let Some(uri) = params.get("post_logout_redirect_uri") else {
        return Ok(None);
    };
    let client_id = client_id
        .ok_or("post_logout_redirect_uri needs an id_token_hint or a client_id beside it.")?;
    let client = shared
        .clients
        .find(&client_id)
        .ok_or("No such app is registered here.")?;
    if !client
        .post_logout_redirect_uris
        .iter()
        .any(|registered| registered == uri)
    {
        return Err("post_logout_redirect_uri is not registered for this app.");
    }
    let mut url = Url::parse(uri).map_err(|_| "post_logout_redirect_uri is not an address.")?;
    if let Some(state) = params.get("state") {
        url.query_pairs_mut().append_pair("state", state);
    }
    Ok(Some(url.into()))
}
