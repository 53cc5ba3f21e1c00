//! Sessions kept on the server: what a store must do, for those that come with the engine and for your own.

use std::{fmt, sync::Arc, time::Duration};

use crate::error::store::StoreError;

/// What a session is stored under: the SHA-256 of its id, so that somebody who can read the store cannot log in. For a
/// store that is [`SessionStore::IN_PROCESS`] it is the id itself, which needs no hash there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey(pub [u8; 32]);

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey([redacted])")
    }
}

/// The hash of an issuer and one of its names, a subject or a `sid`. A store finds sessions by it without knowing the
/// name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IndexKey(pub [u8; 16]);

/// A session as a store keeps it.
///
/// Cheap to clone. A store treats the two values as bytes. They are sealed, except for a store that is
/// [`SessionStore::IN_PROCESS`].
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredSession {
    /// Counts the changes. A session begins with 0.
    pub revision: u64,
    /// The person that it belongs to: a hash of the issuer and the subject.
    pub subject: IndexKey,
    /// The session at the provider that it belongs to, if the provider named one: a hash of the issuer and the `sid`.
    pub sid: Option<IndexKey>,
    /// The small value, read by every request that asks who the user is.
    pub head: Arc<[u8]>,
    /// The large value, with tokens and user data.
    pub data: Arc<[u8]>,
}

impl StoredSession {
    /// Puts a session together again from what a store wrote down.
    pub fn new(
        revision: u64,
        subject: IndexKey,
        sid: Option<IndexKey>,
        head: impl Into<Arc<[u8]>>,
        data: impl Into<Arc<[u8]>>,
    ) -> Self {
        Self {
            revision,
            subject,
            sid,
            head: head.into(),
            data: data.into(),
        }
    }
}

impl fmt::Debug for StoredSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredSession")
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

/// Keeps sessions on the server.
///
/// Write the methods as plain `async fn`. Every store must do what
/// [`session_store_contract`](crate::session_store_contract) tests:
///
/// * what was stored is there until its time to live has passed, and not longer;
/// * of two that [`update`](Self::update) the same revision, one succeeds;
/// * what was deleted is gone for everybody, and no update brings it back.
///
/// A store in a table of the process, and its test:
///
/// ```
/// use miracl_core::app::store::{IndexKey, SessionKey, SessionStore, StoreError, StoredSession};
/// use miracl_core::app::store::session_store_contract;
/// use std::collections::HashMap;
/// use std::sync::{Mutex, MutexGuard};
/// use std::time::{Duration, Instant};
///
/// /// The sessions, each with the time when it ends.
/// type Rows = HashMap<SessionKey, (Instant, StoredSession)>;
///
/// #[derive(Default)]
/// struct Table(Mutex<Rows>);
///
/// impl Table {
///     fn rows(&self) -> MutexGuard<'_, Rows> {
///         let mut rows = self.0.lock().expect("nobody panics with the table in hand");
///         rows.retain(|_, (end, _)| *end > Instant::now());
///         rows
///     }
///
///     fn remove(&self, is_wanted: impl Fn(&StoredSession) -> bool) -> u64 {
///         let mut rows = self.rows();
///         let before = rows.len();
///         rows.retain(|_, (_, session)| !is_wanted(session));
///         (before - rows.len()) as u64
///     }
/// }
///
/// impl SessionStore for Table {
///     const PLACE: &'static str = "a table";
///
///     async fn create(&self, key: &SessionKey, session: StoredSession, ttl: Duration) -> Result<(), StoreError> {
///         self.rows().insert(*key, (Instant::now() + ttl, session));
///         Ok(())
///     }
///
///     async fn load(&self, key: &SessionKey) -> Result<Option<StoredSession>, StoreError> {
///         Ok(self.rows().get(key).map(|(_, session)| session.clone()))
///     }
///
///     async fn update(
///         &self,
///         key: &SessionKey,
///         expected: u64,
///         session: StoredSession,
///         ttl: Duration,
///     ) -> Result<bool, StoreError> {
///         let mut rows = self.rows();
///         let row = rows.get_mut(key).filter(|(_, kept)| kept.revision == expected);
///         Ok(row.map(|row| *row = (Instant::now() + ttl, session)).is_some())
///     }
///
///     async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
///         self.rows().remove(key);
///         Ok(())
///     }
///
///     async fn delete_by_sid(&self, sid: &IndexKey) -> Result<u64, StoreError> {
///         Ok(self.remove(|session| session.sid == Some(*sid)))
///     }
///
///     async fn delete_by_subject(&self, subject: &IndexKey) -> Result<u64, StoreError> {
///         Ok(self.remove(|session| session.subject == *subject))
///     }
///
///     async fn list_by_subject(&self, subject: &IndexKey) -> Result<Vec<(SessionKey, StoredSession)>, StoreError> {
///         let rows = self.rows();
///         let theirs = rows.iter().filter(|(_, (_, session))| session.subject == *subject);
///         Ok(theirs.map(|(key, (_, session))| (*key, session.clone())).collect())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// session_store_contract(&Table::default()).await;
/// # }
/// ```
///
/// `miracl-core/tests/sql_store.rs` in this project's repository is a store in an SQL database, to copy.
pub trait SessionStore: Send + Sync + 'static {
    /// Whether sessions stay in the memory of this process. By default `false`, and values are sealed with the app's
    /// cookie keys before they are handed over.
    const IN_PROCESS: bool = false;

    /// Where sessions are kept, for the line that is logged at start: "sessions in …". By default `a store`.
    const PLACE: &'static str = "a store";

    /// Stores a new session for as long as `ttl`. Its key was never used before.
    ///
    /// # Errors
    ///
    /// When it cannot be stored.
    fn create(
        &self,
        key: &SessionKey,
        session: StoredSession,
        ttl: Duration,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Returns a session; `None` when there is none, or its time has passed.
    ///
    /// # Errors
    ///
    /// When the store cannot answer.
    fn load(
        &self,
        key: &SessionKey,
    ) -> impl Future<Output = Result<Option<StoredSession>, StoreError>> + Send;

    /// Replaces a session if it still has the revision `expected`, and gives it a new time to live. Returns whether it
    /// did: `false` when somebody else changed it, or it is gone.
    ///
    /// # Errors
    ///
    /// When it cannot be stored.
    fn update(
        &self,
        key: &SessionKey,
        expected: u64,
        session: StoredSession,
        ttl: Duration,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Deletes a session. One that is not there is no error.
    ///
    /// # Errors
    ///
    /// When it may still be there.
    fn delete(&self, key: &SessionKey) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Deletes every session that belongs to this session at the provider, and returns how many there were.
    ///
    /// # Errors
    ///
    /// When some may still be there.
    fn delete_by_sid(&self, sid: &IndexKey)
    -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Deletes every session of a person, and returns how many there were.
    ///
    /// # Errors
    ///
    /// When some may still be there.
    fn delete_by_subject(
        &self,
        subject: &IndexKey,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Returns every session of a person, in no particular order.
    ///
    /// # Errors
    ///
    /// When they cannot be listed.
    fn list_by_subject(
        &self,
        subject: &IndexKey,
    ) -> impl Future<Output = Result<Vec<(SessionKey, StoredSession)>, StoreError>> + Send;
}
