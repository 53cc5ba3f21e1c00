//! Renewing what a session holds: its tokens by the refresh token (OpenID Connect Core 1.0 §12), and the user data.
//!
//! A refresh token is used once at most providers, and a browser sends many requests at a time. So there is one token request for
//! each session, in a task that goes on when a browser goes away; whoever comes while it runs, or within half a minute with
//! the cookies from before, gets its result. With a shared store of marks that is so in the whole fleet: a replica claims the
//! request before it sends it, and leaves the result there, sealed.

pub(crate) mod lease;

use std::{error::Error, sync::Arc};

use serde_json::Map;

use crate::{
    base::secret::Secret,
    error::{
        provider::ProviderError, refresh::RefreshError, session::SessionError, token::IdTokenError,
    },
    flow::refresh::lease::alone,
    jose::jws::Unverified,
    miracl::{Engine, Miracl},
    provider::{
        id_token::Expected,
        issuers::Issuers,
        jwks::Cause,
        metadata::ProviderMetadata,
        token_request::{self, Grant},
        tokens::{TokenResponse, Tokens},
        user_data::UserData,
        userinfo::{self, UserinfoError},
    },
    receipt::Recorder,
    session::{
        data::SessionData,
        identity::Session,
        renewals::{RenewalKey, Renewed},
        sessions::Current,
    },
    visit::Visit,
};

impl Visit {
    /// Returns the session's tokens: to call an API of the provider's, never needed to know who is logged in.
    ///
    /// When the access token has run out (or will within a tenth of its life, at most ten seconds) and the provider gave a refresh
    /// token, it is renewed first, by one request for all that ask at the same time. While the provider is ill, the old tokens
    /// are returned. When the provider no longer accepts the refresh token, the session is ended, and there are none.
    ///
    /// # Errors
    ///
    /// As [`user`](Self::user).
    pub async fn tokens(&self) -> Result<Option<Tokens>, SessionError> {
        match self.renewed(When::Due).await {
            Ok(data) => Ok(data.map(|(_, data)| data.tokens.clone())),
            Err(RefreshError::Session(error)) => Err(error),
            Err(RefreshError::Provider(error)) => {
                tracing::warn!(%error, "the access token cannot be renewed; the old is handed out");
                Ok(self.data().await?.map(|data| data.tokens.clone()))
            }
            // The session has been ended.
            Err(_) => Ok(None),
        }
    }

    /// Fetches the user data again with the session's access token, and replaces the old. An access token that has run out is
    /// renewed before, where there is a refresh token.
    ///
    /// For a `HEAD` or a prefetch, which must change nothing, it returns the data that is there.
    ///
    /// # Errors
    ///
    /// * [`RefreshError::NotLoggedIn`] when there is no session.
    /// * [`RefreshError::Expired`] when the provider no longer accepts the access token, nor a refresh token if there is one, and
    ///   [`RefreshError::RefreshedIdToken`] when what it sent in return is about somebody else. The session has been ended.
    /// * [`RefreshError::Provider`] when the provider is ill; the old data stays, and so does the session.
    /// * [`RefreshError::Subject`] when the answer is about somebody else, and [`RefreshError::Token`] when it is not signed as it
    ///   must be; it is dropped, and the old data stays.
    pub async fn refresh_user_data(&self) -> Result<UserData, RefreshError> {
        let before = self.data().await?;
        let (mut current, mut data) = self.renewed_session(When::Due).await?;
        if self.changes_nothing() {
            return Ok(UserData::from(&*data));
        }
        let was_renewed = before.is_some_and(|before| !Arc::ptr_eq(&before, &data));
        let mut fetched = self.fetch_user_data(&current, &data).await?;
        if let Err(UserinfoError::Unauthorized(_)) = fetched
            && data.tokens.refresh_token.is_some()
            && !was_renewed
        {
            // It ran out before its time, or nobody said when that is.
            (current, data) = self.renewed_session(When::Now).await?;
            fetched = self.fetch_user_data(&current, &data).await?;
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
                self.change_data(fetched).await?;
                Ok(user_data.unwrap_or_default())
            }
            Err(UserinfoError::Unauthorized(error)) => {
                tracing::info!(%error, "the access token is no longer accepted; the session is ended");
                self.end_session().await?;
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
        &self,
        current: &Current,
        data: &SessionData,
    ) -> Result<Result<Option<Map<String, serde_json::Value>>, UserinfoError>, RefreshError> {
        let engine = self.miracl().engine();
        let metadata = engine.discovery.metadata(&engine.http).await;
        let metadata = metadata.map_err(RefreshError::Provider)?;
        let token = data.tokens.access_token.expose();
        let subject = current.session.names.subject();
        Ok(userinfo::fetch(engine, &metadata, token, subject).await)
    }

    async fn renewed_session(
        &self,
        when: When,
    ) -> Result<(Current, Arc<SessionData>), RefreshError> {
        let renewed = self.renewed(when).await?;
        renewed.ok_or(RefreshError::NotLoggedIn)
    }

    /// Returns the session with its data, after renewing its tokens if that is due and possible.
    async fn renewed(
        &self,
        when: When,
    ) -> Result<Option<(Current, Arc<SessionData>)>, RefreshError> {
        let (Some(current), Some(data)) = (self.current().await?, self.data().await?) else {
            return Ok(None);
        };
        let miracl = self.miracl();
        let now = miracl.engine().now();
        let due = when == When::Now || data.tokens.renew_at.is_some_and(|at| at <= now);
        let Some(refresh_token) = data.tokens.refresh_token.clone().filter(|_| due) else {
            return Ok(Some((current, data)));
        };
        if self.changes_nothing() {
            return Ok(Some((current, data)));
        }
        let key = RenewalKey::new(&current.session, &refresh_token);
        let renewal = miracl.engine().renewals.of(key);
        let renewal = match renewal.kept() {
            Some(kept) => kept,
            None => {
                let (session, data) = (current.session.clone(), data.clone());
                let (seen, miracl) = (renewal.ended(), miracl.clone());
                let task = miracl.engine().http.spawn({
                    let miracl = miracl.clone();
                    async move {
                        let ask = || renew(&miracl, &session, &data, &refresh_token);
                        let ask = || alone(miracl.engine(), key, ask);
                        renewal.fetch_since(seen, ask).await
                    }
                });
                // When the runtime ends, nobody is told of it any more.
                let ended = task.await.map_err(unreachable).flatten();
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
                self.change_data(renewed).await?;
                // None if somebody logged out in the meantime.
                let (current, data) = (self.current().await?, self.data().await?);
                Ok(current.zip(data))
            }
            // Another replica may have been faster.
            Renewed::Over(_) if self.has_newer_tokens(&data).await? => {
                Ok(self.current().await?.zip(self.data().await?))
            }
            Renewed::Over(error) => {
                tracing::info!(%error, "the refresh token is no longer accepted; the session is ended");
                self.end_session().await?;
                Err(RefreshError::Expired)
            }
            Renewed::Foreign(error) => {
                tracing::error!(%error, "the refreshed ID token is not this session's; the session is ended");
                self.end_session().await?;
                Err(RefreshError::RefreshedIdToken(error.clone()))
            }
        }
    }

    /// Reads the session again, where it is in a store, and tells whether its refresh token is another than before.
    async fn has_newer_tokens(&self, before: &SessionData) -> Result<bool, RefreshError> {
        self.reload().await?;
        let data = self.data().await?;
        Ok(data.is_some_and(|data| data.refresh_token() != before.refresh_token()))
    }
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

/// The request cannot be sent, or nobody knows what became of it.
pub(crate) fn unreachable(error: impl Error + Send + Sync + 'static) -> ProviderError {
    ProviderError::Unreachable {
        endpoint: "token_endpoint",
        source: Arc::new(error),
    }
}

/// Asks for new tokens, and checks the ID token that may come with them.
async fn renew(
    miracl: &Miracl,
    session: &Session,
    data: &SessionData,
    refresh_token: &Secret,
) -> Result<Renewed, ProviderError> {
    let engine = miracl.engine();
    let metadata = engine.discovery.metadata(&engine.http).await?;
    let grant = Grant::RefreshToken(refresh_token);
    let response = match token_request::request(engine, &metadata, grant).await {
        Ok(response) => response,
        Err(error) if error.ends_the_grant() => return Ok(Renewed::Over(error)),
        Err(error) => {
            if let Some(words) = error.words() {
                tracing::warn!(%error, words, "the provider refused to renew tokens");
            }
            return Err(error);
        }
    };
    if let Err(reason) = check_id_token(engine, &metadata, session, data, &response).await? {
        return Ok(Renewed::Foreign(reason));
    }
    tracing::debug!("tokens were renewed");
    Ok(Renewed::Tokens(data.tokens.renewed(response)))
}

/// Checks the new ID token, if there is one, against the session's (§12.2).
async fn check_id_token(
    engine: &Engine,
    metadata: &ProviderMetadata,
    session: &Session,
    data: &SessionData,
    response: &TokenResponse,
) -> Result<Result<(), IdTokenError>, ProviderError> {
    let Some(raw) = &response.id_token else {
        return Ok(Ok(()));
    };
    let mut allowed = metadata.signing_algorithms();
    allowed.extend(engine.config.id_token_signed_response_alg);
    // Pinned to the one of the session's own.
    let token = Unverified::parse(data.tokens.id_token.expose(), &allowed)
        .and_then(|first| Unverified::parse(raw.expose(), &[first.algorithm()]));
    let token = match token {
        Ok(token) => token,
        Err(error) => return Ok(Err(error)),
    };
    let (http, uri) = (&engine.http, &metadata.jwks_uri);
    let verdict = engine
        .jwks
        .check(http, uri, &token, Cause::Login, &mut Recorder::new())
        .await?;
    let expected = Expected {
        issuers: Issuers::One(session.names.issuer()),
        client_id: engine.credentials.client_id(&engine.http).await?,
        trusted_audiences: &engine.config.trusted_audiences,
        nonce: "",
        access_token: response.access_token.expose(),
        max_age: None,
        acr_values: None,
        now: engine.now(),
        skew: engine.config.clock_skew,
    };
    let first = data.id_token_claims();
    Ok(token.verify_refreshed(verdict, session.names.subject(), &first, &expected))
}
