//! How a session is written down in Redis: a header with what an update and a delete have to know, then its two values.

use crate::{
    base::wire::{Reader, Writer},
    error::store::StoreError,
    store::sessions::{IndexKey, StoredSession},
};

/// The format of a session, its first byte.
const FORMAT: u8 = 1;
/// The length of format and revision, which an update compares.
const REVISION_LEN: usize = 1 + 8;
/// The length of the header: format, revision, subject, and sid with a byte that says whether there is one.
pub(super) const HEADER_LEN: usize = REVISION_LEN + 16 + 1 + 16;

/// The beginning of a record: its revision, and the indexes that the session is in.
pub(super) struct Header {
    revision: u64,
    pub(super) subject: IndexKey,
    pub(super) sid: Option<IndexKey>,
}

impl Header {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        (reader.u8()? == FORMAT).then_some(())?;
        let (revision, subject) = (reader.u64()?, reader.array()?);
        let (has_sid, sid) = (reader.u8()?, reader.array()?);
        Some(Self {
            revision,
            subject: IndexKey(subject),
            sid: (has_sid == 1).then_some(IndexKey(sid)),
        })
    }
}

/// Writes the beginning of a record, which an update compares.
pub(super) fn revision(revision: u64) -> Writer {
    Writer::default().u8(FORMAT).u64(revision)
}

/// Writes a session.
pub(super) fn write(session: &StoredSession) -> Result<Vec<u8>, StoreError> {
    let head = u32::try_from(session.head.len()).map_err(StoreError::new)?;
    Ok(revision(session.revision)
        .bytes(&session.subject.0)
        .u8(session.sid.is_some().into())
        .bytes(&session.sid.unwrap_or(IndexKey([0; 16])).0)
        .u32(head)
        .bytes(&session.head)
        .bytes(&session.data)
        .finish())
}

/// Reads a session. `None` when another program or a later version wrote it.
pub(super) fn read(bytes: &[u8]) -> Option<StoredSession> {
    let mut reader = Reader::new(bytes);
    let header = Header::read(&mut reader)?;
    let head = reader.u32()? as usize;
    let (head, data) = reader.rest().split_at_checked(head)?;
    let Header {
        revision,
        subject,
        sid,
    } = header;
    Some(StoredSession::new(revision, subject, sid, head, data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_read_as_it_was_written_and_nothing_else_is_one() {
        for sid in [None, Some(IndexKey([3; 16]))] {
            let session = StoredSession::new(7, IndexKey([2; 16]), sid, [4, 5], [6]);
            let bytes = write(&session).unwrap();
            assert_eq!(bytes.len(), HEADER_LEN + 4 + 3);
            assert_eq!(bytes[..REVISION_LEN], revision(7).finish());
            assert_eq!(read(&bytes), Some(session));
            assert_eq!(read(&bytes[..HEADER_LEN + 4 + 1]), None);
            let mut other = bytes;
            other[0] = 2;
            assert_eq!(read(&other), None);
        }
        assert_eq!(read(b""), None);
    }
}
