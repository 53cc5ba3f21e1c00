//! The userinfo request (OpenID Connect Core 1.0 §5.3), and which responses are accepted.

use serde_json::{Map, Value};

use crate::{
    base::{json, text::printable},
    config::{Config, options::UserinfoRequests},
    error::{provider::ProviderError, token::IdTokenError},
    jose::{jws::Unverified, keys::SignatureCheck},
    provider::{
        claims::{audiences, text, time},
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

/// Why userinfo could not be obtained.
#[derive(Debug)]
pub(crate) enum UserinfoError {
    /// 401: the access token has expired or was revoked (RFC 6750 §3.1).
    Unauthorized(ProviderError),
    /// It is about somebody else, or does not say who it is about (OpenID Connect Core 1.0 §5.3.2).
    Subject,
    /// It must be signed, and its signature or its claims are wrong.
    Token(IdTokenError),
    /// Everything else.
    Provider(ProviderError),
}

/// Returns whether a login with this ID token requests userinfo, by the app's setting.
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

/// Returns the claims of a scope that must be known (OpenID Connect Core 1.0 §5.4, §11), or `None` for a scope that the
/// specification does not define.
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

/// Fetches userinfo with the access token in the header, and checks that it is about `subject`. Returns `None` if the
/// provider has no userinfo, and if the app's configuration never asks for it.
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
    let response = client
        .http
        .get_with(ENDPOINT, url, access_token)
        .await
        .map_err(UserinfoError::Provider)?;
    if response.status == 401 {
        let refused = error_body::of(ENDPOINT, &response);
        return Err(UserinfoError::Unauthorized(refused));
    }
    if !response.is_success() {
        return Err(UserinfoError::Provider(error_body::of(ENDPOINT, &response)));
    }
    let claims = claims(client, jwks, metadata, &response).await;
    if let Ok(claims) = &claims
        && claims.get("sub").and_then(Value::as_str) == Some(subject)
    {
        return Ok(Some(claims.clone()));
    }
    Err(match error_body::in_place_of("sub", ENDPOINT, &response) {
        // This means the same as a 401 (RFC 6750 §3.1).
        Some(error) if error.is_refusal("invalid_token") => UserinfoError::Unauthorized(error),
        Some(error) => UserinfoError::Provider(error),
        None => claims.err().unwrap_or(UserinfoError::Subject),
    })
}

/// Reads the claims: from a JWT if the client is registered for one, otherwise from JSON.
async fn claims(
    client: &Client,
    jwks: &Jwks,
    metadata: &ProviderMetadata,
    response: &Response,
) -> Result<Map<String, Value>, UserinfoError> {
    let malformed = |detail: String| {
        UserinfoError::Provider(ProviderError::Malformed {
            endpoint: ENDPOINT,
            detail,
        })
    };
    let form = |is_jwt| UserinfoError::Provider(ProviderError::UserinfoForm { is_jwt });
    let is_jwt = response.media_type == "application/jwt";
    let Some(registered) = client.config.userinfo_signed_response_alg else {
        if is_jwt {
            return Err(form(is_jwt));
        }
        return json::object(&response.body).map_err(malformed);
    };
    if !is_jwt {
        return Err(form(is_jwt));
    }
    let raw = std::str::from_utf8(&response.body).map_err(|error| malformed(error.to_string()))?;
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

/// Returns the claims of a userinfo response that is a JWT (OpenID Connect Core 1.0 §5.3.2). It must be signed by the
/// provider. If it has an issuer or an audience, they must be this issuer and this client.
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
