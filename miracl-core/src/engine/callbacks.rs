//! The callbacks that are being answered in this process, so that one which a browser sends twice at once is answered
//! once: the second waits for the first, and is told how it ended. Where the request of the first goes away, one of
//! those that wait takes over what is left of it.
//!
//! Whoever asks here has shown the pending login's cookie. The table has an entry for each callback under way and no
//! other, and few may wait for the same.

pub(crate) mod orphan;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ring::digest;
use tokio::sync::watch;

use crate::{
    engine::callbacks::orphan::Orphan, error::login::FailureReason, receipt::Receipt,
    session::marked_by::LoginMark,
};

/// How many callbacks may wait for the same one.
const MAX_WAITING: usize = 8;
/// How many callbacks may be completed at once whose request has gone away. Each holds a connection to the provider.
pub(crate) const MAX_ORPHANS: usize = 32;
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

/// How far a callback is.
#[derive(Debug, Clone)]
enum Progress {
    /// It is being answered.
    Working,
    /// Its request has gone away: the first of those that wait takes over what is left.
    Free,
    /// It was answered.
    Ended(Ended),
    /// It ended without an answer that concerns others.
    GivenUp,
}

/// One login and one answer of the provider: who comes with other parameters answers for itself.
pub(crate) type CallbackKey = [u8; 32];

/// The callbacks under way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Callbacks(Arc<Mutex<HashMap<CallbackKey, Entry>>>);

#[derive(Debug)]
struct Entry {
    shared: Arc<Shared>,
    waiting: usize,
}

/// What one callback and those that wait for it have in common.
#[derive(Debug)]
struct Shared {
    progress: watch::Sender<Progress>,
    /// What is left of it, while it is free.
    orphan: Mutex<Option<Orphan>>,
}

/// Which turn a callback has among those of the same login.
#[derive(Debug)]
pub(crate) enum Turn {
    /// It is the first: the others wait for it.
    First(Lead),
    /// It comes while the first is being answered.
    Later(Wait),
    /// Too many wait for the first.
    Crowded,
    /// Too many logins are under way to keep an eye on this one.
    Full,
}

/// How the wait for another callback ended.
#[derive(Debug)]
pub(crate) enum Waited {
    /// The other has answered.
    Ended(Ended),
    /// The request of the other has gone away, and this one goes on with what is left.
    TakesOver(Lead, Orphan),
    /// The other has nothing to say to anybody else.
    Alone,
}

/// The right to answer first. Dropped without an end, it leaves the others to themselves.
#[derive(Debug)]
pub(crate) struct Lead {
    callbacks: Callbacks,
    key: CallbackKey,
    shared: Arc<Shared>,
    handed_over: bool,
}

/// The wait for the callback that came first.
#[derive(Debug)]
pub(crate) struct Wait {
    callbacks: Callbacks,
    key: CallbackKey,
    shared: Arc<Shared>,
    progress: watch::Receiver<Progress>,
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
                return Turn::Crowded;
            }
            first.waiting += 1;
            return Turn::Later(Wait {
                callbacks: self.clone(),
                key,
                progress: first.shared.progress.subscribe(),
                shared: Arc::clone(&first.shared),
            });
        }
        if table.len() >= CAPACITY {
            return Turn::Full;
        }
        let shared = Arc::new(Shared {
            progress: watch::Sender::new(Progress::Working),
            orphan: Mutex::default(),
        });
        let entry = Entry {
            shared: Arc::clone(&shared),
            waiting: 0,
        };
        table.insert(key, entry);
        Turn::First(Lead {
            callbacks: self.clone(),
            key,
            shared,
            handed_over: false,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CallbackKey, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn orphan(&self) -> MutexGuard<'_, Option<Orphan>> {
        self.orphan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lead {
    /// Tells those who wait how it ended.
    pub(crate) fn end(self, ended: Ended) {
        self.shared.progress.send_replace(Progress::Ended(ended));
    }

    /// Whether anybody waits.
    pub(crate) fn is_waited_for(&self) -> bool {
        let table = self.callbacks.lock();
        table.get(&self.key).is_some_and(|entry| entry.waiting > 0)
    }

    /// Leaves the rest to one of those who wait. Where nobody does, the rest is dropped.
    pub(crate) fn hand_over(mut self, orphan: Orphan) {
        let callbacks = self.callbacks.clone();
        let table = callbacks.lock();
        let waited_for = table.get(&self.key).is_some_and(|entry| entry.waiting > 0);
        if waited_for {
            let mut free = self.shared.orphan();
            *free = Some(orphan);
            self.shared.progress.send_replace(Progress::Free);
            drop(free);
            self.handed_over = true;
        } else {
            tracing::debug!("a callback has gone away, and nobody waits for what is left of it");
        }
        // Dropping this lead takes the lock again.
        drop(table);
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        if self.handed_over {
            return;
        }
        self.callbacks.lock().remove(&self.key);
        self.shared.progress.send_if_modified(|progress| {
            let working = matches!(progress, Progress::Working);
            if working {
                *progress = Progress::GivenUp;
            }
            working
        });
    }
}

impl Wait {
    /// Waits for the end of the first, or takes over from it.
    pub(crate) async fn ended(mut self) -> Waited {
        loop {
            let over = |progress: &Progress| !matches!(progress, Progress::Working);
            let progress = self.progress.wait_for(over).await;
            let Ok(progress) = progress.map(|progress| progress.clone()) else {
                return Waited::Alone;
            };
            match progress {
                Progress::Ended(ended) => return Waited::Ended(ended),
                Progress::GivenUp => return Waited::Alone,
                Progress::Working => {}
                // One of several takes it, and the others wait for that one.
                Progress::Free => {
                    let mut free = self.shared.orphan();
                    if let Some(orphan) = free.take() {
                        self.shared.progress.send_replace(Progress::Working);
                        drop(free);
                        return Waited::TakesOver(self.lead(), orphan);
                    }
                }
            }
        }
    }

    fn lead(&self) -> Lead {
        Lead {
            callbacks: self.callbacks.clone(),
            key: self.key,
            shared: Arc::clone(&self.shared),
            handed_over: false,
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut table = self.callbacks.lock();
        // The entry may be a later callback's, whose waiters are others.
        let first = table.get_mut(&self.key);
        let Some(first) = first.filter(|first| Arc::ptr_eq(&first.shared, &self.shared)) else {
            return;
        };
        first.waiting -= 1;
        if first.waiting > 0 {
            return;
        }
        let left = self.shared.orphan().take();
        if left.is_some() {
            table.remove(&self.key);
        }
        drop(table);
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::callbacks::orphan::OrphanAnswer;

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
        assert!(matches!(callbacks.take_turn(one, b"code=1"), Turn::Crowded));
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
            assert!(matches!(
                ended,
                Waited::Ended(Ended::Sent { status: 303, .. })
            ));
        }
        assert!(callbacks.lock().is_empty());
        // Given up, the login is anybody's who has its cookie.
        let lead = first(&callbacks, one);
        let wait = later(&callbacks, one);
        drop(lead);
        assert!(matches!(wait.ended().await, Waited::Alone));
        drop(first(&callbacks, one));
    }

    fn answer() -> Orphan {
        Orphan::Answer(Box::new(OrphanAnswer {
            status: 303,
            location: "/members".to_owned(),
            cookies: Vec::new(),
            flashes: None,
        }))
    }

    #[tokio::test]
    async fn one_of_those_that_wait_takes_over_and_the_others_wait_for_it() {
        let callbacks = Callbacks::default();
        let login = LoginMark([1; 32]);
        let lead = first(&callbacks, login);
        assert!(!lead.is_waited_for());
        let (one, two) = (later(&callbacks, login), later(&callbacks, login));
        assert!(lead.is_waited_for());
        lead.hand_over(answer());
        let three = later(&callbacks, login);
        let Waited::TakesOver(lead, _) = one.ended().await else {
            panic!("nobody takes over");
        };
        let others = async { tokio::join!(two.ended(), three.ended()) };
        let end = async {
            tokio::task::yield_now().await;
            lead.end(Ended::Sent {
                status: 303,
                location: "/".to_owned(),
            });
        };
        let ((two, three), ()) = tokio::join!(others, end);
        for told in [two, three] {
            assert!(
                matches!(told, Waited::Ended(Ended::Sent { .. })),
                "{told:?}"
            );
        }
        assert!(callbacks.lock().is_empty());
    }

    #[tokio::test]
    async fn nothing_is_kept_for_anybody_who_comes_later() {
        let callbacks = Callbacks::default();
        let login = LoginMark([1; 32]);
        first(&callbacks, login).hand_over(answer());
        assert!(callbacks.lock().is_empty());
        // Those who waited have gone away, too.
        let lead = first(&callbacks, login);
        let waits = [later(&callbacks, login), later(&callbacks, login)];
        lead.hand_over(answer());
        drop(waits);
        assert!(callbacks.lock().is_empty());
    }
}
