//! The token request with a refresh token, and the checks of its answer.

use crate::{
    base::secret::Secret,
    error::{provider::ProviderError, token::IdTokenError},
    jose::jws::Unverified,
    provider::{
        Provider,
        id_token::{IdToken, expected::ExpectedIdToken},
        issuers::Issuers,
        jwks::Cause,
        metadata::ProviderMetadata,
        token_request::Grant,
        token_response::TokenResponse,
    },
    receipt::Recorder,
    session::{data::SessionData, identity::Session, renewals::Renewed},
};

/// Asks for new tokens, and checks the ID token that may come with them.
pub(super) async fn request_tokens(
    provider: &Provider,
    session: &Session,
    data: &SessionData,
    refresh_token: &Secret,
) -> Result<Renewed, ProviderError> {
    let metadata = provider.metadata().await?;
    let grant = Grant::RefreshToken(refresh_token);
    let response = match provider.tokens(&metadata, grant).await {
        Ok(response) => response,
        Err(error) if error.ends_the_grant() => return Ok(Renewed::Over(error)),
        Err(error) => {
            if let Some(words) = error.words() {
                tracing::warn!(%error, words, "the provider refused to renew tokens");
            }
            return Err(error);
        }
    };
    match check_id_token(provider, &metadata, session, data, &response).await {
        Ok(()) => {
            tracing::debug!("tokens were renewed");
            Ok(Renewed::Tokens(data.tokens.renewed(response)))
        }
        Err(NotAccepted::Foreign(error)) => Ok(Renewed::Foreign(error)),
        Err(NotAccepted::Unchecked(error)) => Err(error),
    }
}

/// Why a new ID token is not accepted.
enum NotAccepted {
    /// It is not this session's.
    Foreign(IdTokenError),
    /// It could not be checked, because the provider did not answer as it must.
    Unchecked(ProviderError),
}

impl From<IdTokenError> for NotAccepted {
    fn from(error: IdTokenError) -> Self {
        Self::Foreign(error)
    }
}

impl From<ProviderError> for NotAccepted {
    fn from(error: ProviderError) -> Self {
        Self::Unchecked(error)
    }
}

/// Checks the new ID token, if there is one, against the session's (§12.2).
async fn check_id_token(
    provider: &Provider,
    metadata: &ProviderMetadata,
    session: &Session,
    data: &SessionData,
    response: &TokenResponse,
) -> Result<(), NotAccepted> {
    let Some(raw) = &response.id_token else {
        return Ok(());
    };
    let config = &provider.client.config;
    let mut allowed = metadata.signing_algorithms();
    allowed.extend(config.id_token_signed_response_alg);
    // Only the algorithm of the session's own ID token counts.
    let token = Unverified::parse(data.tokens.id_token.expose(), &allowed)
        .and_then(|first| Unverified::parse(raw.expose(), &[first.algorithm()]))?;
    let mut receipt = Recorder::new();
    let verdict = provider
        .check_signature(metadata, &token, Cause::Login, &mut receipt)
        .await?;
    let expected = ExpectedIdToken {
        issuers: Issuers::One(session.person.issuer()),
        client_id: provider.client.id().await?,
        trusted_audiences: &config.trusted_audiences,
        nonce: None,
        access_token: response.access_token.expose(),
        max_age: None,
        asks_every_time: false,
        acr_values: None,
        now: provider.client.now(),
        skew: config.clock_skew,
    };
    let first = data.id_token_claims();
    IdToken::verify_refreshed(&token, verdict, session.person.subject(), &first, &expected)?;
    Ok(())
}
