//! Something fetched from the provider: kept, fetched by one caller at a time, and served stale while the provider is away.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::{base::runtime::Runtime, error::provider::ProviderError};

/// A value fetched at most by one caller at a time, whose result all waiting callers share. Clones are the same.
#[derive(Debug)]
pub(crate) struct Fetched<T>(Arc<Shared<T>>);

#[derive(Debug)]
struct Shared<T> {
    kept: RwLock<Option<Kept<T>>>,
    /// How many fetches have ended. Whoever waited for the lock and sees it moved takes that fetch's result.
    ended: AtomicU64,
    flight: Arc<Mutex<LastError>>,
}

/// What the last fetch failed with, if it did.
type LastError = Option<ProviderError>;

#[derive(Debug)]
struct Kept<T> {
    value: Arc<T>,
    since: Instant,
}

impl<T> Default for Fetched<T> {
    fn default() -> Self {
        Self(Arc::new(Shared {
            kept: RwLock::new(None),
            ended: AtomicU64::new(0),
            flight: Arc::default(),
        }))
    }
}

impl<T> Clone for Fetched<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Fetched<T> {
    /// The value, when there is one, however old.
    pub(crate) fn kept(&self) -> Option<Arc<T>> {
        self.read(|kept| kept.value.clone())
    }

    /// The value, when it is younger than `age`.
    pub(crate) fn younger_than(&self, age: Duration) -> Option<Arc<T>> {
        self.read(|kept| (kept.since.elapsed() < age).then(|| kept.value.clone()))
            .flatten()
    }

    fn read<R>(&self, read: impl FnOnce(&Kept<T>) -> R) -> Option<R> {
        let kept = self.0.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().map(read)
    }

    /// How many fetches have ended so far, to hand to [`Fetched::fetch_since`].
    pub(crate) fn ended(&self) -> u64 {
        self.0.ended.load(Ordering::Acquire)
    }

    /// Fetches anew, unless a fetch has ended since `seen` was read: then that one's result counts.
    ///
    /// When the caller goes away in the middle, the next one in the queue fetches. So it is for callers that cannot be made to go
    /// away; see [`Fetched::fetch_to_its_end`].
    pub(crate) async fn fetch_since<F>(
        &self,
        seen: u64,
        fetch: impl FnOnce() -> F,
    ) -> Result<Arc<T>, ProviderError>
    where
        F: Future<Output = Result<T, ProviderError>>,
    {
        let last = self.turn().await;
        match self.since(seen, &last) {
            Some(result) => result,
            None => self.finish(last, fetch().await),
        }
    }

    /// As [`Fetched::fetch_since`], for a fetch that goes on when its caller goes away. The others in the queue then take
    /// its result.
    ///
    /// Requests that are given up one after the other, each when its turn has come, would otherwise let nobody behind them ever
    /// have anything, and would ask the provider as often as there are of them.
    pub(crate) async fn fetch_to_its_end(
        &self,
        runtime: &Runtime,
        seen: u64,
        fetch: impl Future<Output = Result<T, ProviderError>> + Send + 'static,
    ) -> Result<Arc<T>, ProviderError>
    where
        T: Send + Sync + 'static,
    {
        let last = self.turn().await;
        if let Some(result) = self.since(seen, &last) {
            return result;
        }
        let fetched = self.clone();
        let ended = runtime.to_its_end(async move { fetched.finish(last, fetch.await) });
        ended.await.unwrap_or_else(|error| {
            Err(ProviderError::Unreachable {
                endpoint: "provider",
                source: Arc::new(error),
            })
        })
    }

    async fn turn(&self) -> OwnedMutexGuard<LastError> {
        Arc::clone(&self.0.flight).lock_owned().await
    }

    /// What came of the fetch that has ended since, if one has.
    fn since(&self, seen: u64, last: &LastError) -> Option<Result<Arc<T>, ProviderError>> {
        if self.ended() == seen {
            return None;
        }
        Some(match (last, self.kept()) {
            (None, Some(value)) => Ok(value),
            (Some(error), _) => Err(error.clone()),
            (None, None) => unreachable!("a fetch that ended left a value or an error"),
        })
    }

    fn finish(
        &self,
        mut last: OwnedMutexGuard<LastError>,
        result: Result<T, ProviderError>,
    ) -> Result<Arc<T>, ProviderError> {
        let outcome = match result {
            Ok(value) => {
                let value = Arc::new(value);
                let mut kept = self.0.kept.write().unwrap_or_else(PoisonError::into_inner);
                *kept = Some(Kept {
                    value: value.clone(),
                    since: Instant::now(),
                });
                *last = None;
                Ok(value)
            }
            Err(error) => {
                *last = Some(error.clone());
                Err(error)
            }
        };
        self.0.ended.fetch_add(1, Ordering::Release);
        outcome
    }
}

#[cfg(test)]
mod tests {
    use std::{pin::Pin, sync::atomic::AtomicUsize, task::Poll};

    use tokio::sync::Notify;

    use super::*;

    fn away() -> ProviderError {
        ProviderError::Timeout { endpoint: "test" }
    }

    #[tokio::test]
    async fn callers_that_wait_share_one_fetch() {
        let fetched = Arc::new(Fetched::<usize>::default());
        let count = Arc::new(AtomicUsize::new(0));
        let seen = fetched.ended();
        let callers: Vec<_> = (0..20)
            .map(|_| {
                let (fetched, count) = (fetched.clone(), count.clone());
                tokio::spawn(async move {
                    let fetch = || async {
                        tokio::task::yield_now().await;
                        Ok(count.fetch_add(1, Ordering::SeqCst))
                    };
                    fetched.fetch_since(seen, fetch).await.unwrap()
                })
            })
            .collect();
        for caller in callers {
            assert_eq!(*caller.await.unwrap(), 0);
        }
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_failed_fetch_is_shared_by_those_who_waited_and_keeps_the_old_value() {
        let fetched = Fetched::default();
        let first = fetched.ended();
        fetched
            .fetch_since(first, || async { Ok(1) })
            .await
            .unwrap();
        let second = fetched.ended();
        let result = fetched.fetch_since(second, || async { Err(away()) }).await;
        assert!(result.is_err());
        let late = fetched.fetch_since(second, || async { Ok(2) }).await;
        assert!(late.is_err(), "it waited for the fetch that failed");
        assert_eq!(fetched.kept().as_deref(), Some(&1));
        let third = fetched.ended();
        let result = fetched.fetch_since(third, || async { Ok(3) }).await;
        assert_eq!(*result.unwrap(), 3);
    }

    #[tokio::test]
    async fn callers_that_go_away_one_after_the_other_keep_nobody_waiting() {
        let runtime = Runtime::current();
        let fetched = Fetched::default();
        let (fetches, answer) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let call = || {
            let (fetches, answer) = (fetches.clone(), answer.clone());
            let seen = fetched.ended();
            fetched.fetch_to_its_end(&runtime, seen, async move {
                let number = fetches.fetch_add(1, Ordering::SeqCst);
                answer.notified().await;
                Ok(number)
            })
        };
        // Each of these would have its turn once the one before it is gone, and is given up then.
        let mut strangers: Vec<_> = (0..20).map(|_| Box::pin(call())).collect();
        let mut person = Box::pin(call());
        for stranger in &mut strangers {
            assert!(poll_once(stranger).await.is_none());
        }
        assert!(poll_once(&mut person).await.is_none());
        for stranger in strangers {
            drop(stranger);
            tokio::task::yield_now().await;
            assert!(poll_once(&mut person).await.is_none());
        }
        answer.notify_one();
        assert_eq!(*person.await.unwrap(), 0);
        assert_eq!(fetches.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_fetch_that_nobody_waits_for_any_more_is_kept() {
        let runtime = Runtime::current();
        let fetched = Fetched::default();
        let answer = Arc::new(Notify::new());
        let fetch = {
            let answer = answer.clone();
            async move {
                answer.notified().await;
                Ok(7)
            }
        };
        {
            let mut call = Box::pin(fetched.fetch_to_its_end(&runtime, fetched.ended(), fetch));
            assert!(poll_once(&mut call).await.is_none());
        }
        answer.notify_one();
        let another = fetched.fetch_to_its_end(&runtime, 0, async { Err(away()) });
        assert_eq!(*another.await.unwrap(), 7);
        assert_eq!(fetched.ended(), 1);
    }

    /// Polls a future once, and says what it came to.
    async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        std::future::poll_fn(|context| {
            Poll::Ready(match Pin::new(&mut *future).poll(context) {
                Poll::Ready(output) => Some(output),
                Poll::Pending => None,
            })
        })
        .await
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_leaves_the_fetch_to_the_next() {
        let fetched = Arc::new(Fetched::<u8>::default());
        let seen = fetched.ended();
        let gone = {
            let fetched = fetched.clone();
            tokio::spawn(async move {
                fetched
                    .fetch_since(seen, std::future::pending::<Result<u8, ProviderError>>)
                    .await
            })
        };
        tokio::task::yield_now().await;
        gone.abort();
        let result = fetched.fetch_since(seen, || async { Ok(7) }).await;
        assert_eq!(*result.unwrap(), 7);
    }
}
