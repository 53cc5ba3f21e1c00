//! What every store of sessions must do, as a test that stores run on themselves.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{
    base::random::random,
    store::sessions::{IndexKey, SessionKey, SessionStore, StoredSession},
};

/// Longer than the test runs.
pub(crate) const LONG: Duration = Duration::from_secs(600);
/// Short enough to wait for, and whole seconds, because some databases count no smaller units.
pub(super) const SHORT: Duration = Duration::from_secs(1);
/// How long after its time a session may still be there.
pub(super) const LATE: Duration = Duration::from_secs(3);

/// Tests that a store does what [`SessionStore`] promises. Call it in the tests of a store of your own, on a Tokio
/// runtime.
///
/// It uses keys of its own, so the store may hold other sessions, and leaves nothing behind but what expires in ten
/// minutes. It takes a few seconds, because one promise is about time.
///
/// # Panics
///
/// When the store breaks a promise, with the promise's words; and when the store returns an error.
pub async fn session_store_contract(store: &impl SessionStore) {
    what_is_stored_is_there_until_it_is_deleted(store).await;
    an_update_needs_the_revision_that_is_there(store).await;
    of_two_updates_one_succeeds(store).await;
    nothing_brings_back_what_was_deleted(store).await;
    sessions_are_found_by_sid_and_by_person(store).await;
    nothing_lives_longer_than_its_time(store).await;
}

/// Polls two futures in turn, until both have ended.
pub(crate) async fn at_once<T>(
    left: impl Future<Output = T>,
    right: impl Future<Output = T>,
) -> (T, T) {
    let (mut left, mut right) = (pin!(left), pin!(right));
    let mut ended = (None, None);
    poll_fn(|context| {
        if ended.0.is_none()
            && let Poll::Ready(output) = left.as_mut().poll(context)
        {
            ended.0 = Some(output);
        }
        if ended.1.is_none()
            && let Poll::Ready(output) = right.as_mut().poll(context)
        {
            ended.1 = Some(output);
        }
        match (ended.0.take(), ended.1.take()) {
            (Some(left), Some(right)) => Poll::Ready((left, right)),
            one => {
                ended = one;
                Poll::Pending
            }
        }
    })
    .await
}

fn key() -> SessionKey {
    SessionKey(random())
}

fn session(revision: u64, text: &str) -> StoredSession {
    let subject = IndexKey(random());
    StoredSession::new(revision, subject, None, text.as_bytes(), vec![7; 5000])
}

async fn load(store: &impl SessionStore, key: &SessionKey) -> Option<StoredSession> {
    store.load(key).await.expect("a session can be loaded")
}

async fn create(store: &impl SessionStore, key: &SessionKey, session: &StoredSession) {
    let created = store.create(key, session.clone(), LONG).await;
    created.expect("a session can be created");
}

async fn update(
    store: &impl SessionStore,
    key: &SessionKey,
    expected: u64,
    session: &StoredSession,
) -> bool {
    let updated = store.update(key, expected, session.clone(), LONG).await;
    updated.expect("a session can be updated")
}

async fn delete(store: &impl SessionStore, key: &SessionKey) {
    store.delete(key).await.expect("a session can be deleted");
}

async fn what_is_stored_is_there_until_it_is_deleted(store: &impl SessionStore) {
    let (one, other) = (key(), key());
    assert_eq!(load(store, &one).await, None, "nothing is there at first");
    let stored = session(0, "one");
    create(store, &one, &stored).await;
    assert_eq!(
        load(store, &one).await,
        Some(stored),
        "what was stored is there"
    );
    assert_eq!(load(store, &other).await, None, "under its own key only");
    delete(store, &one).await;
    assert_eq!(load(store, &one).await, None, "what was deleted is gone");
    delete(store, &one).await;
}

async fn an_update_needs_the_revision_that_is_there(store: &impl SessionStore) {
    let key = key();
    let first = session(0, "first");
    create(store, &key, &first).await;
    let second = StoredSession {
        revision: 1,
        head: b"second"[..].into(),
        ..first.clone()
    };
    assert!(
        update(store, &key, 0, &second).await,
        "the revision is there"
    );
    assert!(
        !update(store, &key, 0, &first).await,
        "that one was replaced"
    );
    assert!(!update(store, &key, 2, &first).await, "that one never was");
    assert_eq!(load(store, &key).await, Some(second), "what is there stays");
    delete(store, &key).await;
}

async fn of_two_updates_one_succeeds(store: &impl SessionStore) {
    for _ in 0..50 {
        let key = key();
        let first = session(0, "first");
        create(store, &key, &first).await;
        let next = |text: &'static [u8]| StoredSession {
            revision: 1,
            head: text.into(),
            ..first.clone()
        };
        let (left, right) = (next(b"left"), next(b"right"));
        let (a, b) = at_once(
            update(store, &key, 0, &left),
            update(store, &key, 0, &right),
        )
        .await;
        assert!(a != b, "of two that update one revision, one succeeds");
        let winner = if a { left } else { right };
        assert_eq!(
            load(store, &key).await,
            Some(winner),
            "and it is the one that is there"
        );
        delete(store, &key).await;
    }
}

async fn nothing_brings_back_what_was_deleted(store: &impl SessionStore) {
    let key = key();
    let first = session(0, "first");
    create(store, &key, &first).await;
    delete(store, &key).await;
    let second = StoredSession {
        revision: 1,
        ..first
    };
    assert!(!update(store, &key, 0, &second).await, "it is gone");
    assert_eq!(
        load(store, &key).await,
        None,
        "no update brings back what was deleted"
    );
}

async fn sessions_are_found_by_sid_and_by_person(store: &impl SessionStore) {
    let (person, sid) = (IndexKey(random()), IndexKey(random()));
    let of = |sid| StoredSession {
        subject: person,
        sid,
        ..session(0, "of a person")
    };
    let (here, there, elsewhere) = (key(), key(), key());
    create(store, &here, &of(Some(sid))).await;
    create(store, &there, &of(None)).await;
    create(store, &elsewhere, &session(0, "of another person")).await;
    let listed = async || {
        let listed = store.list_by_subject(&person).await;
        let listed = listed.expect("sessions can be listed").into_iter();
        let mut keys: Vec<_> = listed.map(|(key, _)| key).collect();
        keys.sort();
        keys
    };
    let mut both = vec![here, there];
    both.sort();
    assert_eq!(listed().await, both, "every session of a person is listed");
    // A change keeps a session where it is found.
    let changed = StoredSession {
        revision: 1,
        ..of(Some(sid))
    };
    assert!(update(store, &here, 0, &changed).await);
    assert_eq!(listed().await, both, "a change takes nothing off the list");
    let deleted = store.delete_by_sid(&sid).await;
    assert_eq!(
        deleted.expect("a sid can be deleted"),
        1,
        "one session has this sid"
    );
    assert_eq!(load(store, &here).await, None, "it is gone");
    assert_eq!(listed().await, [there], "and no other");
    let again = store.delete_by_sid(&sid).await;
    assert_eq!(
        again.expect("a sid can be deleted"),
        0,
        "it was deleted before"
    );
    delete(store, &there).await;
    assert_eq!(listed().await, [], "what was deleted is listed no more");
    for key in [key(), key()] {
        create(store, &key, &of(None)).await;
    }
    let deleted = async || {
        let deleted = store.delete_by_subject(&person).await;
        deleted.expect("a person's sessions can be deleted")
    };
    assert_eq!(deleted().await, 2, "a person has two sessions");
    assert_eq!(listed().await, [], "both are gone");
    assert_eq!(deleted().await, 0, "they were deleted before");
    assert!(
        load(store, &elsewhere).await.is_some(),
        "nobody else's is gone"
    );
    delete(store, &elsewhere).await;
}

async fn nothing_lives_longer_than_its_time(store: &impl SessionStore) {
    let (short, prolonged) = (key(), key());
    let (stored, other) = (session(0, "short"), session(0, "prolonged"));
    for (key, session) in [(&short, &stored), (&prolonged, &other)] {
        let created = store.create(key, session.clone(), SHORT).await;
        created.expect("a session can be created");
    }
    let next = StoredSession {
        revision: 1,
        ..other
    };
    assert!(update(store, &prolonged, 0, &next).await);
    let deadline = Instant::now() + SHORT + LATE;
    while load(store, &short).await.is_some() {
        assert!(
            Instant::now() < deadline,
            "a session goes when its time has passed"
        );
        sleep(Duration::from_millis(50)).await;
    }
    let listed = store.list_by_subject(&stored.subject).await;
    assert_eq!(
        listed.expect("sessions can be listed"),
        [],
        "it is listed no more"
    );
    let late = StoredSession {
        revision: 1,
        ..stored
    };
    assert!(
        !update(store, &short, 0, &late).await,
        "no update brings it back"
    );
    assert!(
        load(store, &prolonged).await.is_some(),
        "an update gives more time"
    );
    delete(store, &prolonged).await;
}
