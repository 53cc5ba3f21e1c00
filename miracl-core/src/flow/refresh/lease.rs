//! One token request for each session in a whole fleet: a replica takes a lease of it before it sends
//! it, and leaves the result, sealed.

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
    store::marks::{ErasedMarkStore, Lease, LeaseOwner, MarkKey},
};

/// How long a replica that says nothing any more is waited for.
const LEASE: Duration = Duration::from_secs(5);
/// How long a replica waits at first until it asks again what became of a lease, and at most.
const WAIT: Duration = Duration::from_millis(20);
const LONGEST_WAIT: Duration = Duration::from_millis(200);

/// The lease of this process to send the one request of the fleet.
struct Leaseholder<'a> {
    engine: &'a Engine,
    fleet: &'a dyn ErasedMarkStore,
    key: RenewalKey,
    mark: MarkKey,
    owner: LeaseOwner,
    deadline: Instant,
}

impl<'a> Leaseholder<'a> {
    fn new(engine: &'a Engine, fleet: &'a dyn ErasedMarkStore, key: RenewalKey) -> Self {
        Self {
            engine,
            fleet,
            key,
            mark: MarkKey(key.0),
            owner: LeaseOwner(random()),
            deadline: Instant::now() + 3 * engine.config.request_timeout + LEASE,
        }
    }

    async fn take(&self) -> Result<Lease, ProviderError> {
        let taken = self.fleet.lease(&self.mark, &self.owner, LEASE);
        taken.await.map_err(ProviderError::of_token_request)
    }

    /// Waits until the lease is ours, or another replica has left a result, which is returned.
    async fn wait(&self) -> Result<Option<Tokens>, ProviderError> {
        let mut wait = WAIT;
        loop {
            match self.take().await? {
                Lease::Taken => return Ok(None),
                Lease::Settled(value) => {
                    let tokens = open(self.engine, self.key, &value);
                    let other_keys =
                        "the result of another replica does not open: it has other cookie keys";
                    let error =
                        || ProviderError::of_token_request(StoreError::new(other_keys).of_marks());
                    return tokens.map(Some).ok_or_else(error);
                }
                Lease::Held if Instant::now() < self.deadline => {
                    sleep(wait).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
                Lease::Held => {
                    return Err(ProviderError::Timeout {
                        endpoint: "token_endpoint",
                    });
                }
            }
        }
    }

    /// Runs a future, and renews the lease all the time, so that it lasts as long as its owner lives.
    async fn hold_during<F: Future>(&self, work: F) -> F::Output {
        let mut work = pin!(work);
        loop {
            if let Ok(output) = timeout(LEASE / 3, &mut work).await {
                return output;
            }
            // Without it the work goes on all the same: the result says whose it is.
            let _ = timeout(LEASE / 3, self.take()).await;
        }
    }

    async fn release(&self) {
        let released = self.fleet.release(&self.mark, &self.owner);
        if let Err(error) = released.await {
            tracing::debug!(%error, "a lease stays until its time has passed");
        }
    }

    /// Leaves renewed tokens to the other replicas. Whether the lease was still ours; where it cannot be told, it counts as so.
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
/// A replica that dies loses its lease within [`LEASE`], and another one goes on.
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
    let leaseholder = Leaseholder::new(engine, fleet, key);
    if let Some(theirs) = leaseholder.wait().await? {
        return Ok(Renewed::Tokens(theirs));
    }
    let answer = leaseholder.hold_during(ask()).await;
    let Ok(Renewed::Tokens(tokens)) = &answer else {
        // The next one that needs it asks for itself.
        leaseholder.release().await;
        return answer;
    };
    while !leaseholder.settle(tokens).await {
        // Somebody took over in the meantime: what they have agreed on counts.
        tracing::warn!("a refresh took longer than its lease");
        if let Some(theirs) = leaseholder.wait().await? {
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
