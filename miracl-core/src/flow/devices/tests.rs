//! What a person sees of their sessions, and which they can end.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use serde_json::json;

use super::*;
use crate::{
    Config, LoginOptions, MemoryStore, SessionStorage, Visit,
    error::store::StoreError,
    flow::callback::tests::{Login, begin_with, cookies, request},
    probes::provider::Provider,
    store::sessions::{IndexKey, SessionKey, SessionStore, StoredSession},
};

/// A store that fails to delete a session so many times.
#[derive(Clone, Default)]
struct Ill {
    store: MemoryStore,
    failures: Arc<AtomicU64>,
}

impl SessionStore for Ill {
    async fn create(
        &self,
        key: &SessionKey,
        session: StoredSession,
        ttl: Duration,
    ) -> Result<(), StoreError> {
        SessionStore::create(&self.store, key, session, ttl).await
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<StoredSession>, StoreError> {
        SessionStore::load(&self.store, key).await
    }

    async fn update(
        &self,
        key: &SessionKey,
        expected: u64,
        session: StoredSession,
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        SessionStore::update(&self.store, key, expected, session, ttl).await
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        // Others are asked before this one answers.
        tokio::task::yield_now().await;
        let left = |failures: u64| failures.checked_sub(1);
        let (set, get) = (Ordering::SeqCst, Ordering::SeqCst);
        match self.failures.fetch_update(set, get, left) {
            Ok(failures) => Err(StoreError::new(format!("{failures} failures are left"))),
            Err(_) => SessionStore::delete(&self.store, key).await,
        }
    }

    async fn delete_by_sid(&self, sid: &IndexKey) -> Result<u64, StoreError> {
        SessionStore::delete_by_sid(&self.store, sid).await
    }

    async fn delete_by_subject(&self, subject: &IndexKey) -> Result<u64, StoreError> {
        SessionStore::delete_by_subject(&self.store, subject).await
    }

    async fn list_by_subject(
        &self,
        subject: &IndexKey,
    ) -> Result<Vec<(SessionKey, StoredSession)>, StoreError> {
        SessionStore::list_by_subject(&self.store, subject).await
    }
}

/// An app whose sessions are in this store.
async fn app(store: &(impl SessionStore + Clone)) -> Login {
    let store = SessionStorage::store(store.clone());
    let kept = |config: &mut Config| config.session_store = store;
    begin_with(Provider::start().await, LoginOptions::default(), kept).await
}

/// Logs somebody in with a browser of their own, and returns its cookies.
async fn log_in(app: &mut Login, sub: &str, browser: &str) -> String {
    let visit = complete(app, sub, browser).await;
    visit.confirm_login().await.unwrap();
    cookies(&visit)
}

/// The same up to the hook.
async fn complete(app: &mut Login, sub: &str, browser: &str) -> Visit {
    app.another(LoginOptions::default()).await;
    app.grant(&json!({ "sub": sub }));
    let userinfo = json!({ "sub": sub }).to_string();
    app.provider.say("/userinfo", &userinfo);
    let callback = request("/login?code=x", &app.cookies).with("user-agent", browser);
    let visit = app.miracl.visit(&callback);
    visit.complete_login(&app.query).await.unwrap();
    visit
}

fn visit(app: &Login, cookies: &str) -> Visit {
    app.miracl.visit(&request("/devices", cookies))
}

async fn is_in(app: &Login, cookies: &str) -> bool {
    visit(app, cookies).is_authenticated().await.unwrap()
}

/// The browsers on a list, and whether each is this one.
fn browsers(list: &[SessionInfo]) -> Vec<(&str, bool)> {
    let browser = |info: &SessionInfo| info.user_agent().map(str::to_owned);
    assert!(list.iter().all(|info| browser(info).is_some()));
    list.iter()
        .map(|info| (info.user_agent().unwrap(), info.is_current()))
        .collect()
}

#[tokio::test]
async fn a_person_sees_every_session_of_theirs_this_one_first_and_then_last_seen_first() {
    let mut app = app(&MemoryStore::default()).await;
    let phone = log_in(&mut app, "alice", "Phone").await;
    let begun = app.now();
    app.wait(Duration::from_secs(60));
    log_in(&mut app, "alice", "Tablet").await;
    app.wait(Duration::from_secs(60));
    log_in(&mut app, "alice", "Laptop").await;
    log_in(&mut app, "bob", "Bob's").await;

    app.wait(Duration::from_secs(60));
    let list = visit(&app, &phone).sessions().await.unwrap();
    assert_eq!(
        browsers(&list),
        [("Phone", true), ("Laptop", false), ("Tablet", false)]
    );
    let at = |seconds: u64| UNIX_EPOCH + Duration::from_secs(seconds);
    assert_eq!(
        (list[0].created(), list[0].last_seen()),
        (at(begun), at(begun + 180))
    );
    assert_eq!(
        (list[1].created(), list[1].last_seen()),
        (at(begun + 120), at(begun + 120))
    );
    let again = visit(&app, &phone).sessions().await.unwrap();
    assert!(
        list.iter()
            .zip(&again)
            .all(|(one, same)| one.id() == same.id())
    );

    assert!(visit(&app, "").sessions().await.unwrap().is_empty());
    // The idle deadline of all has passed.
    app.wait(app.miracl.config().session_idle_timeout);
    let late = log_in(&mut app, "alice", "Late").await;
    let list = visit(&app, &late).sessions().await.unwrap();
    assert_eq!(browsers(&list), [("Late", true)]);
}

#[tokio::test]
async fn a_session_ends_alone_and_its_copied_cookie_with_it() {
    let store = MemoryStore::default();
    let mut app = app(&store).await;
    let phone = log_in(&mut app, "alice", "Phone").await;
    let tablet = log_in(&mut app, "alice", "Tablet").await;
    let laptop = log_in(&mut app, "alice", "Laptop").await;
    let list = visit(&app, &phone).sessions().await.unwrap();
    let id = |browser: &str| {
        let found = list.iter().find(|info| info.user_agent() == Some(browser));
        found.unwrap().id().to_owned()
    };
    let ended = visit(&app, &tablet)
        .exchange()
        .current()
        .await
        .unwrap()
        .unwrap()
        .session;
    let marks = &app.miracl.engine().sessions.marks;
    assert!(!marks.is_ended(&ended));
    let asking = visit(&app, &phone);
    assert!(asking.end_other_session(&id("Tablet")).await.unwrap());
    assert!(
        marks.is_ended(&ended),
        "also to a request that has read it already"
    );
    let left = store.load(&SessionKey(ended.id.0)).await.unwrap();
    assert!(left.is_none(), "also to every other replica");
    assert!(!is_in(&app, &tablet).await);
    assert!(is_in(&app, &laptop).await && is_in(&app, &phone).await);
    assert!(
        !asking.end_other_session(&id("Tablet")).await.unwrap(),
        "it is gone"
    );
    assert!(
        !asking.end_other_session(&id("Phone")).await.unwrap(),
        "this is no other"
    );
    assert!(!asking.end_other_session("").await.unwrap());
    assert!(is_in(&app, &phone).await);
    assert_eq!(asking.sessions().await.unwrap().len(), 2);
}

#[tokio::test]
async fn nobody_can_end_a_session_of_somebody_else() {
    let mut app = app(&MemoryStore::default()).await;
    let alice = log_in(&mut app, "alice", "Phone").await;
    let bob = log_in(&mut app, "bob", "Bob's").await;
    let bobs = visit(&app, &bob).sessions().await.unwrap()[0]
        .id()
        .to_owned();
    for cookies in [alice.as_str(), ""] {
        let asking = visit(&app, cookies);
        assert!(!asking.end_other_session(&bobs).await.unwrap());
        assert_eq!(asking.end_other_sessions().await.unwrap(), 0);
    }
    assert!(is_in(&app, &bob).await && is_in(&app, &alice).await);
}

#[tokio::test]
async fn all_others_end_and_this_one_stays_until_somebody_logs_out_everywhere() {
    let mut app = app(&MemoryStore::default()).await;
    let bob = log_in(&mut app, "bob", "Bob's").await;
    let phone = log_in(&mut app, "alice", "Phone").await;
    let others = [
        log_in(&mut app, "alice", "Tablet").await,
        log_in(&mut app, "alice", "Laptop").await,
    ];
    let asking = visit(&app, &phone);
    assert_eq!(asking.end_other_sessions().await.unwrap(), 2);
    assert_eq!(asking.end_other_sessions().await.unwrap(), 0);
    assert!(is_in(&app, &phone).await);
    for other in others {
        assert!(!is_in(&app, &other).await);
    }

    app.wait(Duration::from_secs(1));
    let tablet = log_in(&mut app, "alice", "Tablet").await;
    visit(&app, &phone).logout_everywhere().await.unwrap();
    assert!(!is_in(&app, &phone).await && !is_in(&app, &tablet).await);
    assert!(is_in(&app, &bob).await);
}

#[tokio::test]
async fn a_session_that_cannot_be_ended_keeps_no_other_alive_and_the_first_error_is_returned() {
    let store = Ill::default();
    let mut app = app(&store).await;
    let phone = log_in(&mut app, "alice", "Phone").await;
    for browser in ["Tablet", "Laptop", "Watch", "Fridge"] {
        log_in(&mut app, "alice", browser).await;
    }
    let asking = visit(&app, &phone);
    store.failures.store(2, Ordering::SeqCst);
    let error = asking.end_other_sessions().await.unwrap_err();
    let why = std::error::Error::source(&error).unwrap();
    assert_eq!(why.to_string(), "2 failures are left");
    let current = asking.exchange().current().await.unwrap().unwrap().session;
    let subject = current.marked_by.subject;
    let left = async || store.list_by_subject(&subject).await.unwrap().len();
    assert_eq!(left().await, 3, "this one, and two that could not be ended");
    assert_eq!(asking.end_other_sessions().await.unwrap(), 2);
    assert_eq!(left().await, 1);
    assert!(is_in(&app, &phone).await);
}

#[tokio::test]
async fn a_login_that_waits_for_its_hook_is_no_session_yet() {
    let mut app = app(&MemoryStore::default()).await;
    let phone = log_in(&mut app, "alice", "Phone").await;
    let waiting = complete(&mut app, "alice", "Tablet").await;
    let asking = visit(&app, &phone);
    assert_eq!(
        browsers(&asking.sessions().await.unwrap()),
        [("Phone", true)]
    );
    assert_eq!(asking.end_other_sessions().await.unwrap(), 0);
    waiting.confirm_login().await.unwrap();
    assert_eq!(asking.sessions().await.unwrap().len(), 2);
    assert!(is_in(&app, &cookies(&waiting)).await);
}

#[tokio::test]
async fn a_head_and_a_prefetch_end_nothing() {
    let mut app = app(&MemoryStore::default()).await;
    let phone = log_in(&mut app, "alice", "Phone").await;
    let tablet = log_in(&mut app, "alice", "Tablet").await;
    let mut head = request("/devices", &phone);
    head.method = "HEAD";
    let prefetch = request("/devices", &phone).with("sec-purpose", "prefetch");
    for request in [head, prefetch] {
        let asking = app.miracl.visit(&request);
        let list = asking.sessions().await.unwrap();
        assert!(!asking.end_other_session(list[1].id()).await.unwrap());
        assert_eq!(asking.end_other_sessions().await.unwrap(), 0);
    }
    assert!(is_in(&app, &tablet).await);
}

#[tokio::test]
async fn a_handle_is_neither_the_sessions_id_nor_its_key() {
    let store = MemoryStore::default();
    let mut app = app(&store).await;
    let phone = log_in(&mut app, "alice", "Phone").await;
    let asking = visit(&app, &phone);
    let id = asking.sessions().await.unwrap()[0].id().to_owned();
    assert_eq!(id.len(), 32);
    let session = asking.exchange().current().await.unwrap().unwrap().session;
    assert!(
        store
            .load(&SessionKey(session.id.0))
            .await
            .unwrap()
            .is_some()
    );
    let hash = digest::digest(&digest::SHA256, &session.id.0);
    for secret in [hex(&session.id.0), hex(hash.as_ref())] {
        assert!(!secret.contains(&id));
    }
    assert!(!phone.contains(&id));
    // Nor does it log anybody in.
    let (name, _) = phone.split_once('=').unwrap();
    assert!(!is_in(&app, &format!("{name}={id}")).await);
}

#[tokio::test]
async fn the_browser_is_remembered_over_changes_of_the_session() {
    let mut app = app(&MemoryStore::default()).await;
    let phone = log_in(&mut app, "alice", "Phone").await;
    let asking = visit(&app, &phone);
    asking.clear_user_info().await.unwrap();
    asking.refresh_user_data().await.unwrap();
    // Far enough for the idle deadline to be moved.
    app.wait(app.miracl.config().session_idle_timeout / 2);
    assert!(is_in(&app, &phone).await);
    let list = visit(&app, &phone).sessions().await.unwrap();
    assert_eq!(browsers(&list), [("Phone", true)]);
}

#[tokio::test]
async fn what_is_kept_of_a_browsers_name_is_printable_and_has_an_end() {
    let app = app(&MemoryStore::default()).await;
    let kept = |path: &str, name: &str| {
        let asked = request(path, "").with("user-agent", name);
        app.miracl
            .visit(&asked)
            .exchange()
            .user_agent()
            .map(str::to_owned)
    };
    let long = "a".repeat(300);
    assert_eq!(kept("/login", &long), Some("a".repeat(256)));
    assert_eq!(
        kept("/login?code=x", "B\u{1b}[1m\té/1"),
        Some("B[1m/1".into())
    );
    assert_eq!(kept("/login", " \u{fe0f} "), None);
    // Where nothing is going to be kept, nothing is copied.
    assert_eq!(kept("/login/start", "Phone"), None);
    assert_eq!(kept("/", "Phone"), None);
    assert_eq!(
        app.visit().exchange().user_agent(),
        None,
        "it sends no name"
    );
}

#[tokio::test]
async fn sessions_in_cookies_cannot_be_listed_and_the_error_says_what_to_do() {
    let cookie = |config: &mut Config| config.session_store = SessionStorage::cookie();
    let mut app = begin_with(Provider::start().await, LoginOptions::default(), cookie).await;
    let phone = log_in(&mut app, "alice", "Phone").await;
    for cookies in [phone.as_str(), ""] {
        let asking = visit(&app, cookies);
        let error = asking.sessions().await.unwrap_err();
        assert!(matches!(error, SessionError::NotListed));
        assert!(error.to_string().contains("`session_store`"), "{error}");
        for error in [
            asking.end_other_session("x").await.map(|_| ()),
            asking.end_other_sessions().await.map(|_| ()),
        ] {
            assert!(matches!(error, Err(SessionError::NotListed)));
        }
    }
    // The cookie has not grown by the browser's name.
    let data = visit(&app, &phone)
        .exchange()
        .data()
        .await
        .unwrap()
        .unwrap();
    assert_eq!(data.user_agent, None);
    assert!(is_in(&app, &phone).await);
}

#[tokio::test]
async fn debug_shows_nothing_of_a_list() {
    let mut app = app(&MemoryStore::default()).await;
    let phone = log_in(&mut app, "alice", "Phone").await;
    let list = visit(&app, &phone).sessions().await.unwrap();
    assert_eq!(format!("{list:?}"), "[SessionInfo { .. }]");
}
