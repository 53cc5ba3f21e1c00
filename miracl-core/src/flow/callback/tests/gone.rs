//! A callback whose request goes away while it is answered, with sessions in the memory of the process.

use std::{
    sync::Arc,
    task::{Context, Waker},
};

use super::*;
use crate::{
    MemoryStore, SessionStorage, SessionStore,
    adapter::{Answer, Route},
    session::marked_by::MarkedBy,
};

async fn begin_in(store: &MemoryStore) -> Login {
    let kept = store.clone();
    begin_with(Provider::start().await, LoginOptions::default(), |config| {
        config.session_store = SessionStorage::store(kept);
    })
    .await
}

/// How many sessions the store has.
async fn stored(login: &Login, store: &MemoryStore) -> usize {
    let person = MarkedBy::new(&login.provider.issuer, "alice", None).subject;
    store.list_by_subject(&person).await.unwrap().len()
}

/// Gives up a callback once its code was sent, and waits for its checks to end.
async fn give_up(login: &Login) {
    let request = login.callback();
    let visit = login.miracl.visit(&request);
    {
        let mut answer = Box::pin(visit.answer(Route::Callback, &request, Some(b"")));
        while login.provider.asked("/token").is_empty() {
            let mut nobody = Context::from_waker(Waker::noop());
            assert!(answer.as_mut().poll(&mut nobody).is_pending());
            tokio::task::yield_now().await;
        }
    }
    drop(visit);
    // The last piece deletes what is left over.
    while Arc::strong_count(&login.miracl.engine().unfinished) > 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_callback_that_nobody_waits_for_leaves_no_session_in_the_store() {
    let store = MemoryStore::default();
    let login = begin_in(&store).await;
    give_up(&login).await;
    while stored(&login, &store).await > 0 {
        tokio::task::yield_now().await;
    }
    // Its address is used, as that of any other callback.
    let request = login.callback();
    let visit = login.miracl.visit(&request);
    let answer = visit.answer(Route::Callback, &request, Some(b"")).await;
    let Answer::Failure(failure) = answer else {
        panic!("{answer:?}");
    };
    assert!(matches!(failure.reason(), FailureReason::LoginReplayed));
    assert_eq!(login.provider.asked("/token").len(), 1);
}

#[tokio::test]
async fn the_request_that_waits_takes_over_and_one_session_begins() {
    let store = MemoryStore::default();
    let login = begin_in(&store).await;
    let request = login.callback();
    let second = login.miracl.visit(&request);
    let give_up = give_up(&login);
    let answer = async {
        // The first has its turn by then.
        while login.provider.asked("/token").is_empty() {
            tokio::task::yield_now().await;
        }
        second.answer(Route::Callback, &request, Some(b"")).await
    };
    let (answer, ()) = tokio::join!(answer, give_up);
    let Answer::Success(success) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(success.user().id(), "alice");
    let hook = second.conclude_login(Ok::<_, ()>("welcome")).await;
    assert_eq!(hook.unwrap(), Ok("welcome"));
    let cookies = second.finish().set_cookies;
    let has = |part: &str| cookies.iter().any(|line| line.contains(part));
    assert!(has("-session=") && has("-login"), "{cookies:?}");
    assert_eq!(stored(&login, &store).await, 1);
    assert_eq!(login.provider.asked("/token").len(), 1);
}

#[tokio::test]
async fn more_than_may_wait_for_the_first_do_not_overtake_it() {
    let login = begin_in(&MemoryStore::default()).await;
    let request = login.callback();
    let visits: Vec<_> = (0..10).map(|_| login.miracl.visit(&request)).collect();
    let mut answers: Vec<_> = visits
        .iter()
        .map(|visit| Box::pin(visit.answer(Route::Callback, &request, Some(b""))))
        .collect();
    let mut last = answers.pop().unwrap();
    let mut nobody = Context::from_waker(Waker::noop());
    // The first has its turn before the others.
    for answer in &mut answers {
        assert!(answer.as_mut().poll(&mut nobody).is_pending());
    }
    let Answer::Reply(crowded) = last.as_mut().await else {
        panic!("it has an answer of its own");
    };
    assert_eq!(crowded.status, 503);
    assert!(matches!(answers.swap_remove(0).await, Answer::Success(_)));
    assert_eq!(login.provider.asked("/token").len(), 1);
}
