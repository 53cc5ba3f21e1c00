//! The token request (OpenID Connect Core 1.0 §3.1.3) and its answer.

use serde_json::{Map, Value};
use url::form_urlencoded::Serializer;

use crate::{
    base::{json, secret::Secret, text::printable},
    config::{Config, options::ClientAuthMethod},
    error::provider::{NO_ACCESS_TOKEN, ProviderError},
    provider::{
        client::Client, client_auth::ClientAuthentication, error_body, http::Response,
        metadata::ProviderMetadata, tokens::TokenResponse,
    },
};

const ENDPOINT: &str = "token_endpoint";

/// How many seconds before it runs out an access token is renewed, at most: it is to be of use to whoever gets it.
const MAX_EARLY: u64 = 10;

/// What tokens are asked for with.
#[derive(Clone, Copy)]
pub(crate) enum Grant<'a> {
    /// The code of a callback (RFC 6749 §4.1.3), and the verifier that belongs to it (RFC 7636 §4.5).
    Code {
        code: &'a str,
        verifier: Option<&'a str>,
    },
    /// A refresh token (RFC 6749 §6).
    RefreshToken(&'a Secret),
}

/// Asks for tokens: one request. A second one is sent only when the provider refused the client secret and a newer secret
/// is to be had, since a code and a refresh token must not be used twice.
pub(crate) async fn request(
    client: &Client,
    metadata: &ProviderMetadata,
    grant: Grant<'_>,
) -> Result<TokenResponse, ProviderError> {
    let secret = client.secret().await?;
    match request_with(client, metadata, grant, &secret).await {
        Err(refused @ ProviderError::Refused { .. }) if refused.is_refusal("invalid_client") => {
            match client.newer_secret(&secret).await {
                Some(newer) => request_with(client, metadata, grant, &newer).await,
                None => Err(refused),
            }
        }
        answer => answer,
    }
}

async fn request_with(
    client: &Client,
    metadata: &ProviderMetadata,
    grant: Grant<'_>,
    secret: &Secret,
) -> Result<TokenResponse, ProviderError> {
    let config = &client.config;
    let client_id = client.id().await?;
    let method = match (config.token_endpoint_auth_method, &config.client_key) {
        (Some(method), _) => method,
        (None, Some(_)) => ClientAuthMethod::PrivateKeyJwt,
        (None, None) => choose(metadata)?,
    };
    // An assertion is for the issuer; where one document serves many of them, for the one endpoint (RFC 7523 §3).
    let audience = match &config.issuer_template {
        Some(_) => &metadata.token_endpoint,
        None => &metadata.issuer,
    };
    let proof = ClientAuthentication {
        method,
        client_id,
        secret,
        key: config.client_key.as_ref(),
        audience,
        now: client.now(),
    };
    let (authorization, form) = compose(config, &proof, grant);
    let answer = client
        .http
        .post_form(
            ENDPOINT,
            &metadata.token_endpoint,
            authorization.as_deref(),
            form,
        )
        .await?;
    let response = parse(&answer, client.now());
    response.map_err(|error| error.without(&secrets(secret, grant)))
}

/// What the provider was sent that its answer must not bring into a log.
fn secrets<'a>(secret: &'a Secret, grant: Grant<'a>) -> Vec<&'a str> {
    let mut secrets = vec![secret.expose()];
    match grant {
        Grant::Code { code, verifier } => {
            secrets.push(code);
            secrets.extend(verifier);
        }
        Grant::RefreshToken(token) => secrets.push(token.expose()),
    }
    secrets
}

/// Writes the form, and the `Authorization` header where the method has one.
fn compose(
    config: &Config,
    proof: &ClientAuthentication<'_>,
    grant: Grant<'_>,
) -> (Option<String>, String) {
    let mut form = Serializer::new(String::new());
    match grant {
        Grant::Code { code, verifier } => {
            form.append_pair("grant_type", "authorization_code")
                .append_pair("code", code)
                .append_pair("redirect_uri", &config.redirect_uri);
            if let Some(verifier) = verifier {
                form.append_pair("code_verifier", verifier);
            }
        }
        Grant::RefreshToken(token) => {
            form.append_pair("grant_type", "refresh_token")
                .append_pair("refresh_token", token.expose());
        }
    }
    let authorization = proof.add_to(&mut form);
    (authorization, form.finish())
}

/// Chooses how to authenticate with a secret; `client_secret_basic` is the default where the metadata says nothing
/// (OpenID Connect Discovery 1.0 §3).
fn choose(metadata: &ProviderMetadata) -> Result<ClientAuthMethod, ProviderError> {
    let Some(offered) = &metadata.token_endpoint_auth_methods_supported else {
        return Ok(ClientAuthMethod::ClientSecretBasic);
    };
    let offers = |name: &str| offered.iter().any(|method| method == name);
    if offers("client_secret_basic") {
        Ok(ClientAuthMethod::ClientSecretBasic)
    } else if offers("client_secret_post") {
        Ok(ClientAuthMethod::ClientSecretPost)
    } else if offered.iter().all(|method| method == "none") {
        // It says nothing of clients with a secret, and this one has one.
        tracing::warn!(
            "the provider's metadata offers no way of client authentication; client_secret_basic is used"
        );
        Ok(ClientAuthMethod::ClientSecretBasic)
    } else {
        Err(ProviderError::NoAuthMethod {
            offered: offered.iter().map(|method| printable(method, 64)).collect(),
        })
    }
}

pub(crate) fn parse(answer: &Response, now: u64) -> Result<TokenResponse, ProviderError> {
    if !answer.is_success() {
        return Err(error_body::of(ENDPOINT, answer));
    }
    let malformed = |detail: String| {
        error_body::in_place_of("access_token", ENDPOINT, answer).unwrap_or(
            ProviderError::Malformed {
                endpoint: ENDPOINT,
                detail,
            },
        )
    };
    let object = json::object(&answer.body).map_err(malformed)?;
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
    Ok(TokenResponse {
        access_token: access_token.into(),
        id_token: text("id_token")?
            .filter(|token| !token.is_empty())
            .map(Secret::from),
        // No login needs it.
        refresh_token: text("refresh_token")
            .unwrap_or_default()
            .filter(|token| !token.is_empty())
            .map(Secret::from),
        expires_at: lifetime.map(|seconds| now.saturating_add(seconds)),
        renew_at: renew_in.map(|seconds| now.saturating_add(seconds)),
        scope: scope(&object),
    })
}

/// Scopes separated by spaces (RFC 6749 §3.3). Some providers send a list. It decides nothing, so anything else counts
/// as none.
pub(crate) fn scope(object: &Map<String, Value>) -> Option<String> {
    match object.get("scope")? {
        Value::String(text) => Some(text.clone()),
        Value::Array(scopes) => {
            let scopes: Option<Vec<&str>> = scopes.iter().map(Value::as_str).collect();
            scopes.map(|scopes| scopes.join(" "))
        }
        _ => None,
    }
}

/// RECOMMENDED, so it may be missing; some providers send it as text.
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
        let answer = Response {
            status,
            media_type: "application/json".to_owned(),
            body: body.as_bytes().to_vec(),
        };
        parse(&answer, 1000)
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
