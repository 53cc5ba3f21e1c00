//! The provider's public keys (RFC 7517), and signatures made with them.

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
/// How many fetches for unknown keys the logins of this process may cause in [`WINDOW`], beyond which a provider that
/// signs with keys it does not publish is not asked again.
const LOGIN_FETCHES: u32 = 60;
/// How many of them logout tokens may cause.
const LOGOUT_TOKEN_FETCHES: u32 = 3;
const WINDOW: Duration = Duration::from_secs(60);

const ENDPOINT: &str = "jwks_uri";

/// The key set of one provider, as it is now.
#[derive(Debug, Default)]
pub(crate) struct Jwks {
    keys: Fetched<KeySet>,
    /// For each [`Cause`].
    windows: [Mutex<Option<Window>>; 2],
}

/// What keys are fetched again for. Each cause has a budget of its own, so that a storm of one leaves the others theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Somebody logs in, or is logged in: the provider gave us the token itself.
    Login,
    /// A logout token, which anybody can send.
    LogoutToken,
}

impl Cause {
    fn budget(self) -> u32 {
        match self {
            Self::Login => LOGIN_FETCHES,
            Self::LogoutToken => LOGOUT_TOKEN_FETCHES,
        }
    }
}

/// The fetches of one cause of late.
#[derive(Debug)]
struct Window {
    began: Instant,
    count: u32,
    /// How many fetches had ended before the last that was counted. Those who saw as many share it.
    last: u64,
}

/// A key set, and how many fetches had ended when it was taken.
#[derive(Debug, Clone)]
pub(crate) struct CurrentKeys {
    pub(crate) keys: Arc<KeySet>,
    ended: u64,
    /// Whether they were fetched for this login, so that there are no newer ones.
    just_fetched: bool,
}

impl CurrentKeys {
    /// Whether it is worth fetching the keys again for a token that they did not find good.
    ///
    /// Not only for an unknown `kid`: a provider that makes new keys when it starts may give them the old names, or none.
    pub(crate) fn may_be_old(&self, signature: SignatureCheck) -> bool {
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
    /// Returns the keys, fetching them when there are none or they are an hour old. Old ones serve on while the provider
    /// is away.
    async fn keys(&self, http: &HttpClient, uri: &str) -> Result<CurrentKeys, ProviderError> {
        let completed = self.keys.completed();
        if let Some(keys) = self.keys.younger_than(FRESH) {
            return Ok(CurrentKeys {
                keys,
                ended: completed,
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
            ended: self.keys.completed(),
            just_fetched,
        })
    }

    /// Checks a token's signature, fetching the keys again when those that are known do not find it good
    /// (OpenID Connect Core 1.0 §10.1.1).
    pub(crate) async fn check(
        &self,
        http: &HttpClient,
        uri: &str,
        token: &Unverified<'_>,
        cause: Cause,
        receipt: &mut Recorder,
    ) -> Result<SignatureCheck, ProviderError> {
        let taken = self.keys(http, uri).await;
        let taken = receipt.check_provider("jwks_uri", "RFC 7517 §5", taken)?;
        let signature = token.check_signature(&taken.keys);
        if !taken.may_be_old(signature) {
            return Ok(signature);
        }
        let newer = self.newer(&taken, http, uri, cause).await;
        let newer = receipt.check_provider("jwks_uri again", "OIDC Core §10.1.1", newer)?;
        Ok(token.check_signature(&newer))
    }

    /// Returns newer keys than those `taken`, for a token that they did not find good.
    ///
    /// Each token asks once. Those that find the key missing at the same time share one fetch.
    async fn newer(
        &self,
        taken: &CurrentKeys,
        http: &HttpClient,
        uri: &str,
        cause: Cause,
    ) -> Result<Arc<KeySet>, ProviderError> {
        if self.keys.completed() == taken.ended && !self.may_fetch(cause, taken.ended) {
            tracing::warn!(
                ?cause,
                "too many tokens are not signed with the keys that are known; they are not fetched again for a while"
            );
            return Ok(taken.keys.clone());
        }
        self.keys
            .fetch_to_completion(
                &http.runtime,
                taken.ended,
                fetch(http.clone(), uri.to_owned()),
            )
            .await
    }

    /// Whether the keys may be fetched for somebody who has completed so many fetches end.
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

pub(crate) async fn fetch(http: HttpClient, uri: String) -> Result<KeySet, ProviderError> {
    let answer = http.get(ENDPOINT, &uri).await?;
    if !answer.is_success() {
        return Err(error_body::of(ENDPOINT, &answer));
    }
    let keys = KeySet::parse(&answer.body).map_err(|detail| {
        error_body::in_place_of("keys", ENDPOINT, &answer).unwrap_or(ProviderError::Malformed {
            endpoint: ENDPOINT,
            detail,
        })
    })?;
    tracing::debug!(keys = keys.0.len(), "the provider's keys were read");
    Ok(keys)
}

#[cfg(test)]
mod tests;
