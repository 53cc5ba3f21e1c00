//! What the provider says about the person: the ID token, and userinfo about the same person.

use serde_json::{Map, Value};

use crate::{
    base::secret::Secret,
    engine::Engine,
    error::{login::FailureReason, token::IdTokenError},
    jose::jws::Unverified,
    provider::{
        id_token::{IdToken, expected::ExpectedIdToken},
        jwks::Cause,
        metadata::ProviderMetadata,
        token_response::TokenResponse,
        userinfo::{self, UserinfoError},
    },
    receipt::{Recorder, check::Pass},
};

/// What one login asked for, as its ID token must show it.
#[derive(Debug, Default)]
pub(crate) struct Asked<'a> {
    pub(crate) nonce: Option<&'a str>,
    pub(crate) max_age: Option<u64>,
    pub(crate) acr_values: Option<&'a str>,
}

/// Verifies the ID token: its form, its signature, and that it is for this client and this login. Returns it as it was
/// sent, too.
pub(crate) async fn id_token(
    engine: &Engine,
    asked: Asked<'_>,
    tokens: &TokenResponse,
    metadata: &ProviderMetadata,
    receipt: &mut Recorder,
) -> Result<(IdToken, Secret), FailureReason> {
    let (config, provider) = (&engine.config, engine.provider());
    let raw = tokens.id_token.clone().ok_or(FailureReason::IdTokenMissing);
    let raw = receipt.check("id_token", "OIDC Core §3.1.3.3", raw)?;
    let allowed = provider.id_token_algorithms(metadata);
    let id_token = Unverified::parse(raw.expose(), &allowed);
    let form = match &id_token {
        Err(error) if !matches!(error, IdTokenError::Algorithm { .. }) => Err(error.clone()),
        _ => Ok(()),
    };
    receipt.check("id_token form", "RFC 7515 §7.1", form)?;
    let id_token = receipt.check("id_token alg", "OIDC Core §3.1.3.7 (7)", id_token)?;
    let verdict = provider.check_signature(metadata, &id_token, Cause::Login, receipt);
    let verdict = verdict.await?;
    let expected = ExpectedIdToken {
        issuers: provider.issuers(metadata),
        client_id: provider.client.id().await?,
        trusted_audiences: &config.trusted_audiences,
        nonce: asked.nonce,
        access_token: tokens.access_token.expose(),
        max_age: asked.max_age,
        asks_every_time: config.asks_every_time,
        acr_values: asked.acr_values,
        now: engine.now(),
        skew: config.clock_skew,
    };
    let algorithm = id_token.algorithm();
    let verified = IdToken::verify(&id_token, verdict, &expected, receipt)?;
    provider.record_algorithm(algorithm);
    Ok((verified, raw))
}

/// Fetches userinfo, where the provider has it and the login needs it. It must be about the ID token's `sub`.
pub(crate) async fn userinfo(
    engine: &Engine,
    metadata: &ProviderMetadata,
    tokens: &TokenResponse,
    id_token: &IdToken,
    receipt: &mut Recorder,
) -> Result<Map<String, Value>, FailureReason> {
    const NAME: &str = "userinfo";
    const SECTION: &str = "OIDC Core §5.3";
    let token = tokens.access_token.expose();
    let fetched = if userinfo::is_needed(&engine.config, &id_token.claims) {
        engine
            .provider()
            .userinfo(metadata, token, &id_token.subject)
            .await
    } else {
        Ok(None)
    };
    let fine = Ok::<_, FailureReason>(Pass::Checked);
    match fetched {
        Ok(None) => {
            receipt.check_if(NAME, SECTION, Ok::<_, FailureReason>(Pass::NotApplicable))?;
            Ok(Map::new())
        }
        Ok(Some(userinfo)) => {
            receipt.check_if(NAME, SECTION, fine)?;
            let same = Ok::<_, FailureReason>(userinfo);
            receipt.check("userinfo sub", "OIDC Core §5.3.2", same)
        }
        Err(UserinfoError::Subject) => {
            receipt.check_if(NAME, SECTION, fine)?;
            let other = Err(FailureReason::UserinfoSubject);
            receipt.check("userinfo sub", "OIDC Core §5.3.2", other)
        }
        Err(UserinfoError::Token(error)) => {
            receipt.check(NAME, SECTION, Err(FailureReason::UserinfoToken(error)))
        }
        Err(UserinfoError::Unauthorized(error) | UserinfoError::Provider(error)) => {
            receipt.check(NAME, SECTION, Err(error))
        }
    }
}

#[cfg(test)]
mod tests;
