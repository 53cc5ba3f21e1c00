//! The token request (OpenID Connect Core 1.0 §3.1.3).

use url::form_urlencoded::Serializer;

use crate::{
    base::{secret::Secret, text::printable},
    config::options::ClientAuthMethod,
    error::provider::ProviderError,
    provider::{
        client::Client,
        client_auth::ClientAuthentication,
        metadata::ProviderMetadata,
        token_response::{ENDPOINT, TokenResponse},
    },
};

/// The grant that is exchanged for tokens.
#[derive(Clone, Copy)]
pub(crate) enum Grant<'a> {
    /// The code of a callback (RFC 6749 §4.1.3), and the verifier that belongs to it (RFC 7636 §4.5).
    Code {
        code: &'a str,
        verifier: Option<&'a str>,
        /// As in the authorization request.
        redirect_uri: &'a str,
    },
    /// A refresh token (RFC 6749 §6).
    RefreshToken(&'a Secret),
}

/// Requests tokens with one request, since a code and a refresh token must not be used twice.
///
/// A second request is sent only when the provider refused the client secret and there is a newer one.
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
    // The audience of an assertion is the issuer. If one document serves many issuers, it is the one endpoint
    // (RFC 7523 §3).
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
    let (authorization, form) = compose(&proof, grant);
    let response = client
        .http
        .post_form(
            ENDPOINT,
            &metadata.token_endpoint,
            authorization.as_deref(),
            form,
        )
        .await?;
    let tokens = TokenResponse::parse(&response, client.now());
    tokens.map_err(|error| error.without(&secrets(secret, grant)))
}

/// Returns the secrets that were sent, which the provider's response must not carry into a log.
fn secrets<'a>(secret: &'a Secret, grant: Grant<'a>) -> Vec<&'a str> {
    let mut secrets = vec![secret.expose()];
    match grant {
        Grant::Code { code, verifier, .. } => {
            secrets.push(code);
            secrets.extend(verifier);
        }
        Grant::RefreshToken(token) => secrets.push(token.expose()),
    }
    secrets
}

/// Writes the form, and the `Authorization` header if the method has one.
fn compose(proof: &ClientAuthentication<'_>, grant: Grant<'_>) -> (Option<String>, String) {
    let mut form = Serializer::new(String::new());
    match grant {
        Grant::Code {
            code,
            verifier,
            redirect_uri,
        } => {
            form.append_pair("grant_type", "authorization_code")
                .append_pair("code", code)
                .append_pair("redirect_uri", redirect_uri);
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

/// Chooses how to authenticate with a secret. `client_secret_basic` is the default if the metadata says nothing
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
        // The metadata says nothing about clients with a secret, and this client has one.
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
