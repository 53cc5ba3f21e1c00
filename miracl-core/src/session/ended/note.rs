//! What replicas tell each other about sessions that ended, and how it is written down.

use crate::{
    base::wire::{Reader, Writer},
    session::{
        ended::until::Until,
        identity::{Session, SessionId},
        marked_by::MarkedBy,
    },
    store::{marks::NoteList, sessions::IndexKey},
};

/// A message among replicas: a session ended, or every session of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Note {
    Session(SessionId),
    /// Proven: the provider said so, or the request named a session that exists.
    Sid(IndexKey, Until),
    /// Proven by the provider: of this person's sessions, those of the sid and those without any. The sid comes first.
    SidOf(IndexKey, IndexKey, Until),
    Subject(IndexKey, Until),
    /// Unproven: anybody could have sent the request.
    UnprovenSid(IndexKey, Until),
}

impl Note {
    pub(in crate::session) fn list(&self) -> NoteList {
        match self {
            Self::UnprovenSid(..) => NoteList::Unproven,
            Self::Session(_) | Self::Sid(..) | Self::SidOf(..) | Self::Subject(..) => {
                NoteList::Proven
            }
        }
    }

    /// Whether it ends this session.
    pub(in crate::session) fn ends(&self, session: &Session) -> bool {
        let MarkedBy { subject, sid } = session.marked_by;
        match self {
            Self::Session(id) => session.id == *id,
            Self::Sid(name, until) | Self::UnprovenSid(name, until) => {
                sid == Some(*name) && until.covers(session)
            }
            Self::SidOf(name, of, until) => {
                subject == *of && sid.is_none_or(|sid| sid == *name) && until.covers(session)
            }
            Self::Subject(name, until) => subject == *name && until.covers(session),
        }
    }

    /// Writes a note. Every version reads the notes of every other: newer fields come last, where earlier versions do
    /// not look. They read a note of a sid and a person as one of the sid alone, which is how they treat such a logout
    /// token themselves.
    pub(in crate::session) fn encode(&self) -> Vec<u8> {
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

    /// Reads a note. `None` for a kind of note that only a later version knows.
    pub(in crate::session) fn decode(bytes: &[u8]) -> Option<Self> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
