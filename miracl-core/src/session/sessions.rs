//! The sessions of one app: where they are kept, how long they live, and how a request's is read. What a store has of
//! each is in `stored`.

mod stored;

use std::{
    sync::{Arc, OnceLock},
    task::Poll,
    time::Duration,
};

use ring::digest;

use crate::{
    base::clock::Clock,
    config::check::Checked,
    error::provider::ProviderError,
    provider::{client::Client, logout_token},
    session::{
        binding::Binding,
        cookies::{Cookies, set_cookie::Keep},
        data::SessionData,
        identity::{Session, SessionId, Timeouts},
        loops::Loops,
        marks::Marks,
    },
    store::{
        erased::ErasedStore,
        sessions::{SessionKey, StoredSession},
        storage::SessionStorage,
    },
};

/// The revision of a new session, which waits for its hook. Its confirmation is the first change.
pub(crate) const NEW: u64 = 0;
/// The last revision. No session is changed that often: one with this revision was not written by us, and does not
/// count.
const LAST: u64 = u64::MAX;

/// The revision of a session that replaces this one.
pub(crate) fn next(stored: &StoredSession) -> u64 {
    stored.revision.saturating_add(1)
}

/// The sessions of one app: where they are kept, how long they live, and which have ended.
pub(crate) struct Sessions {
    pub(crate) timeouts: Timeouts,
    store: SessionStorage,
    /// Whether stored sessions stay in this process.
    stays_here: bool,
    pub(crate) cookies: Cookies,
    pub(crate) marks: Marks,
    pub(crate) loops: Loops,
    clock: Clock,
    binding: OnceLock<Binding>,
}

impl Sessions {
    pub(crate) fn new(checked: &Checked) -> Self {
        let config = &checked.config;
        let store = config.session_store.clone();
        Self {
            timeouts: Timeouts {
                idle: config.session_idle_timeout.as_secs(),
                absolute: config.session_absolute_timeout.as_secs(),
            },
            stays_here: store.kept_in().is_none_or(ErasedStore::in_process),
            store,
            cookies: Cookies::new(checked),
            marks: Marks::new(config, logout_token::WINDOW + config.clock_skew),
            loops: Loops::new(),
            clock: config.clock.clone(),
            binding: OnceLock::new(),
        }
    }

    /// Seconds since 1970.
    fn now(&self) -> u64 {
        self.clock.now()
    }

    /// The [`binding`](Self::binding), once it is known.
    pub(crate) fn known_binding(&self) -> Option<&Binding> {
        self.binding.get()
    }

    /// What every sealed value carries, so that it counts for this issuer and client only.
    pub(crate) async fn binding(&self, client: &Client) -> Result<Binding, ProviderError> {
        if let Some(known) = self.known_binding() {
            return Ok(known.clone());
        }
        let client_id = client.id().await?;
        let binding = || Binding::new(&client.config.issuer, client_id);
        Ok(self.binding.get_or_init(binding).clone())
    }

    /// The store that sessions are kept in; none when they are in cookies.
    pub(crate) fn store(&self) -> Option<&dyn ErasedStore> {
        self.store.kept_in()
    }

    /// What a session is stored under. A store outside of this process never sees an id.
    pub(crate) fn key_of(&self, id: SessionId) -> SessionKey {
        if self.stays_here {
            return SessionKey(id.0);
        }
        let mut key = SessionKey([0; 32]);
        key.0
            .copy_from_slice(digest::digest(&digest::SHA256, &id.0).as_ref());
        key
    }

    /// How long a session lives from now on, if nobody asks for it again.
    pub(crate) fn time_left(&self, session: &Session) -> Duration {
        let left = session.ends(self.timeouts).saturating_sub(self.now());
        Duration::from_secs(left).min(Duration::from_secs(self.timeouts.idle))
    }

    /// How long a browser keeps the cookie of a session.
    pub(crate) fn keep(&self, session: &Session) -> Keep {
        match session.person.extension().ends_with_browser() {
            true => Keep::BrowserSession,
            false => Keep::Seconds(self.time_left(session).as_secs()),
        }
    }

    /// Reads the small part of a session that lives, and was made for this client.
    #[inline(always)]
    pub(crate) fn living(&self, plain: &[u8], binding: &Binding, now: u64) -> Option<Arc<Session>> {
        Session::decode(plain, binding)
            .filter(|session| session.is_alive(now, self.timeouts))
            .filter(|session| !self.marks.is_ended(session))
    }

    /// Returns the session that a `Cookie` header names, if it began here within the last minute and no page has seen
    /// it yet. It does not count as seen by that.
    pub(crate) fn unseen(&self, header: &[u8], binding: &Binding) -> Option<SessionId> {
        let unseen = |id: &SessionId| self.loops.is_unseen(id);
        if self.store().is_some() {
            return self.cookies.ids(header).find(unseen);
        }
        let read = |plain: &[u8], _| {
            let session = Session::decode(plain, binding)?;
            let data = session.data;
            Some((session.id, data))
        };
        let (id, _) = self.cookies.read_session(header, read)?;
        Some(id).filter(unseen)
    }

    /// Whether a session is not over for longer than its data may be of use: a day.
    pub(crate) fn is_remembered(&self, session: &Session) -> bool {
        const DAY: u64 = 24 * 60 * 60;
        let last = session.created().saturating_add(self.timeouts.absolute);
        self.now() <= last.saturating_add(DAY)
    }

    /// Reads the session of a `Cookie` header, if there is one. `None` if that has to wait, or changes the response.
    pub(crate) fn read_at_once(&self, header: &[u8], binding: &Binding) -> Option<Option<Current>> {
        let now = self.now();
        let (session, stored) = match self.store() {
            None => {
                // The cookies of a session that has ended stay: the next login replaces them.
                let read = |plain: &[u8], first_key| {
                    let session = self.living(plain, binding, now)?;
                    let data = session.data;
                    Some(((session, first_key), data))
                };
                let found = self.cookies.read_session(header, read);
                let Some(((session, first_key), is_whole)) = found else {
                    return Some(None);
                };
                if !first_key || !is_whole {
                    return None;
                }
                (session, None)
            }
            Some(store) => {
                let mut ids = self.cookies.ids(header);
                loop {
                    let Some(id) = ids.next() else {
                        return Some(None);
                    };
                    if !self.stays_here {
                        return None;
                    }
                    let key = self.key_of(id);
                    let Poll::Ready(Ok(stored)) = store.load_now(&key) else {
                        return None;
                    };
                    let Some(stored) = stored else { continue };
                    if let Some(session) = self.read_stored(id, &key, &stored, binding, now) {
                        break (session, Some(stored));
                    }
                }
            }
        };
        if session.is_deadline_worth_moving(now, self.timeouts) {
            return None;
        }
        self.loops.seen(&session, now);
        Some(Some(Current {
            session,
            data: None,
            stored,
        }))
    }
}

/// The session of a request.
#[derive(Clone)]
pub(crate) struct Current {
    pub(crate) session: Arc<Session>,
    pub(crate) data: Option<Arc<SessionData>>,
    /// What the store has, where sessions are kept in one.
    pub(crate) stored: Option<StoredSession>,
}

impl Current {
    pub(crate) fn in_cookies(session: Arc<Session>) -> Self {
        Self {
            session,
            data: None,
            stored: None,
        }
    }
}
