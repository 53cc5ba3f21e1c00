//! Marks in the memory of this process.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    base::expiring::{Change, Expiring},
    error::store::StoreError,
    store::marks::{Lease, LeaseOwner, MarkKey, MarkStore, NoteList, Notes},
};

/// How many used names, and how many leases, are kept. The oldest go first.
const CAPACITY: usize = 100_000;

/// Keeps marks in the memory of this process, bounded in number: for several engines of one app, and for tests.
///
/// An engine without a [`Config::marks_store`](crate::Config::marks_store) has one of its own.
pub struct MemoryMarkStore {
    used: Expiring<MarkKey, ()>,
    leases: Expiring<MarkKey, Leased>,
    lists: [Mutex<List>; 2],
}

#[derive(Clone)]
enum Leased {
    By(LeaseOwner),
    Settled(Vec<u8>),
}

#[derive(Default)]
struct List {
    /// The number of the first note that is still there.
    first: u64,
    notes: VecDeque<(Vec<u8>, Option<Instant>)>,
}

impl Default for MemoryMarkStore {
    fn default() -> Self {
        Self {
            used: Expiring::new(CAPACITY),
            leases: Expiring::new(CAPACITY),
            lists: Default::default(),
        }
    }
}

impl MemoryMarkStore {
    fn list(&self, list: NoteList) -> MutexGuard<'_, List> {
        let [proven, unproven] = &self.lists;
        let list = match list {
            NoteList::Proven => proven,
            NoteList::Unproven => unproven,
        };
        list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MarkStore for MemoryMarkStore {
    const PLACE: &'static str = "the memory of this process";

    async fn use_once(&self, key: &MarkKey, ttl: Duration) -> Result<bool, StoreError> {
        Ok(self.used.change(*key, |found| match found {
            Some(()) => (Change::Keep, false),
            None => (Change::Put((), ttl), true),
        }))
    }

    async fn forget(&self, key: &MarkKey) -> Result<(), StoreError> {
        self.used.remove(key);
        Ok(())
    }

    async fn note(&self, list: NoteList, note: &[u8], ttl: Duration) -> Result<(), StoreError> {
        let now = Instant::now();
        let mut kept = self.list(list);
        let ends = now.checked_add(ttl);
        kept.notes.push_back((note.to_owned(), ends));
        while kept.notes.len() > list.capacity()
            || kept
                .notes
                .front()
                .is_some_and(|(_, ends)| ends.is_some_and(|ends| ends <= now))
        {
            kept.notes.pop_front();
            kept.first += 1;
        }
        Ok(())
    }

    async fn notes_since(
        &self,
        list: NoteList,
        position: Option<&[u8]>,
    ) -> Result<Notes, StoreError> {
        let kept = self.list(list);
        let since = position
            .and_then(|position| position.try_into().ok())
            .map_or(0, u64::from_le_bytes);
        let skipped = usize::try_from(since.saturating_sub(kept.first)).unwrap_or(usize::MAX);
        let now = Instant::now();
        let notes = kept.notes.iter().skip(skipped);
        let notes = notes.filter(|(_, ends)| ends.is_none_or(|ends| ends > now));
        let notes = notes.map(|(note, _)| note.clone()).collect();
        let next = kept.first + kept.notes.len() as u64;
        Ok(Notes::new(notes, next.to_le_bytes().to_vec()))
    }

    async fn lease(
        &self,
        key: &MarkKey,
        owner: &LeaseOwner,
        ttl: Duration,
    ) -> Result<Lease, StoreError> {
        Ok(self.leases.change(*key, |found| match found {
            Some(Leased::Settled(value)) => (Change::Keep, Lease::Settled(value.clone())),
            Some(Leased::By(other)) if other != owner => (Change::Keep, Lease::Held),
            _ => (Change::Put(Leased::By(*owner), ttl), Lease::Taken),
        }))
    }

    async fn settle(
        &self,
        key: &MarkKey,
        owner: &LeaseOwner,
        value: &[u8],
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        Ok(self.leases.change(*key, |found| {
            if is_of(found, owner) {
                (Change::Put(Leased::Settled(value.to_owned()), ttl), true)
            } else {
                (Change::Keep, false)
            }
        }))
    }

    async fn release(&self, key: &MarkKey, owner: &LeaseOwner) -> Result<(), StoreError> {
        self.leases.change(*key, |found| {
            if is_of(found, owner) {
                (Change::Remove, ())
            } else {
                (Change::Keep, ())
            }
        });
        Ok(())
    }
}

fn is_of(found: Option<&Leased>, owner: &LeaseOwner) -> bool {
    matches!(found, Some(Leased::By(by)) if by == owner)
}

impl fmt::Debug for MemoryMarkStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryMarkStore").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mark_store_contract;

    #[tokio::test]
    async fn memory_keeps_the_contract_of_marks() {
        mark_store_contract(&MemoryMarkStore::default()).await;
    }

    #[test]
    fn of_two_threads_that_use_a_name_at_once_one_is_first() {
        let runtime = || {
            tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap()
        };
        let store = MemoryMarkStore::default();
        for round in 0..2000_u32 {
            let start = std::sync::Barrier::new(2);
            let mut key = MarkKey([0; 32]);
            key.0[..4].copy_from_slice(&round.to_le_bytes());
            let wins = std::thread::scope(|scope| {
                let [a, b] = [(); 2].map(|()| {
                    scope.spawn(|| {
                        start.wait();
                        let used = store.use_once(&key, Duration::from_secs(60));
                        runtime().block_on(used).unwrap()
                    })
                });
                usize::from(a.join().unwrap()) + usize::from(b.join().unwrap())
            });
            assert_eq!(wins, 1, "round {round}");
        }
    }

    #[tokio::test]
    async fn the_lists_are_bounded_each_by_itself() {
        let store = MemoryMarkStore::default();
        let ttl = Duration::from_secs(60);
        store.note(NoteList::Proven, b"one", ttl).await.unwrap();
        for number in 0..30_000_u32 {
            let note = number.to_le_bytes();
            store.note(NoteList::Unproven, &note, ttl).await.unwrap();
        }
        let unproven = store.notes_since(NoteList::Unproven, None).await.unwrap();
        assert_eq!(unproven.notes.len(), NoteList::Unproven.capacity());
        let proven = store.notes_since(NoteList::Proven, None).await.unwrap();
        assert_eq!(proven.notes, [b"one"]);
    }
}
