//! How a session is kept: sealed in the browser's cookies, or in a store behind an id.
//!
//! In cookies it is two values, bound to each other by the nonce of the large one. In a store it is one record with
//! both, and the cookie has the 256 bits of the session's id and nothing else.

mod change;
mod in_cookies;
mod in_store;
mod remains;
#[cfg(test)]
mod revisions;

use std::{
    error::Error,
    sync::{Arc, MutexGuard},
    task::Poll,
};

use crate::{
    config::options::WhenUnavailable,
    engine::events::{AuthEvent, EventPerson},
    error::session::SessionError,
    exchange::{Exchange, State, put},
    session::{
        binding::Binding,
        cookies::Ours,
        data::SessionData,
        end::EndedBy,
        identity::{Session, SessionId, User},
        sessions::Current,
    },
};

impl Exchange {
    /// Returns the session, reading it if that was not done yet.
    ///
    /// If the store is away, the app's settings say whether that is an error or nobody is logged in.
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

    /// Returns the small part of the session, if that needs no waiting.
    pub(crate) fn session_at_once(&self) -> Poll<Option<Arc<Session>>> {
        let Some(state) = self.read_now() else {
            return Poll::Pending;
        };
        let current = state.current.as_ref();
        Poll::Ready(current.map(|current| Arc::clone(&current.session)))
    }

    /// Reads the session if that was not done yet. `None` if that needs waiting.
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

    /// Records the user that the lazy visit already found, if the session is in cookies. A session in a store is read
    /// again, together with its record.
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
        // There may be several values of the name, some of them another app's. The store knows which is the good one.
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
            state.current.clone().filter(|_| self.is_activity())
        };
        if let Some(current) = moved
            && current
                .session
                .is_deadline_worth_moving(engine.now(), engine.sessions.timeouts)
        {
            self.move_deadline_in_store(store, current, &binding).await;
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

    /// Ends the session: deletes its cookies, marks it, so that copies of them no longer count, and deletes it from the
    /// store.
    /// The app's observers are told what has ended it, also where the request goes away meanwhile.
    pub(crate) async fn end_session(self: &Arc<Self>, by: EndedBy) -> Result<(), SessionError> {
        if self.changes_nothing() {
            return Ok(());
        }
        let Some(ended) = self.lock().current.clone() else {
            return Ok(());
        };
        let engine = &self.engine;
        let (exchange, session) = (Arc::clone(self), Arc::clone(&ended.session));
        let end = async move {
            exchange.end_by_id(session.id, by).await?;
            exchange.engine.tell(|| AuthEvent::LoggedOut {
                person: Some(EventPerson::from(&*session)),
                by,
            });
            Ok(())
        };
        let ended = engine.to_its_end(end).await;
        ended.map_err(SessionError::Store).flatten()?;
        {
            let mut state = self.lock();
            state.current = None;
            state.person_changed = true;
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
    pub(crate) async fn end_by_id(&self, id: SessionId, by: EndedBy) -> Result<(), SessionError> {
        self.delete_stored(id).await?;
        let marked = self.engine.sessions.marks.end_session(id, by).await;
        marked.map_err(SessionError::Store)
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
