//! What every store of marks must do, as a test that stores run on themselves.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{
    base::random::random,
    store::{
        contract::sessions::{LATE, LONG, SHORT, at_once},
        marks::{Lease, LeaseOwner, MarkKey, MarkStore, NoteList},
    },
};

/// Tests that a store does what [`MarkStore`] promises. Call it in the tests of a store of your own, on a Tokio
/// runtime.
///
/// It uses names of its own, so the store may hold other marks, and leaves nothing behind but what expires in ten
/// minutes. It takes a few seconds, because one promise is about time.
///
/// # Panics
///
/// When the store breaks a promise, with the promise's words; and when the store returns an error.
pub async fn mark_store_contract(store: &impl MarkStore) {
    a_name_is_used_once(store).await;
    of_two_that_use_a_name_one_is_first(store).await;
    notes_are_read_from_where_one_was(store).await;
    the_two_lists_have_nothing_in_common(store).await;
    a_lease_is_its_owners_until_it_is_settled_or_given_up(store).await;
    of_two_leases_one_is_taken(store).await;
    only_the_owner_settles_or_gives_up(store).await;
    nothing_is_held_longer_than_its_time(store).await;
}

fn key() -> MarkKey {
    MarkKey(random())
}

async fn use_once(store: &impl MarkStore, key: &MarkKey) -> bool {
    let used = store.use_once(key, LONG).await;
    used.expect("a name can be used")
}

async fn note(store: &impl MarkStore, list: NoteList, note: &[u8]) {
    let noted = store.note(list, note, LONG).await;
    noted.expect("a note can be made");
}

/// The notes since a position, and the next position.
async fn since(
    store: &impl MarkStore,
    list: NoteList,
    position: Option<&[u8]>,
) -> (Vec<Vec<u8>>, Vec<u8>) {
    let notes = store.notes_since(list, position).await;
    let notes = notes.expect("notes can be read");
    (notes.notes, notes.position)
}

async fn lease(store: &impl MarkStore, key: &MarkKey, owner: &LeaseOwner, ttl: Duration) -> Lease {
    let leased = store.lease(key, owner, ttl).await;
    leased.expect("a lease can be made")
}

async fn settle(store: &impl MarkStore, key: &MarkKey, owner: &LeaseOwner, value: &[u8]) -> bool {
    let settled = store.settle(key, owner, value, LONG).await;
    settled.expect("a lease can be settled")
}

async fn release(store: &impl MarkStore, key: &MarkKey, owner: &LeaseOwner) {
    let released = store.release(key, owner).await;
    released.expect("a lease can be given up");
}

async fn a_name_is_used_once(store: &impl MarkStore) {
    let (one, other) = (key(), key());
    assert!(use_once(store, &one).await, "at first it is unused");
    assert!(!use_once(store, &one).await, "what was used is used");
    assert!(use_once(store, &other).await, "and no other");
    let forgotten = store.forget(&one).await;
    forgotten.expect("a use can be taken back");
    assert!(use_once(store, &one).await, "what was taken back is unused");
    assert!(!use_once(store, &other).await, "and no other");
}

async fn of_two_that_use_a_name_one_is_first(store: &impl MarkStore) {
    for _ in 0..50 {
        let key = key();
        let (a, b) = at_once(use_once(store, &key), use_once(store, &key)).await;
        assert!(a != b, "of two that use a name, one is first");
    }
}

async fn notes_are_read_from_where_one_was(store: &impl MarkStore) {
    let list = NoteList::Proven;
    let [first, second, third]: [[u8; 40]; 3] = [random(), random(), random()];
    note(store, list, &first).await;
    let (all, position) = since(store, list, None).await;
    assert!(all.contains(&first.to_vec()), "what was noted is there");
    note(store, list, &second).await;
    note(store, list, &third).await;
    let (new, position) = since(store, list, Some(&position)).await;
    let places = [&second, &third].map(|note| new.iter().position(|each| each == note));
    assert!(
        places[0].is_some() && places[0] < places[1],
        "what is new comes in its order"
    );
    assert!(!new.contains(&first.to_vec()), "and what was read does not");
    let (none, again) = since(store, list, Some(&position)).await;
    for note in [first, second, third] {
        assert!(!none.contains(&note.to_vec()), "nothing is new any more");
    }
    let fourth: [u8; 40] = random();
    note(store, list, &fourth).await;
    let (new, _) = since(store, list, Some(&again)).await;
    assert!(
        new.contains(&fourth.to_vec()),
        "a position holds while nothing happens"
    );
    let (all, _) = since(store, list, None).await;
    for note in [first, second, third, fourth] {
        assert!(
            all.contains(&note.to_vec()),
            "a new reader gets all of them"
        );
    }
}

async fn the_two_lists_have_nothing_in_common(store: &impl MarkStore) {
    for (list, other) in [
        (NoteList::Proven, NoteList::Unproven),
        (NoteList::Unproven, NoteList::Proven),
    ] {
        let text: [u8; 40] = random();
        note(store, list, &text).await;
        assert!(
            since(store, list, None).await.0.contains(&text.to_vec()),
            "a note is in its list"
        );
        assert!(
            !since(store, other, None).await.0.contains(&text.to_vec()),
            "and not in the other"
        );
    }
}

async fn a_lease_is_its_owners_until_it_is_settled_or_given_up(store: &impl MarkStore) {
    let (key, one, two) = (key(), LeaseOwner(random()), LeaseOwner(random()));
    let taken = lease(store, &key, &one, LONG).await;
    assert_eq!(taken, Lease::Taken, "at first nobody has it");
    assert_eq!(lease(store, &key, &two, LONG).await, Lease::Held);
    let again = lease(store, &key, &one, LONG).await;
    assert_eq!(again, Lease::Taken, "the owner may take it again");
    release(store, &key, &one).await;
    let next = lease(store, &key, &two, LONG).await;
    assert_eq!(next, Lease::Taken, "what was given up is free");
    let value = [0, 255, b'\r', b'\n', 7];
    assert!(settle(store, &key, &two, &value).await, "the owner settles");
    for owner in [one, two] {
        let settled = lease(store, &key, &owner, LONG).await;
        assert_eq!(
            settled,
            Lease::Settled(value.to_vec()),
            "everybody gets what was settled"
        );
    }
}

async fn of_two_leases_one_is_taken(store: &impl MarkStore) {
    for _ in 0..50 {
        let (key, one, two) = (key(), LeaseOwner(random()), LeaseOwner(random()));
        let leases = at_once(
            lease(store, &key, &one, LONG),
            lease(store, &key, &two, LONG),
        );
        let (a, b) = leases.await;
        let (winner, loser) = if a == Lease::Taken {
            (one, b)
        } else {
            (two, a)
        };
        assert_eq!(loser, Lease::Held, "of two leases, one is taken");
        release(store, &key, &winner).await;
    }
}

async fn only_the_owner_settles_or_gives_up(store: &impl MarkStore) {
    let (key, one, two) = (key(), LeaseOwner(random()), LeaseOwner(random()));
    assert!(!settle(store, &key, &one, b"early").await, "nobody has it");
    assert_eq!(lease(store, &key, &one, LONG).await, Lease::Taken);
    assert!(
        !settle(store, &key, &two, b"theft").await,
        "it is another's"
    );
    release(store, &key, &two).await;
    assert_eq!(
        lease(store, &key, &two, LONG).await,
        Lease::Held,
        "nobody gives up what is another's"
    );
    assert!(settle(store, &key, &one, b"done").await);
    assert!(
        !settle(store, &key, &one, b"again").await,
        "what is settled stays as it is"
    );
    release(store, &key, &one).await;
    let settled = Lease::Settled(b"done".to_vec());
    assert_eq!(
        lease(store, &key, &two, LONG).await,
        settled,
        "and cannot be given up"
    );
}

async fn nothing_is_held_longer_than_its_time(store: &impl MarkStore) {
    let (used, held, settled, prolonged) = (key(), key(), key(), key());
    let (one, two) = (LeaseOwner(random()), LeaseOwner(random()));
    let first = store.use_once(&used, SHORT).await;
    assert!(first.expect("a name can be used"));
    for key in [&held, &settled] {
        assert_eq!(lease(store, key, &one, SHORT).await, Lease::Taken);
    }
    for ttl in [SHORT, LONG] {
        assert_eq!(lease(store, &prolonged, &one, ttl).await, Lease::Taken);
    }
    let done = store.settle(&settled, &one, b"done", SHORT).await;
    assert!(done.expect("a lease can be settled"));
    let deadline = Instant::now() + SHORT + LATE;
    for key in [&held, &settled] {
        while lease(store, key, &two, LONG).await != Lease::Taken {
            assert!(
                Instant::now() < deadline,
                "a lease and its result go when their time has passed"
            );
            sleep(Duration::from_millis(50)).await;
        }
        assert!(
            !settle(store, key, &one, b"late").await,
            "who comes late has lost it"
        );
        release(store, key, &two).await;
    }
    while !use_once(store, &used).await {
        assert!(
            Instant::now() < deadline,
            "a use is forgotten when its time has passed"
        );
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(
        lease(store, &prolonged, &two, LONG).await,
        Lease::Held,
        "an owner that asks again has it for longer"
    );
    release(store, &prolonged, &one).await;
}
