//! The callbacks that are being answered in this process, so that one which a browser sends twice at once is answered
//! once: the second waits for the first, and is told how it ended.
//!
//! Whoever asks here has shown the pending login's cookie. The table has an entry for each callback under way and no
//! other, and few may wait for the same.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ring::digest;
use tokio::sync::watch;

use crate::{error::login::FailureReason, receipt::Receipt, session::marked_by::LoginMark};

/// How many callbacks may wait for the same one.
const MAX_WAITING: usize = 8;
/// How many callbacks are known at once. More than these answer for themselves.
const CAPACITY: usize = 10_000;

/// How a callback ended, for those that came with it.
#[derive(Debug, Clone)]
pub(crate) enum Ended {
    /// The browser was sent on.
    Sent { status: u16, location: String },
    /// The login failed.
    Failed {
        reason: FailureReason,
        receipt: Receipt,
        return_to: Option<String>,
    },
}

type Results = watch::Receiver<Option<Ended>>;

/// One login and one answer of the provider: who comes with other parameters answers for itself.
pub(crate) type CallbackKey = [u8; 32];

/// The callbacks under way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Callbacks(Arc<Mutex<HashMap<CallbackKey, Entry>>>);

#[derive(Debug)]
struct Entry {
    results: Results,
    waiting: usize,
}

/// Which turn a callback has among those of the same login.
#[derive(Debug)]
pub(crate) enum Turn {
    /// It is the first: the others wait for it.
    First(Lead),
    /// It comes while the first is being answered.
    Later(Wait),
    /// Too many are under way.
    Full,
}

/// The right to answer first. Dropped without an end, it leaves the others to themselves.
#[derive(Debug)]
pub(crate) struct Lead {
    callbacks: Callbacks,
    key: CallbackKey,
    results: watch::Sender<Option<Ended>>,
}

/// The wait for the callback that came first.
#[derive(Debug)]
pub(crate) struct Wait {
    callbacks: Callbacks,
    key: CallbackKey,
    results: Results,
}

impl Callbacks {
    /// Takes a turn among the callbacks of one login with these parameters.
    pub(crate) fn take_turn(&self, login: LoginMark, parameters: &[u8]) -> Turn {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(&login.0);
        hash.update(parameters);
        let mut key = CallbackKey::default();
        key.copy_from_slice(hash.finish().as_ref());
        let mut table = self.lock();
        if let Some(first) = table.get_mut(&key) {
            if first.waiting == MAX_WAITING {
                return Turn::Full;
            }
            first.waiting += 1;
            return Turn::Later(Wait {
                callbacks: self.clone(),
                key,
                results: first.results.clone(),
            });
        }
        if table.len() >= CAPACITY {
            return Turn::Full;
        }
        let (sender, results) = watch::channel(None);
        table.insert(
            key,
            Entry {
                results,
                waiting: 0,
            },
        );
        Turn::First(Lead {
            callbacks: self.clone(),
            key,
            results: sender,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CallbackKey, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lead {
    /// Tells those who wait how it ended.
    pub(crate) fn end(self, ended: Ended) {
        self.results.send_replace(Some(ended));
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.callbacks.lock().remove(&self.key);
    }
}

impl Wait {
    /// Waits for the end of the first; `None` when it ended without one that concerns others.
    pub(crate) async fn ended(mut self) -> Option<Ended> {
        let ended = self.results.wait_for(Option::is_some).await.ok()?;
        ended.clone()
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut table = self.callbacks.lock();
        // The entry may be a later callback's, whose waiters are others.
        if let Some(first) = table.get_mut(&self.key)
            && first.results.same_channel(&self.results)
        {
            first.waiting -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(callbacks: &Callbacks, login: LoginMark) -> Lead {
        match callbacks.take_turn(login, b"code=1") {
            Turn::First(lead) => lead,
            other => panic!("{other:?}"),
        }
    }

    fn later(callbacks: &Callbacks, login: LoginMark) -> Wait {
        match callbacks.take_turn(login, b"code=1") {
            Turn::Later(wait) => wait,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn those_that_come_later_learn_how_the_first_ended_and_nothing_stays() {
        let callbacks = Callbacks::default();
        let (one, other) = (LoginMark([1; 32]), LoginMark([2; 32]));
        let lead = first(&callbacks, one);
        let waiting: Vec<Wait> = (0..MAX_WAITING).map(|_| later(&callbacks, one)).collect();
        assert!(matches!(callbacks.take_turn(one, b"code=1"), Turn::Full));
        let mut waiting = waiting;
        drop(waiting.pop());
        waiting.push(later(&callbacks, one));
        drop(first(&callbacks, other));
        // Another code is another matter.
        assert!(matches!(
            callbacks.take_turn(one, b"code=2"),
            Turn::First(_)
        ));
        let location = "/members".to_owned();
        lead.end(Ended::Sent {
            status: 303,
            location,
        });
        for wait in waiting {
            let ended = wait.ended().await;
            assert!(matches!(ended, Some(Ended::Sent { status: 303, .. })));
        }
        assert!(callbacks.lock().is_empty());
        // Given up, the login is anybody's who has its cookie.
        let lead = first(&callbacks, one);
        let wait = later(&callbacks, one);
        drop(lead);
        assert!(wait.ended().await.is_none());
        drop(first(&callbacks, one));
    }
}
