//! Marks: which logins were used and which sessions were ended, so that a copied cookie is worth nothing.
//!
//! They are kept in the memory of this process, bounded in number, until nothing that they mark could still be alive.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use moka::{policy::EvictionPolicy, sync::Cache};

use crate::{config::Config, session::SessionId};

/// How many marks of each kind are kept: about 15 MB at the most. The oldest go first.
const CAPACITY: u64 = 100_000;

/// What a login is marked by: a hash of its `state`.
pub(crate) type LoginMark = [u8; 32];

#[derive(Debug)]
pub(crate) struct Marks {
    logins: Cache<LoginMark, ()>,
    sessions: Cache<SessionId, ()>,
    /// Until the first session is ended, nobody needs to look.
    any_session: AtomicBool,
}

impl Marks {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            logins: cache(config.login_timeout),
            sessions: cache(config.session_absolute_timeout),
            any_session: AtomicBool::new(false),
        }
    }

    /// Marks a login as used. False when it was used before.
    pub(crate) fn use_login(&self, login: LoginMark) -> bool {
        // `or_insert` looks first and inserts then, and two could both be first. This form waits for whoever is.
        self.logins.entry(login).or_insert_with(|| ()).is_fresh()
    }

    /// Marks a session as ended.
    pub(crate) fn end_session(&self, id: SessionId) {
        self.sessions.insert(id, ());
        self.any_session.store(true, Ordering::Release);
    }

    pub(crate) fn is_ended(&self, id: &SessionId) -> bool {
        self.any_session.load(Ordering::Acquire) && self.sessions.contains_key(id)
    }
}

fn cache<K: std::hash::Hash + Eq + Send + Sync + 'static>(keep: Duration) -> Cache<K, ()> {
    Cache::builder()
        .max_capacity(CAPACITY)
        // The default policy prefers what is looked up often, and would turn new marks away.
        .eviction_policy(EvictionPolicy::lru())
        .time_to_live(keep + Duration::from_secs(60))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_used_once() {
        let marks = Marks::new(&Config::default());
        assert!(marks.use_login([1; 32]));
        assert!(!marks.use_login([1; 32]));
        assert!(marks.use_login([2; 32]));
    }

    #[test]
    fn of_two_that_use_a_login_at_once_one_wins() {
        for round in 0..2000_u32 {
            let marks = Marks::new(&Config::default());
            let start = std::sync::Barrier::new(2);
            let mut login = LoginMark::default();
            login[..4].copy_from_slice(&round.to_le_bytes());
            let wins = std::thread::scope(|scope| {
                let [a, b] = [(); 2].map(|()| {
                    scope.spawn(|| {
                        start.wait();
                        marks.use_login(login)
                    })
                });
                usize::from(a.join().unwrap()) + usize::from(b.join().unwrap())
            });
            assert_eq!(wins, 1, "round {round}");
        }
    }

    #[test]
    fn an_ended_session_stays_ended() {
        let marks = Marks::new(&Config::default());
        assert!(!marks.is_ended(&[1; 32]));
        marks.end_session([1; 32]);
        assert!(marks.is_ended(&[1; 32]));
        assert!(!marks.is_ended(&[2; 32]));
    }
}
