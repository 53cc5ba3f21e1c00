//! The copy of a shared store's marks: when it counts, and who reads the store.

use super::*;
use crate::{SessionStorage, exchange::session::tests::gate::Gate, session::marks::copy::FRESH};

/// The marks of an app whose sessions are in a shared store as well.
fn beside_shared_sessions(store: &Common) -> Marks {
    let config = Config {
        marks_store: MarkStorage::store(store.clone()),
        session_store: SessionStorage::store(Gate::default()),
        ..Config::default()
    };
    Marks::new(&config, Duration::from_secs(60))
}

#[tokio::test]
async fn what_one_process_ends_the_others_know_as_soon_as_their_copy_is_old() {
    let store = Common::default();
    let (here, there) = (marks(&store), marks(&store));
    there.catch_up().await.unwrap();
    here.end_session(session().id, EndedBy::LogOut)
        .await
        .unwrap();
    assert!(here.is_ended(&session()));
    assert!(!there.is_ended(&session()), "its copy is still fresh");
    age(&there);
    there.catch_up().await.unwrap();
    assert!(there.is_ended(&session()));

    let late = marks(&store);
    late.catch_up().await.unwrap();
    assert!(
        late.is_ended(&session()),
        "a process that starts later reads all of it"
    );
}

#[tokio::test]
async fn a_fresh_copy_asks_nobody_and_an_old_one_does_not_count() {
    let store = Common::default();
    let marks = marks(&store);
    marks.catch_up().await.unwrap();
    let looks = store.looks.load(Ordering::SeqCst);
    store.away.store(true, Ordering::SeqCst);
    marks.catch_up().await.unwrap();
    assert_eq!(store.looks.load(Ordering::SeqCst), looks);
    age(&marks);
    assert!(marks.catch_up().await.is_err());
    store.away.store(false, Ordering::SeqCst);
    marks.catch_up().await.unwrap();
}

#[tokio::test]
async fn a_copy_is_fresh_for_a_second_and_no_longer() {
    let store = Common::default();
    let marks = marks(&store);
    let before = Instant::now();
    marks.catch_up().await.unwrap();
    let copy = marks.copy.as_ref().unwrap();
    while copy.is_fresh() {
        std::thread::yield_now();
    }
    let took = before.elapsed();
    let second = FRESH - Duration::from_millis(2)..FRESH + Duration::from_millis(500);
    assert!(second.contains(&took), "{took:?}");
}

#[tokio::test]
async fn many_that_wait_for_the_store_share_one_look_and_its_failure() {
    let store = Common::default();
    let marks = Arc::new(marks(&store));
    for away in [false, true] {
        store.away.store(away, Ordering::SeqCst);
        age(&marks);
        let before = store.looks.load(Ordering::SeqCst);
        let waiting: Vec<_> = (0..50)
            .map(|_| {
                let marks = Arc::clone(&marks);
                tokio::spawn(async move { marks.catch_up().await.is_ok() })
            })
            .collect();
        for waiting in waiting {
            assert_eq!(waiting.await.unwrap(), !away);
        }
        let looks = store.looks.load(Ordering::SeqCst) - before;
        assert_eq!(
            looks,
            if away { 1 } else { 2 },
            "one for each list, or one that fails"
        );
    }
}

#[tokio::test]
async fn where_sessions_are_shared_no_request_needs_marks_and_every_login_asks_for_them() {
    let store = Common::default();
    let (here, there) = (
        beside_shared_sessions(&store),
        beside_shared_sessions(&store),
    );
    let subject = session().marked_by.subject;
    there
        .end_subject(subject, until_now(), EndedBy::BackChannel)
        .await
        .unwrap();
    store.away.store(true, Ordering::SeqCst);
    assert!(here.is_fresh() && !here.claim_follower());
    here.catch_up().await.unwrap();
    here.catch_up_with_now().await.unwrap_err();
    store.away.store(false, Ordering::SeqCst);
    assert!(!here.is_ended(&session()));
    here.catch_up_with_now().await.unwrap();
    assert!(here.is_ended(&session()));
    // What is named by its id was deleted.
    let noted = async || {
        let notes = MarkStore::notes_since(&*store.store, NoteList::Proven, None).await;
        notes.unwrap().notes.len()
    };
    let before = noted().await;
    there
        .end_session(SessionId([9; 32]), EndedBy::LogOut)
        .await
        .unwrap();
    assert_eq!(noted().await, before);
}

#[tokio::test]
async fn a_login_takes_the_result_of_no_look_that_was_begun_before_it_asked() {
    let store = Common::default();
    let marks = Arc::new(marks(&store));
    let look = |marks: &Arc<Marks>| {
        let marks = Arc::clone(marks);
        tokio::spawn(async move { marks.catch_up_with_now().await.unwrap() })
    };
    let first = look(&marks);
    while store.looks.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    // The first look may have read already what is noted only now.
    let others: Vec<_> = (0..20).map(|_| look(&marks)).collect();
    first.await.unwrap();
    for other in others {
        other.await.unwrap();
    }
    let looks = store.looks.load(Ordering::SeqCst);
    assert_eq!(looks, 2 * NoteList::ALL.len(), "one more, for all of them");
    // One that is given up is no look.
    store.looks.store(0, Ordering::SeqCst);
    let given_up = look(&marks);
    while store.looks.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
    look(&marks).await.unwrap();
    assert_eq!(store.looks.load(Ordering::SeqCst), 1 + NoteList::ALL.len());
}
