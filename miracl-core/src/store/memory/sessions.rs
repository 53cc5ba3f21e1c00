//! Sessions in the memory of this process.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    error::store::StoreError,
    store::{
        memory::table::{Index, Table},
        sessions::{IndexKey, SessionKey, SessionStore, StoredSession},
    },
};

/// Keeps sessions in the memory of this process: they end when it does, and no other replica knows them.
///
/// Bounded: beyond its capacity, the least recently used sessions are dropped. A session takes about 320 bytes in
/// addition to its content. Clones are the same store.
///
/// ```
/// use miracl_core::{Config, MemoryStore, SessionStorage};
///
/// let config = Config {
///     session_store: SessionStorage::store(MemoryStore::new(MemoryStore::DEFAULT_CAPACITY)),
///     ..Config::default()
/// };
/// ```
#[derive(Clone)]
pub struct MemoryStore(Arc<Mutex<Table>>);

impl MemoryStore {
    /// 100,000 sessions: a few hundred megabytes with usual tokens.
    pub const DEFAULT_CAPACITY: u64 = 100_000;

    /// Makes an empty store for at most this many sessions.
    pub fn new(capacity: u64) -> Self {
        Self(Arc::new(Mutex::new(Table::new(capacity))))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Deletes the sessions of this name in an index, and returns how many there were.
    fn remove(&self, index: Index, name: &IndexKey) -> u64 {
        let mut table = self.table();
        let found = table.of(index, name, Instant::now());
        for (key, _) in &found {
            table.remove(key);
        }
        found.len() as u64
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(Self::DEFAULT_CAPACITY)
    }
}

impl SessionStore for MemoryStore {
    const IN_PROCESS: bool = true;
    const PLACE: &'static str = "the memory of this process";

    async fn create(
        &self,
        key: &SessionKey,
        session: StoredSession,
        ttl: Duration,
    ) -> Result<(), StoreError> {
        let now = Instant::now();
        self.table()
            .insert(*key, session, now.checked_add(ttl), now);
        Ok(())
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<StoredSession>, StoreError> {
        let now = Instant::now();
        Ok(self.table().get(key, now))
    }

    async fn update(
        &self,
        key: &SessionKey,
        expected: u64,
        session: StoredSession,
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        let now = Instant::now();
        let mut table = self.table();
        let found = table.get(key, now);
        let same = found.is_some_and(|found| found.revision == expected);
        if same {
            table.insert(*key, session, now.checked_add(ttl), now);
        }
        Ok(same)
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.table().remove(key);
        Ok(())
    }

    async fn delete_by_sid(&self, sid: &IndexKey) -> Result<u64, StoreError> {
        Ok(self.remove(Index::Sid, sid))
    }

    async fn delete_by_subject(&self, subject: &IndexKey) -> Result<u64, StoreError> {
        Ok(self.remove(Index::Subject, subject))
    }

    async fn list_by_subject(
        &self,
        subject: &IndexKey,
    ) -> Result<Vec<(SessionKey, StoredSession)>, StoreError> {
        Ok(self.table().of(Index::Subject, subject, Instant::now()))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("sessions", &self.table().len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract::sessions::session_store_contract;

    #[tokio::test]
    async fn memory_keeps_the_contract_of_stores() {
        session_store_contract(&MemoryStore::default()).await;
    }

    #[test]
    fn debug_shows_no_session() {
        assert_eq!(
            format!("{:?}", MemoryStore::default()),
            "MemoryStore { sessions: 0, .. }"
        );
    }
}
