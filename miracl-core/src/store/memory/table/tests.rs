use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn key(number: u8) -> SessionKey {
    SessionKey([number; 32])
}

fn name(number: u8) -> IndexKey {
    IndexKey([number; 16])
}

fn session(subject: u8, sid: Option<u8>, revision: u64) -> StoredSession {
    StoredSession::new(revision, name(subject), sid.map(name), [1], [2])
}

/// Stores a session that never ends.
fn put(table: &mut Table, number: u8) {
    let now = Instant::now();
    table.insert(key(number), session(7, None, 0), None, now);
}

#[test]
fn a_full_table_drops_what_was_not_used_for_longest_and_its_index() {
    let mut table = Table::new(3);
    for number in [1, 2, 3] {
        put(&mut table, number);
    }
    let now = Instant::now();
    assert!(table.get(&key(1), now).is_some());
    put(&mut table, 4);
    assert_eq!(table.get(&key(2), now), None);
    let listed = table.of(Index::Subject, &name(7), now).into_iter();
    let mut listed: Vec<_> = listed.map(|(key, _)| key).collect();
    listed.sort();
    assert_eq!(listed, [key(1), key(3), key(4)]);
}

#[test]
fn a_list_is_no_use() {
    let mut table = Table::new(2);
    put(&mut table, 1);
    put(&mut table, 2);
    let now = Instant::now();
    assert_eq!(table.of(Index::Subject, &name(7), now).len(), 2);
    put(&mut table, 3);
    assert_eq!(table.get(&key(1), now), None);
    assert!(table.get(&key(2), now).is_some());
}

#[test]
fn a_table_without_room_keeps_nothing() {
    let mut table = Table::new(0);
    put(&mut table, 1);
    assert_eq!(table.len(), 0);
}

#[test]
fn what_nobody_asks_for_again_goes_when_others_come() {
    let mut table = Table::new(1000);
    let began = Instant::now();
    let end = Some(began + Duration::from_secs(1));
    for number in 0..100 {
        table.insert(key(number), session(number, Some(number), 0), end, began);
    }
    let later = began + Duration::from_secs(1);
    for number in 100..150 {
        table.insert(key(number), session(7, None, 0), None, later);
    }
    assert_eq!(table.len(), 50);
    assert_eq!((table.subjects.len(), table.sids.len()), (1, 0));
    // Later sessions have the slots of earlier ones.
    assert!(table.slots.len() <= 100, "{}", table.slots.len());
}

fn lives(end: Option<Instant>, now: Instant) -> bool {
    end.is_none_or(|end| now < end)
}

/// The same table without any optimisation, to compare with.
struct Model {
    capacity: usize,
    /// By their last use, the last one last.
    sessions: Vec<(SessionKey, StoredSession, Option<Instant>)>,
}

impl Model {
    fn take(&mut self, key: &SessionKey) -> Option<(SessionKey, StoredSession, Option<Instant>)> {
        let at = self.sessions.iter().position(|(known, ..)| known == key)?;
        Some(self.sessions.remove(at))
    }

    fn of(&self, index: Index, name: &IndexKey, now: Instant) -> Vec<SessionKey> {
        let has_name = |session: &StoredSession| match index {
            Index::Subject => session.subject == *name,
            Index::Sid => session.sid == Some(*name),
        };
        let sessions = self.sessions.iter();
        let sessions = sessions.filter(|(_, session, end)| has_name(session) && lives(*end, now));
        sessions.map(|(key, ..)| *key).collect()
    }
}

#[derive(Debug, Clone)]
enum Step {
    Insert {
        key: u8,
        subject: u8,
        sid: Option<u8>,
        seconds: Option<u64>,
    },
    Get(u8),
    Remove(u8),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let insert = (
        0..12_u8,
        0..3_u8,
        prop::option::of(3..6_u8),
        prop::option::of(0..9_u64),
    );
    let insert = insert.prop_map(|(key, subject, sid, seconds)| Step::Insert {
        key,
        subject,
        sid,
        seconds,
    });
    let step = prop_oneof![
        3 => insert,
        3 => (0..12_u8).prop_map(Step::Get),
        1 => (0..12_u8).prop_map(Step::Remove),
        1 => (0..5_u64).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..200)
}

proptest! {
    #[test]
    fn a_table_does_what_a_plain_list_would(capacity in 0..10_usize, steps in steps()) {
        let mut table = Table::new(capacity as u64);
        let mut model = Model { capacity, sessions: Vec::new() };
        let mut now = Instant::now();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Insert { key: new, subject, sid, seconds } => {
                    let (key, session) = (key(new), session(subject, sid, number as u64));
                    let end = seconds.map(|seconds| now + Duration::from_secs(seconds));
                    table.insert(key, session.clone(), end, now);
                    model.take(&key);
                    // The table may keep sessions that have ended until it finds them.
                    model.sessions.retain(|(key, _, end)| lives(*end, now) || table.keys.contains_key(key));
                    model.sessions.push((key, session, end));
                    if model.sessions.len() > model.capacity {
                        model.sessions.remove(0);
                    }
                }
                Step::Get(old) => {
                    let found = model.take(&key(old));
                    let found = found.filter(|(_, _, end)| lives(*end, now));
                    let session = found.as_ref().map(|(_, session, _)| session.clone());
                    model.sessions.extend(found);
                    prop_assert_eq!(table.get(&key(old), now), session);
                }
                Step::Remove(old) => {
                    let removed = model.take(&key(old)).map(|(_, session, _)| session);
                    prop_assert_eq!(table.remove(&key(old)), removed);
                }
                Step::Wait(seconds) => now += Duration::from_secs(seconds),
            }
            prop_assert_eq!(table.len(), model.sessions.len());
            let subjects = [0, 1, 2].map(|number| (Index::Subject, number));
            let sids = [3, 4, 5].map(|number| (Index::Sid, number));
            for (index, number) in subjects.into_iter().chain(sids) {
                let listed = table.of(index, &name(number), now).into_iter();
                let mut listed: Vec<_> = listed.map(|(key, _)| key).collect();
                let mut expected = model.of(index, &name(number), now);
                listed.sort();
                expected.sort();
                prop_assert_eq!(listed, expected);
            }
        }
        for (key, session, _) in model.sessions {
            prop_assert_eq!(table.remove(&key), Some(session));
        }
        prop_assert!(table.keys.is_empty() && table.subjects.is_empty() && table.sids.is_empty());
        prop_assert_eq!(table.used_last, None);
        prop_assert_eq!(table.free.len(), table.slots.len());
    }
}
