//! The provider's public keys (RFC 7517): when they are fetched, and how often.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    error::provider::ProviderError,
    jose::{
        jws::Unverified,
        keys::{KeySet, SignatureCheck},
    },
    provider::{error_body, fetched::Fetched, http::HttpClient},
    receipt::Recorder,
};

/// How long a key set is used before it is fetched again.
const FRESH: Duration = Duration::from_secs(60 * 60);
/// How many fetches for unknown keys the logins of this process may cause in [`WINDOW`]. This limits the requests to a
/// provider that signs with keys it does not publish.
const LOGIN_FETCHES: u32 = 60;
/// How many such fetches tokens that anybody can send may cause, of each kind.
const STRANGERS_FETCHES: u32 = 3;
const WINDOW: Duration = Duration::from_secs(60);

const ENDPOINT: &str = "jwks_uri";

/// The key set of one provider, kept up to date.
#[derive(Debug, Default)]
pub(crate) struct Jwks {
    keys: Fetched<KeySet>,
    /// The recent fetches for each [`Cause`].
    windows: [Mutex<Option<Window>>; 3],
}

/// Why keys are fetched again. Each cause has its own budget, so that a flood of one kind does not use up the other's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Somebody logs in or is logged in: this client got the token from the provider itself.
    Login,
    /// A logout token, which anybody can send.
    LogoutToken,
    /// A project JWT, which anybody can send.
    ProjectJwt,
}

impl Cause {
    fn budget(self) -> u32 {
        match self {
            Self::Login => LOGIN_FETCHES,
            Self::LogoutToken | Self::ProjectJwt => STRANGERS_FETCHES,
        }
    }
}

/// The recent fetches for one cause.
#[derive(Debug)]
struct Window {
    began: Instant,
    count: u32,
    /// How many fetches had completed before the last one that was counted. Callers that read this number share it.
    last: u64,
}

/// The keys as they are known at one moment.
#[derive(Debug, Clone)]
struct CurrentKeys {
    keys: Arc<KeySet>,
    /// How many fetches had completed then.
    completed: u64,
    /// Whether they were fetched for this token, so that there are no newer ones.
    just_fetched: bool,
}

impl CurrentKeys {
    /// Returns whether it is worth fetching the keys again for a token whose signature is not valid with them.
    ///
    /// It is so not only for an unknown `kid`: a provider that makes new keys when it starts may give them the old
    /// names, or none.
    fn may_be_old(&self, signature: SignatureCheck) -> bool {
        match signature {
            SignatureCheck::Valid => false,
            SignatureCheck::NoKey => true,
            SignatureCheck::Invalid
            | SignatureCheck::WeakKey
            | SignatureCheck::UnreadableKey
            | SignatureCheck::OtherIssuer => !self.just_fetched,
        }
    }
}

impl Jwks {
    /// Returns the keys. Fetches them if there are none or if they are an hour old. Old keys stay in use while the
    /// provider cannot be reached.
    async fn keys(&self, http: &HttpClient, uri: &str) -> Result<CurrentKeys, ProviderError> {
        let completed = self.keys.completed();
        if let Some(keys) = self.keys.younger_than(FRESH) {
            return Ok(CurrentKeys {
                keys,
                completed,
                just_fetched: false,
            });
        }
        let fetched = self
            .keys
            .fetch_to_completion(
                &http.runtime,
                completed,
                fetch(http.clone(), uri.to_owned()),
            )
            .await;
        let (keys, just_fetched) = match (fetched, self.keys.value()) {
            (Ok(keys), _) => (keys, true),
            (Err(error), Some(stale)) => {
                tracing::warn!(%error, "the provider's keys cannot be renewed; the old serve on");
                (stale, false)
            }
            (Err(error), None) => return Err(error),
        };
        Ok(CurrentKeys {
            keys,
            completed: self.keys.completed(),
            just_fetched,
        })
    }

    /// Checks a token's signature. Fetches the keys again if the signature is not valid with those that are known
    /// (OpenID Connect Core 1.0 §10.1.1).
    pub(crate) async fn check(
        &self,
        http: &HttpClient,
        uri: &str,
        token: &Unverified<'_>,
        cause: Cause,
        receipt: &mut Recorder,
    ) -> Result<SignatureCheck, ProviderError> {
        let current = self.keys(http, uri).await;
        let current = receipt.check_provider("jwks_uri", "RFC 7517 §5", current)?;
        let signature = token.check_signature(&current.keys);
        if !current.may_be_old(signature) {
            return Ok(signature);
        }
        let newer = self.newer(&current, http, uri, cause).await;
        let newer = receipt.check_provider("jwks_uri again", "OIDC Core §10.1.1", newer)?;
        Ok(token.check_signature(&newer))
    }

    /// Whether no more keys are fetched for this cause for a while: a token with an unknown key may be good then.
    pub(crate) fn is_exhausted(&self, cause: Cause) -> bool {
        let window = self.windows[cause as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        window
            .as_ref()
            .is_some_and(|window| window.began.elapsed() < WINDOW && window.count == cause.budget())
    }

    /// Returns newer keys than the `current` ones, for a token whose signature is not valid with them.
    ///
    /// Each token causes at most one fetch. Tokens that miss a key at the same time share one.
    async fn newer(
        &self,
        current: &CurrentKeys,
        http: &HttpClient,
        uri: &str,
        cause: Cause,
    ) -> Result<Arc<KeySet>, ProviderError> {
        if self.keys.completed() == current.completed && !self.may_fetch(cause, current.completed) {
            tracing::warn!(
                ?cause,
                "too many tokens are not signed with the keys that are known; they are not fetched again for a while"
            );
            return Ok(current.keys.clone());
        }
        self.keys
            .fetch_to_completion(
                &http.runtime,
                current.completed,
                fetch(http.clone(), uri.to_owned()),
            )
            .await
    }

    /// Returns whether the keys may be fetched for a caller that read this number of completed fetches.
    fn may_fetch(&self, cause: Cause, completed: u64) -> bool {
        let mut window = self.windows[cause as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match window.as_mut() {
            Some(window) if window.began.elapsed() < WINDOW => {
                if window.last != completed {
                    if window.count == cause.budget() {
                        return false;
                    }
                    window.count += 1;
                    window.last = completed;
                }
            }
            _ => {
                *window = Some(Window {
                    began: Instant::now(),
                    count: 1,
                    last: completed,
                });
            }
        }
        true
    }
}

/// Fetches the key set once.
async fn fetch(http: HttpClient, uri: String) -> Result<KeySet, ProviderError> {
    let response = http.get(ENDPOINT, &uri).await?;
    if !response.is_success() {
        return Err(error_body::of(ENDPOINT, &response));
    }
    let keys = KeySet::parse(&response.body).map_err(|detail| {
        error_body::in_place_of("keys", ENDPOINT, &response).unwrap_or(ProviderError::Malformed {
            endpoint: ENDPOINT,
            detail,
        })
    })?;
    tracing::debug!(keys = keys.0.len(), "the provider's keys were read");
    Ok(keys)
}

#[cfg(test)]
mod tests;
