//! The response of the token endpoint (RFC 6749 §5.1).

use serde_json::{Map, Value};

use crate::{
    base::{json, secret::Secret},
    error::provider::{NO_ACCESS_TOKEN, ProviderError},
    provider::{error_body, http::response::Response},
};

/// What errors call the endpoint.
pub(super) const ENDPOINT: &str = "token_endpoint";

/// An access token is renewed at most this many seconds before it expires, so that its recipient can still use it.
const MAX_EARLY: u64 = 10;

/// The tokens that the token endpoint issued.
#[derive(Debug)]
pub(crate) struct TokenResponse {
    pub(crate) access_token: Secret,
    pub(crate) id_token: Option<Secret>,
    pub(crate) refresh_token: Option<Secret>,
    pub(crate) expires_at: Option<u64>,
    pub(crate) renew_at: Option<u64>,
    pub(crate) scope: Option<String>,
}

impl TokenResponse {
    /// Reads a response that came at `now`, in seconds since 1970.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Refused`] or [`ProviderError::Status`] when the provider issued nothing, and
    /// [`ProviderError::Malformed`] when the response is no token response.
    pub(crate) fn parse(response: &Response, now: u64) -> Result<Self, ProviderError> {
        if !response.is_success() {
            return Err(error_body::of(ENDPOINT, response));
        }
        let malformed = |detail: String| {
            error_body::in_place_of("access_token", ENDPOINT, response).unwrap_or(
                ProviderError::Malformed {
                    endpoint: ENDPOINT,
                    detail,
                },
            )
        };
        let object = json::object(&response.body).map_err(malformed)?;
        let text = |name: &str| match object.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(malformed(format!("`{name}` is no string"))),
        };
        let access_token = text("access_token")?
            .filter(|token| !token.is_empty())
            .ok_or_else(|| malformed(NO_ACCESS_TOKEN.to_owned()))?;
        // RFC 6750 §4; its case does not matter (RFC 6749 §5.1). Some providers leave it out.
        if text("token_type")?.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            return Err(malformed("`token_type` is not `Bearer`".to_owned()));
        }
        let lifetime = expires_in(&object);
        let renew_in = lifetime.map(|seconds| seconds - (seconds / 10).min(MAX_EARLY));
        Ok(Self {
            access_token: access_token.into(),
            id_token: text("id_token")?
                .filter(|token| !token.is_empty())
                .map(Secret::from),
            // A login works without one, so an odd value counts as none.
            refresh_token: text("refresh_token")
                .unwrap_or_default()
                .filter(|token| !token.is_empty())
                .map(Secret::from),
            expires_at: lifetime.map(|seconds| now.saturating_add(seconds)),
            renew_at: renew_in.map(|seconds| now.saturating_add(seconds)),
            scope: scope(&object),
        })
    }
}

/// Reads the scopes, which are separated by spaces (RFC 6749 §3.3). Some providers send a list. Nothing depends on them,
/// so any other value counts as none.
fn scope(object: &Map<String, Value>) -> Option<String> {
    match object.get("scope")? {
        Value::String(text) => Some(text.clone()),
        Value::Array(scopes) => {
            let scopes: Option<Vec<&str>> = scopes.iter().map(Value::as_str).collect();
            scopes.map(|scopes| scopes.join(" "))
        }
        _ => None,
    }
}

/// Reads the lifetime in seconds. It is RECOMMENDED, so it may be missing; some providers send it as text.
fn expires_in(object: &Map<String, Value>) -> Option<u64> {
    match object.get("expires_in")? {
        Value::String(text) => text.parse().ok(),
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        other => other.as_f64().filter(|s| *s >= 0.0).map(|s| s as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Result<TokenResponse, ProviderError> {
        let response = Response {
            status,
            media_type: "application/json".to_owned(),
            body: body.as_bytes().to_vec(),
        };
        TokenResponse::parse(&response, 1000)
    }

    #[test]
    fn a_plain_answer_is_read() {
        let tokens = answer(
            200,
            r#"{"access_token":"a","id_token":"i","token_type":"bEARER","expires_in":900,"scope":"openid"}"#,
        )
        .unwrap();
        assert_eq!(tokens.access_token.expose(), "a");
        assert_eq!(tokens.id_token.unwrap().expose(), "i");
        assert_eq!(tokens.expires_at, Some(1900));
        assert_eq!(tokens.renew_at, Some(1890));
        assert!(tokens.refresh_token.is_none());
        assert_eq!(tokens.scope.as_deref(), Some("openid"));
    }

    #[test]
    fn what_is_optional_may_be_missing_or_spelt_as_providers_spell_it() {
        let tokens = answer(200, r#"{"access_token":"a"}"#).unwrap();
        assert!(tokens.expires_at.is_none() && tokens.scope.is_none() && tokens.id_token.is_none());
        let tokens = answer(200, r#"{"access_token":"a","expires_in":"60"}"#).unwrap();
        assert_eq!(tokens.expires_at, Some(1060));
        assert_eq!(tokens.renew_at, Some(1054));
        let tokens = answer(200, r#"{"access_token":"a","expires_in":1e300}"#).unwrap();
        assert_eq!(tokens.expires_at, Some(u64::MAX));
    }

    #[test]
    fn what_is_null_is_missing_and_scopes_may_be_a_list() {
        let tokens = answer(
            200,
            r#"{"access_token":"a","id_token":null,"refresh_token":null,"expires_in":null,"scope":null,"token_type":null}"#,
        )
        .unwrap();
        assert!(tokens.id_token.is_none() && tokens.refresh_token.is_none());
        assert!(tokens.expires_at.is_none() && tokens.renew_at.is_none() && tokens.scope.is_none());
        for (scope, read) in [
            (r#"["openid","email"]"#, Some("openid email")),
            (r#"["openid"]"#, Some("openid")),
            ("[]", Some("")),
            ("[1]", None),
            ("{}", None),
            ("true", None),
        ] {
            let tokens = answer(200, &format!(r#"{{"access_token":"a","scope":{scope}}}"#));
            assert_eq!(tokens.unwrap().scope.as_deref(), read, "{scope}");
        }
        // No login needs a refresh token.
        let tokens = answer(200, r#"{"access_token":"a","refresh_token":7}"#).unwrap();
        assert!(tokens.refresh_token.is_none());
    }

    #[test]
    fn any_status_of_success_with_a_body_is_one() {
        for status in [200, 201, 202, 203] {
            assert!(
                answer(status, r#"{"access_token":"a"}"#).is_ok(),
                "{status}"
            );
        }
        for status in [204, 205, 206, 304] {
            let error = answer(status, r#"{"access_token":"a"}"#).unwrap_err();
            assert!(matches!(error, ProviderError::Status { .. }), "{status}");
        }
    }

    #[test]
    fn what_is_no_token_response_is_malformed_and_a_refusal_keeps_its_code() {
        for body in [
            "",
            "<html>",
            "[]",
            "{}",
            r#"{"access_token":""}"#,
            r#"{"access_token":1}"#,
            r#"{"access_token":"a","token_type":"mac"}"#,
        ] {
            let error = answer(200, body).unwrap_err();
            assert!(matches!(error, ProviderError::Malformed { .. }), "{body}");
        }
        let error = answer(400, r#"{"error":"invalid_grant"}"#).unwrap_err();
        assert!(matches!(error, ProviderError::Refused { error, .. } if error == "invalid_grant"));
        let error = answer(500, r#"{"error":"x"}"#).unwrap_err();
        assert!(matches!(error, ProviderError::Status { status: 500, .. }));
    }
}
