//! The token endpoint: a code, or a refresh token, becomes tokens.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::Response;
use serde_json::json;

use crate::answer::{Answer, Endpoint};
use crate::client::Client;
use crate::fault::Faults;
use crate::grant::Tokens;
use crate::id_token::{self, Occasion};
use crate::params::Params;
use crate::platform::Shared;

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
        .and_then(|params| exchange(&shared, &faults, &headers, &params))
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

/// Reads the form that a token request is.
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

/// Finds out which client asks (RFC 6749 §2.3.1).
fn authenticate(shared: &Shared, headers: &HeaderMap, params: &Params) -> Result<Client, Answer> {
    let basic = headers.get(header::AUTHORIZATION);
    let (client_id, secret) = match (basic, params.get("client_secret")) {
        // RFC 6749 §2.3: not more than one method in one request.
        (Some(_), Some(_)) => {
            return Err(invalid_request(
                "the client authenticated in two ways at once",
            ));
        }
        (Some(value), None) => {
            let (id, secret) = value
                .to_str()
                .ok()
                .and_then(parse_basic)
                .ok_or_else(invalid_basic)?;
            if params.get("client_id").is_some_and(|other| other != id) {
                return Err(invalid_request(
                    "client_id differs from the Authorization header",
                ));
            }
            (id, secret)
        }
        (None, Some(secret)) => {
            let id = params
                .get("client_id")
                .ok_or_else(|| invalid_request("client_id is missing"))?;
            (id.to_owned(), secret.to_owned())
        }
        (None, None) => {
            let description = "the client did not authenticate";
            return Err(Answer::error(
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                description,
            ));
        }
    };
    let client = shared
        .clients
        .find(&client_id)
        .filter(|client| client.has_secret(&secret));
    client.ok_or_else(|| match basic {
        Some(_) => invalid_basic(),
        None => Answer::error(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            "client_id or client_secret is wrong",
        ),
    })
}

/// Reads `Basic` credentials, each half of which is form-encoded first.
fn parse_basic(value: &str) -> Option<(String, String)> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = base64_simd::STANDARD.decode_to_vec(encoded.trim()).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((form_decode(id)?, form_decode(secret)?))
}

fn form_decode(text: &str) -> Option<String> {
    // Only `=` and `&` would be read as structure, and an encoded half has neither.
    if text.contains(['=', '&']) {
        return Some(text.to_owned());
    }
    url::form_urlencoded::parse(text.as_bytes())
        .next()
        .map(|(decoded, _)| decoded.into_owned())
}

fn invalid_request(description: &str) -> Answer {
    Answer::error(StatusCode::BAD_REQUEST, "invalid_request", description)
}

fn invalid_basic() -> Answer {
    Answer::error(
        StatusCode::UNAUTHORIZED,
        "invalid_client",
        "client_id or client_secret is wrong",
    )
    .with_header(header::WWW_AUTHENTICATE, r#"Basic realm="miracl""#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_halves_of_basic_are_form_decoded() {
        let encoded = base64_simd::STANDARD.encode_to_string("my%3Aid:s%2Bcr+t%25");
        assert_eq!(
            parse_basic(&format!("basic {encoded}")),
            Some(("my:id".to_owned(), "s+cr t%".to_owned()))
        );
    }

    #[test]
    fn broken_basic_credentials_are_nobody() {
        for bad in ["", "Basic", "Basic !", "Bearer YTpi", "Basic YWI="] {
            assert_eq!(parse_basic(bad), None, "{bad:?}");
        }
    }
}
