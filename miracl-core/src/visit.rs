//! One request's view of login: what the Tornado SDK's functions took as `handler`.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    cookies::{BUDGET, Keep, SESSION_BUDGET, SetCookie},
    error::{AuthFailure, FailureReason, SessionError},
    flash::{self, Category, Flash},
    miracl::Miracl,
    receipt::Recorder,
    reply::Reply,
    seal::Purpose,
    session::{Binding, Session, SessionData, SessionId, User},
    userinfo::UserData,
};

/// One request's view of login: who is asking, and what this response changes about it.
///
/// Adapters make one for each request that asks for it, and write its cookies to the response. It is lazy: until something
/// is asked of it, nothing is opened or looked up. Clones are the same visit.
#[derive(Clone)]
pub struct Visit(Arc<Inner>);

struct Inner {
    miracl: Miracl,
    /// The request's `Cookie` header; several are joined.
    header: Vec<u8>,
    /// A `HEAD` or a prefetch, which must change nothing.
    idle: bool,
    /// The request's host name, where it is another than the redirect URI's.
    other_host: Option<String>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Whether the session was looked for.
    read: bool,
    current: Option<Current>,
    /// A new session that waits for the hook.
    proposed: Option<Proposed>,
    /// The cookies of this response.
    cookies: Vec<SetCookie>,
    /// Messages, once the request's were opened.
    flashes: Option<Vec<Flash>>,
    flashes_changed: bool,
    /// Whether the session was read or written, so that the response must not be stored.
    touched: bool,
}

#[derive(Clone)]
pub(crate) struct Current {
    pub(crate) session: Arc<Session>,
    data: Option<Arc<SessionData>>,
}

struct Proposed {
    current: Current,
    cookies: Vec<SetCookie>,
    /// The messages there were before the hook ran.
    flashes: Vec<Flash>,
    /// The session there was when the login began, where the callback comes without its cookies.
    replaces: Option<SessionId>,
}

/// What a visit changes about its response.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Outcome {
    /// The values of `Set-Cookie` headers, one for each cookie.
    pub set_cookies: Vec<String>,
    /// Whether the response must have `Cache-Control: no-store`, because it depends on or changes the session.
    pub no_store: bool,
}

impl Visit {
    pub(crate) fn new(
        miracl: Miracl,
        header: Vec<u8>,
        idle: bool,
        other_host: Option<String>,
    ) -> Self {
        Self(Arc::new(Inner {
            miracl,
            header,
            idle,
            other_host,
            state: Mutex::default(),
        }))
    }

    /// Returns the engine this visit belongs to.
    pub fn miracl(&self) -> &Miracl {
        &self.0.miracl
    }

    /// Returns who is logged in; `None` when nobody is.
    ///
    /// # Errors
    ///
    /// [`SessionError`] when that cannot be told at the moment. It is not the same as nobody.
    pub async fn user(&self) -> Result<Option<User>, SessionError> {
        let current = self.current().await?;
        Ok(current.map(|current| User(current.session)))
    }

    /// Whether somebody is logged in.
    ///
    /// # Errors
    ///
    /// As [`user`](Self::user).
    pub async fn is_authenticated(&self) -> Result<bool, SessionError> {
        Ok(self.user().await?.is_some())
    }

    /// Returns everything the provider said about the person who is logged in.
    ///
    /// # Errors
    ///
    /// As [`user`](Self::user).
    pub async fn user_data(&self) -> Result<Option<UserData>, SessionError> {
        Ok(self.data().await?.map(|data| UserData::from(&*data)))
    }

    /// Forgets what userinfo said about the person, e-mail address included, and keeps them logged in.
    ///
    /// What the ID token says stays. [`refresh_user_data`](Self::refresh_user_data) fetches the rest again. Nobody logged in
    /// is no error.
    ///
    /// # Errors
    ///
    /// As [`user`](Self::user).
    pub async fn clear_user_info(&self) -> Result<(), SessionError> {
        let (Some(current), Some(data)) = (self.current().await?, self.data().await?) else {
            return Ok(());
        };
        let cleared = SessionData {
            tokens: data.tokens.clone(),
            userinfo: serde_json::Map::new(),
        };
        let user_data = UserData::from(&cleared);
        self.replace_data(&current.session, cleared, &user_data)
            .await
    }

    /// Begins the session of a login that [`complete_login`](Self::complete_login) found good, and ends the one before.
    ///
    /// Adapters call it when `on_auth_success` returned `Ok`. Without a completed login it does nothing.
    ///
    /// # Errors
    ///
    /// [`FailureReason::Session`] when the session cannot be kept, to be handed to `on_auth_failed`; the old one stays.
    pub async fn confirm_login(&self) -> Result<(), AuthFailure> {
        let Some(proposed) = self.lock().proposed.take() else {
            return Ok(());
        };
        // Who was logged in before, if anybody was.
        let before = match self.current().await {
            Ok(before) => before,
            Err(error) => {
                // What the hook had to say was said too early.
                self.lock().flashes = Some(proposed.flashes);
                let mut receipt = Recorder::new();
                let failed = Err::<(), _>(FailureReason::Session(error));
                return receipt
                    .check("session", "RFC 6265 §6.1", failed)
                    .map_err(|reason| AuthFailure::new(reason, None, receipt));
            }
        };
        let engine = self.miracl().engine();
        let begun = &proposed.current.session;
        let looping = engine
            .loops
            .begin(begun, engine.now(), &engine.cookies, &self.0.header);
        self.delete_session_cookies(&mut self.lock());
        if proposed.replaces.is_some() {
            // The request did not show which parts the browser has.
            let data = &engine.cookies.data;
            self.set_cookies(engine.cookies.delete_parts(data, 1));
        }
        self.set_cookies(proposed.cookies.into_iter().chain(looping));
        let mut state = self.lock();
        state.current = Some(proposed.current);
        state.read = true;
        drop(state);
        let before = before.map(|before| before.session.id);
        for ended in before.into_iter().chain(proposed.replaces) {
            engine.marks.end_session(ended);
        }
        Ok(())
    }

    /// Drops a completed login that the app turned down. The session from before stays.
    pub fn reject_login(&self) {
        self.lock().proposed = None;
    }

    /// Shows a message once: on this response if it takes the messages later on, otherwise on the next page that does.
    #[doc(alias = "flash_message")]
    pub fn flash(&self, category: Category, text: impl Into<String>) {
        let text = text.into();
        let mut state = self.lock();
        self.open_flashes(&mut state).push(Flash { category, text });
        state.flashes_changed = true;
    }

    /// Takes the messages to show: those of earlier responses and of this one, oldest first.
    ///
    /// It cannot fail: a message that cannot be read is not worth an error page.
    #[doc(alias = "messages")]
    pub async fn take_flashes(&self) -> Vec<Flash> {
        let mut state = self.lock();
        state.touched = true;
        let taken = std::mem::take(self.open_flashes(&mut state));
        state.flashes_changed |= !taken.is_empty();
        taken
    }

    /// Returns what this visit changes about the response. Adapters call it when the response is made, once.
    pub fn finish(&self) -> Outcome {
        let cookies = &self.miracl().engine().cookies;
        let mut state = self.lock();
        if self.0.idle {
            return Outcome {
                set_cookies: Vec::new(),
                no_store: state.touched,
            };
        }
        if std::mem::take(&mut state.flashes_changed) {
            let flashes = state.flashes.clone().unwrap_or_default();
            let name = &cookies.flash;
            let sealed = (!flashes.is_empty())
                .then(|| {
                    let plain = flash::encode(&flashes);
                    cookies.seal(Purpose::Flash, name, &plain, Keep::BrowserSession)
                })
                .flatten();
            let others: usize = self.bytes_after(&state, name);
            match sealed {
                Some(set) if others + set.iter().map(|c| c.len).sum::<usize>() <= BUDGET => {
                    put(&mut state.cookies, set);
                }
                Some(_) => tracing::warn!("there is no room for flash messages beside the session"),
                None if !cookies.names_of_parts(&self.0.header, name).is_empty() => {
                    put(&mut state.cookies, [cookies.delete(name)]);
                }
                None => {}
            }
        }
        let set_cookies: Vec<String> = std::mem::take(&mut state.cookies)
            .into_iter()
            .map(|cookie| cookie.line)
            .collect();
        Outcome {
            no_store: state.touched || !set_cookies.is_empty(),
            set_cookies,
        }
    }

    /// The request's host name, where it is another than the redirect URI's.
    pub(crate) fn other_host(&self) -> Option<&str> {
        self.0.other_host.as_deref()
    }

    pub(crate) fn header(&self) -> &[u8] {
        &self.0.header
    }

    pub(crate) fn set_cookies(&self, set: impl IntoIterator<Item = SetCookie>) {
        put(&mut self.lock().cookies, set);
    }

    /// Seals a new session, which waits for [`confirm_login`](Self::confirm_login).
    pub(crate) async fn propose(
        &self,
        session: Arc<Session>,
        data: Arc<SessionData>,
        replaces: Option<SessionId>,
    ) -> Result<(), SessionError> {
        let binding = self.binding().await?;
        let cookies = self.seal(&session, Some(&data), &binding)?;
        let mut state = self.lock();
        let flashes = self.open_flashes(&mut state).clone();
        state.proposed = Some(Proposed {
            current: Current {
                session,
                data: Some(data),
            },
            cookies,
            flashes,
            replaces,
        });
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

    /// The answer of the login's routes to a `HEAD` or a prefetch: nothing, and nothing changes.
    pub(crate) fn idle_reply(&self) -> Option<Reply> {
        self.0.idle.then(|| {
            Reply::empty(204)
                .with("cache-control", "no-store")
                .with("vary", "sec-purpose")
        })
    }

    /// Whether this is the visit of a `HEAD` or a prefetch.
    pub(crate) fn changes_nothing(&self) -> bool {
        self.0.idle
    }

    /// Notes that the response depends on this browser, whatever comes of it.
    pub(crate) fn touch(&self) {
        self.lock().touched = true;
    }

    /// Ends the session: deletes its cookies and marks it, so that copies of them are worth nothing.
    pub(crate) fn end_session(&self) {
        if self.0.idle {
            return;
        }
        let ended = self.lock().current.take();
        if let Some(ended) = ended {
            let engine = self.miracl().engine();
            engine.marks.end_session(ended.session.id);
            self.delete_session_cookies(&mut self.lock());
            let counted = &engine.cookies.loops;
            if engine.cookies.plain(&self.0.header, counted).is_some() {
                self.set_cookies([engine.cookies.delete(counted)]);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn binding(&self) -> Result<Binding, SessionError> {
        let engine = self.miracl().engine();
        engine.binding().await.map_err(SessionError::Credentials)
    }

    /// Returns the session, reading it if that was not done yet.
    pub(crate) async fn current(&self) -> Result<Option<Current>, SessionError> {
        {
            let mut state = self.lock();
            state.touched = true;
            if state.read {
                return Ok(state.current.clone());
            }
        }
        let binding = self.binding().await?;
        let mut state = self.lock();
        if !state.read {
            state.read = true;
            self.read_session(&mut state, &binding);
        }
        Ok(state.current.clone())
    }

    /// Opens the small part; moves the idle deadline when that is due, and seals anew what an older key sealed.
    fn read_session(&self, state: &mut State, binding: &Binding) {
        let engine = self.miracl().engine();
        let (config, cookies) = (&engine.config, &engine.cookies);
        let Some(found) = cookies.open(&self.0.header, Purpose::Session, &cookies.session) else {
            return;
        };
        let now = engine.now();
        let Some(mut session) = Session::decode(&found.plain, binding)
            .filter(|session| session.is_alive(now, config))
            .filter(|session| !engine.marks.is_ended(session))
        else {
            tracing::debug!("a session has ended, or belongs to another client");
            return;
        };
        if cookies.nonce(&self.0.header, &cookies.data) != Some(session.data) {
            self.drop_halves(state);
            return;
        }
        engine.loops.seen(&session, now);
        let move_deadline = session.is_worth_moving(now, config);
        if move_deadline {
            session.seen = now;
        }
        state.current = Some(Current {
            session: Arc::new(session),
            data: None,
        });
        if !found.first_key && self.open_data(state).is_none() {
            return;
        }
        if let Some(current) = state.current.clone()
            && (move_deadline || !found.first_key)
        {
            // Both parts together, so that no part stays behind under a key that is about to go.
            let data = current.data.as_deref().filter(|_| !found.first_key);
            match self.seal(&current.session, data, binding) {
                Ok(sealed) => put(&mut state.cookies, sealed),
                Err(error) => tracing::warn!(%error, "the session cannot be sealed again"),
            }
        }
    }

    /// Opens the large part. When it does not belong to the small one, neither counts.
    fn open_data(&self, state: &mut State) -> Option<Arc<SessionData>> {
        let current = state.current.as_mut()?;
        if current.data.is_none() {
            let cookies = &self.miracl().engine().cookies;
            current.data = cookies
                .open_parts(&self.0.header, Purpose::Data, &cookies.data)
                .and_then(|found| SessionData::decode(&found.plain, &current.session))
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
        let cookies = &self.miracl().engine().cookies;
        if !cookies.has_foreign(&self.0.header, Purpose::Data, &cookies.data) {
            self.delete_session_cookies(state);
        }
    }

    /// Writes changed user data, as a new generation of the same session.
    pub(crate) async fn replace_data(
        &self,
        session: &Session,
        data: SessionData,
        user_data: &UserData,
    ) -> Result<(), SessionError> {
        let binding = self.binding().await?;
        let engine = self.miracl().engine();
        if engine.marks.is_ended(session) {
            // Logged out elsewhere in the meantime: a late response must not bring it back.
            self.end_session();
            return Ok(());
        }
        let session = Session {
            generation: session.generation.wrapping_add(1),
            email: user_data.email(),
            email_verified: user_data.email_verified(),
            ..session.clone()
        };
        let sealed = self.seal(&session, Some(&data), &binding)?;
        self.delete_session_cookies(&mut self.lock());
        self.set_cookies(sealed);
        self.lock().current = Some(Current {
            session: Arc::new(session),
            data: Some(Arc::new(data)),
        });
        Ok(())
    }

    /// Seals the small part, and the large one where it is given, within the room there is.
    fn seal(
        &self,
        session: &Session,
        data: Option<&SessionData>,
        binding: &Binding,
    ) -> Result<Vec<SetCookie>, SessionError> {
        let engine = self.miracl().engine();
        let (config, cookies) = (&engine.config, &engine.cookies);
        let left = session.ends(config).saturating_sub(engine.now());
        let keep = Keep::Seconds(left.min(config.session_idle_timeout.as_secs()));
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
    fn delete_session_cookies(&self, state: &mut State) {
        let cookies = &self.miracl().engine().cookies;
        state.cookies.retain(|cookie| {
            cookie.name != cookies.session && !cookie.name.starts_with(&cookies.data)
        });
        for name in [&cookies.session, &cookies.data] {
            let sent = cookies.names_of_parts(&self.0.header, name);
            put(
                &mut state.cookies,
                sent.iter().map(|part| cookies.delete(part)),
            );
        }
    }

    fn open_flashes<'a>(&self, state: &'a mut State) -> &'a mut Vec<Flash> {
        state.flashes.get_or_insert_with(|| {
            let cookies = &self.miracl().engine().cookies;
            cookies
                .open(&self.0.header, Purpose::Flash, &cookies.flash)
                .map(|found| flash::decode(&found.plain))
                .unwrap_or_default()
        })
    }

    /// How many bytes of our cookies the browser holds after this response, without the cookie `except`.
    fn bytes_after(&self, state: &State, except: &str) -> usize {
        let cookies = &self.miracl().engine().cookies;
        let set = |name: &str| state.cookies.iter().any(|cookie| cookie.name == name);
        let stays = cookies.bytes_in(&self.0.header, |name| name == except || set(name));
        let comes: usize = state.cookies.iter().map(|cookie| cookie.len).sum();
        stays + comes
    }
}

/// Adds cookies to a response, each in place of an earlier one of its name.
fn put(cookies: &mut Vec<SetCookie>, set: impl IntoIterator<Item = SetCookie>) {
    for cookie in set {
        cookies.retain(|earlier| earlier.name != cookie.name);
        cookies.push(cookie);
    }
}

impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visit").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LoginOptions, Route, request::tests::Request};

    fn assert_send<T: Send>(_: T) {}

    #[test]
    fn what_a_visit_does_can_cross_threads() {
        let miracl = Miracl::new(crate::Config {
            issuer: "http://127.0.0.1:1".into(),
            client_id: "id".into(),
            client_secret: "secret".into(),
            redirect_uri: "http://127.0.0.1/login".into(),
            cookie_keys: vec![crate::CookieKey::generate()],
            ..crate::Config::default()
        });
        let request = Request::get("/");
        let visit = miracl.unwrap().visit(&request);
        assert_send(visit.user());
        assert_send(visit.login_url_with(LoginOptions::default()));
        assert_send(visit.complete_login(""));
        assert_send(visit.refresh_user_data());
        assert_send(visit.answer(Route::Logout, &request, Some(b"")));
    }
}
