//! A session that is kept in a store: loaded, its deadline moved, and deleted.

use std::sync::Arc;

use crate::{
    error::session::SessionError,
    exchange::Exchange,
    session::{
        binding::Binding,
        data::SessionData,
        identity::{Session, SessionId},
        sessions::{self, Current},
    },
    store::{erased::ErasedStore, sessions::StoredSession},
};

impl Exchange {
    /// Reads a session from the store.
    pub(super) async fn load(
        &self,
        store: &dyn ErasedStore,
        id: SessionId,
        binding: &Binding,
    ) -> Result<Option<Current>, SessionError> {
        let engine = &self.engine;
        let key = engine.sessions.key_of(id);
        let loaded = store.load(&key).await;
        let Some(stored) = loaded.map_err(SessionError::Store)? else {
            return Ok(None);
        };
        let now = engine.now();
        let current = engine.sessions.current(id, &key, stored, binding, now);
        if let Some(current) = &current {
            engine.sessions.loops.seen(&current.session, now);
        }
        Ok(current)
    }

    /// Reads a session that the request does not name by its cookie, if it is in a store.
    pub(crate) async fn stored_by_id(
        &self,
        id: SessionId,
    ) -> Result<Option<(Arc<Session>, Option<Arc<SessionData>>)>, SessionError> {
        let Some(store) = self.engine.sessions.store() else {
            return Ok(None);
        };
        let binding = self.binding().await?;
        let loaded = self.load(store, id, &binding).await?;
        Ok(loaded.map(
            |Current {
                 session, stored, ..
             }| {
                let sessions = &self.engine.sessions;
                let data = stored.and_then(|stored| sessions.read_stored_data(&session, &stored));
                (session, data.map(Arc::new))
            },
        ))
    }

    /// Moves the idle deadline of a session in the store. If that fails, the next request tries again.
    pub(super) async fn move_deadline_in_store(
        &self,
        store: &dyn ErasedStore,
        current: Current,
        binding: &Binding,
    ) {
        let engine = &self.engine;
        let Some(stored) = current.stored else { return };
        let session = Session {
            seen: engine.now(),
            is_doubtful: false,
            ..(*current.session).clone()
        };
        let key = engine.sessions.key_of(session.id);
        let Some(head) = engine.sessions.head_to_store(&key, &session, binding) else {
            return;
        };
        let moved = StoredSession {
            revision: sessions::next(&stored),
            head,
            ..stored.clone()
        };
        let left = engine.sessions.time_left(&session);
        match store
            .update(&key, stored.revision, moved.clone(), left)
            .await
        {
            Ok(true) => {
                let waiting = engine.sessions.marks.waiting();
                waiting.was_seen(session.id, session.seen);
                self.set_cookies([self.id_cookie(&session)]);
                self.lock().current = Some(Current {
                    session: Arc::new(session),
                    data: current.data,
                    stored: Some(moved),
                });
            }
            // Another request changed the session, and moved the deadline with it, or ended it.
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the idle deadline cannot be moved"),
        }
    }

    /// Deletes a session from the store, where there is one.
    pub(crate) async fn delete_stored(&self, id: SessionId) -> Result<(), SessionError> {
        let deleted = self.engine.sessions.delete_stored(id).await;
        deleted.map_err(SessionError::Store)
    }
}
