//! What a store has of a session: two values, sealed unless they stay in this process.

use std::{
    sync::{Arc, OnceLock},
    task::Poll,
    time::Duration,
};

use ring::digest;

use crate::{
    base::{clock::Clock, hex::hex_after},
    config::check::Checked,
    error::{provider::ProviderError, session::SessionError, store::StoreError},
    provider::{client::Client, logout_token},
    session::{
        binding::Binding,
        cookies::Cookies,
        data::SessionData,
        ended::Until,
        identity::{Session, SessionId, Timeouts},
        loops::Loops,
        marks::Marks,
        seal::Purpose,
    },
    store::sessions::{ErasedStore, IndexKey, SessionKey, SessionStorage, StoredSession},
};

/// What the two values of a stored session are bound to besides its key.
const HEAD: &str = "head";
const DATA: &str = "data";

/// The revision of a new session, which waits for its hook. To confirm it is the first change.
pub(crate) const NEW: u64 = 0;
/// The revision after which there is none. No session is changed that often: one that has it was written by somebody
/// else, and counts for nothing.
const LAST: u64 = u64::MAX;

/// The revision of what comes in place of a stored session.
pub(crate) fn next(stored: &StoredSession) -> u64 {
    stored.revision.saturating_add(1)
}

/// The sessions of one app: where they are kept, how long they live, and which have ended.
pub(crate) struct Sessions {
    pub(crate) timeouts: Timeouts,
    store: SessionStorage,
    pub(crate) cookies: Cookies,
    pub(crate) marks: Marks,
    pub(crate) loops: Loops,
    clock: Clock,
    binding: OnceLock<Binding>,
}

impl Sessions {
    pub(crate) fn new(checked: &Checked) -> Self {
        let config = &checked.config;
        Self {
            timeouts: Timeouts {
                idle: config.session_idle_timeout.as_secs(),
                absolute: config.session_absolute_timeout.as_secs(),
            },
            store: config.session_store.clone(),
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
        if self.stays_here() {
            return SessionKey(id.0);
        }
        let mut key = SessionKey([0; 32]);
        key.0
            .copy_from_slice(digest::digest(&digest::SHA256, &id.0).as_ref());
        key
    }

    /// Whether stored sessions stay in this process.
    fn stays_here(&self) -> bool {
        self.store().is_none_or(ErasedStore::in_process)
    }

    /// How long a session lives from now on, if nobody asks for it again.
    pub(crate) fn time_left(&self, session: &Session) -> Duration {
        let left = session.ends(self.timeouts).saturating_sub(self.now());
        Duration::from_secs(left).min(Duration::from_secs(self.timeouts.idle))
    }

    /// Reads the small part of a session that lives, and was made for this client.
    pub(crate) fn living(&self, plain: &[u8], binding: &Binding, now: u64) -> Option<Arc<Session>> {
        Session::decode(plain, binding)
            .filter(|session| session.is_alive(now, self.timeouts))
            .filter(|session| !self.marks.is_ended(session))
    }

    /// Reads the session that a `Cookie` header has, if it has one. `None` where somebody has to be waited for, or
    /// something about the response to change.
    pub(crate) fn read_at_once(&self, header: &[u8], binding: &Binding) -> Option<Option<Current>> {
        let now = self.now();
        let unchanged = |session: &Session| !session.is_worth_moving(now, self.timeouts);
        let current = match self.store() {
            None => {
                // One that has ended is left as it is: the next login replaces it.
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
                Current::in_cookies(session)
            }
            Some(store) => {
                let mut found = None;
                for id in self.cookies.ids(header) {
                    if !store.in_process() {
                        return None;
                    }
                    let key = self.key_of(id);
                    let Poll::Ready(Ok(stored)) = store.load_now(&key) else {
                        return None;
                    };
                    found = stored.and_then(|stored| self.current(id, &key, stored, binding, now));
                    if found.is_some() {
                        break;
                    }
                }
                let Some(current) = found else {
                    return Some(None);
                };
                current
            }
        };
        unchanged(&current.session).then(|| {
            self.loops.seen(&current.session, now);
            Some(current)
        })
    }

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
            .zip(self.seal_stored(key, DATA, data));
        let (head, data) = sealed.ok_or_else(|| {
            SessionError::Store(StoreError::new("the session is too large to be sealed"))
        })?;
        let sid = session.marked_by.sid;
        let subject = session.marked_by.subject;
        Ok(StoredSession::new(revision, subject, sid, head, data))
    }

    pub(crate) fn head_to_store(
        &self,
        key: &SessionKey,
        session: &Session,
        binding: &Binding,
    ) -> Option<Arc<[u8]>> {
        self.seal_stored(key, HEAD, session.encode(binding))
    }

    /// Reads the small part of a stored session that somebody came with the id of. It counts under its own id only.
    pub(crate) fn current(
        &self,
        id: SessionId,
        key: &SessionKey,
        stored: StoredSession,
        binding: &Binding,
        now: u64,
    ) -> Option<Current> {
        let read = |plain: &[u8]| self.living(plain, binding, now);
        let living = self.open_stored(key, HEAD, &stored.head, read);
        let mine = |session: &Arc<Session>| session.id == id && stored.revision != LAST;
        let Some(mut session) = living.filter(mine) else {
            tracing::debug!("a stored session has ended, or was sealed for somebody else");
            return None;
        };
        if session.is_doubtful {
            let data = self.read_stored_data(&session, &stored);
            Arc::make_mut(&mut session).look_at_email_again(data.as_ref());
        }
        Some(Current {
            session,
            data: None,
            stored: Some(stored),
        })
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
        mine.then(|| self.read_stored_data(&session, stored))
            .flatten()
    }

    /// Reads the small part of a session that was listed, if it is one: a new one that waits for its hook is none yet.
    /// Nobody has come with its id, so it must name its own key.
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

    pub(crate) fn read_stored_data(
        &self,
        session: &Session,
        stored: &StoredSession,
    ) -> Option<SessionData> {
        let read = |plain: &[u8]| SessionData::decode(plain, session);
        self.open_stored(&self.key_of(session.id), DATA, &stored.data, read)
    }

    /// Seals what leaves this process, bound to the session's key and to which of its two values it is.
    fn seal_stored(&self, key: &SessionKey, part: &str, plain: Vec<u8>) -> Option<Arc<[u8]>> {
        if self.stays_here() {
            return Some(plain.into());
        }
        let sealed = self
            .cookies
            .seal_value(Purpose::Stored, &bound_to(key, part), &plain);
        sealed.map(|sealed| sealed.into_bytes().into())
    }

    fn open_stored<T>(
        &self,
        key: &SessionKey,
        part: &str,
        value: &[u8],
        read: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Option<T> {
        if self.stays_here() {
            return read(value);
        }
        let plain = self
            .cookies
            .open_value(Purpose::Stored, &bound_to(key, part), value)?;
        read(&plain)
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

/// The name that a stored value is bound to: it opens in its own place only.
fn bound_to(key: &SessionKey, part: &str) -> String {
    hex_after([part, " "], &key.0)
}

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
