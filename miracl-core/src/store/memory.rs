//! Sessions in the memory of this process.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use moka::{
    ops::compute::{CompResult, Op},
    policy::EvictionPolicy,
    sync::Cache,
};

use super::{
    IndexKey, SessionKey, SessionStore, StoreError, StoredSession,
    own_time::{OwnTime, Timed},
};

/// Keeps sessions in the memory of this process: they end when it does, and no other replica knows them.
///
/// Bounded: beyond its capacity, the sessions that were not used for longest go. Clones are the same store.
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
pub struct MemoryStore {
    sessions: Cache<SessionKey, Entry>,
    index: Index,
}

type Entry = Timed<StoredSession>;

/// Which sessions belong to a person, or to a session of the provider's. The two kinds of keys are hashes that do not meet.
type Index = Arc<Mutex<HashMap<IndexKey, Vec<SessionKey>>>>;

impl MemoryStore {
    /// 100,000 sessions: some hundred megabytes with usual tokens.
    pub const DEFAULT_CAPACITY: u64 = 100_000;

    /// Makes an empty store for at most so many sessions.
    pub fn new(capacity: u64) -> Self {
        let index = Index::default();
        let gone = Arc::clone(&index);
        let sessions = Cache::builder()
            .max_capacity(capacity)
            // The default policy would turn new sessions away in favour of those that are used often.
            .eviction_policy(EvictionPolicy::lru())
            .expire_after(OwnTime)
            .eviction_listener(move |key: Arc<SessionKey>, entry: Entry, cause| {
                if cause != moka::notification::RemovalCause::Replaced {
                    forget(&gone, &key, &entry.value);
                }
            })
            .build();
        Self { sessions, index }
    }

    fn keys_of(&self, index: IndexKey) -> Vec<SessionKey> {
        lock(&self.index).get(&index).cloned().unwrap_or_default()
    }

    /// Deletes the sessions that are found by this, and returns how many of them were there.
    fn remove(&self, index: IndexKey) -> u64 {
        let removed = self
            .keys_of(index)
            .iter()
            .filter(|&key| self.sessions.remove(key).is_some())
            .count();
        removed as u64
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
        // The index first: a session that is there can always be found.
        for index in [Some(session.subject), session.sid].into_iter().flatten() {
            // Room for one, which is what most people and nearly every session of the provider's have: an empty list would grow to four.
            let mut found = lock(&self.index);
            let keys = found.entry(index).or_insert_with(|| Vec::with_capacity(1));
            keys.push(*key);
        }
        self.sessions.insert(
            *key,
            Entry {
                value: session,
                ttl,
            },
        );
        Ok(())
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<StoredSession>, StoreError> {
        Ok(self.sessions.get(key).map(|entry| entry.value))
    }

    async fn update(
        &self,
        key: &SessionKey,
        expected: u64,
        session: StoredSession,
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        let result = self.sessions.entry(*key).and_compute_with(|found| {
            let same = found.is_some_and(|found| found.value().value.revision == expected);
            if same {
                Op::Put(Entry {
                    value: session,
                    ttl,
                })
            } else {
                Op::Nop
            }
        });
        Ok(matches!(result, CompResult::ReplacedWith(_)))
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.sessions.invalidate(key);
        Ok(())
    }

    async fn delete_by_sid(&self, sid: &IndexKey) -> Result<u64, StoreError> {
        Ok(self.remove(*sid))
    }

    async fn delete_by_subject(&self, subject: &IndexKey) -> Result<u64, StoreError> {
        Ok(self.remove(*subject))
    }

    async fn list_by_subject(
        &self,
        subject: &IndexKey,
    ) -> Result<Vec<(SessionKey, StoredSession)>, StoreError> {
        let keys = self.keys_of(*subject).into_iter();
        let sessions = keys.filter_map(|key| Some((key, self.sessions.get(&key)?.value)));
        Ok(sessions.collect())
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("sessions", &self.sessions.entry_count())
            .finish_non_exhaustive()
    }
}

/// Takes a session out of the index. An update leaves its keys as they are, so that those of the last entry are all there are.
fn forget(index: &Index, key: &SessionKey, session: &StoredSession) {
    let mut index = lock(index);
    for name in [Some(session.subject), session.sid].into_iter().flatten() {
        if let Some(keys) = index.get_mut(&name) {
            keys.retain(|known| known != key);
            if keys.is_empty() {
                index.remove(&name);
            }
        }
    }
}

fn lock(
    index: &Mutex<HashMap<IndexKey, Vec<SessionKey>>>,
) -> MutexGuard<'_, HashMap<IndexKey, Vec<SessionKey>>> {
    index.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::session_store_contract;

    fn session(subject: u8) -> StoredSession {
        StoredSession::new(0, IndexKey([subject; 16]), None, [1], [2])
    }

    #[tokio::test]
    async fn memory_keeps_the_contract_of_stores() {
        session_store_contract(&MemoryStore::default()).await;
    }

    #[tokio::test]
    async fn a_full_store_drops_what_was_not_used_for_longest_and_its_index() {
        let store = MemoryStore::new(100);
        for number in 0..1000_u16 {
            let mut key = SessionKey([0; 32]);
            key.0[..2].copy_from_slice(&number.to_le_bytes());
            let ttl = Duration::from_secs(60);
            store.create(&key, session(7), ttl).await.unwrap();
        }
        store.sessions.run_pending_tasks();
        assert!(store.sessions.entry_count() <= 100);
        let listed = store.list_by_subject(&IndexKey([7; 16])).await.unwrap();
        assert_eq!(listed.len() as u64, store.sessions.entry_count());
        assert_eq!(store.keys_of(IndexKey([7; 16])).len(), listed.len());
    }

    #[test]
    fn debug_shows_no_session() {
        assert_eq!(
            format!("{:?}", MemoryStore::default()),
            "MemoryStore { sessions: 0, .. }"
        );
    }
}
