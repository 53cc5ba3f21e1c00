//! The userinfo request (OpenID Connect Core 1.0 §5.3) and what is known of the person.

use std::fmt;

use serde_json::{Map, Value};

use crate::{
    config::{Config, UserinfoRequests},
    discovery::{Issuers, ProviderMetadata},
    error::ProviderError,
    http::Answer,
    id_token::{IdTokenError, Unverified},
    json,
    jwks::Cause,
    miracl::Engine,
    receipt::Recorder,
    refusal,
    session::SessionData,
};

const ENDPOINT: &str = "userinfo_endpoint";

/// Claims of a token that are about the token and not about the person.
const PROTOCOL_CLAIMS: [&str; 10] = [
    "iss", "aud", "exp", "iat", "nbf", "nonce", "azp", "at_hash", "c_hash", "jti",
];

/// Claims about the person, each with the one that says whether it is confirmed (OpenID Connect Core 1.0 §5.1).
const CONFIRMED_CLAIMS: [(&str, &str); 2] = [
    ("email", "email_verified"),
    ("phone_number", "phone_number_verified"),
];

/// What the provider says about the person: the claims of the ID token and of the userinfo together.
///
/// Where both have a claim, the userinfo's counts, since it is the newer. A claim that is `null` is absent.
///
/// An e-mail address and its `email_verified` come from one source, and so do a `phone_number` and its
/// `phone_number_verified`: what one source says of its own address is never said of the other's. Without a statement
/// of its source an address has none.
///
/// `Debug` shows the names of the claims only.
#[derive(Clone, Default)]
pub struct UserData(Map<String, Value>);

impl UserData {
    pub(crate) fn new(id_token: &Map<String, Value>, userinfo: &Map<String, Value>) -> Self {
        let mut claims = Map::new();
        // The newer last.
        for (name, value) in id_token.iter().chain(userinfo) {
            if !PROTOCOL_CLAIMS.contains(&name.as_str()) && !value.is_null() {
                claims.insert(name.clone(), value.clone());
            }
        }
        for (claim, confirmed) in CONFIRMED_CLAIMS {
            match confirmation(id_token, userinfo, claim, confirmed) {
                Some(value) => claims.insert(confirmed.to_owned(), value.clone()),
                None => claims.remove(confirmed),
            };
        }
        Self(claims)
    }

    /// Returns all claims by name.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Returns one claim, such as `name` or `mpin_id`.
    pub fn get(&self, claim: &str) -> Option<&Value> {
        self.0.get(claim)
    }

    pub(crate) fn email(&self) -> Option<String> {
        let text = self.0.get("email")?.as_str()?;
        (!text.is_empty()).then(|| text.to_owned())
    }

    pub(crate) fn email_verified(&self) -> bool {
        self.0.get("email_verified").is_some_and(is_confirmed)
    }
}

/// Some providers send the boolean as text.
fn is_confirmed(said: &Value) -> bool {
    match said {
        Value::Bool(verified) => *verified,
        Value::String(text) => text == "true",
        _ => false,
    }
}

/// What is said of whether the claim that counts is confirmed: by its own source, or by the ID token of the very same
/// value.
fn confirmation<'a>(
    id_token: &'a Map<String, Value>,
    userinfo: &'a Map<String, Value>,
    claim: &str,
    confirmed: &str,
) -> Option<&'a Value> {
    let get = |claims: &'a Map<String, Value>, name: &str| {
        claims.get(name).filter(|value| !value.is_null())
    };
    let (older, newer) = (get(id_token, claim), get(userinfo, claim));
    let (first, then) = (get(id_token, confirmed), get(userinfo, confirmed));
    match (older, newer) {
        (None, None) => None,
        (_, Some(_)) if then.is_some() => then,
        (Some(older), Some(newer)) => first.filter(|_| older == newer),
        (None, Some(_)) => None,
        // Userinfo that does not say of what can take a confirmation back, and give none.
        (Some(_), None) => then
            .filter(|said| first.is_some() && !is_confirmed(said))
            .or(first),
    }
}

impl fmt::Debug for UserData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl From<&SessionData> for UserData {
    fn from(data: &SessionData) -> Self {
        Self::new(&data.id_token_claims(), &data.userinfo)
    }
}

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
    engine: &Engine,
    metadata: &ProviderMetadata,
    access_token: &str,
    subject: &str,
) -> Result<Option<Map<String, Value>>, UserinfoError> {
    let never = engine.config.userinfo_requests == UserinfoRequests::Never;
    let Some(url) = metadata.userinfo_endpoint.as_ref().filter(|_| !never) else {
        return Ok(None);
    };
    let answer = engine
        .http
        .get_with(ENDPOINT, url, access_token)
        .await
        .map_err(UserinfoError::Provider)?;
    if answer.status == 401 {
        let refused = refusal::of(ENDPOINT, &answer);
        return Err(UserinfoError::Unauthorized(refused));
    }
    if !answer.is_success() {
        return Err(UserinfoError::Provider(refusal::of(ENDPOINT, &answer)));
    }
    let claims = claims(engine, metadata, &answer).await;
    if let Ok(claims) = &claims
        && claims.get("sub").and_then(Value::as_str) == Some(subject)
    {
        return Ok(Some(claims.clone()));
    }
    Err(match refusal::in_place_of("sub", ENDPOINT, &answer) {
        // What a 401 says (RFC 6750 §3.1).
        Some(error) if error.is_refusal("invalid_token") => UserinfoError::Unauthorized(error),
        Some(error) => UserinfoError::Provider(error),
        None => claims.err().unwrap_or(UserinfoError::Subject),
    })
}

/// Reads the claims: JSON, or a JWT when and only when the client is registered for one.
async fn claims(
    engine: &Engine,
    metadata: &ProviderMetadata,
    answer: &Answer,
) -> Result<Map<String, Value>, UserinfoError> {
    let malformed = |detail: String| {
        UserinfoError::Provider(ProviderError::Malformed {
            endpoint: ENDPOINT,
            detail,
        })
    };
    let form = |is_jwt| UserinfoError::Provider(ProviderError::UserinfoForm { is_jwt });
    let is_jwt = answer.media_type == "application/jwt";
    let Some(registered) = engine.config.userinfo_signed_response_alg else {
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
    let (http, uri) = (&engine.http, &metadata.jwks_uri);
    let verdict = engine
        .jwks
        .check(http, uri, &token, Cause::Login, &mut Recorder::new())
        .await
        .map_err(UserinfoError::Provider)?;
    let client_id = engine.credentials.client_id(&engine.http).await;
    let client_id = client_id.map_err(UserinfoError::Provider)?;
    token
        .userinfo(
            verdict,
            Issuers::new(&engine.config, metadata),
            client_id,
            engine.now(),
        )
        .map_err(UserinfoError::Token)
}

#[cfg(test)]
mod tests;
