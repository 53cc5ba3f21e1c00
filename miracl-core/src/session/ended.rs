//! Which sessions were ended: this process's copy.
//!
//! A session is marked by its own id, or from outside: by the provider's `sid`, or by the subject. A mark from outside
//! has a time, and ends the sessions that began up to it. A later login lives, even if the provider continues the same
//! session.

pub(crate) mod note;
pub(crate) mod until;

use std::{
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::{
    base::expiring::{Change, Expiring},
    session::{
        ended::{note::Note, until::Until},
        identity::{Session, SessionId},
        marked_by::MarkedBy,
        waiting::Waiting,
    },
    store::{marks::NoteList, sessions::IndexKey},
};

pub(super) struct Ended {
    sessions: Expiring<SessionId, ()>,
    sids: Expiring<IndexKey, Until>,
    subjects: Expiring<IndexKey, Until>,
    /// By the person together with the sid, or with none.
    of_subjects: Expiring<[u8; 32], Until>,
    unproven_sids: Expiring<IndexKey, Until>,
    /// False until the first session is ended. It is one flag, because asking five tables is measurable in every
    /// request.
    any: AtomicBool,
    keep: Duration,
    waiting: Arc<Waiting>,
}

impl Ended {
    /// Makes an empty copy that keeps each mark for this long.
    pub(super) fn new(keep: Duration) -> Self {
        let proven = NoteList::Proven.capacity();
        Self {
            sessions: Expiring::new(proven),
            sids: Expiring::new(proven),
            subjects: Expiring::new(proven),
            // Each note is two marks.
            of_subjects: Expiring::new(2 * proven),
            // There is room for marks that other replicas make at the same moment.
            unproven_sids: Expiring::new(2 * NoteList::Unproven.capacity()),
            any: AtomicBool::new(false),
            keep,
            waiting: Arc::default(),
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
        self.waiting.has_ended(note);
    }

    /// Who waits for the end of a session.
    pub(super) fn waiting(&self) -> &Arc<Waiting> {
        &self.waiting
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

    /// Whether there is a mark for this sid.
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
    // No hash consists of zeros alone, so this stands for no sid.
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
    fn a_subject_is_no_sid_even_if_they_read_alike() {
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
