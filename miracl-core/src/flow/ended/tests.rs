//! Who learns of the end of which session, when, and why.

use std::{pin::pin, sync::atomic::Ordering, task::Waker};

use super::*;
use crate::{
    Config, LoginOptions, MarkStorage, MemoryMarkStore, MemoryStore, Miracl, SessionStorage, Visit,
    exchange::session::tests::{completed, gate::Gate, load_frame, logged_in, post_logout_token},
    flow::callback::tests::{Login, begin_with, request},
    probes::provider::Provider,
};

const SECOND: Duration = Duration::from_secs(1);

/// Where sessions are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Cookies,
    Memory,
    Outside,
}

const PLACES: [Place; 3] = [Place::Cookies, Place::Memory, Place::Outside];

/// An app whose marks other replicas share.
async fn app(place: Place) -> Login {
    app_with(match place {
        Place::Cookies => SessionStorage::default(),
        Place::Memory => SessionStorage::store(MemoryStore::default()),
        Place::Outside => SessionStorage::store(Gate::default()),
    })
    .await
}

async fn app_with(store: SessionStorage) -> Login {
    let change = |config: &mut Config| {
        config.session_store = store;
        config.marks_store = MarkStorage::store(MemoryMarkStore::default());
        config.session_check_interval = SECOND;
    };
    begin_with(Provider::start().await, LoginOptions::default(), change).await
}

/// A connection that has asked who is there.
async fn connect(miracl: &Miracl, cookies: &str) -> SessionEnded {
    let visit = miracl.visit(&request("/stream", cookies));
    assert!(visit.is_authenticated().await.unwrap());
    visit.ended()
}

/// What is known by now.
fn now(ended: &mut SessionEnded) -> Option<SessionEnd> {
    let mut context = Context::from_waker(Waker::noop());
    match Pin::new(ended).poll(&mut context) {
        Poll::Ready(end) => Some(end),
        Poll::Pending => None,
    }
}

fn visit(app: &Login, cookies: &str) -> Visit {
    app.miracl.visit(&request("/", cookies))
}

fn waiting(miracl: &Miracl) -> (usize, usize) {
    miracl.engine().sessions.marks.waiting().size()
}

fn by(by: EndedBy) -> Option<SessionEnd> {
    Some(SessionEnd::Ended(by))
}

#[tokio::test]
async fn where_nobody_is_logged_in_it_ends_at_once() {
    for place in PLACES {
        let mut app = app(place).await;
        let nobody = visit(&app, "").ended().await;
        assert_eq!(nobody, SessionEnd::Nobody, "{place:?}");
        let here = logged_in(&mut app).await;
        let visit = visit(&app, &here);
        visit.logout().await.unwrap();
        assert_eq!(visit.ended().await, SessionEnd::Nobody, "{place:?}");
        assert_eq!(waiting(&app.miracl), (0, 0), "{place:?}");
    }
}

#[tokio::test]
async fn every_log_out_in_this_process_is_told_at_once_and_says_what_it_was() {
    for place in PLACES {
        let mut app = app(place).await;
        for kind in [
            EndedBy::LogOut,
            EndedBy::LogOutEverywhere,
            EndedBy::OtherSession,
            EndedBy::BackChannel,
            EndedBy::FrontChannel,
            EndedBy::NewLogin,
        ] {
            if place == Place::Cookies && kind == EndedBy::OtherSession {
                continue; // There is no list of sessions in cookies.
            }
            app.wait(SECOND);
            let (here, there) = (logged_in(&mut app).await, logged_in(&mut app).await);
            let mut ended = connect(&app.miracl, &here).await;
            let mut second = connect(&app.miracl, &here).await;
            let mut other = connect(&app.miracl, &there).await;
            assert_eq!(now(&mut ended), None, "{place:?} {kind:?}");
            assert_eq!(now(&mut other), None, "{place:?} {kind:?}");
            let mut other_lives = false;
            match kind {
                EndedBy::LogOut => {
                    visit(&app, &here).logout().await.unwrap();
                    other_lives = true;
                }
                EndedBy::LogOutEverywhere => {
                    visit(&app, &there).logout_everywhere().await.unwrap();
                }
                EndedBy::OtherSession => {
                    let all = visit(&app, &there).end_other_sessions().await;
                    assert!(all.unwrap() > 0, "{place:?}");
                    other_lives = true;
                }
                EndedBy::BackChannel => {
                    assert_eq!(post_logout_token(&app, None, Some("alice")).await, 200);
                }
                EndedBy::FrontChannel => load_frame(&app).await,
                _ => {
                    let again = completed(&mut app, &here).await;
                    again.confirm_login().await.unwrap();
                    other_lives = true;
                }
            }
            assert_eq!(now(&mut ended), by(kind), "{place:?} {kind:?}");
            assert_eq!(now(&mut second), by(kind), "{place:?} {kind:?}");
            let expected = if other_lives { None } else { by(kind) };
            assert_eq!(now(&mut other), expected, "{place:?} {kind:?}");
        }
        assert_eq!(waiting(&app.miracl), (0, 0), "{place:?}");
    }
}

#[tokio::test]
async fn a_logout_token_ends_what_it_names_and_nothing_else() {
    for place in PLACES {
        let mut app = app(place).await;
        let here = logged_in(&mut app).await;
        let mut ended = connect(&app.miracl, &here).await;
        assert_eq!(post_logout_token(&app, Some("two"), None).await, 200);
        assert_eq!(post_logout_token(&app, None, Some("bob")).await, 200);
        assert_eq!(
            post_logout_token(&app, Some("two"), Some("alice")).await,
            200
        );
        assert_eq!(now(&mut ended), None, "{place:?}");
        assert_eq!(
            post_logout_token(&app, Some("one"), Some("alice")).await,
            200
        );
        assert_eq!(now(&mut ended), by(EndedBy::BackChannel), "{place:?}");
    }
}

#[tokio::test]
async fn a_log_out_before_the_first_look_is_not_missed() {
    for place in PLACES {
        let mut app = app(place).await;
        let here = logged_in(&mut app).await;
        let ended = connect(&app.miracl, &here).await;
        visit(&app, &here).logout().await.unwrap();
        assert_eq!(Some(ended.await), by(EndedBy::LogOut), "{place:?}");

        let here = logged_in(&mut app).await;
        // Nobody has asked who is there.
        let unread = visit(&app, &here).ended();
        visit(&app, &here).logout().await.unwrap();
        let end = unread.await;
        assert_ne!(end, SessionEnd::Expired, "{place:?}");
    }
}

#[tokio::test]
async fn each_deadline_ends_it_and_a_request_of_the_session_moves_the_idle_one() {
    for place in PLACES {
        let mut app = app(place).await;
        let config = app.miracl.config().clone();
        let (idle, absolute) = (config.session_idle_timeout, config.session_absolute_timeout);
        let here = logged_in(&mut app).await;
        let ended = connect(&app.miracl, &here).await;
        app.wait(idle / 2);
        let moved = visit(&app, &here);
        assert!(moved.is_authenticated().await.unwrap());
        app.wait(idle / 2 + SECOND);
        let mut ended = pin!(ended);
        let until = tokio::time::timeout(2 * SECOND, &mut ended).await;
        assert!(until.is_err(), "{place:?}: it was moved, and yet {until:?}");
        app.wait(idle);
        assert_eq!(ended.await, SessionEnd::Expired, "{place:?}");

        let here = logged_in(&mut app).await;
        let ended = connect(&app.miracl, &here).await;
        app.wait(absolute);
        assert_eq!(ended.await, SessionEnd::Expired, "{place:?}");
        assert_eq!(waiting(&app.miracl), (0, 0), "{place:?}");
    }
}

#[tokio::test]
async fn what_another_replica_ends_or_moves_is_found() {
    for place in PLACES {
        let mut app = app(place).await;
        let config = app.miracl.config().clone();
        let idle = config.session_idle_timeout;
        let other = Miracl::new(config).unwrap();
        let here = logged_in(&mut app).await;
        let there = logged_in(&mut app).await;
        let mut ended = connect(&other, &here).await;
        let mut stays = connect(&other, &there).await;
        assert_eq!(now(&mut ended), None);
        visit(&app, &here).logout().await.unwrap();
        assert_eq!(Some(ended.await), by(EndedBy::Elsewhere), "{place:?}");
        assert_eq!(now(&mut stays), None, "{place:?}");
        if place == Place::Cookies {
            continue; // A deadline that was moved is in the browser alone.
        }
        app.wait(idle / 2);
        assert!(visit(&app, &there).is_authenticated().await.unwrap());
        app.wait(idle / 2 + SECOND);
        let until = tokio::time::timeout(2 * SECOND, &mut stays).await;
        assert!(until.is_err(), "{place:?}: it was moved, and yet {until:?}");
        assert_eq!(post_logout_token(&app, Some("one"), None).await, 200);
        assert_eq!(Some(stays.await), by(EndedBy::Elsewhere), "{place:?}");
    }
}

#[tokio::test]
async fn while_the_store_is_away_it_stays_open_until_that_can_be_told() {
    let gate = Gate::default();
    let mut app = app_with(SessionStorage::store(gate.clone())).await;
    let other = Miracl::new(app.miracl.config().clone()).unwrap();
    let here = logged_in(&mut app).await;
    let mut ended = connect(&other, &here).await;
    gate.is_away.store(true, Ordering::SeqCst);
    let unread = other.visit(&request("/stream", &here));
    let mut unread = unread.ended();
    app.wait(app.miracl.config().session_idle_timeout);
    for ended in [&mut ended, &mut unread] {
        let until = tokio::time::timeout(2 * SECOND, ended).await;
        assert!(until.is_err(), "{until:?}");
    }
    gate.is_away.store(false, Ordering::SeqCst);
    assert_eq!(ended.await, SessionEnd::Expired);
    assert_eq!(unread.await, SessionEnd::Nobody);

    let here = logged_in(&mut app).await;
    let ended = connect(&other, &here).await;
    gate.is_away.store(true, Ordering::SeqCst);
    app.wait(app.miracl.config().session_absolute_timeout);
    assert_eq!(ended.await, SessionEnd::Expired, "that needs no store");
}

#[tokio::test]
async fn many_connections_of_one_session_ask_the_store_once_in_an_interval() {
    let gate = Gate::default();
    let mut app = app_with(SessionStorage::store(gate.clone())).await;
    let here = logged_in(&mut app).await;
    let mut connections = Vec::new();
    for _ in 0..200 {
        connections.push(connect(&app.miracl, &here).await);
    }
    assert_eq!(waiting(&app.miracl), (1, 2));
    let before = gate.loads.load(Ordering::SeqCst);
    let all_wait = std::future::poll_fn(|context| {
        for connection in &mut *connections {
            assert!(Pin::new(connection).poll(context).is_pending());
        }
        Poll::<()>::Pending
    });
    let _ = tokio::time::timeout(3 * SECOND, all_wait).await;
    let asked = gate.loads.load(Ordering::SeqCst) - before;
    assert!((1..=6).contains(&asked), "{asked}");
    connections.clear();
    assert_eq!(waiting(&app.miracl), (0, 0));
}

#[tokio::test]
async fn who_goes_away_leaves_nothing_behind() {
    for place in PLACES {
        let mut app = app(place).await;
        let (here, there) = (logged_in(&mut app).await, logged_in(&mut app).await);
        let mut all = Vec::new();
        for cookies in [&here, &here, &there] {
            all.push(connect(&app.miracl, cookies).await);
        }
        for ended in &mut all {
            assert_eq!(now(ended), None);
        }
        // Two sessions, of one person, with one `sid`.
        assert_eq!(waiting(&app.miracl), (2, 2), "{place:?}");
        all.truncate(1);
        assert_eq!(waiting(&app.miracl), (1, 2), "{place:?}");
        all.clear();
        assert_eq!(waiting(&app.miracl), (0, 0), "{place:?}");
    }
}

#[test]
fn it_may_be_sent_and_borrows_nothing() {
    fn is_free<T: Send + Sync + Unpin + 'static>(_: fn(&Visit) -> T) {}
    is_free(Visit::ended);
}
