//! To which browser a login belongs, and for how long it counts as used.

use std::{future::poll_fn, sync::Mutex, task::Poll, time::Duration};

use serde_json::json;

use super::*;
use crate::{
    Config, Lease, LeaseOwner, LoginOptions, MarkKey, MarkStorage, MarkStore, MemoryMarkStore,
    NoteList, Notes, StoreError,
    flow::callback::tests::{Login, begin, begin_with, cookies, request},
    probes::provider::Provider,
    session::cookies::set_cookie::Keep,
};

#[tokio::test]
async fn a_login_belongs_to_the_browser_that_began_it() {
    let login = begin().await;
    let unknown = |reason| matches!(reason, FailureReason::StateUnknown);
    // No cookie at all, and that of another login.
    let stranger = login.miracl.visit(&request("/login", ""));
    let failure = stranger.complete_login(&login.query).await.unwrap_err();
    assert!(unknown(failure.reason().clone()));
    let other = login.miracl.visit(&request("/login/start", ""));
    other.login_url().await.unwrap();
    let other = login.miracl.visit(&request("/login", &cookies(&other)));
    let failure = other.complete_login(&login.query).await.unwrap_err();
    assert!(unknown(failure.reason().clone()));
    // Another state of this browser's.
    assert!(unknown(
        login.refused(&login.with("state", Some("another"))).await
    ));
    for state in [None, Some("")] {
        let reason = login.refused(&login.with("state", state)).await;
        assert!(matches!(reason, FailureReason::StateMissing));
    }
    // None of this has used it up.
    assert!(login.visit().complete_login(&login.query).await.is_ok());
}

#[tokio::test]
async fn a_pending_login_counts_for_its_own_state_and_not_for_its_cookies_name() {
    let login = begin().await;
    let engine = login.miracl.engine();
    let (name, header) = (
        login.cookies.split('=').next().unwrap(),
        login.cookies.as_bytes(),
    );
    let read = |plain: &[u8]| Some(plain.to_owned());
    let opened = engine
        .sessions
        .cookies
        .open(header, Purpose::Login, name, read);
    // The name holds a few bits of the state only: another state can have the same.
    let other = cookie_name(&engine.sessions.cookies.login_prefix, &mark("another"));
    let keep = Keep::Seconds(60);
    let sealed = engine
        .sessions
        .cookies
        .seal(Purpose::Login, &other, &opened.unwrap(), keep);
    let sealed = sealed.unwrap().remove(0).line;
    let visit = login
        .miracl
        .visit(&request("/login", sealed.split(';').next().unwrap()));
    let query = login.with("state", Some("another"));
    let failure = visit.complete_login(query).await.unwrap_err();
    assert!(matches!(failure.reason(), FailureReason::StateUnknown));
}

#[tokio::test]
async fn a_login_is_used_once_whether_it_succeeded_or_failed() {
    for query in [
        |login: &Login| login.query.clone(),
        |login: &Login| login.with("iss", None),
    ] {
        let login = begin().await;
        let first = login.visit();
        drop(first.complete_login(query(&login)).await);
        let set = first.finish().set_cookies;
        let name = login.cookies.split('=').next().unwrap();
        let deleted = set
            .iter()
            .filter(|line| line.starts_with(&format!("{name}=;")));
        assert_eq!(deleted.count(), 1, "{set:?}");
        let reason = login.fails().await;
        assert!(matches!(reason, FailureReason::LoginReplayed), "{reason}");
    }
}

/// A store of marks that notes for how long it is asked to keep what.
#[derive(Clone, Default)]
struct Noted {
    store: Arc<MemoryMarkStore>,
    kept: Arc<Mutex<Vec<(&'static str, Duration)>>>,
}

impl Noted {
    fn note(&self, what: &'static str, ttl: Duration) {
        self.kept.lock().unwrap().push((what, ttl));
    }
}

impl MarkStore for Noted {
    async fn use_once(&self, key: &MarkKey, ttl: Duration) -> Result<bool, StoreError> {
        self.note("used", ttl);
        MarkStore::use_once(&*self.store, key, ttl).await
    }

    async fn forget(&self, key: &MarkKey) -> Result<(), StoreError> {
        MarkStore::forget(&*self.store, key).await
    }

    async fn note(&self, list: NoteList, note: &[u8], ttl: Duration) -> Result<(), StoreError> {
        self.note("noted", ttl);
        MarkStore::note(&*self.store, list, note, ttl).await
    }

    async fn notes_since(&self, list: NoteList, at: Option<&[u8]>) -> Result<Notes, StoreError> {
        MarkStore::notes_since(&*self.store, list, at).await
    }

    async fn lease(
        &self,
        key: &MarkKey,
        owner: &LeaseOwner,
        ttl: Duration,
    ) -> Result<Lease, StoreError> {
        self.note("leased", ttl);
        MarkStore::lease(&*self.store, key, owner, ttl).await
    }

    async fn settle(
        &self,
        key: &MarkKey,
        owner: &LeaseOwner,
        value: &[u8],
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        self.note("settled", ttl);
        MarkStore::settle(&*self.store, key, owner, value, ttl).await
    }

    async fn release(&self, key: &MarkKey, owner: &LeaseOwner) -> Result<(), StoreError> {
        MarkStore::release(&*self.store, key, owner).await
    }
}

/// Longer than a callback may last with the default of ten seconds for a request, and far less than the fifteen minutes
/// of a login.
const A_MOMENT: Duration = Duration::from_secs(90);

#[tokio::test]
async fn a_login_that_fails_is_remembered_for_a_moment_only_and_not_tried_again_meanwhile() {
    type Query = fn(&Login) -> String;
    let refused: [(&str, Query); 5] = [
        ("error", |login| login.with("error", Some("access_denied"))),
        ("no code", |login| login.with("code", None)),
        ("iss", |login| {
            login.with("iss", Some("https://evil.example"))
        }),
        ("a token", |login| login.with("id_token", Some("x"))),
        ("junk code", |login| login.with("code", Some("junk"))),
    ];
    for (what, query) in refused {
        let marks = Noted::default();
        let store = MarkStorage::store(marks.clone());
        let change = |config: &mut Config| config.marks_store = store;
        let login = begin_with(Provider::start().await, LoginOptions::default(), change).await;
        let invalid = json!({ "error": "invalid_grant" }).to_string();
        let granted = what != "junk code";
        if !granted {
            let json = "application/json";
            login.provider.say_as("/token", 400, json, &invalid);
        }
        let failed = login.visit().complete_login(query(&login)).await;
        assert!(failed.is_err(), "{what}");
        assert_eq!(
            *marks.kept.lock().unwrap(),
            [("leased", A_MOMENT)],
            "{what}"
        );
        // Not even with the right answer, by somebody who has kept the cookie.
        let asked = login.provider.asked("/token").len();
        assert_eq!(asked, usize::from(!granted), "{what}");
        let reason = login.fails().await;
        assert!(
            matches!(reason, FailureReason::LoginReplayed),
            "{what}: {reason}"
        );
        assert_eq!(login.provider.asked("/token").len(), asked, "{what}");
    }
}

#[tokio::test]
async fn a_login_whose_browser_went_away_is_remembered_for_a_moment_only() {
    let marks = Noted::default();
    let store = MarkStorage::store(marks.clone());
    let change = |config: &mut Config| config.marks_store = store;
    let login = begin_with(Provider::start().await, LoginOptions::default(), change).await;
    let visit = login.visit();
    let mut callback = Box::pin(visit.complete_login(&login.query));
    // As far as the token request, which waits for the network.
    while marks.kept.lock().unwrap().is_empty() {
        let polled = poll_fn(|context| Poll::Ready(callback.as_mut().poll(context).is_ready()));
        assert!(!polled.await, "it is not complete yet");
        tokio::task::yield_now().await;
    }
    drop(callback);
    assert_eq!(*marks.kept.lock().unwrap(), [("leased", A_MOMENT)]);
    let reason = login.fails().await;
    assert!(matches!(reason, FailureReason::LoginReplayed), "{reason}");
}

#[tokio::test]
async fn a_login_whose_code_was_taken_is_remembered_for_as_long_as_its_cookie_could_open() {
    for claims in [json!({}), json!({ "nonce": "another" })] {
        let marks = Noted::default();
        let store = MarkStorage::store(marks.clone());
        let change = |config: &mut Config| config.marks_store = store;
        let login = begin_with(Provider::start().await, LoginOptions::default(), change).await;
        login.grant(&claims);
        let completed = login.visit().complete_login(&login.query).await;
        assert_eq!(completed.is_ok(), claims == json!({}));
        let timeout = login.miracl.config().login_timeout;
        let kept = marks.kept.lock().unwrap().clone();
        let expected = [("leased", A_MOMENT), ("settled", timeout + A_MOMENT)];
        assert_eq!(kept, expected);
    }
}

#[tokio::test]
async fn a_login_may_take_until_its_timeout() {
    let login = begin().await;
    let timeout = login.miracl.config().login_timeout;
    login.wait(timeout - Duration::from_millis(1));
    assert!(login.visit().complete_login(&login.query).await.is_ok());

    let login = begin().await;
    login.wait(timeout);
    let reason = login.refused(&login.query).await;
    assert!(matches!(reason, FailureReason::LoginExpired), "{reason}");
}
