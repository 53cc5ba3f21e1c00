//! A glance says what a visit would say, or leaves it to the visit.

use std::time::Duration;

use super::*;
use crate::{
    Config, CookieKey, LoginOptions, MemoryStore, SessionStorage,
    config::options::Renewal,
    flow::callback::tests::{Login, begin_with, cookies, request},
    probes::provider::Provider,
    web::request::tests::Request,
};
use std::task::Poll;

/// What a layer leaves in a request.
fn left_for(miracl: &Miracl, request: &Request) -> LazyVisit<Vec<u8>> {
    let cookies = request.cookie_headers().map(<[u8]>::to_vec);
    LazyVisit::new(miracl.clone(), cookies)
}

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

/// Who is there, if that was known at once.
fn known(user: Poll<Option<User>>) -> Option<User> {
    match user {
        Poll::Ready(user) => user,
        Poll::Pending => None,
    }
}

#[tokio::test]
async fn who_is_logged_in_is_told_at_a_glance_and_the_response_is_not_stored() {
    for in_store in [false, true] {
        let (login, cookies) = logged_in_and_kept(in_store).await;
        let asked = request("/", &format!("theme=dark; {cookies}; other=1"));
        let lazy = left_for(&login.miracl, &asked);
        let user = known(lazy.user_at_once(&asked)).unwrap();
        assert_eq!(user.id(), "alice");
        assert!(lazy.here.visit.get().is_none(), "no visit was needed");
        let outcome = lazy.finish();
        assert!(outcome.no_store && outcome.set_cookies.is_empty());
        // Whoever asks for the visit after it finds the same person, and everything else.
        let visit = lazy.visit(&asked).unwrap();
        assert_eq!(visit.user().await.unwrap().unwrap().id(), "alice");
        assert!(visit.tokens().await.unwrap().is_some());
        assert!(lazy.finish().no_store);
    }
}

#[tokio::test]
async fn nobody_is_told_at_a_glance_and_a_request_that_does_not_ask_pays_nothing() {
    let (login, _) = logged_in(|_| {}).await;
    let lazy = left_for(&login.miracl, &request("/", "theme=dark"));
    assert!(!lazy.finish().no_store);
    for sent in ["", "theme=dark", "miracl-session=garbage"] {
        let asked = request("/", sent);
        let lazy = left_for(&login.miracl, &asked);
        let seen = lazy.user_at_once(&asked);
        assert!(matches!(seen, Poll::Ready(None)), "{sent}");
        assert!(lazy.finish().no_store);
    }
}

#[tokio::test]
async fn what_the_response_has_to_change_is_left_to_the_visit() {
    for in_store in [false, true] {
        let (login, cookies) = logged_in_and_kept(in_store).await;
        let idle = login.miracl.config().session_idle_timeout;
        login.wait(idle / 10 + Duration::from_secs(1));
        let asked = request("/", &cookies);
        let lazy = left_for(&login.miracl, &asked);
        assert!(lazy.user_at_once(&asked).is_pending(), "a deadline is due");
        assert!(lazy.visit(&asked).unwrap().user().await.unwrap().is_some());
        assert_eq!(lazy.finish().set_cookies.len(), 1);
        // Now it is known, and the visit tells.
        assert!(known(lazy.user_at_once(&asked)).is_some());
    }
    let (login, cookies) = logged_in(|_| {}).await;
    let at_once = |miracl: &Miracl, sent: &str| {
        let asked = request("/", sent);
        left_for(miracl, &asked).user_at_once(&asked)
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
        at_once(&newer, &cookies).is_pending(),
        "an older key sealed it"
    );
    let is_session = |cookie: &&str| cookie.starts_with("miracl-session=");
    let session = cookies.split("; ").find(is_session).unwrap();
    assert!(
        at_once(&login.miracl, session).is_pending(),
        "half is missing"
    );
    let halves = request("/", session).with("cookie", "theme=dark");
    let lazy = left_for(&login.miracl, &halves);
    assert!(lazy.user_at_once(&halves).is_pending(), "two headers");
}

#[tokio::test]
async fn what_was_ended_is_nobody_at_a_glance() {
    for in_store in [false, true] {
        let (login, cookies) = logged_in_and_kept(in_store).await;
        let asked = request("/", &cookies);
        login.miracl.visit(&asked).logout().await.unwrap();
        let lazy = left_for(&login.miracl, &asked);
        assert!(matches!(lazy.user_at_once(&asked), Poll::Ready(None)));
        login.wait(login.miracl.config().session_absolute_timeout);
        let lazy = left_for(&login.miracl, &asked);
        assert!(matches!(lazy.user_at_once(&asked), Poll::Ready(None)));
    }
}

#[tokio::test]
async fn eager_renewal_asks_the_visit() {
    let (login, cookies) = logged_in(|config| config.renewal = Renewal::Eager).await;
    let asked = request("/", &cookies);
    let lazy = left_for(&login.miracl, &asked);
    assert!(lazy.user_at_once(&asked).is_pending());
    assert!(lazy.visit(&asked).unwrap().user().await.unwrap().is_some());
    assert!(lazy.user_at_once(&asked).is_pending());
}

/// What a request of somebody else finds that was given what a layer left for the first.
async fn assert_not_found(lazy: &LazyVisit<Vec<u8>>, others: &[Request]) {
    for other in others {
        assert!(lazy.user_at_once(other).is_pending(), "{other:?}");
        let found = lazy.visit(other);
        assert_eq!(found.unwrap_err(), NoVisit::OtherCookies, "{other:?}");
    }
}

#[tokio::test]
async fn a_request_with_other_cookies_does_not_find_the_visit_of_the_first() {
    for in_store in [false, true] {
        let (login, cookies) = logged_in_and_kept(in_store).await;
        let asked = || request("/", &cookies).with("cookie", "theme=dark");
        let one = || request("/", &cookies);
        let others = [
            Request::get("/"),
            request("/", ""),
            request("/", "miracl-session=of-bob"),
            request("/", &cookies[1..]),
            request("/", &format!("{cookies} ")),
            one().with("cookie", "theme=light"),
            one().with("cookie", ""),
            asked().with("cookie", "theme=dark"),
            Request::get("/")
                .with("cookie", "theme=dark")
                .with("cookie", &cookies),
        ];
        // Whoever of them asks first, and whether the visit has been made.
        let (left, twice) = (
            left_for(&login.miracl, &one()),
            left_for(&login.miracl, &asked()),
        );
        assert_not_found(&left, &others).await;
        assert_not_found(&left, &[asked()]).await;
        assert_not_found(&twice, &others).await;
        assert_not_found(&twice, &[one()]).await;
        assert!(!left.finish().no_store, "nobody was told anything");
        assert!(known(left.user_at_once(&one())).is_some());
        assert_not_found(&left, &others).await;
        for (left, asked) in [(left, one()), (twice, asked())] {
            let visit = left.visit(&asked).unwrap();
            assert!(visit.user().await.unwrap().is_some());
            assert_not_found(&left, &others).await;
            assert!(known(left.user_at_once(&asked)).is_some());
        }
        // The other way round: somebody without cookies stays nobody.
        let nobody = left_for(&login.miracl, &Request::get("/"));
        assert_not_found(&nobody, &[one(), asked(), request("/", "")]).await;
        let seen = nobody.user_at_once(&Request::get("/"));
        assert!(matches!(seen, Poll::Ready(None)), "nobody is there");
    }
}

#[tokio::test]
async fn a_visit_is_found_by_its_engine_however_many_layers_lie_between() {
    let (login, cookies) = logged_in(|_| {}).await;
    let asked = request("/", &cookies);
    let engine = || Miracl::new(login.miracl.config().clone()).unwrap();
    // The same configuration to a letter, and another engine.
    let (inner, outer, missing) = (engine(), engine(), engine());
    let left = left_for(&inner, &asked)
        .within(left_for(&login.miracl, &asked).within(left_for(&outer, &asked)));
    for miracl in [&inner, &login.miracl, &outer, &login.miracl.clone()] {
        let mut found = left.clone();
        assert_eq!(found.turn_to(miracl), Ok(!inner.is(miracl)));
        assert!(found.check(miracl).is_ok());
        assert!(found.visit(&asked).unwrap().miracl().is(miracl));
        // It is the same one each time, and the others are still there.
        found
            .visit(&asked)
            .unwrap()
            .flash(crate::Category::Info, "seen");
        let mut again = left.clone();
        again.turn_to(miracl).unwrap();
        assert_eq!(again.finish().set_cookies.len(), 1);
        for other in [&inner, &login.miracl, &outer] {
            found.turn_to(other).unwrap();
            assert!(found.visit(&asked).unwrap().miracl().is(other));
        }
    }
    let mut found = left.clone();
    for _ in 0..2 {
        assert_eq!(found.turn_to(&missing), Err(NoVisit::OtherEngine));
        assert!(found.check(&inner).is_ok(), "nothing has changed");
        assert_eq!(found.check(&outer), Err(NoVisit::OtherEngine));
    }
    let reply = NoVisit::OtherEngine.reply();
    assert_eq!((reply.status, reply.body.as_str()), (500, ""));
}
