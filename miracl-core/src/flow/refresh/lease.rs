//! One token request for each session in a whole fleet: a replica takes a lease before it sends the request, and leaves
//! the result for the others, sealed.

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
    store::{
        erased::ErasedMarkStore,
        marks::{Lease, LeaseOwner, MarkKey},
    },
};

/// How long a lease lasts if its owner does not renew it: a replica that died is waited for as long.
const LEASE: Duration = Duration::from_secs(5);
/// How long a replica waits before it asks for a lease a second time.
const WAIT: Duration = Duration::from_millis(20);
/// The longest that it waits between two attempts: each wait is twice as long as the one before.
const LONGEST_WAIT: Duration = Duration::from_millis(200);

/// Who sends the one request of the fleet.
enum Turn {
    /// This process: it holds the lease.
    Ours,
    /// Another replica has sent it, and these are the tokens it got.
    Theirs(Tokens),
}

/// Another replica has taken the lease over.
struct LeaseLost;

/// This process, as it asks for the lease to send the one request of the fleet.
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

    /// Waits until the lease is ours, or another replica has left a result.
    async fn wait(&self) -> Result<Turn, ProviderError> {
        let mut wait = WAIT;
        loop {
            match self.take().await? {
                Lease::Taken => return Ok(Turn::Ours),
                Lease::Settled(value) => {
                    let tokens = open(self.engine, self.key, &value);
                    let other_keys =
                        "the result of another replica does not open: it has other cookie keys";
                    let error =
                        || ProviderError::of_token_request(StoreError::new(other_keys).of_marks());
                    return tokens.map(Turn::Theirs).ok_or_else(error);
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

    /// Runs a future to its end, and renews the lease meanwhile: it lasts as long as its owner lives.
    async fn hold_during<F: Future>(&self, work: F) -> F::Output {
        let mut work = pin!(work);
        loop {
            if let Ok(output) = timeout(LEASE / 3, &mut work).await {
                return output;
            }
            // Whether or not that succeeds, the work goes on: settling tells whose the lease is.
            let _ = timeout(LEASE / 3, self.take()).await;
        }
    }

    async fn release(&self) {
        let released = self.fleet.release(&self.mark, &self.owner);
        if let Err(error) = released.await {
            tracing::debug!(%error, "a lease stays until its time has passed");
        }
    }

    /// Leaves renewed tokens to the other replicas, if the lease is still ours. It counts as ours where the store
    /// cannot tell.
    async fn settle(&self, tokens: &Tokens) -> Result<(), LeaseLost> {
        let Some(sealed) = seal(self.engine, self.key, tokens) else {
            return Ok(());
        };
        let settled = self
            .fleet
            .settle(&self.mark, &self.owner, sealed.as_bytes(), KEPT);
        match settled.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(LeaseLost),
            Err(error) => {
                tracing::warn!(%error, "other replicas don't get the renewed tokens");
                Ok(())
            }
        }
    }
}

/// Sends the one request of the fleet, or waits for the replica that does, and takes its result.
///
/// A replica that dies loses its lease within [`LEASE`], and another one goes on.
pub(super) async fn once_in_fleet<F>(
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
    if let Turn::Theirs(tokens) = leaseholder.wait().await? {
        return Ok(Renewed::Tokens(tokens));
    }
    let answer = leaseholder.hold_during(ask()).await;
    let Ok(Renewed::Tokens(tokens)) = &answer else {
        // The next replica that needs tokens sends a request of its own.
        leaseholder.release().await;
        return answer;
    };
    while let Err(LeaseLost) = leaseholder.settle(tokens).await {
        // The result that the other replica leaves counts.
        tracing::warn!("a refresh took longer than its lease");
        if let Turn::Theirs(tokens) = leaseholder.wait().await? {
            return Ok(Renewed::Tokens(tokens));
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
