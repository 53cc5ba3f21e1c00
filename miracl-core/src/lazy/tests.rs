//! A glance says what a visit would say, or leaves it to the visit.

use std::time::Duration;

use super::*;
use crate::{
    Config, CookieKey, LoginOptions, MemoryStore, SessionStorage,
    callback::tests::{Login, begin_with, cookies, request},
    config::Renewal,
    provider::Provider,
};

/// A person who is logged in, and the cookies of their browser.
async fn logged_in(change: impl FnOnce(&mut Config)) -> (Login, String) {
    let provider = Provider::start().await;
    let login = begin_with(provider, LoginOptions::default(), change).await;
    let visit = login.visit();
    visit.complete_login(&login.query).await.unwrap();
    visit.confirm_login().await.unwrap();
    let cookies = cookies(&visit);
    (login, cookies)
}

/// The same, with the session in a store or in cookies.
async fn logged_in_and_kept(in_store: bool) -> (Login, String) {
    logged_in(|config| {
        if in_store {
            config.session_store = SessionStorage::store(MemoryStore::default());
        }
    })
    .await
}

#[tokio::test]
async fn who_is_logged_in_is_told_at_a_glance_and_the_response_is_not_stored() {
    for in_store in [false, true] {
        let (login, cookies) = logged_in_and_kept(in_store).await;
        let lazy = LazyVisit::new(login.miracl.clone());
        let asked = request("/", &format!("theme=dark; {cookies}; other=1"));
        let user = lazy.user_at_once(&asked).flatten().unwrap();
        assert_eq!(user.id(), "alice");
        assert!(lazy.visit.get().is_none(), "no visit was needed");
        let outcome = lazy.finish();
        assert!(outcome.no_store && outcome.set_cookies.is_empty());
        // Whoever asks for the visit after it finds the same person, and everything else.
        let visit = lazy.visit(&asked);
        assert_eq!(visit.user().await.unwrap().unwrap().id(), "alice");
        assert!(visit.tokens().await.unwrap().is_some());
        assert!(lazy.finish().no_store);
    }
}

#[tokio::test]
async fn nobody_is_told_at_a_glance_and_a_request_that_does_not_ask_pays_nothing() {
    let (login, _) = logged_in(|_| {}).await;
    let lazy = LazyVisit::new(login.miracl.clone());
    assert!(!lazy.finish().no_store);
    for sent in ["", "theme=dark", "miracl-session=garbage"] {
        let lazy = LazyVisit::new(login.miracl.clone());
        let seen = lazy.user_at_once(&request("/", sent));
        assert!(matches!(seen, Some(None)), "{sent}");
        assert!(lazy.finish().no_store);
    }
}

#[tokio::test]
async fn what_the_response_has_to_change_is_left_to_the_visit() {
    for in_store in [false, true] {
        let (login, cookies) = logged_in_and_kept(in_store).await;
        let idle = login.miracl.config().session_idle_timeout;
        login.wait(idle / 10 + Duration::from_secs(1));
        let lazy = LazyVisit::new(login.miracl.clone());
        let asked = request("/", &cookies);
        assert!(lazy.user_at_once(&asked).is_none(), "a deadline is due");
        assert!(lazy.visit(&asked).user().await.unwrap().is_some());
        assert_eq!(lazy.finish().set_cookies.len(), 1);
        // Now it is known, and the visit tells.
        assert!(lazy.user_at_once(&asked).flatten().is_some());
    }
    let (login, cookies) = logged_in(|_| {}).await;
    let at_once = |miracl: &Miracl, sent: &str| {
        LazyVisit::new(miracl.clone()).user_at_once(&request("/", sent))
    };
    let mut keys = login.miracl.config().cookie_keys.clone();
    keys.insert(0, CookieKey::generate());
    let newer = Miracl::new(Config {
        cookie_keys: keys,
        ..login.miracl.config().clone()
    });
    let newer = newer.unwrap();
    newer.engine().binding().await.unwrap();
    assert!(
        at_once(&newer, &cookies).is_none(),
        "an older key sealed it"
    );
    let is_session = |cookie: &&str| cookie.starts_with("miracl-session=");
    let session = cookies.split("; ").find(is_session).unwrap();
    assert!(at_once(&login.miracl, session).is_none(), "half is missing");
    let halves = request("/", session).with("cookie", "theme=dark");
    let lazy = LazyVisit::new(login.miracl.clone());
    assert!(lazy.user_at_once(&halves).is_none(), "two headers");
}

#[tokio::test]
async fn what_was_ended_is_nobody_at_a_glance() {
    for in_store in [false, true] {
        let (login, cookies) = logged_in_and_kept(in_store).await;
        let asked = request("/", &cookies);
        login.miracl.visit(&asked).logout().await.unwrap();
        let lazy = LazyVisit::new(login.miracl.clone());
        assert!(matches!(lazy.user_at_once(&asked), Some(None)));
        login.wait(login.miracl.config().session_absolute_timeout);
        let lazy = LazyVisit::new(login.miracl.clone());
        assert!(matches!(lazy.user_at_once(&asked), Some(None)));
    }
}

#[tokio::test]
async fn eager_renewal_asks_the_visit() {
    let (login, cookies) = logged_in(|config| config.renewal = Renewal::Eager).await;
    let lazy = LazyVisit::new(login.miracl.clone());
    let asked = request("/", &cookies);
    assert!(lazy.user_at_once(&asked).is_none());
    assert!(lazy.visit(&asked).user().await.unwrap().is_some());
    assert!(lazy.user_at_once(&asked).is_none());
}
