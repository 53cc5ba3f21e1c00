//! Marks: which logins and logout tokens were used and which sessions were ended, so that a copied cookie is worth nothing.
//!
//! They are kept in the memory of this process, bounded in number, until nothing that they mark could still be alive. A session
//! is marked by its own id, or from outside: by the provider's `sid`, or by the subject, each with a time up to which sessions end: a login after a log-out lives,
//! also where the provider goes on with the same session.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use moka::{policy::EvictionPolicy, sync::Cache};
use ring::digest;

use crate::{
    config::Config,
    session::{Session, SessionId},
};

/// How many marks of each kind are kept: about 15 MB at the most. The oldest go first.
const CAPACITY: u64 = 100_000;
/// How many marks requests can make that nobody has to prove anything for. They push out each other, and no other.
const UNPROVEN_CAPACITY: u64 = 10_000;

/// What a login is marked by: a hash of its `state`.
pub(crate) type LoginMark = [u8; 32];

/// The hash of an issuer and a name that is the issuer's.
pub(crate) type NameMark = [u8; 16];

/// By what log-outs from outside name a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MarkedBy {
    pub(crate) subject: NameMark,
    pub(crate) sid: Option<NameMark>,
}

impl MarkedBy {
    pub(crate) fn new(issuer: &str, subject: &str, sid: Option<&str>) -> Self {
        Self {
            subject: name_mark("sub", issuer, subject),
            sid: sid.map(|sid| name_mark("sid", issuer, sid)),
        }
    }
}

/// Hashes a name of an issuer's: two kinds of names are two marks, whatever they are.
pub(crate) fn name_mark(kind: &str, issuer: &str, name: &str) -> NameMark {
    let text = format!("{kind}\n{}\n{issuer}{name}", issuer.len());
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    let mut mark = NameMark::default();
    mark.copy_from_slice(&hash.as_ref()[..16]);
    mark
}

/// Up to when the sessions of a subject, or of a session at the provider, are ended.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Until {
    /// A logout token's `iat`, on the provider's clock as the `iat` of the session's ID token is, and when it arrived here.
    token: Option<(u64, u64)>,
    /// Our own clock, in milliseconds: somebody logged out everywhere.
    ours_ms: Option<u64>,
}

impl Until {
    /// Up to a logout token, issued at `iat` on the provider's clock and arrived at `arrived_ms` on ours.
    pub(crate) fn by_token(iat: u64, arrived_ms: u64) -> Self {
        Self {
            token: Some((iat, arrived_ms)),
            ours_ms: None,
        }
    }

    /// Up to now, on our own clock.
    pub(crate) fn by_clock(now_ms: u64) -> Self {
        Self {
            token: None,
            ours_ms: Some(now_ms),
        }
    }

    pub(crate) fn covers(&self, session: &Session) -> bool {
        let by_token = self.token.is_some_and(|(iat, arrived_ms)| {
            // Within one second our own clock tells which was first.
            session.issued_at < iat || session.issued_at == iat && session.created_ms <= arrived_ms
        });
        by_token || self.ours_ms.is_some_and(|ms| session.created_ms <= ms)
    }

    /// The later of both.
    fn or(self, other: Self) -> Self {
        Self {
            token: self.token.max(other.token),
            ours_ms: self.ours_ms.max(other.ours_ms),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Marks {
    logins: Cache<LoginMark, ()>,
    tokens: Cache<NameMark, ()>,
    sessions: Cache<SessionId, ()>,
    sids: Cache<NameMark, Until>,
    subjects: Cache<NameMark, Until>,
    /// Sids named by requests that prove nothing (front-channel log-out).
    unproven_sids: Cache<NameMark, Until>,
    /// Until the first session is ended, nobody needs to look.
    any: AtomicBool,
}

impl Marks {
    pub(crate) fn new(config: &Config, logout_token_window: Duration) -> Self {
        let session = config.session_absolute_timeout;
        Self {
            logins: cache(CAPACITY, config.login_timeout),
            tokens: cache(CAPACITY, logout_token_window),
            sessions: cache(CAPACITY, session),
            sids: cache(CAPACITY, session),
            subjects: cache(CAPACITY, session),
            unproven_sids: cache(UNPROVEN_CAPACITY, session),
            any: AtomicBool::new(false),
        }
    }

    /// Marks a login as used. False when it was used before.
    pub(crate) fn use_login(&self, login: LoginMark) -> bool {
        // `or_insert` looks first and inserts then, and two could both be first. This form waits for whoever is.
        self.logins.entry(login).or_insert_with(|| ()).is_fresh()
    }

    /// Marks a logout token as used, by its issuer and `jti`. False when it was used before.
    pub(crate) fn use_token(&self, token: NameMark) -> bool {
        self.tokens.entry(token).or_insert_with(|| ()).is_fresh()
    }

    /// Marks a session as ended.
    pub(crate) fn end_session(&self, id: SessionId) {
        self.sessions.insert(id, ());
        self.any.store(true, Ordering::Release);
    }

    /// Marks the sessions of this sid as ended, on the provider's word.
    pub(crate) fn end_sid(&self, sid: NameMark, until: Until) {
        later(&self.sids, sid, until);
        self.any.store(true, Ordering::Release);
    }

    /// Marks the sessions of this sid as ended, on nobody's word.
    pub(crate) fn end_sid_unproven(&self, sid: NameMark, until: Until) {
        later(&self.unproven_sids, sid, until);
        self.any.store(true, Ordering::Release);
    }

    /// Takes back that a logout token was used: it could not do what it says.
    pub(crate) fn forget_token(&self, token: NameMark) {
        self.tokens.invalidate(&token);
    }

    /// Marks the sessions of a subject as ended, up to some time.
    pub(crate) fn end_subject(&self, subject: NameMark, until: Until) {
        later(&self.subjects, subject, until);
        self.any.store(true, Ordering::Release);
    }

    pub(crate) fn is_ended(&self, session: &Session) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let ends = |marks: &Cache<NameMark, Until>, name: NameMark| {
            marks.get(&name).is_some_and(|until| until.covers(session))
        };
        self.sessions.contains_key(&session.id)
            || ends(&self.subjects, session.marked_by.subject)
            || session
                .marked_by
                .sid
                .is_some_and(|sid| ends(&self.sids, sid) || ends(&self.unproven_sids, sid))
    }
}

/// Moves the time up to which sessions of this name are ended, and never back.
fn later(marks: &Cache<NameMark, Until>, name: NameMark, until: Until) {
    marks.entry(name).and_upsert_with(|before| {
        let before = before.map(moka::Entry::into_value);
        before.unwrap_or_default().or(until)
    });
}

fn cache<K, V>(capacity: u64, keep: Duration) -> Cache<K, V>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder()
        .max_capacity(capacity)
        // The default policy prefers what is looked up often, and would turn new marks away.
        .eviction_policy(EvictionPolicy::lru())
        .time_to_live(keep + Duration::from_secs(60))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::tests::session;

    fn marks() -> Marks {
        Marks::new(&Config::default(), Duration::from_secs(60))
    }

    #[test]
    fn a_login_and_a_token_are_used_once() {
        let marks = marks();
        assert!(marks.use_login([1; 32]));
        assert!(!marks.use_login([1; 32]));
        assert!(marks.use_login([2; 32]));
        assert!(marks.use_token([1; 16]));
        assert!(!marks.use_token([1; 16]));
    }

    #[test]
    fn of_two_that_use_a_login_at_once_one_wins() {
        for round in 0..2000_u32 {
            let marks = marks();
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
    fn an_ended_session_stays_ended_and_no_other_is() {
        let marks = marks();
        let one = session();
        let other = Session {
            id: [1; 32],
            ..session()
        };
        assert!(!marks.is_ended(&one));
        marks.end_session(one.id);
        assert!(marks.is_ended(&one));
        assert!(!marks.is_ended(&other));
    }

    fn of_sid(sid: Option<&str>) -> Session {
        Session {
            marked_by: MarkedBy::new("https://issuer.example", "alice", sid),
            ..session()
        }
    }

    #[test]
    fn a_sid_ends_its_own_session_and_no_other() {
        let mark = name_mark("sid", "https://issuer.example", "one");
        let (proven, unproven) = (marks(), marks());
        let until = Until::by_clock(session().created_ms);
        proven.end_sid(mark, until);
        unproven.end_sid_unproven(mark, until);
        for marks in [proven, unproven] {
            assert!(marks.is_ended(&of_sid(Some("one"))));
            assert!(!marks.is_ended(&of_sid(Some("two"))));
            assert!(!marks.is_ended(&of_sid(None)));
            let later = Session {
                created_ms: session().created_ms + 1,
                ..of_sid(Some("one"))
            };
            assert!(!marks.is_ended(&later), "a login after the log-out lives");
            let elsewhere = Session {
                marked_by: MarkedBy::new("https://another.example", "alice", Some("one")),
                ..session()
            };
            assert!(!marks.is_ended(&elsewhere));
        }
    }

    #[test]
    fn a_subject_is_no_sid_whatever_its_name() {
        let marks = marks();
        let mark = name_mark("sid", "https://issuer.example", "alice");
        marks.end_sid(mark, Until::by_clock(u64::MAX));
        assert!(!marks.is_ended(&session()));
        assert_ne!(name_mark("sub", "ab", "c"), name_mark("sub", "a", "bc"));
    }

    #[test]
    fn a_subjects_sessions_end_up_to_the_tokens_time_and_later_ones_live() {
        let marks = marks();
        let alice = session().marked_by.subject;
        let at = |issued_at, created_ms| Session {
            issued_at,
            created_ms,
            ..session()
        };
        marks.end_subject(alice, Until::by_token(1000, 1_000_500));
        assert!(marks.is_ended(&at(999, 5_000_000)), "an older token");
        assert!(
            marks.is_ended(&at(1000, 1_000_500)),
            "the same second, but before"
        );
        assert!(
            !marks.is_ended(&at(1000, 1_000_501)),
            "the same second, but after"
        );
        assert!(!marks.is_ended(&at(1001, 1_000_000)));
        // An older mark that arrives late takes nothing back.
        marks.end_subject(alice, Until::by_token(900, 1_001_000));
        assert!(marks.is_ended(&at(1000, 1_000_500)));
        assert!(!marks.is_ended(&at(1000, 1_000_501)));

        marks.end_subject(alice, Until::by_clock(2_000_000));
        assert!(marks.is_ended(&at(5000, 2_000_000)));
        assert!(!marks.is_ended(&at(5000, 2_000_001)));
        assert!(
            marks.is_ended(&at(1000, 1_000_500)),
            "the token's mark stays"
        );
    }

    #[test]
    fn marks_that_prove_nothing_push_out_no_others() {
        let marks = marks();
        let proven = name_mark("sid", "https://issuer.example", "one");
        let until = Until::by_clock(u64::MAX);
        marks.end_sid(proven, until);
        for number in 0..30_000_u32 {
            let mut mark = NameMark::default();
            mark[..4].copy_from_slice(&number.to_le_bytes());
            marks.end_sid_unproven(mark, until);
        }
        marks.unproven_sids.run_pending_tasks();
        assert!(marks.unproven_sids.entry_count() <= UNPROVEN_CAPACITY);
        assert!(marks.is_ended(&of_sid(Some("one"))));
    }
}
