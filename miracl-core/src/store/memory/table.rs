//! The sessions of a [`MemoryStore`](super::MemoryStore): found by key, by person and by `sid`, and in the order of
//! their last use.
//!
//! Every session has a slot, and the lists that it is in are rings of slots. So an index needs four bytes for each
//! session, removing a session needs no search, and no list can name a session that is not there.

use std::{collections::HashMap, time::Instant};

use crate::{
    base::key_hash::KeyHash,
    store::sessions::{IndexKey, SessionKey, StoredSession},
};

/// How many slots are checked for ended sessions at each write. In the long run, the ended sessions that are not found
/// yet are a seventh of the living ones.
const SWEPT: usize = 4;

/// Where a session is.
type Slot = u32;

pub(crate) struct Table {
    capacity: usize,
    slots: Vec<Option<Entry>>,
    free: Vec<Slot>,
    keys: HashMap<SessionKey, Slot, KeyHash>,
    /// The first session of each person.
    subjects: HashMap<IndexKey, Slot>,
    /// The first session of each `sid`.
    sids: HashMap<IndexKey, Slot>,
    /// The session that was used last. Before it in its ring is the least recently used one.
    used_last: Option<Slot>,
    /// The slot to be looked at next for a session that has ended.
    hand: usize,
}

struct Entry {
    key: SessionKey,
    session: StoredSession,
    /// `None` is never.
    end: Option<Instant>,
    links: [Link; 3],
}

/// The neighbours in a ring; a slot that is alone is its own.
#[derive(Clone, Copy)]
struct Link {
    before: Slot,
    after: Slot,
}

/// Which of its rings a slot is in: that of all sessions by their last use, or one of an [`Index`].
type Ring = usize;

const USE: Ring = 0;

/// What sessions are found by, besides their keys.
#[derive(Clone, Copy)]
pub(crate) enum Index {
    Subject = 1,
    Sid = 2,
}

impl Table {
    pub(super) fn new(capacity: u64) -> Self {
        Self {
            capacity: Slot::try_from(capacity).unwrap_or(Slot::MAX) as usize,
            slots: Vec::new(),
            free: Vec::new(),
            keys: HashMap::default(),
            subjects: HashMap::new(),
            sids: HashMap::new(),
            used_last: None,
            hand: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Returns a session that has not ended, and counts that as its use.
    pub(super) fn get(&mut self, key: &SessionKey, now: Instant) -> Option<StoredSession> {
        let slot = *self.keys.get(key)?;
        if self.entry(slot).has_ended(now) {
            self.take(slot);
            return None;
        }
        if self.used_last != Some(slot) {
            self.unlink(USE, slot);
            self.link(USE, slot, self.used_last);
            self.used_last = Some(slot);
        }
        Some(self.entry(slot).session.clone())
    }

    /// Stores a session, and replaces the one that had its key. Makes room for it first.
    pub(super) fn insert(
        &mut self,
        key: SessionKey,
        session: StoredSession,
        end: Option<Instant>,
        now: Instant,
    ) {
        self.remove(&key);
        self.sweep(now);
        if self.capacity == 0 {
            return;
        }
        if self.len() >= self.capacity
            && let Some(used_last) = self.used_last
        {
            let unused_for_longest = self.entry(used_last).links[USE].before;
            self.take(unused_for_longest);
        }
        let (subject, sid) = (session.subject, session.sid);
        let slot = self.place(Entry {
            key,
            session,
            end,
            links: [Link {
                before: 0,
                after: 0,
            }; 3],
        });
        self.keys.insert(key, slot);
        self.link(USE, slot, self.used_last);
        self.used_last = Some(slot);
        let first = self.subjects.insert(subject, slot);
        self.link(Index::Subject as Ring, slot, first);
        if let Some(sid) = sid {
            let first = self.sids.insert(sid, slot);
            self.link(Index::Sid as Ring, slot, first);
        }
    }

    /// Takes a session out.
    pub(super) fn remove(&mut self, key: &SessionKey) -> Option<StoredSession> {
        let slot = *self.keys.get(key)?;
        Some(self.take(slot))
    }

    /// The sessions of a person, or of a `sid`, that have not ended.
    pub(super) fn of(
        &mut self,
        index: Index,
        name: &IndexKey,
        now: Instant,
    ) -> Vec<(SessionKey, StoredSession)> {
        let mut found = Vec::new();
        let Some(&first) = self.names(index).get(name) else {
            return found;
        };
        let mut slot = first;
        loop {
            let entry = self.entry(slot);
            if !entry.has_ended(now) {
                found.push((entry.key, entry.session.clone()));
            }
            slot = entry.links[index as Ring].after;
            if slot == first {
                return found;
            }
        }
    }

    /// Looks for sessions that have ended, from where it stopped the last time.
    fn sweep(&mut self, now: Instant) {
        for _ in 0..SWEPT.min(self.slots.len()) {
            self.hand = (self.hand + 1) % self.slots.len();
            let entry = self.slots[self.hand].as_ref();
            if let Some(ended) = entry.filter(|entry| entry.has_ended(now)) {
                let key = ended.key;
                self.remove(&key);
            }
        }
    }

    fn place(&mut self, entry: Entry) -> Slot {
        if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = Some(entry);
            return slot;
        }
        self.slots.push(Some(entry));
        // There are never more slots than `capacity`, which is one of these.
        (self.slots.len() - 1) as Slot
    }

    fn take(&mut self, slot: Slot) -> StoredSession {
        let (key, subject, sid) = {
            let entry = self.entry(slot);
            (entry.key, entry.session.subject, entry.session.sid)
        };
        self.keys.remove(&key);
        let next = self.unlink(USE, slot);
        if self.used_last == Some(slot) {
            self.used_last = next;
        }
        for (index, name) in [(Index::Subject, Some(subject)), (Index::Sid, sid)] {
            let Some(name) = name else { continue };
            let next = self.unlink(index as Ring, slot);
            let names = self.names(index);
            match next {
                Some(next) if names.get(&name) == Some(&slot) => drop(names.insert(name, next)),
                Some(_) => {}
                None => drop(names.remove(&name)),
            }
        }
        self.free.push(slot);
        let entry = self.slots[slot as usize].take();
        entry.expect(IN_USE).session
    }

    fn names(&mut self, index: Index) -> &mut HashMap<IndexKey, Slot> {
        match index {
            Index::Subject => &mut self.subjects,
            Index::Sid => &mut self.sids,
        }
    }

    /// Puts a slot before the first of its ring.
    fn link(&mut self, ring: Ring, slot: Slot, first: Option<Slot>) {
        let after = first.unwrap_or(slot);
        let before = first.map_or(slot, |first| self.neighbours(ring, first).before);
        *self.neighbours(ring, slot) = Link { before, after };
        self.neighbours(ring, before).after = slot;
        self.neighbours(ring, after).before = slot;
    }

    /// Takes a slot out of its ring, and returns what came after it there.
    fn unlink(&mut self, ring: Ring, slot: Slot) -> Option<Slot> {
        let Link { before, after } = *self.neighbours(ring, slot);
        self.neighbours(ring, before).after = after;
        self.neighbours(ring, after).before = before;
        (after != slot).then_some(after)
    }

    fn neighbours(&mut self, ring: Ring, slot: Slot) -> &mut Link {
        &mut self.entry(slot).links[ring]
    }

    fn entry(&mut self, slot: Slot) -> &mut Entry {
        self.slots[slot as usize].as_mut().expect(IN_USE)
    }
}

impl Entry {
    fn has_ended(&self, now: Instant) -> bool {
        self.end.is_some_and(|end| end <= now)
    }
}

const IN_USE: &str = "what is in a ring has a slot";

#[cfg(test)]
mod tests;
