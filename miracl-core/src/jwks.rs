//! The provider's public keys (RFC 7517), and signatures made with them.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use base64_simd::URL_SAFE_NO_PAD;
use openidconnect::{
    JsonWebKey as _, JsonWebKeyAlgorithm, JsonWebKeyUse as _,
    core::{CoreJsonWebKey, CoreJwsSigningAlgorithm},
};
use serde_json::Value;

use crate::{
    config::SigningAlgorithm, error::ProviderError, flight::Fetched, http::HttpClient, json,
};

/// How long a key set is used before it is fetched again.
const FRESH: Duration = Duration::from_secs(60 * 60);
/// How many fetches for unknown keys the logins of this process may cause in [`WINDOW`], beyond which a provider that
/// signs with keys it does not publish is not asked again.
const LOGIN_FETCHES: u32 = 60;
const WINDOW: Duration = Duration::from_secs(60);
/// The smallest RSA modulus accepted (NIST SP 800-131A).
const MIN_RSA_BITS: usize = 2048;
/// How many keys are tried for a token that does not say which one signed it.
const MAX_CANDIDATES: usize = 8;

const ENDPOINT: &str = "jwks_uri";

/// The public keys of a provider, parsed once for each fetch.
#[derive(Debug, Default)]
pub(crate) struct KeySet(Vec<Key>);

#[derive(Debug)]
struct Key {
    kid: Option<String>,
    key: CoreJsonWebKey,
    /// The size of an RSA modulus.
    rsa_bits: Option<usize>,
}

/// What came of checking a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Good,
    Bad,
    /// No key fits the token's `kid` and algorithm.
    NoKey,
    /// The only keys that fit are too short to be trusted.
    WeakKey,
}

impl KeySet {
    /// Reads a key set, leaving out keys that are of no use here.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        let mut object = json::object(text)?;
        let Some(Value::Array(keys)) = object.remove("keys") else {
            return Err("`keys` is missing or no array".to_owned());
        };
        Ok(Self(keys.into_iter().filter_map(Key::parse).collect()))
    }

    /// Checks a signature with the key of this `kid`; without one, with every key that fits the algorithm.
    ///
    /// Keys are chosen by `kid`, key type, `use` and `alg` together, so a decoy that shares the `kid` does not count.
    pub(crate) fn verify(
        &self,
        kid: Option<&str>,
        algorithm: SigningAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Verdict {
        let jws = jws(algorithm);
        let mut verdict = Verdict::NoKey;
        let fitting = self
            .0
            .iter()
            .filter(|key| kid.is_none() || key.kid.as_deref() == kid)
            .filter(|key| key.fits(&jws))
            .take(MAX_CANDIDATES);
        for key in fitting {
            if key.rsa_bits.is_some_and(|bits| bits < MIN_RSA_BITS) {
                if verdict == Verdict::NoKey {
                    verdict = Verdict::WeakKey;
                }
            } else if key.key.verify_signature(&jws, message, signature).is_ok() {
                return Verdict::Good;
            } else {
                verdict = Verdict::Bad;
            }
        }
        verdict
    }
}

impl Key {
    fn parse(value: Value) -> Option<Self> {
        let kid = value.get("kid").and_then(Value::as_str).map(str::to_owned);
        let rsa_bits = value
            .get("n")
            .and_then(Value::as_str)
            .and_then(|n| URL_SAFE_NO_PAD.decode_to_vec(n.as_bytes()).ok())
            .map(|n| {
                let leading = n.iter().take_while(|byte| **byte == 0).count();
                let first = n
                    .get(leading)
                    .map_or(0, |byte| byte.leading_zeros() as usize);
                (n.len() - leading) * 8 - first
            });
        let key = serde_json::from_value(value).ok()?;
        Some(Self { kid, key, rsa_bits })
    }

    fn fits(&self, jws: &CoreJwsSigningAlgorithm) -> bool {
        use openidconnect::JwsSigningAlgorithm as _;
        let for_signing = self
            .key
            .key_use()
            .is_none_or(|usage| usage.allows_signature());
        let same_type = jws.key_type().as_ref() == Some(self.key.key_type());
        let same_algorithm = match self.key.signing_alg() {
            JsonWebKeyAlgorithm::Algorithm(algorithm) => algorithm == jws,
            JsonWebKeyAlgorithm::Unspecified => true,
            JsonWebKeyAlgorithm::Unsupported => false,
        };
        for_signing && same_type && same_algorithm
    }
}

fn jws(algorithm: SigningAlgorithm) -> CoreJwsSigningAlgorithm {
    match algorithm {
        SigningAlgorithm::RS256 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        SigningAlgorithm::RS384 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
        SigningAlgorithm::RS512 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
        SigningAlgorithm::PS256 => CoreJwsSigningAlgorithm::RsaSsaPssSha256,
        SigningAlgorithm::PS384 => CoreJwsSigningAlgorithm::RsaSsaPssSha384,
        SigningAlgorithm::PS512 => CoreJwsSigningAlgorithm::RsaSsaPssSha512,
        SigningAlgorithm::ES256 => CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        SigningAlgorithm::ES384 => CoreJwsSigningAlgorithm::EcdsaP384Sha384,
        SigningAlgorithm::EdDSA => CoreJwsSigningAlgorithm::EdDsa,
    }
}

/// The key set of one provider, as it is now.
#[derive(Debug, Default)]
pub(crate) struct Jwks {
    keys: Fetched<KeySet>,
    login_fetches: Mutex<Option<Window>>,
}

/// The fetches that logins have caused of late.
#[derive(Debug)]
struct Window {
    began: Instant,
    count: u32,
    /// How many fetches had ended before the last that was counted. Logins that saw as many share it.
    last: u64,
}

/// A key set, and how many fetches had ended when it was taken.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) keys: Arc<KeySet>,
    ended: u64,
    /// Whether they were fetched for this login, so that there are no newer ones.
    just_fetched: bool,
}

impl Taken {
    /// Whether it is worth fetching the keys again for a token that they did not find good.
    ///
    /// Not only for an unknown `kid`: a provider that makes new keys when it starts may give them the old names, or none.
    pub(crate) fn may_be_old(&self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Good => false,
            Verdict::NoKey => true,
            Verdict::Bad | Verdict::WeakKey => !self.just_fetched,
        }
    }
}

impl Jwks {
    /// Returns the keys, fetching them when there are none or they are an hour old. Old ones serve on while the provider
    /// is away.
    pub(crate) async fn keys(&self, http: &HttpClient, uri: &str) -> Result<Taken, ProviderError> {
        let seen = self.keys.ended();
        if let Some(keys) = self.keys.younger_than(FRESH) {
            return Ok(Taken {
                keys,
                ended: seen,
                just_fetched: false,
            });
        }
        let fetched = self.keys.fetch_since(seen, || fetch(http, uri)).await;
        let (keys, just_fetched) = match (fetched, self.keys.kept()) {
            (Ok(keys), _) => (keys, true),
            (Err(error), Some(stale)) => {
                tracing::warn!(%error, "the provider's keys cannot be renewed; the old serve on");
                (stale, false)
            }
            (Err(error), None) => return Err(error),
        };
        Ok(Taken {
            keys,
            ended: self.keys.ended(),
            just_fetched,
        })
    }

    /// Returns newer keys than those `taken`, for a login whose token they did not find good.
    ///
    /// Each login asks once. Logins that find the key missing at the same time share one fetch.
    pub(crate) async fn newer(
        &self,
        taken: &Taken,
        http: &HttpClient,
        uri: &str,
    ) -> Result<Arc<KeySet>, ProviderError> {
        if self.keys.ended() == taken.ended && !self.may_fetch(taken.ended) {
            tracing::warn!(
                "too many ID tokens are not signed with the keys that are known; they are not fetched again for a while"
            );
            return Ok(taken.keys.clone());
        }
        self.keys
            .fetch_since(taken.ended, || fetch(http, uri))
            .await
    }

    /// Whether a login may have the keys fetched that has seen so many fetches end.
    fn may_fetch(&self, seen: u64) -> bool {
        let mut window = self
            .login_fetches
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match window.as_mut() {
            Some(window) if window.began.elapsed() < WINDOW => {
                if window.last != seen {
                    if window.count == LOGIN_FETCHES {
                        return false;
                    }
                    window.count += 1;
                    window.last = seen;
                }
            }
            _ => {
                *window = Some(Window {
                    began: Instant::now(),
                    count: 1,
                    last: seen,
                });
            }
        }
        true
    }
}

async fn fetch(http: &HttpClient, uri: &str) -> Result<KeySet, ProviderError> {
    let answer = http.get(ENDPOINT, uri, None).await?;
    if answer.status != 200 {
        return Err(ProviderError::Status {
            endpoint: ENDPOINT,
            status: answer.status,
        });
    }
    let keys = KeySet::parse(&answer.body).map_err(|detail| ProviderError::Malformed {
        endpoint: ENDPOINT,
        detail,
    })?;
    tracing::debug!(keys = keys.0.len(), "the provider's keys were read");
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_that_share_a_fetch_use_up_one() {
        let jwks = Jwks::default();
        for seen in 0..u64::from(LOGIN_FETCHES) {
            for _ in 0..LOGIN_FETCHES {
                assert!(jwks.may_fetch(seen), "{seen}");
            }
        }
        assert!(!jwks.may_fetch(u64::from(LOGIN_FETCHES)));
    }
}
