//! Renewing what a session holds: its tokens by the refresh token (OpenID Connect Core 1.0 §12), and the user data.
//!
//! A refresh token is used once at most providers, and a browser sends many requests at a time. So there is one token request for
//! each session, in a task that goes on when a browser goes away; whoever comes while it runs, or within half a minute with
//! the cookies from before, gets its result. With a shared store of marks that is so in the whole fleet: a replica leases the
//! request before it sends it, and leaves the result there, sealed.

pub(crate) mod lease;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::exchange::Exchange;
use crate::provider::Provider;
use crate::provider::id_token::IdToken;
use crate::{
    base::secret::Secret,
    error::{
        provider::ProviderError, refresh::RefreshError, session::SessionError, token::IdTokenError,
    },
    flow::refresh::lease::alone,
    jose::jws::Unverified,
    provider::{
        id_token::Expected,
        issuers::Issuers,
        jwks::Cause,
        metadata::ProviderMetadata,
        token_request::Grant,
        tokens::{TokenResponse, Tokens},
        user_data::UserData,
        userinfo::UserinfoError,
    },
    receipt::Recorder,
    session::{
        data::SessionData,
        identity::Session,
        renewals::{RenewalKey, Renewed},
        sessions::Current,
    },
};

/// Returns the session's tokens: to call an API of the provider's, never needed to know who is logged in.
pub(crate) async fn tokens(exchange: &Arc<Exchange>) -> Result<Option<Tokens>, SessionError> {
    match renewed(exchange, When::Due).await {
        Ok(data) => Ok(data.map(|(_, data)| data.tokens.clone())),
        Err(RefreshError::Session(error)) => Err(error),
        Err(RefreshError::Provider(error)) => {
            tracing::warn!(%error, "the access token cannot be renewed; the old is handed out");
            Ok(exchange.data().await?.map(|data| data.tokens.clone()))
        }
        // The session has been ended.
        Err(_) => Ok(None),
    }
}

/// Fetches the user data again with the session's access token, and replaces the old. An access token that has run out is
/// renewed before, where there is a refresh token.
pub(crate) async fn refresh_user_data(exchange: &Arc<Exchange>) -> Result<UserData, RefreshError> {
    let before = exchange.data().await?;
    let (mut current, mut data) = renewed_session(exchange, When::Due).await?;
    if exchange.changes_nothing() {
        return Ok(UserData::from(&*data));
    }
    let was_renewed = before.is_some_and(|before| !Arc::ptr_eq(&before, &data));
    let mut fetched = fetch_user_data(exchange.engine.provider(), &current, &data).await;
    if let Err(UserinfoError::Unauthorized(_)) = fetched
        && data.tokens.refresh_token.is_some()
        && !was_renewed
    {
        // It ran out before its time, or nobody said when that is.
        (current, data) = renewed_session(exchange, When::Now).await?;
        fetched = fetch_user_data(exchange.engine.provider(), &current, &data).await;
    }
    match fetched {
        Ok(None) => Ok(UserData::from(&*data)),
        Ok(Some(userinfo)) => {
            let fetched = |data: &SessionData| {
                Some(SessionData {
                    tokens: data.tokens.clone(),
                    userinfo: userinfo.clone(),
                    user_agent: data.user_agent.clone(),
                })
            };
            let user_data = fetched(&data).map(|data| UserData::from(&data));
            exchange.change_data(fetched).await?;
            Ok(user_data.unwrap_or_default())
        }
        Err(UserinfoError::Unauthorized(error)) => {
            tracing::info!(%error, "the access token is no longer accepted; the session is ended");
            exchange.end_session().await?;
            Err(RefreshError::Expired)
        }
        Err(UserinfoError::Subject) => {
            tracing::warn!("userinfo is about another subject than the session; it is dropped");
            Err(RefreshError::Subject)
        }
        Err(UserinfoError::Token(error)) => {
            tracing::warn!(%error, "the signed user data is refused; the old stays");
            Err(RefreshError::Token(error))
        }
        Err(UserinfoError::Provider(error)) => {
            tracing::warn!(%error, "user data cannot be fetched; the old stays");
            Err(RefreshError::Provider(error))
        }
    }
}

async fn fetch_user_data(
    provider: &Provider,
    current: &Current,
    data: &SessionData,
) -> Result<Option<Map<String, Value>>, UserinfoError> {
    let metadata = provider.metadata().await;
    let metadata = metadata.map_err(UserinfoError::Provider)?;
    let token = data.tokens.access_token.expose();
    let subject = current.session.person.subject();
    provider.userinfo(&metadata, token, subject).await
}

async fn renewed_session(
    exchange: &Arc<Exchange>,
    when: When,
) -> Result<(Current, Arc<SessionData>), RefreshError> {
    let renewed = renewed(exchange, when).await?;
    renewed.ok_or(RefreshError::NotLoggedIn)
}

/// Returns the session with its data, after renewing its tokens if that is due and possible.
async fn renewed(
    exchange: &Arc<Exchange>,
    when: When,
) -> Result<Option<(Current, Arc<SessionData>)>, RefreshError> {
    let (Some(current), Some(data)) = (exchange.current().await?, exchange.data().await?) else {
        return Ok(None);
    };
    let engine = &exchange.engine;
    let now = engine.now();
    let due = when == When::Now || data.tokens.renew_at.is_some_and(|at| at <= now);
    let Some(refresh_token) = data.tokens.refresh_token.clone().filter(|_| due) else {
        return Ok(Some((current, data)));
    };
    if exchange.changes_nothing() {
        return Ok(Some((current, data)));
    }
    let key = RenewalKey::new(&current.session, &refresh_token);
    let renewal = engine.renewals.of(key);
    let renewal = match renewal.kept() {
        Some(kept) => kept,
        None => {
            let (session, data) = (current.session.clone(), data.clone());
            let (seen, shared) = (renewal.ended(), Arc::clone(engine));
            let task = engine.runtime.spawn(async move {
                let ask = || renew(shared.provider(), &session, &data, &refresh_token);
                let ask = || alone(&shared, key, ask);
                renewal.fetch_since(seen, ask).await
            });
            // When the runtime ends, nobody is told of it any more.
            let ended = task
                .await
                .map_err(ProviderError::of_token_request)
                .flatten();
            ended.map_err(RefreshError::Provider)?
        }
    };
    match &*renewal {
        Renewed::Tokens(tokens) => {
            let used = data.refresh_token();
            let renewed = |data: &SessionData| {
                // Somebody else may have written these or even newer ones.
                (data.refresh_token() == used).then(|| SessionData {
                    tokens: tokens.clone(),
                    userinfo: data.userinfo.clone(),
                    user_agent: data.user_agent.clone(),
                })
            };
            exchange.change_data(renewed).await?;
            // None if somebody logged out in the meantime.
            let (current, data) = (exchange.current().await?, exchange.data().await?);
            Ok(current.zip(data))
        }
        // Another replica may have been faster.
        Renewed::Over(_) if has_newer_tokens(exchange, &data).await? => {
            Ok(exchange.current().await?.zip(exchange.data().await?))
        }
        Renewed::Over(error) => {
            tracing::info!(%error, "the refresh token is no longer accepted; the session is ended");
            exchange.end_session().await?;
            Err(RefreshError::Expired)
        }
        Renewed::Foreign(error) => {
            tracing::error!(%error, "the refreshed ID token is not this session's; the session is ended");
            exchange.end_session().await?;
            Err(RefreshError::RefreshedIdToken(error.clone()))
        }
    }
}

/// Reads the session again, where it is in a store, and tells whether its refresh token is another than before.
async fn has_newer_tokens(
    exchange: &Arc<Exchange>,
    before: &SessionData,
) -> Result<bool, RefreshError> {
    exchange.reload().await?;
    let data = exchange.data().await?;
    Ok(data.is_some_and(|data| data.refresh_token() != before.refresh_token()))
}

impl SessionData {
    fn refresh_token(&self) -> Option<&str> {
        self.tokens.refresh_token.as_ref().map(Secret::expose)
    }
}

/// When tokens are renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// If their time has come.
    Due,
    /// In any case.
    Now,
}

/// Asks for new tokens, and checks the ID token that may come with them.
async fn renew(
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
    if let Some(fault) = id_token_fault(provider, &metadata, session, data, &response).await? {
        return Ok(Renewed::Foreign(fault));
    }
    tracing::debug!("tokens were renewed");
    Ok(Renewed::Tokens(data.tokens.renewed(response)))
}

/// Checks the new ID token, if there is one, against the session's (§12.2). Returns what makes it another session's.
async fn id_token_fault(
    provider: &Provider,
    metadata: &ProviderMetadata,
    session: &Session,
    data: &SessionData,
    response: &TokenResponse,
) -> Result<Option<IdTokenError>, ProviderError> {
    let Some(raw) = &response.id_token else {
        return Ok(None);
    };
    let config = &provider.client.config;
    let mut allowed = metadata.signing_algorithms();
    allowed.extend(config.id_token_signed_response_alg);
    // Pinned to the one of the session's own.
    let token = Unverified::parse(data.tokens.id_token.expose(), &allowed)
        .and_then(|first| Unverified::parse(raw.expose(), &[first.algorithm()]));
    let token = match token {
        Ok(token) => token,
        Err(error) => return Ok(Some(error)),
    };
    let mut receipt = Recorder::new();
    let verdict = provider
        .signature(metadata, &token, Cause::Login, &mut receipt)
        .await?;
    let expected = Expected {
        issuers: Issuers::One(session.person.issuer()),
        client_id: provider.client.id().await?,
        trusted_audiences: &config.trusted_audiences,
        nonce: "",
        access_token: response.access_token.expose(),
        max_age: None,
        acr_values: None,
        now: provider.client.now(),
        skew: config.clock_skew,
    };
    let first = data.id_token_claims();
    let verified =
        IdToken::verify_refreshed(&token, verdict, session.person.subject(), &first, &expected);
    Ok(verified.err())
}
