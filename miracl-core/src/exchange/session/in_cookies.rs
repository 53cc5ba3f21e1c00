//! A session that is sealed in the browser's cookies: read, its deadline moved, and sealed again.

use std::sync::Arc;

use crate::{
    error::session::SessionError,
    exchange::{Exchange, State, put},
    session::{
        binding::Binding,
        cookies::{
            SESSION_BUDGET,
            set_cookie::{Keep, SetCookie},
        },
        data::SessionData,
        identity::Session,
        seal::Purpose,
        sessions::Current,
    },
};

impl Exchange {
    /// Opens the small part. Moves the idle deadline when that is due, and seals the session again if an older key
    /// sealed it.
    pub(super) fn read_cookies(&self, state: &mut State, binding: &Binding) {
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
        let is_moved = self.move_deadline_in_cookies(&mut session, now);
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
        if (is_moved || !first_key)
            && let Some(current) = state.current.clone()
        {
            // Both parts together, so that neither stays sealed with a key that is about to be removed.
            let data = current.data.as_deref().filter(|_| !first_key);
            match self.seal(&current.session, data, binding) {
                Ok(sealed) => put(&mut state.cookies, sealed),
                Err(error) => tracing::warn!(%error, "the session cannot be sealed again"),
            }
        }
    }

    /// Moves the idle deadline of a session in cookies, when that is due. Returns whether it did: the session then has
    /// to be sealed again.
    fn move_deadline_in_cookies(&self, session: &mut Arc<Session>, now: u64) -> bool {
        let sessions = &self.engine.sessions;
        if !session.is_deadline_worth_moving(now, sessions.timeouts) || !self.is_activity() {
            return false;
        }
        Arc::make_mut(session).seen = now;
        sessions.marks.waiting().was_seen(session.id, now);
        // This process may have started after the session's login, and a front-channel log-out needs a known `sid`.
        if let Some(sid) = session.marked_by.sid {
            sessions.marks.has_come(sid);
        }
        true
    }

    /// Opens the large part. When it does not belong to the small one, neither counts.
    pub(super) fn open_data(&self, state: &mut State) -> Option<Arc<SessionData>> {
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

    /// Gives up a session whose two parts do not belong together: neither counts. The cookies are deleted, unless
    /// another replica may be able to read them.
    pub(super) fn drop_halves(&self, state: &mut State) {
        tracing::warn!("the two parts of a session do not belong together; it does not count");
        state.current = None;
        let cookies = &self.engine.sessions.cookies;
        if !cookies.has_foreign(self.header(), Purpose::Data, &cookies.data) {
            self.delete_session_cookies(state);
        }
    }

    /// Seals the small part, and the large one if it is given. Fails if they do not fit into the budget.
    pub(super) fn seal(
        &self,
        session: &Session,
        data: Option<&SessionData>,
        binding: &Binding,
    ) -> Result<Vec<SetCookie>, SessionError> {
        let engine = &self.engine;
        let cookies = &engine.sessions.cookies;
        let keep = engine.sessions.keep(session);
        let head = |session: &Session| {
            let plain = session.encode(binding);
            let name = &cookies.session;
            cookies
                .seal(Purpose::Session.of(session), name, &plain, keep)
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
        let keep = match keep {
            Keep::Seconds(_) => Keep::Seconds(left),
            Keep::BrowserSession => keep,
        };
        let purpose = Purpose::Data.of(session);
        let body = cookies.seal(purpose, &cookies.data, &plain, keep);
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
}
