//! Login loops: a browser that logs in again and again, and each time comes back without its session.
//!
//! The provider remembers the person and sends them back at once, so the browser would go round until it gives up. A
//! loop is found by two things: sessions that began and were never seen again, kept in the memory of this process, and
//! a short-lived cookie that counts them for one browser. The cookie appears with the second such login, never before.
//! It is not sealed, because replicas with different keys are one of the reasons for a loop. Somebody who forges it
//! only gets the page about loops themselves.

use std::time::Duration;

use crate::{
    base::expiring::Expiring,
    session::{
        cookies::{
            Cookies,
            set_cookie::{Keep, SetCookie},
        },
        identity::{Session, SessionId},
    },
    store::sessions::IndexKey,
};

/// How many logins in a row are a loop.
const LIMIT: u64 = 3;
/// The time within which they have to happen, in seconds.
const WINDOW: u64 = 60;
/// How many logins of the last minute are remembered: about 1 MB at the most.
const CAPACITY: usize = 10_000;

/// Sessions of the last minute that no request has come back with.
#[derive(Debug)]
pub(crate) struct Loops {
    /// The last session of each person.
    last: Expiring<IndexKey, SessionId>,
    unseen: Expiring<SessionId, ()>,
}

/// How many logins in a row one browser has made and lost, and when the first of them was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Count {
    logins: u64,
    since: u64,
}

impl Loops {
    pub(crate) fn new() -> Self {
        Self {
            last: Expiring::new(CAPACITY),
            unseen: Expiring::new(CAPACITY),
        }
    }

    /// Notes that a session came back.
    #[inline(always)]
    pub(crate) fn seen(&self, session: &Session, now: u64) {
        // An older session was seen before, or is no longer remembered.
        if now.saturating_sub(session.created()) <= WINDOW && !self.unseen.is_empty() {
            self.unseen.remove(&session.id);
        }
    }

    /// Whether this session of the last minute was not seen yet.
    pub(crate) fn is_unseen(&self, session: &SessionId) -> bool {
        !self.unseen.is_empty() && self.unseen.get(session).is_some()
    }

    /// Takes back that a session was seen: another replica does not have it, and sent the browser here to log in.
    pub(crate) fn unsee(&self, session: SessionId) {
        self.unseen.insert(session, (), Duration::from_secs(WINDOW));
    }

    /// Notes that a session begins. Returns the cookie to set, if the same person's previous session was never seen.
    pub(crate) fn begin(
        &self,
        session: &Session,
        now: u64,
        cookies: &Cookies,
        header: &[u8],
    ) -> Option<SetCookie> {
        let window = Duration::from_secs(WINDOW);
        let person = session.marked_by.subject;
        let before = self.last.get(&person);
        self.last.insert(person, session.id, window);
        self.unseen.insert(session.id, (), window);
        let in_vain = before.is_some_and(|before| self.unseen.get(&before).is_some());
        if !in_vain {
            let counted = cookies.has(header, &cookies.loops);
            return counted.then(|| cookies.delete(&cookies.loops));
        }
        let count = Count::find(cookies, header, now).unwrap_or(Count {
            logins: 1,
            since: now,
        });
        let value = format!("{}-{}", count.logins + 1, count.since);
        Some(cookies.set_plain(&cookies.loops, &value, Keep::Seconds(WINDOW)))
    }

    /// Whether this browser, which is anonymous, goes round in circles. Returns the cookie with which it may begin
    /// anew.
    pub(crate) fn found(&self, now: u64, cookies: &Cookies, header: &[u8]) -> Option<SetCookie> {
        let count = Count::find(cookies, header, now)?;
        (count.logins >= LIMIT).then(|| cookies.delete(&cookies.loops))
    }
}

impl Count {
    /// Finds the count that a request has.
    fn find(cookies: &Cookies, header: &[u8], now: u64) -> Option<Self> {
        let mut values = cookies.plain(header, &cookies.loops);
        values.find_map(|value| Self::read(value, now))
    }

    /// Reads a count that is not yet over.
    fn read(value: &str, now: u64) -> Option<Self> {
        let (logins, since) = value.split_once('-')?;
        let count = Self {
            logins: logins.parse().ok().filter(|logins| *logins <= LIMIT)?,
            since: since.parse().ok()?,
        };
        (count.since <= now && now - count.since <= WINDOW).then_some(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_is_over_or_forged_counts_for_nothing() {
        let read = |value| Count::read(value, 1000).map(|count| count.logins);
        assert_eq!(read("2-990"), Some(2));
        assert_eq!(read("2-940"), Some(2));
        for odd in ["2-939", "2-1001", "2", "-", "x-990", "99-990", "-1-990", ""] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }
}
