//! How a session is kept: sealed in the browser's cookies, or in a store behind an id.
//!
//! In cookies it is two values, bound to each other by the nonce of the large one. In a store it is one record with
//! both, and the cookie has the 256 bits of the session's id and nothing else.

mod change;
mod in_cookies;
#[cfg(test)]
pub(crate) mod revisions;

use std::{
    error::Error,
    sync::{Arc, MutexGuard},
    task::Poll,
};

use crate::{
    config::options::WhenUnavailable,
    error::session::SessionError,
    exchange::{Exchange, State, put},
    session::{
        binding::Binding,
        cookies::Ours,
        data::SessionData,
        identity::{Session, SessionId, User},
        sessions::{self, Current},
    },
    store::sessions::{ErasedStore, StoredSession},
};

impl Exchange {
    /// Returns the session, reading it if that was not done yet.
    ///
    /// Whether a store that is away counts as nobody is the app's choice.
    pub(crate) async fn current(&self) -> Result<Option<Current>, SessionError> {
        match self.read_current().await {
            Err(SessionError::Store(error))
                if self.engine.config.session_unavailable == WhenUnavailable::Anonymous =>
            {
                tracing::warn!(
                    error = &error as &(dyn Error + 'static),
                    "a session cannot be read and counts as nobody"
                );
                Ok(None)
            }
            read => read,
        }
    }

    /// Returns the small part of the session, as [`current`](Self::current) does: what most requests want, and all that
    /// they pay for.
    pub(crate) async fn session(&self) -> Result<Option<Arc<Session>>, SessionError> {
        match self.session_at_once() {
            Poll::Ready(session) => Ok(session),
            Poll::Pending => {
                let current = Box::pin(self.current()).await?;
                Ok(current.map(|current| current.session))
            }
        }
    }

    /// Returns the small part of the session, where nothing has to be waited for.
    pub(crate) fn session_at_once(&self) -> Poll<Option<Arc<Session>>> {
        let Some(state) = self.read_now() else {
            return Poll::Pending;
        };
        let current = state.current.as_ref();
        Poll::Ready(current.map(|current| Arc::clone(&current.session)))
    }

    /// Reads the session if that was not done yet; `None` when something has to be waited for.
    fn read_now(&self) -> Option<MutexGuard<'_, State>> {
        let engine = &self.engine;
        let mut state = self.lock();
        state.touched = true;
        if state.read {
            return Some(state);
        }
        let binding = engine.sessions.known_binding()?;
        if !engine.sessions.marks.is_fresh() {
            return None;
        }
        match engine.sessions.read_at_once(self.header(), binding) {
            Some(current) => state.current = current,
            None if engine.sessions.store().is_none() => self.read_cookies(&mut state, binding),
            None => return None,
        }
        state.read = true;
        Some(state)
    }

    /// Records the user that the lazy visit already found, if the session is in cookies. What is in a store is read
    /// again, with what belongs to it.
    pub(crate) fn know(&self, user: Option<&User>) {
        let mut state = self.lock();
        state.touched = true;
        if self.engine.sessions.store().is_none() {
            state.read = true;
            state.current = user.map(|user| Current::in_cookies(Arc::clone(&user.0)));
        }
    }

    /// What every sealed value of this exchange carries.
    pub(crate) async fn binding(&self) -> Result<Binding, SessionError> {
        let binding = self.engine.binding().await;
        binding.map_err(SessionError::Credentials)
    }

    async fn read_current(&self) -> Result<Option<Current>, SessionError> {
        if let Some(state) = self.read_now() {
            return Ok(state.current.clone());
        }
        let engine = &self.engine;
        let binding = self.binding().await?;
        let cookies = &engine.sessions.cookies;
        if !engine.sessions.marks.is_fresh() && cookies.has(self.header(), &cookies.session) {
            self.engine.follow_marks();
            engine
                .sessions
                .marks
                .catch_up()
                .await
                .map_err(SessionError::Store)?;
        }
        let Some(store) = engine.sessions.store() else {
            let mut state = self.lock();
            if !state.read {
                state.read = true;
                self.read_cookies(&mut state, &binding);
            }
            return Ok(state.current.clone());
        };
        // Where a junk cookie of another app hides the good one, the store says which that is.
        let mut loaded = None;
        for id in engine.sessions.cookies.ids(self.header()) {
            loaded = self.load(store, id, &binding).await?;
            if loaded.is_some() {
                break;
            }
        }
        let moved = {
            let mut state = self.lock();
            if !state.read {
                state.read = true;
                state.current = loaded;
            }
            state.current.clone().filter(|_| !self.changes_nothing())
        };
        if let Some(current) = moved
            && current
                .session
                .is_worth_moving(engine.now(), engine.sessions.timeouts)
        {
            self.move_deadline(store, current, &binding).await;
        }
        Ok(self.lock().current.clone())
    }

    /// Reads the session again, where it is in a store. In cookies it is as it came.
    pub(crate) async fn reload(&self) -> Result<(), SessionError> {
        let engine = &self.engine;
        let binding = self.binding().await?;
        let id = self
            .lock()
            .current
            .as_ref()
            .map(|current| current.session.id);
        if let (Some(store), Some(id)) = (engine.sessions.store(), id) {
            let loaded = self.load(store, id, &binding).await?;
            self.lock().current = loaded;
        }
        Ok(())
    }

    /// Returns the large part of the session, opening it if that was not done yet.
    pub(crate) async fn data(&self) -> Result<Option<Arc<SessionData>>, SessionError> {
        if self.current().await?.is_none() {
            return Ok(None);
        }
        let mut state = self.lock();
        Ok(self.open_data(&mut state))
    }

    /// Deletes a session from the store, where there is one.
    pub(crate) async fn delete_stored(&self, id: SessionId) -> Result<(), SessionError> {
        let engine = &self.engine;
        match engine.sessions.store() {
            Some(store) => {
                let deleted = store.delete(&engine.sessions.key_of(id)).await;
                deleted.map_err(SessionError::Store)
            }
            None => Ok(()),
        }
    }

    /// Ends the session: deletes its cookies, marks it, so that copies of them are worth nothing, and deletes it from
    /// the store.
    pub(crate) async fn end_session(self: &Arc<Self>) -> Result<(), SessionError> {
        if self.changes_nothing() {
            return Ok(());
        }
        let Some(ended) = self.lock().current.clone() else {
            return Ok(());
        };
        let engine = &self.engine;
        let (exchange, id) = (Arc::clone(self), ended.session.id);
        let end = async move { exchange.end_by_id(id).await };
        let ended = engine.to_its_end(end).await;
        ended.map_err(SessionError::Store).flatten()?;
        {
            let mut state = self.lock();
            state.current = None;
            self.delete_session_cookies(&mut state);
        }
        let counted = &engine.sessions.cookies.loops;
        if engine.sessions.cookies.has(self.header(), counted) {
            self.set_cookies([engine.sessions.cookies.delete(counted)]);
        }
        Ok(())
    }

    /// Ends a session wherever it is: deletes it, and marks it for requests that have read it already.
    ///
    /// It is deleted first: a session that may still be in the store has not ended, and the person can try again.
    pub(crate) async fn end_by_id(&self, id: SessionId) -> Result<(), SessionError> {
        self.delete_stored(id).await?;
        let marked = self.engine.sessions.marks.end_session(id).await;
        marked.map_err(SessionError::Store)
    }

    /// Reads a session from the store.
    async fn load(
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

    /// Moves the idle deadline of a session in the store. If that fails, the next request tries again.
    async fn move_deadline(&self, store: &dyn ErasedStore, current: Current, binding: &Binding) {
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
                self.set_cookies([self.id_cookie(&session)]);
                self.lock().current = Some(Current {
                    session: Arc::new(session),
                    data: current.data,
                    stored: Some(moved),
                });
            }
            // Somebody else changed it, and moved the deadline with it, or ended it: the next request will see.
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the idle deadline cannot be moved"),
        }
    }

    /// Deletes the session's cookies that the request has, in place of what this response would set.
    pub(crate) fn delete_session_cookies(&self, state: &mut State) {
        let cookies = &self.engine.sessions.cookies;
        let of_session = |name: &str| {
            let ours = cookies.ours(name);
            matches!(ours, Some(Ours::Session | Ours::Data(_)))
        };
        state.cookies.retain(|cookie| !of_session(&cookie.name));
        let sent = cookies.session_names(self.header());
        put(
            &mut state.cookies,
            sent.iter().map(|name| cookies.delete(name)),
        );
    }
}

#[cfg(test)]
pub(crate) mod tests;
