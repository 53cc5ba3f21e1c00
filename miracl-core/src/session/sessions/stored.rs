//! What a store has of each session: two values, sealed unless they stay in this process.

use std::sync::Arc;

use crate::{
    base::hex::hex_after,
    error::{session::SessionError, store::StoreError},
    session::{
        binding::Binding,
        data::SessionData,
        ended::until::Until,
        identity::{Session, SessionId},
        seal::Purpose,
        sessions::{Current, LAST, NEW, Sessions},
    },
    store::sessions::{IndexKey, SessionKey, StoredSession},
};

/// What the two values of a stored session are bound to besides its key.
const HEAD: &str = "head";
const DATA: &str = "data";

impl Sessions {
    /// Makes what a store keeps of a session.
    pub(crate) fn to_store(
        &self,
        key: &SessionKey,
        revision: u64,
        session: &Session,
        data: &SessionData,
        binding: &Binding,
    ) -> Result<StoredSession, SessionError> {
        let data = data.encode(session);
        let sealed = self
            .head_to_store(key, session, binding)
            .zip(self.seal_stored(key, DATA, session, data));
        let (head, data) = sealed.ok_or_else(|| {
            SessionError::Store(StoreError::new("the session is too large to be sealed"))
        })?;
        let sid = session.marked_by.sid;
        let subject = session.marked_by.subject;
        Ok(StoredSession::new(revision, subject, sid, head, data))
    }

    /// Makes the small value of a stored session.
    pub(crate) fn head_to_store(
        &self,
        key: &SessionKey,
        session: &Session,
        binding: &Binding,
    ) -> Option<Arc<[u8]>> {
        self.seal_stored(key, HEAD, session, session.encode(binding))
    }

    /// Makes a stored session that a request named by its id the request's, if it counts.
    pub(crate) fn current(
        &self,
        id: SessionId,
        key: &SessionKey,
        stored: StoredSession,
        binding: &Binding,
        now: u64,
    ) -> Option<Current> {
        let session = self.read_stored(id, key, &stored, binding, now)?;
        Some(Current {
            session,
            data: None,
            stored: Some(stored),
        })
    }

    /// Reads the small part of a stored session that a request named by its id. It counts under its own id only.
    #[inline(always)]
    pub(super) fn read_stored(
        &self,
        id: SessionId,
        key: &SessionKey,
        stored: &StoredSession,
        binding: &Binding,
        now: u64,
    ) -> Option<Arc<Session>> {
        let read = |plain: &[u8]| self.living(plain, binding, now);
        let living = self.open_stored(key, HEAD, &stored.head, read);
        let mine = |session: &Arc<Session>| session.id == id && stored.revision != LAST;
        let Some(mut session) = living.filter(mine) else {
            tracing::debug!("a stored session has ended, or was sealed for somebody else");
            return None;
        };
        if session.is_doubtful {
            let data = self.read_stored_data(&session, stored);
            Arc::make_mut(&mut session).look_at_email_again(data.as_ref());
        }
        Some(session)
    }

    /// Reads the data of a stored session that somebody came with the id of, whether it lives or not.
    pub(crate) fn remains(
        &self,
        id: SessionId,
        key: &SessionKey,
        stored: &StoredSession,
        binding: &Binding,
    ) -> Option<SessionData> {
        let read = |plain: &[u8]| Session::decode(plain, binding);
        let session = self.open_stored(key, HEAD, &stored.head, read)?;
        let mine = session.id == id && !matches!(stored.revision, NEW | LAST);
        let mine = mine && self.is_remembered(&session);
        mine.then(|| self.read_stored_data(&session, stored))
            .flatten()
    }

    /// Reads the small part of a session from a list. A new session that waits for its hook does not count yet. No
    /// request named the id, so the session must name the key that it was listed under.
    pub(crate) fn read_confirmed(
        &self,
        key: &SessionKey,
        stored: &StoredSession,
        binding: &Binding,
    ) -> Option<Arc<Session>> {
        if matches!(stored.revision, NEW | LAST) {
            return None;
        }
        let now = self.now();
        let read = |plain: &[u8]| self.living(plain, binding, now);
        self.open_stored(key, HEAD, &stored.head, read)
            .filter(|session| self.key_of(session.id) == *key)
    }

    /// Reads the large part of a stored session.
    pub(crate) fn read_stored_data(
        &self,
        session: &Session,
        stored: &StoredSession,
    ) -> Option<SessionData> {
        let read = |plain: &[u8]| SessionData::decode(plain, session);
        self.open_stored(&self.key_of(session.id), DATA, &stored.data, read)
    }

    /// Seals what leaves this process, bound to the session's key and to which of its two values it is.
    fn seal_stored(
        &self,
        key: &SessionKey,
        part: &str,
        session: &Session,
        plain: Vec<u8>,
    ) -> Option<Arc<[u8]>> {
        if self.stays_here {
            return Some(plain.into());
        }
        let sealed =
            self.cookies
                .seal_value(Purpose::Stored.of(session), &bound_to(key, part), &plain);
        sealed.map(|sealed| sealed.into_bytes().into())
    }

    /// Opens what [`seal_stored`](Self::seal_stored) sealed, and reads it.
    fn open_stored<T>(
        &self,
        key: &SessionKey,
        part: &str,
        value: &[u8],
        read: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Option<T> {
        if self.stays_here {
            return read(value);
        }
        let plain = self
            .cookies
            .open_value(Purpose::Stored, &bound_to(key, part), value)?;
        read(&plain)
    }

    /// Deletes a session from the store, where there is one.
    pub(crate) async fn delete_stored(&self, id: SessionId) -> Result<(), StoreError> {
        match self.store() {
            Some(store) => store.delete(&self.key_of(id)).await,
            None => Ok(()),
        }
    }

    /// Ends every stored session that belongs to this session of the provider's, and returns how many.
    pub(crate) async fn end_stored_sid(&self, sid: IndexKey) -> Result<u64, StoreError> {
        match self.store() {
            Some(store) => store.delete_by_sid(&sid).await,
            None => Ok(0),
        }
    }

    /// Ends the stored sessions of a person up to some time: all of them, or those of one sid and those without any.
    pub(crate) async fn end_stored_subject(
        &self,
        subject: IndexKey,
        sid: Option<IndexKey>,
        until: Until,
        binding: &Binding,
    ) -> Result<(), StoreError> {
        let Some(store) = self.store() else {
            return Ok(());
        };
        for (key, stored) in store.list_by_subject(&subject).await? {
            let other_sid = sid.is_some() && stored.sid.is_some_and(|its| sid != Some(its));
            if other_sid {
                continue;
            }
            let read = |plain: &[u8]| Session::decode(plain, binding);
            let session = self.open_stored(&key, HEAD, &stored.head, read);
            if session.is_some_and(|session| until.covers(&session)) {
                store.delete(&key).await?;
            }
        }
        Ok(())
    }
}

/// The name that a stored value is sealed for, so that it opens in its own place only.
fn bound_to(key: &SessionKey, part: &str) -> String {
    hex_after([part, " "], &key.0)
}
