//! Which sessions were ended: this process's copy.
//!
//! A session is marked by its own id, or from outside: by the provider's `sid`, or by the subject, each with a time up
//! to which sessions end: a login after a log-out lives, also where the provider goes on with the same session.

use std::{
    hash::Hash,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use crate::{
    base::{
        expiring::{Change, Expiring},
        wire::{Reader, Writer},
    },
    session::{
        identity::{Session, SessionId},
        marked_by::MarkedBy,
    },
    store::{marks::NoteList, sessions::IndexKey},
};

/// Up to when the sessions of a subject, or of a session at the provider, are ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Until {
    /// A logout token's `iat`, on the provider's clock as the `iat` of the session's ID token is, and when it arrived
    /// here.
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

    /// Whether a session had begun by then: the request for its tokens was sent before the log-out arrived, so that its
    /// login may have been under way. A login that asked for its tokens later was after the log-out, and lives.
    pub(crate) fn covers(&self, session: &Session) -> bool {
        let by_token = self.token.is_some_and(|(iat, arrived_ms)| {
            // Within one second of the provider's, our own clock tells which was first.
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
    /// On the provider's word, or on that of a request that named a session which there is.
    Sid(IndexKey, Until),
    /// On the provider's word: of this person's sessions, those of the sid and those without any. The sid comes first.
    SidOf(IndexKey, IndexKey, Until),
    Subject(IndexKey, Until),
    /// By a request that proves nothing.
    UnprovenSid(IndexKey, Until),
}

impl Note {
    pub(super) fn list(&self) -> NoteList {
        match self {
            Self::UnprovenSid(..) => NoteList::Unproven,
            Self::Session(_) | Self::Sid(..) | Self::SidOf(..) | Self::Subject(..) => {
                NoteList::Proven
            }
        }
    }

    /// Writes a note. Every version reads those of every other: what came later stands behind what there was before,
    /// where earlier ones do not look. To them a note of a sid and a person is one of the sid alone, which is what they
    /// make of such a logout token themselves.
    pub(super) fn encode(&self) -> Vec<u8> {
        let writer = Writer::default();
        let until = |writer: Writer, name: &IndexKey, until: &Until| {
            let (iat, arrived) = until.token.unzip();
            writer
                .bytes(&name.0)
                .maybe_u64(iat)
                .maybe_u64(arrived)
                .maybe_u64(until.ours_ms)
        };
        match self {
            Self::Session(id) => writer.u8(0).bytes(&id.0),
            Self::Sid(name, time) => until(writer.u8(1), name, time),
            Self::SidOf(name, subject, time) => until(writer.u8(1), name, time).bytes(&subject.0),
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
            return reader.array().map(|id| Self::Session(SessionId(id)));
        }
        let name = IndexKey(reader.array()?);
        let (iat, arrived) = (reader.maybe_u64()?, reader.maybe_u64()?);
        let until = Until {
            token: iat.zip(arrived),
            ours_ms: reader.maybe_u64()?,
        };
        match kind {
            1 if reader.is_at_end() => Some(Self::Sid(name, until)),
            1 => Some(Self::SidOf(name, IndexKey(reader.array()?), until)),
            2 => Some(Self::Subject(name, until)),
            3 => Some(Self::UnprovenSid(name, until)),
            _ => None,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Ended {
    sessions: Expiring<SessionId, ()>,
    sids: Expiring<IndexKey, Until>,
    subjects: Expiring<IndexKey, Until>,
    /// By the person and the sid, or the person and nothing.
    of_subjects: Expiring<[u8; 32], Until>,
    unproven_sids: Expiring<IndexKey, Until>,
    /// Until the first session is ended, nobody needs to look: one flag, since to ask five tables is felt in every
    /// request.
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
            // Each note is two marks.
            of_subjects: Expiring::new(2 * proven),
            // Those of others that were made at the same moment have room beside our own.
            unproven_sids: Expiring::new(2 * NoteList::Unproven.capacity()),
            any: AtomicBool::new(false),
            keep,
        }
    }

    pub(super) fn add(&self, note: &Note) {
        match *note {
            Note::Session(id) => self.sessions.insert(id, (), self.keep),
            Note::Sid(name, until) => self.later(&self.sids, name, until),
            Note::SidOf(name, subject, until) => {
                for sid in [Some(name), None] {
                    self.later(&self.of_subjects, of_subject(subject, sid), until);
                }
            }
            Note::Subject(name, until) => self.later(&self.subjects, name, until),
            Note::UnprovenSid(name, until) => self.later(&self.unproven_sids, name, until),
        }
        self.any.store(true, Ordering::Release);
    }

    pub(super) fn has(&self, session: &Session) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let MarkedBy { subject, sid } = session.marked_by;
        let covers = |until: Until| until.covers(session);
        let ends = |marks: &Expiring<IndexKey, Until>, name| marks.get(&name).is_some_and(covers);
        self.sessions.get(&session.id).is_some()
            || ends(&self.subjects, subject)
            || !self.of_subjects.is_empty()
                && (self.of_subjects.get(&of_subject(subject, sid))).is_some_and(covers)
            || sid.is_some_and(|sid| ends(&self.sids, sid) || ends(&self.unproven_sids, sid))
    }

    /// Whether sessions of this sid were ended at some time.
    pub(super) fn has_sid(&self, sid: &IndexKey) -> bool {
        self.sids.get(sid).is_some() || self.unproven_sids.get(sid).is_some()
    }

    /// Whether there is room for a mark that proves nothing. It pushes out no other.
    pub(super) fn has_room_for_unproven(&self) -> bool {
        self.unproven_sids.count() < NoteList::Unproven.capacity()
    }

    /// Moves the time up to which sessions of this name are ended, and never back.
    fn later<K: Copy + Eq + Hash>(&self, marks: &Expiring<K, Until>, name: K, until: Until) {
        marks.change(name, |before| {
            let until = before.copied().unwrap_or_default().or(until);
            (Change::Put(until, self.keep), ())
        });
    }
}

/// A person's sessions of one sid, or without any.
fn of_subject(subject: IndexKey, sid: Option<IndexKey>) -> [u8; 32] {
    let mut key = [0; 32];
    let (first, second) = key.split_at_mut(16);
    first.copy_from_slice(&subject.0);
    // No hash is nothing but zeros.
    second.copy_from_slice(&sid.map_or([0; 16], |sid| sid.0));
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{identity::tests::session, marked_by::index_key};

    fn marks() -> Ended {
        Ended::new(Duration::from_secs(600))
    }

    #[test]
    fn a_note_is_read_as_it_was_written_and_nothing_else_is_one() {
        for note in [
            Note::Session(SessionId([7; 32])),
            Note::Sid(IndexKey([1; 16]), Until::by_token(5, 6)),
            Note::SidOf(IndexKey([1; 16]), IndexKey([2; 16]), Until::by_token(5, 6)),
            Note::Subject(IndexKey([2; 16]), Until::by_clock(9)),
            Note::UnprovenSid(IndexKey([3; 16]), Until::by_clock(u64::MAX)),
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
            id: SessionId([1; 32]),
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
        let mark = index_key("sid", "https://issuer.example", "one");
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
        let mark = index_key("sid", "https://issuer.example", "alice");
        marks.add(&Note::Sid(mark, Until::by_clock(u64::MAX)));
        assert!(!marks.has(&session()));
        assert_ne!(index_key("sub", "ab", "c"), index_key("sub", "a", "bc"));
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
    fn a_sid_and_a_person_end_that_persons_sessions_of_the_sid_and_those_without_any() {
        const ISSUER: &str = "https://issuer.example";
        let of = |subject: &str, sid: Option<&str>| Session {
            marked_by: MarkedBy::new(ISSUER, subject, sid),
            ..session()
        };
        let marks = marks();
        let alice = of("alice", None).marked_by.subject;
        let one = index_key("sid", ISSUER, "one");
        let until = Until::by_token(session().issued_at, session().created_ms);
        let note = Note::SidOf(one, alice, until);
        marks.add(&note);
        assert!(marks.has(&of("alice", Some("one"))));
        assert!(marks.has(&of("alice", None)));
        for other in [
            of("alice", Some("two")),
            of("bob", Some("one")),
            of("bob", None),
            Session {
                issued_at: session().issued_at + 1,
                ..of("alice", Some("one"))
            },
            Session {
                created_ms: session().created_ms + 1,
                ..of("alice", None)
            },
        ] {
            assert!(!marks.has(&other));
        }
    }

    #[test]
    fn an_earlier_version_reads_a_note_of_a_sid_and_a_person_as_one_of_the_sid() {
        let until = Until::by_token(5, 6);
        let (sid, of) = (
            Note::Sid(IndexKey([1; 16]), until),
            Note::SidOf(IndexKey([1; 16]), IndexKey([2; 16]), until),
        );
        let (sid, of) = (sid.encode(), of.encode());
        // It reads as many bytes as it wrote, and looks at no others.
        assert_eq!(of[..sid.len()], sid);
        assert_eq!(
            Note::decode(&sid),
            Some(Note::Sid(IndexKey([1; 16]), until))
        );
        for len in sid.len() + 1..of.len() {
            assert_eq!(Note::decode(&of[..len]), None, "{len}");
        }
    }

    #[test]
    fn marks_that_prove_nothing_push_out_no_others() {
        let marks = marks();
        let proven = index_key("sid", "https://issuer.example", "one");
        let until = Until::by_clock(u64::MAX);
        marks.add(&Note::Sid(proven, until));
        for number in 0..30_000_u32 {
            let mut mark = IndexKey([0; 16]);
            mark.0[..4].copy_from_slice(&number.to_le_bytes());
            let has_room = (number as usize) < NoteList::Unproven.capacity();
            assert_eq!(marks.has_room_for_unproven(), has_room, "{number}");
            if has_room {
                marks.add(&Note::UnprovenSid(mark, until));
            }
        }
        assert!(
            marks.has_sid(&IndexKey([0; 16])),
            "the first is still there"
        );
        assert!(marks.has(&of_sid(Some("one"))));
    }

    #[test]
    fn what_is_read_from_a_store_that_took_too_much_has_an_end_as_well() {
        let marks = marks();
        let proven = index_key("sid", "https://issuer.example", "one");
        marks.add(&Note::Sid(proven, Until::by_clock(u64::MAX)));
        for number in 0..50_000_u32 {
            let mut mark = IndexKey([0; 16]);
            mark.0[..4].copy_from_slice(&number.to_le_bytes());
            marks.add(&Note::UnprovenSid(mark, Until::by_clock(u64::MAX)));
        }
        let kept = marks.unproven_sids.count();
        assert_eq!(kept, 2 * NoteList::Unproven.capacity());
        assert!(marks.has(&of_sid(Some("one"))));
    }
}
