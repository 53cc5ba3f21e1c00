//! The userinfo request (OpenID Connect Core 1.0 §5.3) and what is known of the person.

use std::fmt;

use serde_json::{Map, Value};

use crate::{error::ProviderError, http::HttpClient, json, session::SessionData, token::refusal};

const ENDPOINT: &str = "userinfo_endpoint";

/// Claims of the ID token that are about the token and not about the person.
const PROTOCOL_CLAIMS: [&str; 10] = [
    "iss", "aud", "exp", "iat", "nbf", "nonce", "azp", "at_hash", "c_hash", "jti",
];

/// What the provider says about the person: the claims of the ID token and of the userinfo together.
///
/// Where both have a claim, the userinfo's counts, since it is the newer. `Debug` shows the names of the claims only.
#[derive(Clone, Default)]
pub struct UserData(Map<String, Value>);

impl UserData {
    pub(crate) fn new(id_token: &Map<String, Value>, userinfo: &Map<String, Value>) -> Self {
        let mut claims = id_token.clone();
        claims.retain(|name, _| !PROTOCOL_CLAIMS.contains(&name.as_str()));
        for (name, value) in userinfo {
            claims.insert(name.clone(), value.clone());
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

    /// Some providers send the boolean as text.
    pub(crate) fn email_verified(&self) -> bool {
        match self.0.get("email_verified") {
            Some(Value::Bool(verified)) => *verified,
            Some(Value::String(text)) => text == "true",
            _ => false,
        }
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
    /// Everything else.
    Provider(ProviderError),
}

/// Fetches userinfo with the access token in the header, and makes sure that it is about `subject`.
pub(crate) async fn fetch(
    http: &HttpClient,
    url: &str,
    access_token: &str,
    subject: &str,
) -> Result<Map<String, Value>, UserinfoError> {
    let answer = http
        .get(ENDPOINT, url, Some(access_token))
        .await
        .map_err(UserinfoError::Provider)?;
    match answer.status {
        200 => {}
        401 => return Err(UserinfoError::Unauthorized(refusal(ENDPOINT, &answer))),
        _ => return Err(UserinfoError::Provider(refusal(ENDPOINT, &answer))),
    }
    let malformed = |detail: String| {
        UserinfoError::Provider(ProviderError::Malformed {
            endpoint: ENDPOINT,
            detail,
        })
    };
    if answer.media_type == "application/jwt" {
        return Err(malformed(
            "it is a JWT, which this client is not registered for".to_owned(),
        ));
    }
    let claims = json::object(&answer.body).map_err(malformed)?;
    match claims.get("sub") {
        Some(Value::String(found)) if found == subject => Ok(claims),
        _ => Err(UserinfoError::Subject),
    }
}
