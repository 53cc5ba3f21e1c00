//! A Redis that is killed while many requests use it.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    future::Future,
    rc::Rc,
    time::{Duration, Instant},
};

use miracl_core::{
    IndexKey, RedisOptions, RedisStore, SessionKey, SessionStore, StoreError, StoredSession,
};
use tokio::task::{LocalSet, spawn_blocking, yield_now};

use crate::{LONG, NOTHING, PATIENCE, Server, key};

const LIMIT: Duration = Duration::from_secs(1);
/// How much longer than the limit a question may take on a machine that has other things to do.
const SLACK: Duration = Duration::from_secs(1);
const PEOPLE: u8 = 8;
/// How many answers each kill waits for.
const ANSWERS: usize = 200;

/// What is known of a session: its revision, or that it is gone. After a change without an answer, both are possible.
type Known = HashMap<SessionKey, Vec<Option<u64>>>;

#[derive(Default)]
struct Seen {
    known: RefCell<Known>,
    answers: Cell<usize>,
    failures: Cell<usize>,
    ended: Cell<bool>,
}

fn session(person: u8, revision: u64) -> StoredSession {
    StoredSession::new(revision, IndexKey([person; 16]), None, [person], [2; 2500])
}

pub(crate) async fn redis_may_be_killed_under_traffic_and_nobody_loses_a_session_or_waits_for_it() {
    LocalSet::new().run_until(test()).await;
}

async fn test() {
    let mut server = Server::start(NOTHING);
    let options = RedisOptions {
        timeout: LIMIT,
        ..RedisOptions::default()
    };
    let store = RedisStore::new(&server.url(), options).unwrap();
    let seen = Rc::new(Seen::default());
    let people: Vec<_> = (0..PEOPLE)
        .map(|person| tokio::task::spawn_local(live(store.clone(), person, Rc::clone(&seen))))
        .collect();
    for _ in 0..3 {
        until(&seen.answers, ANSWERS).await;
        server = spawn_blocking(move || {
            server.kill();
            server
        })
        .await
        .unwrap();
        until(&seen.failures, usize::from(PEOPLE)).await;
        server = spawn_blocking(move || {
            server.restart();
            server
        })
        .await
        .unwrap();
    }
    until(&seen.answers, ANSWERS).await;
    seen.ended.set(true);
    for person in people {
        person.await.unwrap();
    }
    let known = seen.known.take();
    assert!(known.len() > usize::from(PEOPLE));
    for (key, possible) in known {
        let found = store.load(&key).await.unwrap();
        let found = found.map(|session| session.revision);
        assert!(possible.contains(&found), "{found:?} of {possible:?}");
    }
}

/// Waits until so many more have been counted.
async fn until(counter: &Cell<usize>, more: usize) {
    let (first, deadline) = (counter.get(), Instant::now() + PATIENCE);
    while counter.get() < first + more {
        assert!(Instant::now() < deadline, "nothing goes on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Logs in, is changed twice and loaded each time, and logs out of every other session, over and over.
async fn live(store: RedisStore, person: u8, seen: Rc<Seen>) {
    let mut number = 0_u64;
    while !seen.ended.get() {
        let mut key = key(person);
        key.0[..8].copy_from_slice(&number.to_be_bytes());
        number += 1;
        let created = store.create(&key, session(person, 0), LONG);
        note(
            &seen,
            key,
            Some(0),
            ask(&seen, created).await.map(|()| true),
        );
        for revision in 0..2 {
            let changed = store.update(&key, revision, session(person, revision + 1), LONG);
            note(&seen, key, Some(revision + 1), ask(&seen, changed).await);
            if let Some(found) = ask(&seen, store.load(&key)).await {
                let found = found.map(|session| session.revision);
                // A doubt from before is settled by this answer.
                let possible = seen.known.borrow_mut().insert(key, vec![found]);
                assert!(possible.unwrap().contains(&found), "{found:?}");
            }
        }
        if number.is_multiple_of(2) {
            let deleted = store.delete(&key);
            note(&seen, key, None, ask(&seen, deleted).await.map(|()| true));
        }
        yield_now().await;
    }
}

/// Records the result of a change: it was made, it was not, or that is unknown.
fn note(seen: &Seen, key: SessionKey, then: Option<u64>, done: Option<bool>) {
    let mut known = seen.known.borrow_mut();
    let possible = known.entry(key).or_insert_with(|| vec![None]);
    match done {
        Some(true) => *possible = vec![then],
        Some(false) => {}
        None => possible.push(then),
    }
}

/// The answer to a question, if there was one. Fails if it took too long.
async fn ask<T>(seen: &Seen, question: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
    let began = Instant::now();
    let answer = question.await;
    let took = began.elapsed();
    assert!(took < LIMIT + SLACK, "a question took {took:?}");
    let counter = match &answer {
        Ok(_) => &seen.answers,
        Err(_) => &seen.failures,
    };
    counter.set(counter.get() + 1);
    answer.ok()
}
