//! One token request for each session in a whole fleet: a replica claims it before it sends it, and leaves the result, sealed.

use std::{pin::pin, time::Duration};

use tokio::time::{Instant, sleep, timeout};

use crate::{
    base::random::random,
    engine::Engine,
    error::{provider::ProviderError, store::StoreError},
    provider::tokens::{StoredTokens, Tokens},
    session::{
        renewals::{KEPT, RenewalKey, Renewed},
        seal::Purpose,
    },
    store::marks::{Claim, ClaimOwner, ErasedMarkStore, MarkKey},
};

/// How long a replica that says nothing any more is waited for.
const CLAIM: Duration = Duration::from_secs(5);
/// How long a replica waits at first until it asks again what became of a claim, and at most.
const WAIT: Duration = Duration::from_millis(20);
const LONGEST_WAIT: Duration = Duration::from_millis(200);

/// The claim of this process to send the one request of the fleet.
struct Claimant<'a> {
    engine: &'a Engine,
    fleet: &'a dyn ErasedMarkStore,
    key: RenewalKey,
    mark: MarkKey,
    owner: ClaimOwner,
    deadline: Instant,
}

impl<'a> Claimant<'a> {
    fn new(engine: &'a Engine, fleet: &'a dyn ErasedMarkStore, key: RenewalKey) -> Self {
        Self {
            engine,
            fleet,
            key,
            mark: MarkKey(key.0),
            owner: ClaimOwner(random()),
            deadline: Instant::now() + 3 * engine.config.request_timeout + CLAIM,
        }
    }

    async fn claim(&self) -> Result<Claim, ProviderError> {
        let claimed = self.fleet.claim(&self.mark, &self.owner, CLAIM);
        claimed.await.map_err(ProviderError::of_token_request)
    }

    /// Waits until the claim is ours, or another replica has left a result, which is returned.
    async fn wait(&self) -> Result<Option<Tokens>, ProviderError> {
        let mut wait = WAIT;
        loop {
            match self.claim().await? {
                Claim::Taken => return Ok(None),
                Claim::Settled(value) => {
                    let tokens = open(self.engine, self.key, &value);
                    let other_keys =
                        "the result of another replica does not open: it has other cookie keys";
                    let error =
                        || ProviderError::of_token_request(StoreError::new(other_keys).of_marks());
                    return tokens.map(Some).ok_or_else(error);
                }
                Claim::Held if Instant::now() < self.deadline => {
                    sleep(wait).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
                Claim::Held => {
                    return Err(ProviderError::Timeout {
                        endpoint: "token_endpoint",
                    });
                }
            }
        }
    }

    /// Runs a future, and claims again all the time, so that the claim lasts as long as its owner lives.
    async fn hold_during<F: Future>(&self, work: F) -> F::Output {
        let mut work = pin!(work);
        loop {
            if let Ok(output) = timeout(CLAIM / 3, &mut work).await {
                return output;
            }
            // Without it the work goes on all the same: the result says whose it is.
            let _ = timeout(CLAIM / 3, self.claim()).await;
        }
    }

    async fn release(&self) {
        let released = self.fleet.release(&self.mark, &self.owner);
        if let Err(error) = released.await {
            tracing::debug!(%error, "a claim stays until its time has passed");
        }
    }

    /// Leaves renewed tokens to the other replicas. Whether the claim was still ours; where it cannot be told, it counts as so.
    async fn settle(&self, tokens: &Tokens) -> bool {
        let Some(sealed) = seal(self.engine, self.key, tokens) else {
            return true;
        };
        let settled = self
            .fleet
            .settle(&self.mark, &self.owner, sealed.as_bytes(), KEPT);
        settled.await.unwrap_or_else(|error| {
            tracing::warn!(%error, "other replicas don't get the renewed tokens");
            true
        })
    }
}

/// Sends the one request of the fleet, or waits for the replica that does, and takes its result.
///
/// A replica that dies loses its claim within [`CLAIM`], and another one goes on.
pub(crate) async fn alone<F>(
    engine: &Engine,
    key: RenewalKey,
    ask: impl FnOnce() -> F,
) -> Result<Renewed, ProviderError>
where
    F: Future<Output = Result<Renewed, ProviderError>>,
{
    let Some(fleet) = engine.sessions.marks.fleet() else {
        return ask().await;
    };
    let claimant = Claimant::new(engine, fleet, key);
    if let Some(theirs) = claimant.wait().await? {
        return Ok(Renewed::Tokens(theirs));
    }
    let answer = claimant.hold_during(ask()).await;
    let Ok(Renewed::Tokens(tokens)) = &answer else {
        // The next one that needs it asks for itself.
        claimant.release().await;
        return answer;
    };
    while !claimant.settle(tokens).await {
        // Somebody took over in the meantime: what they have agreed on counts.
        tracing::warn!("a refresh took longer than its claim");
        if let Some(theirs) = claimant.wait().await? {
            return Ok(Renewed::Tokens(theirs));
        }
    }
    answer
}

fn seal(engine: &Engine, key: RenewalKey, tokens: &Tokens) -> Option<String> {
    let plain = serde_json::to_vec(&StoredTokens::from(tokens)).ok()?;
    let cookies = &engine.sessions.cookies;
    cookies.seal_value(Purpose::Renewal, &key.name(), &plain)
}

fn open(engine: &Engine, key: RenewalKey, value: &[u8]) -> Option<Tokens> {
    let cookies = &engine.sessions.cookies;
    let plain = cookies.open_value(Purpose::Renewal, &key.name(), value)?;
    let stored: StoredTokens = serde_json::from_slice(&plain).ok()?;
    Some(stored.into())
}
