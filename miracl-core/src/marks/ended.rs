//! Which sessions were ended: this process's copy.
//!
//! A session is marked by its own id, or from outside: by the provider's `sid`, or by the subject, each with a time up to which sessions end: a
//! login after a log-out lives, also where the provider goes on with the same session.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use super::{NameMark, store::NoteList};
use crate::{
    expiring::{Change, Expiring},
    session::{Session, SessionId},
    wire::{Reader, Writer},
};

/// Up to when the sessions of a subject, or of a session at the provider, are ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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

/// That a session ended, or every session of a name, as replicas tell each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Note {
    Session(SessionId),
    /// On the provider's word.
    Sid(NameMark, Until),
    Subject(NameMark, Until),
    /// On nobody's word.
    UnprovenSid(NameMark, Until),
}

impl Note {
    pub(super) fn list(&self) -> NoteList {
        match self {
            Self::UnprovenSid(..) => NoteList::Unproven,
            Self::Session(_) | Self::Sid(..) | Self::Subject(..) => NoteList::Proven,
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let writer = Writer::default();
        let until = |writer: Writer, name: &NameMark, until: &Until| {
            let (iat, arrived) = until.token.unzip();
            writer
                .bytes(name)
                .maybe_u64(iat)
                .maybe_u64(arrived)
                .maybe_u64(until.ours_ms)
        };
        match self {
            Self::Session(id) => writer.u8(0).bytes(id),
            Self::Sid(name, time) => until(writer.u8(1), name, time),
            Self::Subject(name, time) => until(writer.u8(2), name, time),
            Self::UnprovenSid(name, time) => until(writer.u8(3), name, time),
        }
        .finish()
    }

    /// Reads a note. One of a later version is none.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let kind = reader.u8()?;
        if kind == 0 {
            return reader.array().map(Self::Session);
        }
        let name = reader.array()?;
        let (iat, arrived) = (reader.maybe_u64()?, reader.maybe_u64()?);
        let until = Until {
            token: iat.zip(arrived),
            ours_ms: reader.maybe_u64()?,
        };
        match kind {
            1 => Some(Self::Sid(name, until)),
            2 => Some(Self::Subject(name, until)),
            3 => Some(Self::UnprovenSid(name, until)),
            _ => None,
        }
    }
}

#[derive(Debug)]
pub(super) struct Ended {
    sessions: Expiring<SessionId, ()>,
    sids: Expiring<NameMark, Until>,
    subjects: Expiring<NameMark, Until>,
    unproven_sids: Expiring<NameMark, Until>,
    /// Until the first session is ended, nobody needs to look: one flag, since to ask four tables is felt in every request.
    any: AtomicBool,
    keep: Duration,
}

impl Ended {
    /// Keeps each mark for so long.
    pub(super) fn new(keep: Duration) -> Self {
        let proven = NoteList::Proven.capacity();
        Self {
            sessions: Expiring::new(proven),
            sids: Expiring::new(proven),
            subjects: Expiring::new(proven),
            unproven_sids: Expiring::new(NoteList::Unproven.capacity()),
            any: AtomicBool::new(false),
            keep,
        }
    }

    pub(super) fn add(&self, note: &Note) {
        match *note {
            Note::Session(id) => self.sessions.insert(id, (), self.keep),
            Note::Sid(name, until) => self.later(&self.sids, name, until),
            Note::Subject(name, until) => self.later(&self.subjects, name, until),
            Note::UnprovenSid(name, until) => self.later(&self.unproven_sids, name, until),
        }
        self.any.store(true, Ordering::Release);
    }

    pub(super) fn has(&self, session: &Session) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let ends = |marks: &Expiring<NameMark, Until>, name: NameMark| {
            marks.get(&name).is_some_and(|until| until.covers(session))
        };
        self.sessions.get(&session.id).is_some()
            || ends(&self.subjects, session.marked_by.subject)
            || session
                .marked_by
                .sid
                .is_some_and(|sid| ends(&self.sids, sid) || ends(&self.unproven_sids, sid))
    }

    /// Moves the time up to which sessions of this name are ended, and never back.
    fn later(&self, marks: &Expiring<NameMark, Until>, name: NameMark, until: Until) {
        marks.change(name, |before| {
            let until = before.copied().unwrap_or_default().or(until);
            (Change::Put(until, self.keep), ())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        marks::{MarkedBy, name_mark},
        session::tests::session,
    };

    fn marks() -> Ended {
        Ended::new(Duration::from_secs(600))
    }

    #[test]
    fn a_note_is_read_as_it_was_written_and_nothing_else_is_one() {
        for note in [
            Note::Session([7; 32]),
            Note::Sid([1; 16], Until::by_token(5, 6)),
            Note::Subject([2; 16], Until::by_clock(9)),
            Note::UnprovenSid([3; 16], Until::by_clock(u64::MAX)),
        ] {
            let bytes = note.encode();
            assert_eq!(Note::decode(&bytes), Some(note));
            assert_eq!(Note::decode(&bytes[..bytes.len() - 1]), None);
            let mut other = bytes;
            other[0] = 9;
            assert_eq!(Note::decode(&other), None);
        }
        assert_eq!(Note::decode(b""), None);
    }

    #[test]
    fn an_ended_session_stays_ended_and_no_other_is() {
        let marks = marks();
        let one = session();
        let other = Session {
            id: [1; 32],
            ..session()
        };
        assert!(!marks.has(&one));
        marks.add(&Note::Session(one.id));
        assert!(marks.has(&one));
        assert!(!marks.has(&other));
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
        proven.add(&Note::Sid(mark, until));
        unproven.add(&Note::UnprovenSid(mark, until));
        for marks in [proven, unproven] {
            assert!(marks.has(&of_sid(Some("one"))));
            assert!(!marks.has(&of_sid(Some("two"))));
            assert!(!marks.has(&of_sid(None)));
            let later = Session {
                created_ms: session().created_ms + 1,
                ..of_sid(Some("one"))
            };
            assert!(!marks.has(&later), "a login after the log-out lives");
            let elsewhere = Session {
                marked_by: MarkedBy::new("https://another.example", "alice", Some("one")),
                ..session()
            };
            assert!(!marks.has(&elsewhere));
        }
    }

    #[test]
    fn a_subject_is_no_sid_whatever_its_name() {
        let marks = marks();
        let mark = name_mark("sid", "https://issuer.example", "alice");
        marks.add(&Note::Sid(mark, Until::by_clock(u64::MAX)));
        assert!(!marks.has(&session()));
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
        marks.add(&Note::Subject(alice, Until::by_token(1000, 1_000_500)));
        assert!(marks.has(&at(999, 5_000_000)), "an older token");
        assert!(
            marks.has(&at(1000, 1_000_500)),
            "the same second, but before"
        );
        assert!(
            !marks.has(&at(1000, 1_000_501)),
            "the same second, but after"
        );
        assert!(!marks.has(&at(1001, 1_000_000)));
        // An older mark that arrives late takes nothing back.
        marks.add(&Note::Subject(alice, Until::by_token(900, 1_001_000)));
        assert!(marks.has(&at(1000, 1_000_500)));
        assert!(!marks.has(&at(1000, 1_000_501)));

        marks.add(&Note::Subject(alice, Until::by_clock(2_000_000)));
        assert!(marks.has(&at(5000, 2_000_000)));
        assert!(!marks.has(&at(5000, 2_000_001)));
        assert!(marks.has(&at(1000, 1_000_500)), "the token's mark stays");
    }

    #[test]
    fn marks_that_prove_nothing_push_out_no_others() {
        let marks = marks();
        let proven = name_mark("sid", "https://issuer.example", "one");
        let until = Until::by_clock(u64::MAX);
        marks.add(&Note::Sid(proven, until));
        for number in 0..30_000_u32 {
            let mut mark = NameMark::default();
            mark[..4].copy_from_slice(&number.to_le_bytes());
            marks.add(&Note::UnprovenSid(mark, until));
        }
        assert!(marks.unproven_sids.get(&NameMark::default()).is_none());
        assert!(marks.has(&of_sid(Some("one"))));
    }
}
