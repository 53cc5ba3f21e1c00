//! Marks in a real Redis.

use std::time::Duration;

use super::*;

pub(super) async fn redis_keeps_the_contract_of_marks() {
    let server = Server::start(NOTHING);
    mark_store_contract(&server.store()).await;
}

/// Makes one mark of every kind, and reads the list.
async fn mark(store: &RedisStore, number: u8) -> Vec<u8> {
    let (key, owner) = (MarkKey([number; 32]), LeaseOwner([number; 16]));
    assert!(store.use_once(&key, LONG).await.unwrap());
    for list in NoteList::ALL {
        store.note(list, &[number], LONG).await.unwrap();
    }
    let leased = store.lease(&key, &owner, LONG).await.unwrap();
    assert_eq!(leased, Lease::Taken);
    let notes = store.notes_since(NoteList::Proven, None).await.unwrap();
    notes.position
}

pub(super) async fn every_mark_has_an_end() {
    let server = Server::start(NOTHING);
    let store = server.store();
    mark(&store, 1).await;
    let settled = LeaseOwner([1; 16]);
    let key = MarkKey([1; 32]);
    assert!(store.settle(&key, &settled, b"value", LONG).await.unwrap());
    let keys = server.keys();
    assert_eq!(keys.len(), 4, "{keys:?}");
    let mut client = server.client();
    for key in keys {
        let left: i64 = client.pttl(&key).unwrap();
        assert!(left > 0, "{key} has no end");
    }
    // A note whose time has passed goes with the next one.
    let list = NoteList::Unproven;
    let short = Duration::from_millis(1);
    store.note(list, b"short", short).await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    store.note(list, b"next", short).await.unwrap();
    let notes = store.notes_since(list, None).await.unwrap().notes;
    assert_eq!(notes, [b"next"]);
}

pub(super) async fn a_list_that_was_lost_is_read_from_its_beginning() {
    let server = Server::start(NOTHING);
    let store = server.store();
    let list = NoteList::Proven;
    for number in 1..=3 {
        mark(&store, number).await;
    }
    let position = mark(&store, 4).await;
    let none = store.notes_since(list, Some(&position)).await.unwrap();
    assert_eq!(none.notes, Vec::<Vec<u8>>::new());
    let _: () = server.client().del("miracl:ended").unwrap();
    store.note(list, &[5], LONG).await.unwrap();
    let again = store.notes_since(list, Some(&position)).await.unwrap();
    assert_eq!(again.notes, [[5]]);
    // More than one page.
    for number in 0..2500_u32 {
        let note = number.to_be_bytes();
        store.note(list, &note, LONG).await.unwrap();
    }
    let all = store
        .notes_since(list, Some(&again.position))
        .await
        .unwrap();
    let numbers: Vec<_> = (0..2500_u32).map(|n| n.to_be_bytes().to_vec()).collect();
    assert_eq!(all.notes, numbers);
}

pub(super) async fn marks_survive_a_redis_that_is_killed_and_comes_back() {
    let mut server = Server::start(NOTHING);
    let store = server.store();
    let position = mark(&store, 1).await;
    server.kill();
    let began = Instant::now();
    let key = MarkKey([1; 32]);
    assert!(store.use_once(&key, LONG).await.is_err());
    assert!(store.note(NoteList::Proven, b"x", LONG).await.is_err());
    assert!(store.notes_since(NoteList::Proven, None).await.is_err());
    assert!(began.elapsed() < PATIENCE, "it hangs");
    server.restart();
    assert!(!store.use_once(&key, LONG).await.unwrap());
    let other = LeaseOwner([9; 16]);
    let held = store.lease(&key, &other, LONG).await.unwrap();
    assert_eq!(held, Lease::Held);
    store.note(NoteList::Proven, b"y", LONG).await.unwrap();
    let new = store.notes_since(NoteList::Proven, Some(&position)).await;
    assert_eq!(new.unwrap().notes, [b"y"]);
}
