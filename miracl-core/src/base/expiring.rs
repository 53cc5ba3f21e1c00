//! What is kept in the memory of this process for a while: bounded in number, each value with an end of its own, and found so fast
//! that each request may look.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    hash::Hash,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::base::key_hash::KeyHash;

/// Values by keys that are random: ids, or hashes. When there are too many, those go that end first, and of these the oldest: where
/// all last equally long, what was not written for longest. So what is kept for a moment never pushes out what is kept for long.
pub(crate) struct Expiring<K, V> {
    table: RwLock<Table<K, V>>,
    /// Whether the table is empty, for those who need not wait for it.
    is_empty: AtomicBool,
}

struct Table<K, V> {
    capacity: usize,
    entries: HashMap<K, Entry<V>, KeyHash>,
    /// The keys by when they end, and then by when they were written.
    order: BTreeMap<Place, K>,
    written: u64,
}

/// When something ends, if ever, and which writing it was.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    never: bool,
    end: Option<Instant>,
    number: u64,
}

struct Entry<V> {
    value: V,
    place: Place,
}

/// What [`Expiring::change`] makes of a value.
pub(crate) enum Change<V> {
    Keep,
    /// It counts for so long from now on.
    Put(V, Duration),
    Remove,
}

impl<K: Copy + Eq + Hash, V: Clone> Expiring<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            table: RwLock::new(Table {
                capacity,
                entries: HashMap::default(),
                order: BTreeMap::new(),
                written: 0,
            }),
            is_empty: AtomicBool::new(true),
        }
    }

    /// Whether nothing is kept. What has ended may still count as something.
    pub(crate) fn is_empty(&self) -> bool {
        self.is_empty.load(Ordering::Acquire)
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        if self.is_empty() {
            return None;
        }
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let entry = table.entries.get(key)?;
        let lives = entry.place.lives(Instant::now());
        lives.then(|| entry.value.clone())
    }

    /// How many values count.
    pub(crate) fn count(&self) -> usize {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        table.tidy(Instant::now());
        table.entries.len()
    }

    pub(crate) fn insert(&self, key: K, value: V, ttl: Duration) {
        self.change(key, |_| (Change::Put(value, ttl), ()));
    }

    pub(crate) fn remove(&self, key: &K) {
        self.change(*key, |_| (Change::Remove, ()));
    }

    /// Makes something else of a value, or of there being none, while nobody else can.
    pub(crate) fn change<T>(&self, key: K, change: impl FnOnce(Option<&V>) -> (Change<V>, T)) -> T {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let found = table
            .entries
            .get(&key)
            .filter(|entry| entry.place.lives(now));
        let (change, result) = change(found.map(|entry| &entry.value));
        match change {
            Change::Keep => {}
            Change::Remove => {
                table.remove(&key);
            }
            Change::Put(value, ttl) => table.put(key, value, now.checked_add(ttl)),
        }
        table.tidy(now);
        self.is_empty
            .store(table.entries.is_empty(), Ordering::Release);
        result
    }
}

impl<K: Copy + Eq + Hash, V> Table<K, V> {
    fn put(&mut self, key: K, value: V, end: Option<Instant>) {
        self.remove(&key);
        self.written += 1;
        let place = Place {
            never: end.is_none(),
            end,
            number: self.written,
        };
        self.order.insert(place, key);
        self.entries.insert(key, Entry { value, place });
    }

    fn remove(&mut self, key: &K) {
        if let Some(entry) = self.entries.remove(key) {
            self.order.remove(&entry.place);
        }
    }

    /// Takes out what has ended, and what is too much.
    fn tidy(&mut self, now: Instant) {
        while let Some(first) = self.order.first_entry() {
            if first.key().lives(now) && self.entries.len() <= self.capacity {
                return;
            }
            self.entries.remove(&first.remove());
        }
    }
}

impl Place {
    fn lives(&self, now: Instant) -> bool {
        self.end.is_none_or(|end| now < end)
    }
}

impl<K, V> fmt::Debug for Expiring<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expiring").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn key(number: u32) -> [u8; 16] {
        let mut key = [0; 16];
        key[..4].copy_from_slice(&number.to_le_bytes());
        key
    }

    #[test]
    fn a_value_is_found_until_it_ends_or_is_taken_out() {
        let kept = Expiring::new(10);
        assert!(kept.is_empty());
        kept.insert(key(1), "one", LONG);
        kept.insert(key(2), "two", Duration::ZERO);
        assert!(!kept.is_empty());
        assert_eq!((kept.get(&key(1)), kept.get(&key(2))), (Some("one"), None));
        kept.insert(key(1), "another", Duration::MAX);
        assert_eq!(kept.get(&key(1)), Some("another"));
        kept.remove(&key(1));
        kept.remove(&key(9));
        assert_eq!(kept.get(&key(1)), None);
        assert!(kept.is_empty());
    }

    #[test]
    fn when_there_are_too_many_that_last_equally_those_go_that_were_not_written_for_longest() {
        let kept = Expiring::new(3);
        for number in 0..3 {
            kept.insert(key(number), number, LONG);
        }
        kept.insert(key(0), 10, LONG);
        kept.insert(key(3), 3, LONG);
        let found: Vec<_> = (0..4).map(|number| kept.get(&key(number))).collect();
        assert_eq!(found, [Some(10), None, Some(2), Some(3)]);
    }

    #[test]
    fn what_is_kept_for_a_moment_does_not_push_out_what_is_kept_for_long() {
        let kept = Expiring::new(100);
        kept.insert(key(0), 0, LONG);
        kept.insert(key(1), 1, Duration::MAX);
        for number in 2..10_000 {
            kept.insert(key(number), number, LONG / 2);
        }
        let found: Vec<_> = (0..10_000).filter_map(|n| kept.get(&key(n))).collect();
        let last: Vec<_> = [0, 1].into_iter().chain(9_902..10_000).collect();
        assert_eq!(found, last);
        // One that never ends goes last of all.
        for number in 10_000..20_000 {
            kept.insert(key(number), number, LONG);
        }
        assert_eq!((kept.get(&key(0)), kept.get(&key(1))), (None, Some(1)));
    }

    #[test]
    fn what_has_ended_makes_room() {
        let kept = Expiring::new(100);
        for number in 0..50 {
            kept.insert(key(number), number, Duration::ZERO);
        }
        assert!(kept.is_empty(), "each had ended when it was written");
        assert_eq!(kept.count(), 0);
        kept.insert(key(5000), 5000, LONG);
        assert_eq!(kept.count(), 1);
        for number in 0..1000 {
            kept.insert(key(number), number, Duration::ZERO);
        }
        assert_eq!(sizes(&kept), (1, 1));
        assert_eq!(kept.get(&key(5000)), Some(5000));
    }

    #[test]
    fn a_key_that_is_written_again_and_again_takes_one_place() {
        let kept = Expiring::new(1000);
        kept.insert(key(1), 1, LONG);
        for number in 0..10_000 {
            kept.insert(key(2), number, LONG);
        }
        assert_eq!(sizes(&kept), (2, 2));
        assert_eq!(
            (kept.get(&key(1)), kept.get(&key(2))),
            (Some(1), Some(9_999))
        );
        kept.remove(&key(1));
        assert_eq!(sizes(&kept), (1, 1));
    }

    /// How many values there are, and how many places for them.
    fn sizes<V>(kept: &Expiring<[u8; 16], V>) -> (usize, usize) {
        let table = kept.table.read().unwrap();
        (table.entries.len(), table.order.len())
    }

    #[test]
    fn a_change_sees_what_counts_and_says_what_comes_of_it() {
        let kept = Expiring::new(10);
        let add = |found: Option<&u32>| match found {
            Some(number) if *number >= 2 => (Change::Remove, *number),
            Some(number) => (Change::Put(number + 1, LONG), *number),
            None => (Change::Put(1, LONG), 0),
        };
        let told: Vec<u32> = (0..5).map(|_| kept.change(key(7), add)).collect();
        assert_eq!(told, [0, 1, 2, 0, 1]);
        assert_eq!(
            kept.change(key(7), |found| (Change::Keep, found.copied())),
            Some(2)
        );
        kept.insert(key(8), 8, Duration::ZERO);
        assert_eq!(
            kept.change(key(8), |found| (Change::Keep, found.copied())),
            None
        );
    }

    #[test]
    fn of_two_threads_one_is_first() {
        let kept = Expiring::new(100_000);
        let first = |number| {
            kept.change(key(number), |found| {
                (Change::Put((), LONG), found.is_none())
            })
        };
        let wins = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..2)
                .map(|_| scope.spawn(|| (0..20_000).filter(|number| first(*number)).count()))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum::<usize>()
        });
        assert_eq!(wins, 20_000);
    }
}
