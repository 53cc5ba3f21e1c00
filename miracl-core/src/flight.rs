//! Something fetched from the provider: kept, fetched by one caller at a time, and served stale while the provider is away.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

use crate::error::ProviderError;

/// A value fetched at most by one caller at a time, whose result all waiting callers share.
#[derive(Debug)]
pub(crate) struct Fetched<T> {
    kept: RwLock<Option<Kept<T>>>,
    /// How many fetches have ended. Whoever waited for the lock and sees it moved takes that fetch's result.
    ended: AtomicU64,
    flight: Mutex<Option<ProviderError>>,
}

#[derive(Debug)]
struct Kept<T> {
    value: Arc<T>,
    since: Instant,
}

impl<T> Default for Fetched<T> {
    fn default() -> Self {
        Self {
            kept: RwLock::new(None),
            ended: AtomicU64::new(0),
            flight: Mutex::new(None),
        }
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
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().map(read)
    }

    /// How many fetches have ended so far, to hand to [`Fetched::fetch_since`].
    pub(crate) fn ended(&self) -> u64 {
        self.ended.load(Ordering::Acquire)
    }

    /// Fetches anew, unless a fetch has ended since `seen` was read: then that one's result counts.
    ///
    /// When the caller goes away in the middle, the next one in the queue fetches.
    pub(crate) async fn fetch_since<F>(
        &self,
        seen: u64,
        fetch: impl FnOnce() -> F,
    ) -> Result<Arc<T>, ProviderError>
    where
        F: Future<Output = Result<T, ProviderError>>,
    {
        let mut last_error = self.flight.lock().await;
        if self.ended() != seen {
            return match (last_error.as_ref(), self.kept()) {
                (None, Some(value)) => Ok(value),
                (Some(error), _) => Err(error.clone()),
                (None, None) => unreachable!("a fetch that ended left a value or an error"),
            };
        }
        let result = fetch().await;
        let outcome = match result {
            Ok(value) => {
                let value = Arc::new(value);
                let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
                *kept = Some(Kept {
                    value: value.clone(),
                    since: Instant::now(),
                });
                *last_error = None;
                Ok(value)
            }
            Err(error) => {
                *last_error = Some(error.clone());
                Err(error)
            }
        };
        self.ended.fetch_add(1, Ordering::Release);
        outcome
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

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
