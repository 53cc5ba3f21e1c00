//! What a store has of a session: two values, sealed unless they stay in this process.

use std::{sync::Arc, time::Duration};

use crate::{
    error::SessionError,
    marks::Until,
    miracl::Engine,
    seal::Purpose,
    secret::hex,
    session::{Binding, Session, SessionData, SessionId},
    store::{ErasedStore, IndexKey, StoreError, StoredSession},
};

/// What the two values of a stored session are bound to besides its id.
const HEAD: &str = "head";
const DATA: &str = "data";

impl Engine {
    /// The store that sessions are kept in; none when they are in cookies.
    pub(crate) fn store(&self) -> Option<&dyn ErasedStore> {
        self.config.session_store.kept_in()
    }

    /// How long a session lives from now on, if nobody asks for it again.
    pub(super) fn time_left(&self, session: &Session) -> Duration {
        let left = session.ends(&self.config).saturating_sub(self.now());
        Duration::from_secs(left).min(self.config.session_idle_timeout)
    }

    /// Reads the small part of a session that lives, and was made for this client.
    pub(super) fn living(&self, plain: &[u8], binding: &Binding) -> Option<Session> {
        Session::decode(plain, binding)
            .filter(|session| session.is_alive(self.now(), &self.config))
            .filter(|session| !self.marks.is_ended(session))
    }

    pub(super) fn to_store(
        &self,
        revision: u64,
        session: &Session,
        data: &SessionData,
        binding: &Binding,
    ) -> Result<StoredSession, SessionError> {
        let data = data.encode(session);
        let sealed = self
            .head_to_store(session, binding)
            .zip(self.seal_stored(session.id, DATA, data));
        let (head, data) = sealed.ok_or_else(|| {
            SessionError::Store(StoreError::new("the session is too large to be sealed"))
        })?;
        let sid = session.marked_by.sid.map(IndexKey);
        let subject = IndexKey(session.marked_by.subject);
        Ok(StoredSession::new(revision, subject, sid, head, data))
    }

    pub(super) fn head_to_store(&self, session: &Session, binding: &Binding) -> Option<Arc<[u8]>> {
        self.seal_stored(session.id, HEAD, session.encode(binding))
    }

    /// Reads the small part of a stored session. It counts under its own id only.
    pub(super) fn read_stored(
        &self,
        id: SessionId,
        stored: &StoredSession,
        binding: &Binding,
    ) -> Option<Session> {
        let session =
            self.open_stored(id, HEAD, &stored.head, |plain| self.living(plain, binding))?;
        (session.id == id).then(|| {
            self.loops.seen(&session, self.now());
            session
        })
    }

    pub(super) fn read_stored_data(
        &self,
        session: &Session,
        stored: &StoredSession,
    ) -> Option<SessionData> {
        let read = |plain: &[u8]| SessionData::decode(plain, session);
        self.open_stored(session.id, DATA, &stored.data, read)
    }

    /// Seals what leaves this process, bound to the session's id and to which of its two values it is.
    fn seal_stored(&self, id: SessionId, part: &str, plain: Vec<u8>) -> Option<Arc<[u8]>> {
        if self.store().is_none_or(ErasedStore::in_process) {
            return Some(plain.into());
        }
        let sealed = self
            .cookies
            .seal_value(Purpose::Stored, &bound_to(id, part), &plain);
        sealed.map(|sealed| sealed.into_bytes().into())
    }

    fn open_stored<T>(
        &self,
        id: SessionId,
        part: &str,
        value: &[u8],
        read: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Option<T> {
        if self.store().is_none_or(ErasedStore::in_process) {
            return read(value);
        }
        let value = std::str::from_utf8(value).ok()?;
        let found = self
            .cookies
            .open_value(Purpose::Stored, &bound_to(id, part), value)?;
        read(&found.plain)
    }

    /// Ends every stored session that belongs to this session of the provider's.
    pub(crate) async fn end_stored_sid(&self, sid: [u8; 16]) -> Result<(), StoreError> {
        match self.store() {
            Some(store) => store.delete_by_sid(&IndexKey(sid)).await.map(drop),
            None => Ok(()),
        }
    }

    /// Ends every stored session of a person up to some time.
    pub(crate) async fn end_stored_subject(
        &self,
        subject: [u8; 16],
        until: Until,
        binding: &Binding,
    ) -> Result<(), StoreError> {
        let Some(store) = self.store() else {
            return Ok(());
        };
        for (key, stored) in store.list_by_subject(&IndexKey(subject)).await? {
            let read = |plain: &[u8]| Session::decode(plain, binding);
            let session = self.open_stored(key.0, HEAD, &stored.head, read);
            if session.is_some_and(|session| until.covers(&session)) {
                store.delete(&key).await?;
            }
        }
        Ok(())
    }
}

/// The name that a stored value is bound to: it opens in its own place only.
fn bound_to(id: SessionId, part: &str) -> String {
    format!("{part} {}", hex(&id))
}
