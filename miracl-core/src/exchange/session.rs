//! How a session is kept: sealed in the browser's cookies, or in a store behind an id.
//!
//! In cookies it is two values, bound to each other by the nonce of the large one. In a store it is one record with both, and the
//! cookie has the 256 bits of the session's id and nothing else.

#[cfg(test)]
pub(crate) mod revisions;

use std::{
    error::Error,
    sync::{Arc, MutexGuard},
    task::Poll,
    time::Duration,
};

use base64_simd::URL_SAFE_NO_PAD as BASE64;

use crate::exchange::{Exchange, State, put};
use crate::session::sessions::{self, Current};
use crate::{
    config::options::WhenUnavailable,
    error::{session::SessionError, store::StoreError},
    provider::user_data::UserData,
    session::{
        binding::Binding,
        cookies::{
            Ours, SESSION_BUDGET,
            set_cookie::{Keep, SetCookie},
        },
        data::SessionData,
        identity::{Session, SessionId, User},
        seal::Purpose,
    },
    store::sessions::{ErasedStore, StoredSession},
};

/// How long a new session waits in the store for its hook. Until then nobody has its id.
const UNCONFIRMED: Duration = Duration::from_secs(10 * 60);
/// How often a change is tried again that somebody else's was faster than.
const TRIES: usize = 5;

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

    /// Returns the small part of the session, as [`current`](Self::current) does: what most requests want, and all that they pay for.
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

    /// Keeps a new session: in the store, for the time of the hook, or else in the cookies that are to be set after it.
    pub(crate) async fn keep_new(
        &self,
        session: Arc<Session>,
        data: Arc<SessionData>,
    ) -> Result<(Current, Vec<SetCookie>), SessionError> {
        let engine = &self.engine;
        let binding = self.binding().await?;
        let mut current = Current {
            session,
            data: None,
            stored: None,
        };
        let cookies = match engine.sessions.store() {
            None => self.seal(&current.session, Some(&data), &binding)?,
            Some(store) => {
                let session = &current.session;
                let key = engine.sessions.key_of(session.id);
                let stored =
                    engine
                        .sessions
                        .to_store(&key, sessions::NEW, session, &data, &binding)?;
                let created = store.create(&key, stored.clone(), UNCONFIRMED);
                created.await.map_err(SessionError::Store)?;
                current.stored = Some(stored);
                vec![self.id_cookie(&current.session)]
            }
        };
        current.data = Some(data);
        Ok((current, cookies))
    }

    /// Gives a new session in the store its full time.
    pub(crate) async fn confirm_stored(&self, proposed: &Current) -> Result<(), SessionError> {
        let engine = &self.engine;
        let (Some(store), Some(stored)) = (engine.sessions.store(), &proposed.stored) else {
            return Ok(());
        };
        let confirmed = StoredSession {
            revision: sessions::NEW + 1,
            ..stored.clone()
        };
        let session = &proposed.session;
        let key = engine.sessions.key_of(session.id);
        let updated = store
            .update(
                &key,
                sessions::NEW,
                confirmed,
                engine.sessions.time_left(session),
            )
            .await;
        match updated {
            Ok(true) => Ok(()),
            Ok(false) => Err(SessionError::Store(StoreError::new(
                "the new session is gone from the store",
            ))),
            Err(error) => Err(SessionError::Store(error)),
        }
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

    /// Ends the session: deletes its cookies, marks it, so that copies of them are worth nothing, and deletes it from the store.
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
    /// The store first: a session that may still be there has not ended, and the person can try again.
    pub(crate) async fn end_by_id(&self, id: SessionId) -> Result<(), SessionError> {
        self.delete_stored(id).await?;
        let marked = self.engine.sessions.marks.end_session(id).await;
        marked.map_err(SessionError::Store)
    }

    /// Writes changed tokens or user data, as a new generation of the same session. `change` returns `None` to leave them as they
    /// are; it is asked again when somebody else changed them in the meantime.
    ///
    /// A session that has been ended in the meantime stays so: a late response must not bring it back.
    pub(crate) async fn change_data(
        self: &Arc<Self>,
        change: impl Fn(&SessionData) -> Option<SessionData>,
    ) -> Result<(), SessionError> {
        let engine = &self.engine;
        let binding = self.binding().await?;
        for _ in 0..TRIES {
            let (Some(current), Some(data)) = (self.current().await?, self.data().await?) else {
                return Ok(());
            };
            let Some(data) = change(&data) else {
                return Ok(());
            };
            if engine.sessions.marks.is_ended(&current.session) {
                return self.end_session().await;
            }
            let user_data = UserData::from(&data);
            let session = Session {
                generation: current.session.generation.wrapping_add(1),
                person: current
                    .session
                    .person
                    .with_email(user_data.email().as_deref()),
                email_verified: user_data.email_verified(),
                is_doubtful: false,
                ..(*current.session).clone()
            };
            let (Some(store), Some(stored)) = (engine.sessions.store(), current.stored) else {
                let sealed = self.seal(&session, Some(&data), &binding)?;
                self.delete_session_cookies(&mut self.lock());
                self.set_cookies(sealed);
                self.set_current(session, data, None);
                return Ok(());
            };
            let key = engine.sessions.key_of(session.id);
            let changed = engine.sessions.to_store(
                &key,
                sessions::next(&stored),
                &session,
                &data,
                &binding,
            )?;
            let left = engine.sessions.time_left(&session);
            let updated = store.update(&key, stored.revision, changed.clone(), left);
            if updated.await.map_err(SessionError::Store)? {
                self.set_current(session, data, Some(changed));
                return Ok(());
            }
            // Somebody else was faster.
            let newer = self.load(store, session.id, &binding).await?;
            let mut state = self.lock();
            if newer.is_none() {
                self.delete_session_cookies(&mut state);
            }
            state.current = newer;
        }
        Err(SessionError::Store(StoreError::new(
            "the session changes all the time",
        )))
    }

    fn set_current(&self, session: Session, data: SessionData, stored: Option<StoredSession>) {
        self.lock().current = Some(Current {
            session: Arc::new(session),
            data: Some(Arc::new(data)),
            stored,
        });
    }

    /// The cookie with the id of a session in the store.
    fn id_cookie(&self, session: &Session) -> SetCookie {
        let engine = &self.engine;
        let left = engine.sessions.time_left(session).as_secs();
        let value = BASE64.encode_to_string(session.id.0);
        let cookies = &engine.sessions.cookies;
        cookies.set_plain(&cookies.session, &value, Keep::Seconds(left))
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

    /// Moves the idle deadline of a session in the store. Whoever fails at it leaves that to the next request.
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

    /// Opens the small part; moves the idle deadline when that is due, and seals anew what an older key sealed.
    fn read_cookies(&self, state: &mut State, binding: &Binding) {
        let engine = &self.engine;
        let cookies = &engine.sessions.cookies;
        let now = engine.now();
        let read = |plain: &[u8], first_key| {
            let session = engine.sessions.living(plain, binding, now)?;
            let data = session.data;
            Some(((session, first_key), data))
        };
        let found = cookies.read_session(self.header(), read);
        let Some(((mut session, first_key), is_whole)) = found else {
            return;
        };
        if !is_whole {
            self.drop_halves(state);
            return;
        }
        engine.sessions.loops.seen(&session, now);
        let move_deadline = session.is_worth_moving(now, engine.sessions.timeouts);
        if move_deadline {
            Arc::make_mut(&mut session).seen = now;
            // Its login may have been before this process, whose front channel believes what it knows.
            if let Some(sid) = session.marked_by.sid {
                engine.sessions.marks.has_come(sid);
            }
        }
        let is_doubtful = session.is_doubtful;
        state.current = Some(Current::in_cookies(session));
        if is_doubtful {
            let data = self.open_data(state);
            if let Some(current) = &mut state.current {
                let session = Arc::make_mut(&mut current.session);
                session.look_at_email_again(data.as_deref());
                session.is_doubtful = false;
            }
        }
        if !first_key && self.open_data(state).is_none() {
            return;
        }
        if (move_deadline || !first_key)
            && let Some(current) = state.current.clone()
        {
            // Both parts together, so that no part stays behind under a key that is about to go.
            let data = current.data.as_deref().filter(|_| !first_key);
            match self.seal(&current.session, data, binding) {
                Ok(sealed) => put(&mut state.cookies, sealed),
                Err(error) => tracing::warn!(%error, "the session cannot be sealed again"),
            }
        }
    }

    /// Opens the large part. When it does not belong to the small one, neither counts.
    fn open_data(&self, state: &mut State) -> Option<Arc<SessionData>> {
        let engine = &self.engine;
        let cookies = &engine.sessions.cookies;
        let current = state.current.as_mut()?;
        if current.data.is_none() {
            let session = &current.session;
            current.data = match &current.stored {
                Some(stored) => engine.sessions.read_stored_data(session, stored),
                None => cookies
                    .open_data(self.header(), session.data)
                    .and_then(|plain| SessionData::decode(&plain, session)),
            }
            .map(Arc::new);
        }
        let data = current.data.clone();
        if data.is_none() {
            self.drop_halves(state);
        }
        data
    }

    /// Gives up a session whose two parts do not belong together: neither counts. The browser forgets them, unless another
    /// replica may know better.
    fn drop_halves(&self, state: &mut State) {
        tracing::warn!("the two parts of a session do not belong together; it does not count");
        state.current = None;
        let cookies = &self.engine.sessions.cookies;
        if !cookies.has_foreign(self.header(), Purpose::Data, &cookies.data) {
            self.delete_session_cookies(state);
        }
    }

    /// Seals the small part, and the large one where it is given, within the room there is.
    fn seal(
        &self,
        session: &Session,
        data: Option<&SessionData>,
        binding: &Binding,
    ) -> Result<Vec<SetCookie>, SessionError> {
        let engine = &self.engine;
        let cookies = &engine.sessions.cookies;
        let keep = Keep::Seconds(engine.sessions.time_left(session).as_secs());
        let head = |session: &Session| {
            let plain = session.encode(binding);
            let name = &cookies.session;
            cookies
                .seal(Purpose::Session, name, &plain, keep)
                .unwrap_or_default()
        };
        let Some(data) = data else {
            return Ok(head(session));
        };
        let plain = data.encode(session);
        // The large part is not sent again when the idle deadline moves, so it stays for as long as it may.
        let left = session
            .ends(engine.sessions.timeouts)
            .saturating_sub(engine.now());
        let body = cookies.seal(Purpose::Data, &cookies.data, &plain, Keep::Seconds(left));
        let too_large = |bytes| SessionError::TooLarge(data.too_large(bytes, SESSION_BUDGET));
        let body = body.ok_or_else(|| too_large(plain.len()))?;
        let bound = Session {
            data: body
                .first()
                .and_then(|first| first.nonce)
                .unwrap_or_default(),
            ..session.clone()
        };
        let mut sealed = head(&bound);
        sealed.extend(body);
        let bytes = sealed.iter().map(|cookie| cookie.len).sum();
        if bytes > SESSION_BUDGET {
            return Err(too_large(bytes));
        }
        Ok(sealed)
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
