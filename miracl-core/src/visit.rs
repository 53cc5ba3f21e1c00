//! One request's view of login: what the Tornado SDK's functions took as `handler`.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use crate::{
    config::options::Renewal,
    error::{login::FailureReason, session::SessionError, store::StoreError},
    flow::{callback::NO_LOG_OUT, hook::AuthFailure, login::MAX_DELETIONS},
    miracl::Miracl,
    provider::user_data::UserData,
    receipt::Recorder,
    session::{
        binding::Binding,
        cookies::{BUDGET, Cookies, Keep, Ours, SetCookie},
        data::SessionData,
        identity::{Session, SessionId, User},
        seal::Purpose,
        sessions::Current,
    },
    web::{
        flash::{self, Category, Flash},
        headers::CookieHeader,
        reply::Reply,
    },
};

/// One request's view of login: who is asking, and what this response changes about it.
///
/// Adapters make one for each request that asks for it, and write its cookies to the response. It is lazy: until something
/// is asked of it, nothing is opened or looked up. Clones are the same visit.
#[derive(Clone)]
pub struct Visit(Arc<Inner>);

struct Inner {
    miracl: Miracl,
    cookies: CookieHeader,
    /// A `HEAD` or a prefetch, which must change nothing.
    idle: bool,
    /// The request's host name, where it is another than the redirect URI's.
    other_host: Option<String>,
    /// The browser, where this may be a callback whose session is going to a store.
    user_agent: Option<String>,
    state: Mutex<State>,
}

#[derive(Default)]
pub(crate) struct State {
    /// Whether the session was looked for.
    pub(crate) read: bool,
    pub(crate) current: Option<Current>,
    /// A new session that waits for the hook.
    proposed: Option<Proposed>,
    /// The cookies of this response.
    pub(crate) cookies: Vec<SetCookie>,
    /// Messages, once the request's were opened.
    flashes: Option<Vec<Flash>>,
    flashes_changed: bool,
    /// Whether the session was read or written, so that the response must not be stored.
    pub(crate) touched: bool,
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
        cookies: CookieHeader,
        idle: bool,
        other_host: Option<String>,
        user_agent: Option<String>,
    ) -> Self {
        Self(Arc::new(Inner {
            miracl,
            cookies,
            idle,
            other_host,
            user_agent,
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
        if self.miracl().config().renewal == Renewal::Eager {
            // On the heap, as is everything that most requests don't come to: what they wait in stays small.
            Box::pin(self.tokens()).await?;
        }
        Ok(self.session().await?.map(User))
    }

    /// The same, where nothing has to be waited for.
    pub(crate) fn user_at_once(&self) -> Option<Option<User>> {
        if self.miracl().config().renewal == Renewal::Eager {
            return None;
        }
        Some(self.session_now()?.map(User))
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
        let cleared = |data: &SessionData| {
            Some(SessionData {
                tokens: data.tokens.clone(),
                userinfo: serde_json::Map::new(),
                user_agent: data.user_agent.clone(),
            })
        };
        self.change_data(cleared).await
    }

    /// Begins the session of a login that [`complete_login`](Self::complete_login) found good, and ends the one before.
    ///
    /// Adapters call it when `on_auth_success` returned `Ok`. Without a completed login it does nothing.
    ///
    /// # Errors
    ///
    /// [`FailureReason::Session`] when the session cannot be kept, and [`FailureReason::LoggedOut`] when a log-out
    /// arrived since its login began, to be handed to `on_auth_failed`. The session from before stays, but for a store
    /// that fails right between the two: then neither is left.
    ///
    /// A request that is given up in here leaves one session: the old one, or where that had ended already, the new
    /// one.
    pub async fn confirm_login(&self) -> Result<(), AuthFailure> {
        let Some(mut proposed) = self.lock().proposed.take() else {
            return Ok(());
        };
        let flashes = std::mem::take(&mut proposed.flashes);
        // To its end, so that no request that is given up leaves both the session from before and the new one.
        let waiting = Arc::new(());
        let (visit, waited_for) = (self.clone(), Arc::downgrade(&waiting));
        let begin = async move { visit.begin(proposed, &waited_for).await };
        let begun = self.miracl().engine().to_its_end(begin).await;
        drop(waiting);
        let Err(reason) = begun.unwrap_or_else(|error| Err(stored(error))) else {
            return Ok(());
        };
        // What the hook had to say was said too early.
        self.lock().flashes = Some(flashes);
        let (check, section) = match reason {
            FailureReason::LoggedOut => NO_LOG_OUT,
            _ => ("session", "RFC 6265 §6.1"),
        };
        let mut receipt = Recorder::new();
        let failed = receipt.check(check, section, Err::<(), _>(reason));
        failed.map_err(|reason| AuthFailure::new(reason, None, receipt))
    }

    /// Ends the session from before, then gives the new one its full time: at no moment there are both.
    async fn begin(&self, proposed: Proposed, waited_for: &Weak<()>) -> Result<(), FailureReason> {
        let engine = self.miracl().engine();
        // Who was logged in before, if anybody was.
        let before = self.current().await.map_err(FailureReason::Session)?;
        // A log-out elsewhere is noted first and deletes then what is stored: either it is seen here, or the new
        // session is gone.
        engine.marks.catch_up_with_now().await.map_err(stored)?;
        let session = &proposed.current.session;
        let delete = async |id| self.delete_stored(id).await.map_err(FailureReason::Session);
        if engine.marks.is_ended(session) {
            delete(session.id).await?;
            return Err(FailureReason::LoggedOut);
        }
        if waited_for.strong_count() == 0 {
            delete(session.id).await?;
            return Err(stored(StoreError::new("nobody waits for it any more")));
        }
        if before.is_some() {
            // Deletes its cookies as well, should the new one fail.
            self.end_session().await.map_err(FailureReason::Session)?;
        }
        if let Some(before) = proposed.replaces {
            let ended = self.end_by_id(before).await;
            ended.map_err(FailureReason::Session)?;
        }
        let confirmed = self.confirm_stored(&proposed.current).await;
        confirmed.map_err(FailureReason::Session)?;
        let looping = engine
            .loops
            .begin(session, engine.now(), &engine.cookies, self.header());
        self.delete_session_cookies(&mut self.lock());
        if proposed.replaces.is_some() {
            // The request did not show which parts the browser has.
            let data = &engine.cookies.data;
            self.set_cookies(engine.cookies.delete_parts(data, 1));
        }
        self.set_cookies(proposed.cookies.into_iter().chain(looping));
        if let Ok(binding) = self.binding().await {
            self.tell_logins_of(proposed.current.session.id, &binding);
        }
        let mut state = self.lock();
        state.current = Some(proposed.current);
        state.read = true;
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
            let others = self.bytes_after(&state, Some(Ours::Flash));
            match sealed {
                Some(set) if others + set.iter().map(|c| c.len).sum::<usize>() <= BUDGET => {
                    put(&mut state.cookies, set);
                }
                Some(_) => tracing::warn!("there is no room for flash messages beside the session"),
                None if cookies.has(self.header(), name) => {
                    put(&mut state.cookies, [cookies.delete(name)]);
                }
                None => {}
            }
        }
        if state.cookies.is_empty() {
            return Outcome {
                set_cookies: Vec::new(),
                no_store: state.touched,
            };
        }
        self.make_room(&mut state);
        let set_cookies = std::mem::take(&mut state.cookies)
            .into_iter()
            .map(|cookie| cookie.line)
            .collect();
        Outcome {
            set_cookies,
            no_store: true,
        }
    }

    /// The request's host name, where it is another than the redirect URI's.
    pub(crate) fn other_host(&self) -> Option<&str> {
        self.0.other_host.as_deref()
    }

    /// The browser that asks, where its name is going to be kept.
    pub(crate) fn user_agent(&self) -> Option<&str> {
        self.0.user_agent.as_deref()
    }

    pub(crate) fn header(&self) -> &[u8] {
        self.0.cookies.bytes()
    }

    pub(crate) fn set_cookies(&self, set: impl IntoIterator<Item = SetCookie>) {
        put(&mut self.lock().cookies, set);
    }

    /// Keeps a new session, which waits for [`confirm_login`](Self::confirm_login).
    pub(crate) async fn propose(
        &self,
        session: Arc<Session>,
        data: Arc<SessionData>,
        replaces: Option<SessionId>,
    ) -> Result<(), SessionError> {
        let (current, cookies) = self.keep_new(session, data).await?;
        let mut state = self.lock();
        let flashes = self.open_flashes(&mut state).clone();
        state.proposed = Some(Proposed {
            current,
            cookies,
            flashes,
            replaces,
        });
        Ok(())
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

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn binding(&self) -> Result<Binding, SessionError> {
        let engine = self.miracl().engine();
        engine.binding().await.map_err(SessionError::Credentials)
    }

    fn open_flashes<'a>(&self, state: &'a mut State) -> &'a mut Vec<Flash> {
        state.flashes.get_or_insert_with(|| {
            let cookies = &self.miracl().engine().cookies;
            let read = |plain: &[u8]| Some(flash::decode(plain));
            cookies
                .open(self.header(), Purpose::Flash, &cookies.flash, read)
                .unwrap_or_default()
        })
    }

    /// How many bytes of our cookies the browser holds after this response, without the cookie `except`.
    fn bytes_after(&self, state: &State, except: Option<Ours>) -> usize {
        let cookies = &self.miracl().engine().cookies;
        let mut others = state.ours(cookies);
        others.extend(except);
        cookies.sent(self.header(), &others).bytes() + state.bytes()
    }

    /// Drops logins under way, the first of the header first, where the browser would hold more than the budget of
    /// cookies.
    fn make_room(&self, state: &mut State) {
        let cookies = &self.miracl().engine().cookies;
        let grows = state.cookies.iter().any(|cookie| cookie.len > 0);
        if !grows {
            return;
        }
        let sent = cookies.sent(self.header(), &state.ours(cookies));
        let mut bytes = sent.bytes() + state.bytes();
        let deleted = state.cookies.iter().filter(|cookie| cookie.len == 0);
        let more = MAX_DELETIONS.saturating_sub(deleted.count());
        for (number, _, of_it) in sent.first_logins.iter().take(more) {
            if bytes <= BUDGET {
                break;
            }
            bytes = bytes.saturating_sub(*of_it);
            put(
                &mut state.cookies,
                [cookies.delete(&cookies.login_name(*number))],
            );
        }
    }
}

impl State {
    /// Which of our cookies this response sets or deletes.
    pub(crate) fn ours(&self, cookies: &Cookies) -> Vec<Ours> {
        let names = self.cookies.iter().map(|cookie| &cookie.name);
        names.filter_map(|name| cookies.ours(name)).collect()
    }

    /// How many bytes the cookies are that this response sets.
    pub(crate) fn bytes(&self) -> usize {
        self.cookies.iter().map(|cookie| cookie.len).sum()
    }
}

pub(crate) fn stored(error: StoreError) -> FailureReason {
    FailureReason::Session(SessionError::Store(error))
}

/// Adds cookies to a response, each in place of an earlier one of its name.
pub(crate) fn put(cookies: &mut Vec<SetCookie>, set: impl IntoIterator<Item = SetCookie>) {
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
    use crate::{LoginOptions, Route, web::request::tests::Request};

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
