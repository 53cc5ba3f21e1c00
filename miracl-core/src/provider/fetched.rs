//! Something fetched from the provider: cached, fetched by one caller at a time, and served stale while the provider is away.

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
    cached: RwLock<Option<Cached<T>>>,
    /// How many fetches have ended. Whoever waited for the lock and sees it moved takes that fetch's result.
    completed: AtomicU64,
    last_error: Arc<Mutex<LastError>>,
}

/// What the last fetch failed with, if it did.
type LastError = Option<ProviderError>;

#[derive(Debug)]
struct Cached<T> {
    value: Arc<T>,
    since: Instant,
}

impl<T> Default for Fetched<T> {
    fn default() -> Self {
        Self(Arc::new(Shared {
            cached: RwLock::new(None),
            completed: AtomicU64::new(0),
            last_error: Arc::default(),
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
    pub(crate) fn value(&self) -> Option<Arc<T>> {
        self.read(|cached| cached.value.clone())
    }

    /// The value, when it is younger than `age`.
    pub(crate) fn younger_than(&self, age: Duration) -> Option<Arc<T>> {
        self.read(|cached| (cached.since.elapsed() < age).then(|| cached.value.clone()))
            .flatten()
    }

    fn read<R>(&self, read: impl FnOnce(&Cached<T>) -> R) -> Option<R> {
        let cached = self.0.cached.read().unwrap_or_else(PoisonError::into_inner);
        cached.as_ref().map(read)
    }

    /// How many fetches have ended so far, to hand to [`Fetched::fetch_since`].
    pub(crate) fn completed(&self) -> u64 {
        self.0.completed.load(Ordering::Acquire)
    }

    /// Fetches anew, unless a fetch has ended since `completed` was read: then that one's result counts.
    ///
    /// When the caller goes away in the middle, the next one in the queue fetches. So it is for callers that cannot be made to go
    /// away; see [`Fetched::fetch_to_completion`].
    pub(crate) async fn fetch_since<F>(
        &self,
        completed: u64,
        fetch: impl FnOnce() -> F,
    ) -> Result<Arc<T>, ProviderError>
    where
        F: Future<Output = Result<T, ProviderError>>,
    {
        let last = self.turn().await;
        match self.since(completed, &last) {
            Some(result) => result,
            None => self.finish(last, fetch().await),
        }
    }

    /// As [`Fetched::fetch_since`], for a fetch that goes on when its caller goes away. The others in the queue then take
    /// its result.
    ///
    /// Requests that are given up one after the other, each when its turn has come, would otherwise let nobody behind them ever
    /// have anything, and would ask the provider as often as there are of them.
    pub(crate) async fn fetch_to_completion(
        &self,
        runtime: &Runtime,
        completed: u64,
        fetch: impl Future<Output = Result<T, ProviderError>> + Send + 'static,
    ) -> Result<Arc<T>, ProviderError>
    where
        T: Send + Sync + 'static,
    {
        let last = self.turn().await;
        if let Some(result) = self.since(completed, &last) {
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
        Arc::clone(&self.0.last_error).lock_owned().await
    }

    /// What came of the fetch that has ended since, if one has.
    fn since(&self, completed: u64, last: &LastError) -> Option<Result<Arc<T>, ProviderError>> {
        if self.completed() == completed {
            return None;
        }
        Some(match (last, self.value()) {
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
                let mut cached = self
                    .0
                    .cached
                    .write()
                    .unwrap_or_else(PoisonError::into_inner);
                *cached = Some(Cached {
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
        self.0.completed.fetch_add(1, Ordering::Release);
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
        let completed = fetched.completed();
        let callers: Vec<_> = (0..20)
            .map(|_| {
                let (fetched, count) = (fetched.clone(), count.clone());
                tokio::spawn(async move {
                    let fetch = || async {
                        tokio::task::yield_now().await;
                        Ok(count.fetch_add(1, Ordering::SeqCst))
                    };
                    fetched.fetch_since(completed, fetch).await.unwrap()
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
        let first = fetched.completed();
        fetched
            .fetch_since(first, || async { Ok(1) })
            .await
            .unwrap();
        let second = fetched.completed();
        let result = fetched.fetch_since(second, || async { Err(away()) }).await;
        assert!(result.is_err());
        let late = fetched.fetch_since(second, || async { Ok(2) }).await;
        assert!(late.is_err(), "it waited for the fetch that failed");
        assert_eq!(fetched.value().as_deref(), Some(&1));
        let third = fetched.completed();
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
            let completed = fetched.completed();
            fetched.fetch_to_completion(&runtime, completed, async move {
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
            let mut call =
                Box::pin(fetched.fetch_to_completion(&runtime, fetched.completed(), fetch));
            assert!(poll_once(&mut call).await.is_none());
        }
        answer.notify_one();
        let another = fetched.fetch_to_completion(&runtime, 0, async { Err(away()) });
        assert_eq!(*another.await.unwrap(), 7);
        assert_eq!(fetched.completed(), 1);
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
        let completed = fetched.completed();
        let gone = {
            let fetched = fetched.clone();
            tokio::spawn(async move {
                fetched
                    .fetch_since(completed, std::future::pending::<Result<u8, ProviderError>>)
                    .await
            })
        };
        tokio::task::yield_now().await;
        gone.abort();
        let result = fetched.fetch_since(completed, || async { Ok(7) }).await;
        assert_eq!(*result.unwrap(), 7);
    }
}
