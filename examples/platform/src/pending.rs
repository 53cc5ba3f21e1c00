//! What the platform hands out for a short time: it expires, can be taken once, and is bounded in number.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Mutex;

use crate::sync::lock;
use crate::{clock, random};

/// Values under names that nobody can guess, or of which there is one for each person.
pub(crate) struct Pending<T> {
    /// In seconds.
    lifetime: u64,
    most: usize,
    kept: Mutex<Kept<T>>,
}

struct Kept<T> {
    entries: HashMap<String, Entry<T>>,
    /// The names, the oldest first.
    order: BTreeMap<u64, String>,
    next: u64,
}

struct Entry<T> {
    value: T,
    number: u64,
    expires: u64,
}

impl<T> Pending<T> {
    /// Keeps each value for `lifetime` seconds, and no more than `most` of them: the oldest go first.
    pub(crate) fn new(lifetime: u64, most: usize) -> Self {
        Self {
            lifetime,
            most,
            kept: Mutex::new(Kept {
                entries: HashMap::new(),
                order: BTreeMap::new(),
                next: 0,
            }),
        }
    }

    /// How long a value is kept, in seconds.
    pub(crate) fn lifetime(&self) -> u64 {
        self.lifetime
    }

    /// Keeps a value under a new name, and returns that.
    pub(crate) fn add(&self, value: T) -> String {
        let name = random::token();
        self.put(&name, value);
        name
    }

    /// Keeps a value, in place of an earlier one of that name.
    pub(crate) fn put(&self, name: &str, value: T) {
        let now = clock::now();
        let mut kept = lock(&self.kept);
        kept.remove(name);
        while kept.entries.len() >= self.most || kept.oldest_expires().is_some_and(|at| at <= now) {
            kept.remove_oldest();
        }
        let number = kept.next;
        kept.next += 1;
        kept.order.insert(number, name.to_owned());
        let entry = Entry {
            value,
            number,
            expires: now.saturating_add(self.lifetime),
        };
        kept.entries.insert(name.to_owned(), entry);
    }

    /// Takes a value out: the second who asks for it gets nothing.
    pub(crate) fn take(&self, name: &str) -> Option<T> {
        self.take_if(name, |_| true)
    }

    /// Takes a value out if it fits; otherwise it stays.
    pub(crate) fn take_if(&self, name: &str, fits: impl FnOnce(&T) -> bool) -> Option<T> {
        let mut kept = lock(&self.kept);
        let entry = kept.entries.get(name)?;
        if entry.expires <= clock::now() {
            kept.remove(name);
            return None;
        }
        if !fits(&entry.value) {
            return None;
        }
        kept.remove(name)
    }

    /// Shows a value, and keeps what is changed in it.
    pub(crate) fn with<R>(&self, name: &str, look: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut kept = lock(&self.kept);
        let entry = kept.entries.get_mut(name)?;
        if entry.expires <= clock::now() {
            kept.remove(name);
            return None;
        }
        Some(look(&mut entry.value))
    }

    /// Returns the name of a value that fits. This looks at every value.
    pub(crate) fn find(&self, fits: impl Fn(&T) -> bool) -> Option<String> {
        let (now, kept) = (clock::now(), lock(&self.kept));
        let mut entries = kept.entries.iter();
        let found = entries.find(|(_, entry)| entry.expires > now && fits(&entry.value));
        found.map(|(name, _)| name.clone())
    }

    /// Shows every value, and keeps what is changed.
    pub(crate) fn each(&self, mut look: impl FnMut(&mut T)) {
        for entry in lock(&self.kept).entries.values_mut() {
            look(&mut entry.value);
        }
    }

    #[cfg(test)]
    pub(crate) fn age(&self, seconds: u64) {
        for entry in lock(&self.kept).entries.values_mut() {
            entry.expires -= seconds;
        }
    }
}

impl<T> Kept<T> {
    fn remove(&mut self, name: &str) -> Option<T> {
        let entry = self.entries.remove(name)?;
        self.order.remove(&entry.number);
        Some(entry.value)
    }

    fn oldest_expires(&self) -> Option<u64> {
        let (_, name) = self.order.first_key_value()?;
        Some(self.entries.get(name)?.expires)
    }

    fn remove_oldest(&mut self) {
        if let Some((_, name)) = self.order.pop_first() {
            self.entries.remove(&name);
        }
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("lifetime", &self.lifetime)
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_taken_once_and_only_where_it_fits() {
        let pending = Pending::new(60, 10);
        let name = pending.add(7);
        assert_eq!(pending.take_if(&name, |value| *value == 8), None);
        assert_eq!(pending.with(&name, |value| *value), Some(7));
        assert_eq!(pending.take(&name), Some(7));
        assert_eq!(pending.take(&name), None);
    }

    #[test]
    fn a_value_expires() {
        let pending = Pending::new(60, 10);
        let names = [(); 3].map(|()| pending.add(7));
        pending.age(60);
        assert_eq!(pending.take(&names[0]), None);
        assert_eq!(pending.with(&names[1], |value| *value), None);
        pending.put("new", 8);
        assert_eq!(lock(&pending.kept).entries.len(), 1, "the third is gone");
        assert_eq!(pending.take("new"), Some(8));
    }

    #[test]
    fn the_oldest_makes_room_and_one_name_has_one_value() {
        let pending = Pending::new(60, 3);
        for value in 0..5 {
            pending.put(&value.to_string(), value);
        }
        pending.put("3", 33);
        let kept = ["0", "1", "2", "3", "4"].map(|name| pending.with(name, |value| *value));
        assert_eq!(kept, [None, None, Some(2), Some(33), Some(4)]);
        pending.put("5", 5);
        assert_eq!(pending.take("2"), None);
        let kept = lock(&pending.kept);
        assert_eq!((kept.entries.len(), kept.order.len()), (3, 3));
    }
}
