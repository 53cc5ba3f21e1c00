//! Renewing what a session holds: its tokens by the refresh token (OpenID Connect Core 1.0 §12), and the user data.
//!
//! Most providers accept a refresh token once, and a browser sends many requests at a time. So there is one token
//! request for each session, in a task that goes on when the browser goes away. Requests that come while it runs, or
//! within half a minute with the cookies from before, get its result. With a shared store of marks that holds in the
//! whole fleet: a replica takes a lease before it sends the request, and leaves the result there, sealed.

mod lease;
mod request;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::{Map, Value};

use crate::{
    base::secret::Secret,
    engine::events::{AuthEvent, EventPerson},
    error::{provider::ProviderError, refresh::RefreshError, session::SessionError},
    exchange::Exchange,
    flow::refresh::{lease::once_in_fleet, request::request_tokens},
    provider::{Provider, tokens::Tokens, user_data::UserData, userinfo::UserinfoError},
    session::{
        app_data::AppValues,
        data::SessionData,
        end::EndedBy,
        renewals::{RenewalKey, Renewed},
        sessions::Current,
    },
};

/// A session, and the data that belongs to it.
struct SessionWithData {
    current: Current,
    data: Arc<SessionData>,
}

/// When tokens are renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// If their time has come.
    Due,
    /// In any case.
    Now,
}

/// Returns the session's tokens: to call an API of the provider's, never needed to know who is logged in.
pub(crate) async fn tokens(exchange: &Arc<Exchange>) -> Result<Option<Tokens>, SessionError> {
    match renewed(exchange, When::Due).await {
        Ok(session) => Ok(session.and_then(|session| session.data.tokens_for_app())),
        Err(RefreshError::Session(error)) => Err(error),
        Err(RefreshError::Provider(error)) => {
            tracing::warn!(%error, "the access token cannot be renewed; the old is handed out");
            let data = exchange.data().await?;
            Ok(data.and_then(|data| data.tokens_for_app()))
        }
        // The session has been ended.
        Err(_) => Ok(None),
    }
}

/// Fetches the user data again with the session's access token, and replaces the old. An access token that has expired
/// is renewed first, where there is a refresh token.
pub(crate) async fn refresh_user_data(exchange: &Arc<Exchange>) -> Result<UserData, RefreshError> {
    let before = exchange.data().await?;
    let mut session = renewed_session(exchange, When::Due).await?;
    if exchange.changes_nothing() || session.data.tokens.are_none() {
        return Ok(UserData::from(&*session.data));
    }
    let was_renewed = before.is_some_and(|before| !Arc::ptr_eq(&before, &session.data));
    let provider = exchange.engine.provider();
    let mut fetched = fetch_user_data(provider, &session).await;
    if let Err(UserinfoError::Unauthorized(_)) = fetched
        && session.data.tokens.refresh_token.is_some()
        && !was_renewed
    {
        // It expired before its time, or the provider did not say when it expires.
        session = renewed_session(exchange, When::Now).await?;
        fetched = fetch_user_data(provider, &session).await;
    }
    let data = session.data;
    match fetched {
        Ok(None) => Ok(UserData::from(&*data)),
        Ok(Some(userinfo)) => {
            let fetched = |data: &SessionData| Some(data.with_userinfo(userinfo.clone()));
            let user_data = fetched(&data).map(|data| UserData::from(&data));
            exchange.change_data(fetched).await?;
            Ok(user_data.unwrap_or_default())
        }
        Err(UserinfoError::Unauthorized(error)) => {
            tracing::info!(%error, "the access token is no longer accepted; the session is ended");
            exchange.end_session(EndedBy::Provider).await?;
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
    session: &SessionWithData,
) -> Result<Option<Map<String, Value>>, UserinfoError> {
    let metadata = provider.metadata().await;
    let metadata = metadata.map_err(UserinfoError::Provider)?;
    let token = session.data.tokens.access_token.expose();
    let subject = session.current.session.person.subject();
    provider.userinfo(&metadata, token, subject).await
}

async fn session_with_data(exchange: &Exchange) -> Result<Option<SessionWithData>, SessionError> {
    let (current, data) = (exchange.current().await?, exchange.data().await?);
    let both = current.zip(data);
    Ok(both.map(|(current, data)| SessionWithData { current, data }))
}

async fn renewed_session(
    exchange: &Arc<Exchange>,
    when: When,
) -> Result<SessionWithData, RefreshError> {
    let renewed = renewed(exchange, when).await?;
    renewed.ok_or(RefreshError::NotLoggedIn)
}

/// Returns the session with its data, after renewing its tokens if that is due and possible.
async fn renewed(
    exchange: &Arc<Exchange>,
    when: When,
) -> Result<Option<SessionWithData>, RefreshError> {
    let Some(session) = session_with_data(exchange).await? else {
        return Ok(None);
    };
    let data = &session.data;
    let engine = &exchange.engine;
    let now = engine.now();
    let due = when == When::Now || data.tokens.renew_at.is_some_and(|at| at <= now);
    let Some(refresh_token) = data.tokens.refresh_token.clone().filter(|_| due) else {
        return Ok(Some(session));
    };
    if exchange.changes_nothing() {
        return Ok(Some(session));
    }
    let key = RenewalKey::new(&session.current.session, &refresh_token);
    let renewal = engine.renewals.of(key);
    let renewal = match renewal.value() {
        Some(kept) => kept,
        None => {
            let (session, data) = (session.current.session.clone(), data.clone());
            let (seen, shared) = (renewal.completed(), Arc::clone(engine));
            let task = engine.runtime.spawn(async move {
                let ask = || request_tokens(shared.provider(), &session, &data, &refresh_token);
                let ask = || once_in_fleet(&shared, key, ask);
                renewal.fetch_since(seen, ask).await
            });
            let ended = task.await.map_err(ProviderError::of_token_request);
            ended.flatten().map_err(RefreshError::Provider)?
        }
    };
    match &*renewal {
        Renewed::Tokens(tokens) => {
            let used = data.refresh_token();
            let renewed = |data: &SessionData| {
                // Another request may have written these tokens or newer ones.
                (data.refresh_token() == used).then(|| data.renewed(tokens.clone()))
            };
            let has_written = AtomicBool::new(false);
            let renewed = |data: &SessionData| {
                let renewed = renewed(data);
                has_written.store(renewed.is_some(), Ordering::Relaxed);
                renewed
            };
            match exchange.change_data(renewed).await {
                // Otherwise a rotated refresh token would be lost, and the person locked out until the session ends.
                Err(SessionError::TooLarge(error)) if !data.app.is_empty() => {
                    tracing::warn!(%error, "app data does not fit beside renewed tokens, and is dropped");
                    let alone = |data: &SessionData| {
                        renewed(data).map(|renewed| renewed.with_app(AppValues::default()))
                    };
                    exchange.change_data(alone).await?;
                }
                changed => changed?,
            }
            if has_written.into_inner() {
                engine.tell(|| AuthEvent::TokensRenewed {
                    person: EventPerson::from(&*session.current.session),
                });
            }
            // There is no session any more if the person has logged out meanwhile.
            Ok(session_with_data(exchange).await?)
        }
        // Another replica may have been faster.
        Renewed::Over(_) if has_newer_tokens(exchange, data).await? => {
            Ok(session_with_data(exchange).await?)
        }
        Renewed::Over(error) => {
            tracing::info!(%error, "the refresh token is no longer accepted; the session is ended");
            exchange.end_session(EndedBy::Provider).await?;
            Err(RefreshError::Expired)
        }
        Renewed::Foreign(error) => {
            tracing::error!(%error, "the refreshed ID token is not this session's; the session is ended");
            exchange.end_session(EndedBy::Provider).await?;
            Err(RefreshError::RefreshedIdToken(error.clone()))
        }
    }
}

/// Reads the session again, where it is in a store. Returns whether its refresh token is another than before.
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
