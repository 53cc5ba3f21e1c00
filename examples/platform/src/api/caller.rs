//! Who calls an endpoint that is not for everybody: an app with its secret, or a service account with its token.

use axum::http::{HeaderMap, header};

use super::ApiError;
use crate::client::Client;
use crate::client_auth::parse_basic;
use crate::service_account::Permission;
use crate::shared::Shared;

/// Finds out who calls, and whether that is allowed. Returns the app, if it is one.
pub(super) fn authenticate(
    shared: &Shared,
    headers: &HeaderMap,
    permission: Permission,
) -> Result<Option<Client>, ApiError> {
    let credentials = headers.get(header::AUTHORIZATION);
    let credentials = credentials.and_then(|value| value.to_str().ok());
    let credentials = credentials.ok_or_else(ApiError::unauthorized)?;
    if let Some((client_id, secret)) = parse_basic(credentials) {
        return app(shared, &client_id, &secret).map(Some);
    }
    let token = bearer(headers).ok_or_else(ApiError::unauthorized)?;
    let project = shared.project();
    let mut accounts = project.service_accounts.iter();
    let account = accounts
        .find(|account| account.active && account.has_token(token))
        .ok_or_else(ApiError::unauthorized)?;
    if !account.permissions.contains(&permission) {
        return Err(ApiError::forbidden(
            "the service account does not have this permission",
        ));
    }
    Ok(None)
}

/// Finds out which app calls.
pub(super) fn authenticate_app(shared: &Shared, headers: &HeaderMap) -> Result<Client, ApiError> {
    let credentials = headers.get(header::AUTHORIZATION);
    let credentials = credentials.and_then(|value| parse_basic(value.to_str().ok()?));
    let (client_id, secret) = credentials.ok_or_else(ApiError::unauthorized)?;
    app(shared, &client_id, &secret)
}

fn app(shared: &Shared, client_id: &str, secret: &str) -> Result<Client, ApiError> {
    let client = shared.clients.find(client_id);
    // An app that authenticates with keys alone may have no secret.
    let client = client.filter(|client| !secret.is_empty() && client.has_secret(secret));
    client.ok_or_else(ApiError::unauthorized)
}

/// Returns the token of an `Authorization: Bearer` header.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}
