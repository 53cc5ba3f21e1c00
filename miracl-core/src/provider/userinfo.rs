//! The userinfo request (OpenID Connect Core 1.0 §5.3) and what is known of the person.

use serde_json::{Map, Value};

use crate::base::text::printable;
use crate::provider::claims::audiences;
use crate::provider::claims::text;
use crate::provider::claims::time;
use crate::{
    base::json,
    config::{Config, options::UserinfoRequests},
    error::{provider::ProviderError, token::IdTokenError},
    jose::{jws::Unverified, keys::SignatureCheck},
    provider::{
        client::Client,
        error_body,
        http::response::Response,
        issuers::Issuers,
        jwks::{Cause, Jwks},
        metadata::ProviderMetadata,
    },
    receipt::Recorder,
};

const ENDPOINT: &str = "userinfo_endpoint";

/// Why userinfo was not to be had.
#[derive(Debug)]
pub(crate) enum UserinfoError {
    /// 401: the access token has run out or was revoked (RFC 6750 §3.1).
    Unauthorized(ProviderError),
    /// It is about somebody else, or does not say about whom (OpenID Connect Core 1.0 §5.3.2).
    Subject,
    /// It is to be signed, and is not, or not rightly.
    Token(IdTokenError),
    /// Everything else.
    Provider(ProviderError),
}

/// Whether a login asks for userinfo after this ID token, by the app's setting.
pub(crate) fn is_needed(config: &Config, id_token: &Map<String, Value>) -> bool {
    match config.userinfo_requests {
        UserinfoRequests::Always => true,
        UserinfoRequests::WhenNeeded => !config.scopes.iter().all(|scope| {
            scope_claims(scope)
                .is_some_and(|claims| claims.iter().all(|claim| id_token.contains_key(*claim)))
        }),
        UserinfoRequests::Never => false,
    }
}

/// What of a scope has to be known (OpenID Connect Core 1.0 §5.4, §11); `None` of one that the specification does not have.
fn scope_claims(scope: &str) -> Option<&'static [&'static str]> {
    match scope {
        "openid" | "offline_access" => Some(&[]),
        "email" => Some(&["email", "email_verified"]),
        "profile" => Some(&["name"]),
        "phone" => Some(&["phone_number"]),
        "address" => Some(&["address"]),
        _ => None,
    }
}

/// Fetches userinfo with the access token in the header, and makes sure that it is about `subject`. `None` when the provider
/// has no userinfo, and when the app never asks for it.
pub(crate) async fn fetch(
    client: &Client,
    jwks: &Jwks,
    metadata: &ProviderMetadata,
    access_token: &str,
    subject: &str,
) -> Result<Option<Map<String, Value>>, UserinfoError> {
    let never = client.config.userinfo_requests == UserinfoRequests::Never;
    let Some(url) = metadata.userinfo_endpoint.as_ref().filter(|_| !never) else {
        return Ok(None);
    };
    let answer = client
        .http
        .get_with(ENDPOINT, url, access_token)
        .await
        .map_err(UserinfoError::Provider)?;
    if answer.status == 401 {
        let refused = error_body::of(ENDPOINT, &answer);
        return Err(UserinfoError::Unauthorized(refused));
    }
    if !answer.is_success() {
        return Err(UserinfoError::Provider(error_body::of(ENDPOINT, &answer)));
    }
    let claims = claims(client, jwks, metadata, &answer).await;
    if let Ok(claims) = &claims
        && claims.get("sub").and_then(Value::as_str) == Some(subject)
    {
        return Ok(Some(claims.clone()));
    }
    Err(match error_body::in_place_of("sub", ENDPOINT, &answer) {
        // What a 401 says (RFC 6750 §3.1).
        Some(error) if error.is_refusal("invalid_token") => UserinfoError::Unauthorized(error),
        Some(error) => UserinfoError::Provider(error),
        None => claims.err().unwrap_or(UserinfoError::Subject),
    })
}

/// Reads the claims: JSON, or a JWT when and only when the client is registered for one.
pub(crate) async fn claims(
    client: &Client,
    jwks: &Jwks,
    metadata: &ProviderMetadata,
    answer: &Response,
) -> Result<Map<String, Value>, UserinfoError> {
    let malformed = |detail: String| {
        UserinfoError::Provider(ProviderError::Malformed {
            endpoint: ENDPOINT,
            detail,
        })
    };
    let form = |is_jwt| UserinfoError::Provider(ProviderError::UserinfoForm { is_jwt });
    let is_jwt = answer.media_type == "application/jwt";
    let Some(registered) = client.config.userinfo_signed_response_alg else {
        if is_jwt {
            return Err(form(is_jwt));
        }
        return json::object(&answer.body).map_err(malformed);
    };
    if !is_jwt {
        return Err(form(is_jwt));
    }
    let raw = std::str::from_utf8(&answer.body).map_err(|error| malformed(error.to_string()))?;
    let token = Unverified::parse(raw.trim(), &[registered]).map_err(UserinfoError::Token)?;
    let (http, uri) = (&client.http, &metadata.jwks_uri);
    let signature = jwks
        .check(http, uri, &token, Cause::Login, &mut Recorder::new())
        .await
        .map_err(UserinfoError::Provider)?;
    let client_id = client.id().await.map_err(UserinfoError::Provider)?;
    let issuers = Issuers::new(&client.config, metadata);
    signed_claims(&token, signature, issuers, client_id, client.now()).map_err(UserinfoError::Token)
}

/// Returns the claims of a userinfo response that is a JWT (OpenID Connect Core 1.0 §5.3.2): signed by the provider, and
/// where it says by whom and for whom, by this issuer for this client.
pub(crate) fn signed_claims(
    token: &Unverified<'_>,
    signature: SignatureCheck,
    issuers: Issuers<'_>,
    client_id: &str,
    now: u64,
) -> Result<Map<String, Value>, IdTokenError> {
    token.require_signature(signature)?;
    let claims = token.payload()?;
    if let Some(found) = text(&claims, "iss")?.filter(|found| !issuers.contains(found)) {
        return Err(IdTokenError::Issuer {
            expected: issuers.written().to_owned(),
            found: printable(found, 200),
        });
    }
    if let Some(exp) = time(&claims, "exp")?.filter(|exp| *exp <= now) {
        return Err(IdTokenError::Expired { seconds: now - exp });
    }
    if claims.contains_key("aud") && !audiences(&claims)?.contains(&client_id) {
        let found = audiences(&claims)?;
        return Err(IdTokenError::Audience {
            expected: client_id.to_owned(),
            found: found.iter().map(|one| printable(one, 200)).collect(),
        });
    }
    Ok(claims)
}

#[cfg(test)]
mod tests;
