//! How a client authenticates at the token endpoint (RFC 6749 §2.3, RFC 7523 §2.2).

use std::collections::HashMap;
use std::sync::Mutex;

use axum::http::{HeaderMap, StatusCode, header};
use ring::hmac;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::algorithm::SigningAlgorithm;
use crate::answer::Answer;
use crate::client::Client;
use crate::params::Params;
use crate::shared::Shared;
use crate::sync::lock;
use crate::{clock, jwt};

/// The only type of assertion (RFC 7523 §2.2).
pub(crate) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How long an assertion may be valid, in seconds. Each is used once, so none needs longer.
const MAX_LIFE: u64 = 5 * 60;

/// How far a client's clock may be ahead, in seconds.
const LEEWAY: u64 = 60;

/// How many used assertions are remembered. No honest client comes near that within five minutes.
const MAX_REMEMBERED: usize = 100_000;

/// How a client authenticates at the token endpoint (OIDC Core §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClientAuthMethod {
    /// The secret in the `Authorization` header.
    ClientSecretBasic,
    /// The secret in the form.
    ClientSecretPost,
    /// An assertion signed with the secret (`HS256`, `HS384`, `HS512`).
    ClientSecretJwt,
    /// An assertion signed with the client's private key.
    PrivateKeyJwt,
}

impl ClientAuthMethod {
    /// Every method, in the order of discovery.
    pub const ALL: &'static [Self] = &[
        Self::ClientSecretPost,
        Self::ClientSecretBasic,
        Self::ClientSecretJwt,
        Self::PrivateKeyJwt,
    ];

    /// Returns the name in discovery and registration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::ClientSecretJwt => "client_secret_jwt",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    /// Returns the methods that a request uses. Only one is allowed.
    pub(crate) fn used(is_basic: bool, form: &Params) -> Vec<Self> {
        let mut used = Vec::new();
        if is_basic {
            used.push(Self::ClientSecretBasic);
        }
        if form.get("client_secret").is_some() {
            used.push(Self::ClientSecretPost);
        }
        if let Some(assertion) = form.get("client_assertion") {
            let header = jwt::parts(assertion).map(|parts| parts.header);
            let is_hmac = header
                .as_ref()
                .and_then(|header| header["alg"].as_str())
                .is_some_and(|algorithm| algorithm.starts_with("HS"));
            used.push(if is_hmac {
                Self::ClientSecretJwt
            } else {
                Self::PrivateKeyJwt
            });
        }
        used
    }
}

/// Returns the algorithms of assertions, as discovery lists them.
pub(crate) fn assertion_algorithms() -> Vec<&'static str> {
    let mut names = SigningAlgorithm::names();
    names.extend(["HS256", "HS384", "HS512"]);
    names
}

/// The assertions that were used, until they expire.
#[derive(Debug, Default)]
pub(crate) struct UsedAssertions(Mutex<HashMap<(String, String), u64>>);

impl UsedAssertions {
    /// Uses an assertion up; false if it was used before.
    fn use_up(&self, client_id: &str, jti: &str, expires: u64) -> bool {
        let now = clock::now();
        let mut used = lock(&self.0);
        if used.len() >= MAX_REMEMBERED {
            used.retain(|_, expires| *expires > now);
        }
        let key = (client_id.to_owned(), jti.to_owned());
        match used.get(&key) {
            Some(expires) if *expires > now => false,
            _ => {
                used.len() < MAX_REMEMBERED && {
                    used.insert(key, expires);
                    true
                }
            }
        }
    }
}

/// Finds out which client sent the request.
pub(crate) fn authenticate(
    shared: &Shared,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Client, Answer> {
    let authorization = headers.get(header::AUTHORIZATION);
    let used = ClientAuthMethod::used(authorization.is_some(), params);
    let method = match used.as_slice() {
        [] => return Err(invalid_client("the client did not authenticate")),
        [method] => *method,
        // RFC 6749 §2.3: not more than one method in one request.
        _ => {
            return Err(invalid_request(
                "the client authenticated in two ways at once",
            ));
        }
    };
    let basic = authorization.and_then(|value| parse_basic(value.to_str().ok()?));
    let claimed = match method {
        ClientAuthMethod::ClientSecretBasic => basic.clone().ok_or_else(invalid_basic)?.0,
        ClientAuthMethod::ClientSecretPost => params
            .get("client_id")
            .ok_or_else(|| invalid_request("client_id is missing"))?
            .to_owned(),
        _ => subject(params).ok_or_else(|| invalid_client("client_assertion is no JWT"))?,
    };
    if params
        .get("client_id")
        .is_some_and(|other| other != claimed)
    {
        return Err(invalid_request(
            "client_id differs from the client that authenticated",
        ));
    }
    let wrong = || match method {
        ClientAuthMethod::ClientSecretBasic => invalid_basic(),
        _ => invalid_client("client_id or client_secret is wrong"),
    };
    let client = shared.clients.find(&claimed).ok_or_else(wrong)?;
    match client.token_endpoint_auth_method {
        Some(registered) if registered != method => {
            return Err(invalid_client(&format!(
                "the client is registered for {}",
                registered.as_str()
            )));
        }
        None if is_assertion(method) => {
            return Err(invalid_client("the client is registered for its secret"));
        }
        _ => {}
    }
    let secret = match method {
        ClientAuthMethod::ClientSecretBasic => basic.map(|(_, secret)| secret),
        ClientAuthMethod::ClientSecretPost => params.get("client_secret").map(str::to_owned),
        _ => {
            return check_assertion(shared, &client, method, params)
                .map(|()| client)
                .map_err(invalid_client);
        }
    };
    secret
        .filter(|secret| client.has_secret(secret))
        .map(|_| client)
        .ok_or_else(wrong)
}

fn is_assertion(method: ClientAuthMethod) -> bool {
    matches!(
        method,
        ClientAuthMethod::ClientSecretJwt | ClientAuthMethod::PrivateKeyJwt
    )
}

/// Returns the client that an assertion names.
fn subject(params: &Params) -> Option<String> {
    let parts = jwt::parts(params.get("client_assertion")?)?;
    Some(parts.claims["sub"].as_str()?.to_owned())
}

/// Checks an assertion (RFC 7523 §3), and uses it up.
fn check_assertion(
    shared: &Shared,
    client: &Client,
    method: ClientAuthMethod,
    params: &Params,
) -> Result<(), &'static str> {
    if params.get("client_assertion_type") != Some(JWT_BEARER) {
        return Err("client_assertion_type is not the one for JWTs");
    }
    let token = params.get("client_assertion").unwrap_or("");
    let parts = jwt::parts(token).ok_or("client_assertion is no JWT")?;
    if !is_signed(client, method, &parts) {
        return Err("the signature of client_assertion is wrong");
    }
    let claims = &parts.claims;
    let is_client = |name| claims[name].as_str() == Some(client.client_id.as_str());
    if !is_client("iss") || !is_client("sub") {
        return Err("iss and sub of client_assertion must be the client_id");
    }
    // One string, and this issuer's: an assertion for several servers would be valid at all of them
    // (draft-ietf-oauth-rfc7523bis).
    if claims["aud"].as_str() != Some(shared.issuer()) {
        return Err("aud of client_assertion must be the issuer, and nothing else");
    }
    let now = clock::now();
    let expires = claims["exp"]
        .as_u64()
        .ok_or("exp of client_assertion is missing, or no time")?;
    if expires <= now {
        return Err("client_assertion has expired");
    }
    if expires > now + MAX_LIFE + LEEWAY {
        return Err("client_assertion lives longer than five minutes");
    }
    for name in ["iat", "nbf"] {
        match &claims[name] {
            Value::Null => {}
            time if time.as_u64().is_some_and(|time| time <= now + LEEWAY) => {}
            _ => return Err("client_assertion is not valid yet"),
        }
    }
    let jti = claims["jti"].as_str().filter(|jti| !jti.is_empty());
    let jti = jti.ok_or("jti of client_assertion is missing")?;
    if !shared.assertions.use_up(&client.client_id, jti, expires) {
        return Err("client_assertion was used before");
    }
    Ok(())
}

fn is_signed(client: &Client, method: ClientAuthMethod, parts: &jwt::Parts<'_>) -> bool {
    let Some(name) = parts.header["alg"].as_str() else {
        return false;
    };
    if method == ClientAuthMethod::ClientSecretJwt {
        let algorithm = match name {
            "HS256" => hmac::HMAC_SHA256,
            "HS384" => hmac::HMAC_SHA384,
            "HS512" => hmac::HMAC_SHA512,
            _ => return false,
        };
        let key = hmac::Key::new(algorithm, client.client_secret.as_bytes());
        return hmac::verify(&key, parts.signed.as_bytes(), &parts.signature).is_ok();
    }
    let Some(algorithm) = SigningAlgorithm::parse(name) else {
        return false;
    };
    let kid = &parts.header["kid"];
    let keys = client.jwks.as_ref().and_then(|set| set["keys"].as_array());
    keys.into_iter()
        .flatten()
        .filter(|key| kid.is_null() || key["kid"] == *kid)
        .filter(|key| key["alg"].is_null() || key["alg"] == name)
        .filter(|key| key["use"].is_null() || key["use"] == "sig")
        .any(|key| jwt::is_signed_by(key, algorithm, parts.signed, &parts.signature))
}

/// Reads `Basic` credentials, each half of which is form-encoded first.
pub(crate) fn parse_basic(value: &str) -> Option<(String, String)> {
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
    // Only `=` and `&` would be read as structure, and an encoded half contains neither.
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

fn invalid_client(description: &str) -> Answer {
    Answer::error(StatusCode::UNAUTHORIZED, "invalid_client", description)
}

fn invalid_basic() -> Answer {
    invalid_client("client_id or client_secret is wrong")
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

    #[test]
    fn an_assertion_is_used_once_by_each_client() {
        let used = UsedAssertions::default();
        let soon = clock::now() + 60;
        assert!(used.use_up("app", "1", soon));
        assert!(!used.use_up("app", "1", soon));
        assert!(used.use_up("app", "2", soon) && used.use_up("other", "1", soon));
    }

    #[test]
    fn methods_are_named_as_in_registration() {
        for method in ClientAuthMethod::ALL {
            assert_eq!(serde_json::to_value(method).unwrap(), method.as_str());
        }
    }
}
