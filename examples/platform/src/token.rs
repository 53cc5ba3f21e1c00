//! The token endpoint: exchanges a code, or a refresh token, for tokens.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::Response;
use serde_json::json;

use crate::answer::{Answer, Endpoint};
use crate::client_auth::authenticate;
use crate::fault::Faults;
use crate::grant::Tokens;
use crate::id_token::{self, Occasion};
use crate::params::Params;
use crate::shared::Shared;

/// The grant type of a refresh (RFC 6749 §6).
const REFRESH_TOKEN: &str = "refresh_token";

/// Answers `POST /oidc/token`.
pub(crate) async fn token(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Response {
    let faults = shared.token_requested();
    faults.prepare().await;
    let params = parse(&headers, &body);
    let endpoint = match params
        .as_ref()
        .ok()
        .and_then(|params| params.get("grant_type"))
    {
        Some(REFRESH_TOKEN) => Endpoint::Refresh,
        _ => Endpoint::Token,
    };
    let answer = params
        .and_then(|params| {
            if faults.redirects(endpoint, uri.path()) {
                // The code stays valid for a client that follows the redirect.
                return Ok(Answer::json(json!({})));
            }
            exchange(&shared, &faults, &headers, &params)
        })
        .unwrap_or_else(|error| {
            tracing::warn!(answer = ?error.body, "token request refused");
            error
        });
    // RFC 6749 §5.1.
    answer
        .with_header(header::CACHE_CONTROL, "no-store")
        .with_header(header::PRAGMA, "no-cache")
        .send(&shared, endpoint, uri.path())
        .await
}

/// Reads the form of a token request.
fn parse(headers: &HeaderMap, body: &Bytes) -> Result<Params, Answer> {
    let is_form = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .and_then(|kind| kind.split(';').next())
        .is_some_and(|kind| {
            kind.trim()
                .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        });
    if !is_form {
        return Err(invalid_request(
            "the body must be application/x-www-form-urlencoded",
        ));
    }
    let params = Params::of_form(body);
    if params.repeated().is_some() {
        return Err(invalid_request("a parameter came more than once"));
    }
    Ok(params)
}

fn exchange(
    shared: &Shared,
    faults: &Faults,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Answer, Answer> {
    let client = authenticate(shared, headers, params)?;
    let required = |name: &str| {
        let missing = || invalid_request(&format!("{name} is missing"));
        params.get(name).ok_or_else(missing)
    };
    let lifetime = shared.config.access_token_lifetime;
    let (tokens, occasion) = match required("grant_type")? {
        "authorization_code" => {
            let tokens = shared.grants.redeem(
                required("code")?,
                &client.client_id,
                params.get("redirect_uri"),
                params.get("code_verifier"),
                lifetime,
            );
            (tokens, Occasion::Login)
        }
        REFRESH_TOKEN => {
            let tokens = shared.grants.refresh(
                required("refresh_token")?,
                &client.client_id,
                lifetime,
                faults.rotates_refresh_tokens(),
            );
            (tokens, Occasion::Refresh)
        }
        _ => {
            return Err(Answer::error(
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                "only authorization_code and refresh_token are supported",
            ));
        }
    };
    let Tokens {
        grant,
        access_token,
        refresh_token,
    } = tokens
        .map_err(|refusal| Answer::error(StatusCode::BAD_REQUEST, "invalid_grant", refusal))?;
    let id_token = id_token::issue(shared, faults, &client, &grant, &access_token, occasion);
    let mut answer = Answer::json(json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": lifetime.as_secs(),
        "scope": grant.scope.join(" "),
        "id_token": id_token,
    }));
    if let Some(token) = refresh_token {
        answer.set("refresh_token", token);
    }
    Ok(answer)
}

fn invalid_request(description: &str) -> Answer {
    Answer::error(StatusCode::BAD_REQUEST, "invalid_request", description)
}
