//! The good cookie among a few junk ones of its name still counts.

use std::task::Poll;

use super::{
    browser::{Browser, browsers, lazy},
    headers::with_junk,
};
use crate::{
    flow::callback::tests::{begin, request},
    session::cookies::TRIES,
};

#[tokio::test]
async fn the_good_cookie_counts_behind_junk_of_its_name() {
    for copies in 0..TRIES {
        for (mode, browser) in browsers().await {
            let case = format!("{copies} copies, sessions {mode}");
            let header = with_junk(&format!("{}; {}", browser.session, browser.others), copies);
            let user = browser.visit(&header).user().await.unwrap();
            assert_eq!(user.expect(&case).id(), "alice");
            let tokens = browser.visit(&header).tokens().await.unwrap();
            let tokens = tokens.expect(&case);
            assert_eq!(tokens.access_token().expose(), "an-access-token");
            let flashes = browser.visit(&header).take_flashes().await;
            assert_eq!(flashes.len(), 1, "{case}");
            let request = request("/", &header);
            let seen = lazy(&browser.login.miracl, &request).user_at_once(&request);
            assert!(matches!(seen, Poll::Ready(Some(_))), "{case}");
            // And it ends behind junk as well.
            browser.visit(&header).logout().await.unwrap();
            for cookies in [&header, &browser.session] {
                let user = browser.visit(cookies).user().await.unwrap();
                assert!(user.is_none(), "{case}");
            }
        }
    }
}

#[tokio::test]
async fn another_browsers_half_of_a_session_does_not_hide_ours() {
    let mut browser = Browser::new(|_| {}).await;
    let [theirs, ours] = [browser.session.clone(), {
        browser.again().await;
        browser.session.clone()
    }];
    let named = |header: &str, wanted: &str| {
        let mut pairs = header.split("; ");
        let found = pairs.find(|pair| pair.split('=').next() == Some(wanted));
        found.unwrap().to_owned()
    };
    for junk in [
        named(&theirs, "miracl-session"),
        named(&theirs, "miracl-data"),
        named(&theirs, "miracl-data-1"),
    ] {
        for header in [format!("{junk}; {ours}"), format!("{ours}; {junk}")] {
            let visit = browser.visit(&header);
            let tokens = visit.tokens().await.unwrap();
            assert!(tokens.is_some(), "{header}");
            assert!(visit.finish().set_cookies.is_empty());
        }
    }
    // Both whole: the first counts.
    let visit = browser.visit(&format!("{theirs}; {ours}"));
    assert!(visit.tokens().await.unwrap().is_some());
    // A half alone is nobody's, and is forgotten.
    let visit = browser.visit(&named(&ours, "miracl-session"));
    assert!(visit.user().await.unwrap().is_none());
    assert_eq!(visit.finish().set_cookies.len(), 1);
}

#[tokio::test]
async fn a_session_that_has_ended_does_not_hide_the_one_that_lives() {
    for (mode, mut browser) in browsers().await {
        let ended = browser.session.clone();
        browser.visit(&ended).logout().await.unwrap();
        browser.again().await;
        let header = format!("{ended}; {}", browser.session);
        let user = browser.visit(&header).user().await.unwrap();
        assert!(user.is_some(), "{mode}");
    }
}

#[tokio::test]
async fn a_login_is_completed_behind_junk_of_its_name() {
    for copies in 0..TRIES {
        let login = begin().await;
        let header = with_junk(&login.cookies, copies);
        let visit = login.miracl.visit(&request("/login", &header));
        let success = visit.complete_login(&login.query).await;
        assert_eq!(success.unwrap().user().id(), "alice", "{copies}");
    }
}
