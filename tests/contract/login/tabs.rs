//! Several logins at once, and logins that are not this browser's.

use miracl_tests::{Adapter, Answer, Answers, Browser, Endpoint, Wire, scenarios};
use url::Url;

use crate::journey::{Journey, assert_refused, subject};

scenarios![
    two_tabs_log_in_at_once_and_both_succeed,
    a_callback_opened_twice_at_once_asks_for_tokens_once,
    a_callback_sent_again_while_the_first_waits_leads_to_the_same_place_without_cookies,
    a_callback_sent_again_while_the_first_waits_fails_as_that_one_does,
    the_pending_cookie_put_back_does_not_revive_a_callback,
    a_callback_opened_in_another_browser_is_refused,
    reloading_the_home_page_leaves_a_login_in_another_tab_intact,
    only_starting_a_login_makes_a_pending_cookie,
    at_most_five_logins_are_pending_and_the_newest_is_one_of_them,
    a_cookie_that_is_no_text_does_not_lift_the_limit_of_logins,
];

async fn two_tabs_log_in_at_once_and_both_succeed(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let first = journey.callback_url().await;
    let second = journey.callback_url().await;
    for callback in [second, first] {
        let page = journey.browser.visit(callback).await.expect(200);
        assert!(
            page.has_alert("success", "Successfully logged in!"),
            "{}",
            page.body
        );
        journey.assert_still_logged_in().await;
    }
}

async fn a_callback_opened_twice_at_once_asks_for_tokens_once(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for round in 1..=20 {
        journey.browser.clear();
        let callback = journey.callback_url().await;
        let browsers = [(); 4].map(|()| journey.browser.copy());
        let [one, two, three, four] = &browsers;
        let (one, two, three, four) = tokio::join!(
            one.open(&callback),
            two.open(&callback),
            three.open(&callback),
            four.open(&callback)
        );
        // The first logs in. Those that come meanwhile are sent where it is, and those that come later are refused.
        let (sent, refused): (Vec<_>, Vec<_>) = [one, two, three, four]
            .into_iter()
            .partition(|answer| answer.status == 303);
        let logged_in = sent.iter().filter(|answer| sets_a_session(answer));
        assert_eq!(logged_in.count(), 1, "round {round}");
        for answer in &sent {
            assert_eq!(answer.location_path().as_deref(), Some("/"));
            assert!(sets_a_session(answer) || answer.set_cookies().is_empty());
        }
        refused.iter().for_each(assert_refused);
        assert_eq!(
            journey.provider.count(Endpoint::Token),
            round,
            "a code was sent twice"
        );
    }
}

fn sets_a_session(answer: &Answer) -> bool {
    let set = answer.set_cookies();
    set.iter()
        .any(|cookie| cookie.name.ends_with("-session") && !cookie.deleted)
}

/// A demo whose log tells of callbacks that wait, and a login there that is approved and leads to `/members`.
async fn approved(adapter: Adapter) -> (Journey, Url) {
    let journey = Journey::begin_with(adapter, &[("RUST_LOG", "info,miracl_core=debug")]);
    let start = journey.url("/login/start?return_to=%2Fmembers");
    let start = journey.browser.open(start).await.expect(303);
    let approved = journey.browser.step(&start).await.expect(302);
    let callback = approved.location().expect("the callback");
    (journey, callback)
}

/// Waits until so many callbacks wait for another one.
async fn waits(journey: &Journey, callbacks: usize) {
    const WAITS: &str = "the second waits for the first";
    while journey.demo.log().matches(WAITS).count() < callbacks {
        tokio::task::yield_now().await;
    }
}

async fn a_callback_sent_again_while_the_first_waits_leads_to_the_same_place_without_cookies(
    adapter: Adapter,
) {
    let (journey, callback) = approved(adapter).await;
    let (held, release) = Answers::held();
    journey.provider.set(Endpoint::Token, held);
    let [second, third] = [(); 2].map(|()| journey.browser.copy());
    let others = async {
        journey.provider.has_received(Endpoint::Token, 1).await;
        // Who knows the address alone waits for nothing.
        assert_refused(&Browser::new().open(&callback).await);
        let release = async {
            waits(&journey, 2).await;
            release.send(true).expect("the provider waits");
        };
        tokio::join!(second.open(&callback), third.open(&callback), release)
    };
    let (answer, (two, three, ())) = tokio::join!(journey.browser.open(&callback), others);
    assert!(sets_a_session(&answer));
    for again in [two, three] {
        let again = again.expect(303);
        assert_eq!(again.location(), answer.location());
        assert_eq!(again.set_cookies(), []);
        assert!(again.is_no_store(), "{:?}", again.headers);
    }
    assert_eq!(answer.location_path().as_deref(), Some("/members"));
    assert_eq!(journey.provider.count(Endpoint::Token), 1);
    journey.assert_still_logged_in().await;
    assert_eq!(subject(&second, &journey.demo).await, None);
}

async fn a_callback_sent_again_while_the_first_waits_fails_as_that_one_does(adapter: Adapter) {
    let (journey, callback) = approved(adapter).await;
    let (held, release) = Answers::held();
    journey.provider.set(Endpoint::Token, held);
    let refused = Answers::error(401, "invalid_token");
    journey.provider.set(Endpoint::Userinfo, refused);
    let second = journey.browser.copy();
    let other = async {
        journey.provider.has_received(Endpoint::Token, 1).await;
        let release = async {
            waits(&journey, 1).await;
            release.send(true).expect("the provider waits");
        };
        tokio::join!(second.open(&callback), release)
    };
    let (first, (second, ())) = tokio::join!(journey.browser.open(&callback), other);
    let number = |page: &Answer| {
        let code = page.body.split("<code>").nth(1);
        code.and_then(|rest| rest.split("</code>").next())
            .map(str::to_owned)
    };
    assert_refused(&first);
    assert_refused(&second);
    assert!(number(&first).is_some());
    assert_eq!(
        number(&first),
        number(&second),
        "one failure, and one line in the log"
    );
    // The answer may be faster than the log.
    journey.demo.wait_for_log("login failed");
    assert_eq!(journey.demo.log().matches("login failed").count(), 1);
    assert_eq!(journey.provider.count(Endpoint::Token), 1);
    journey.assert_nobody().await;
}

async fn the_pending_cookie_put_back_does_not_revive_a_callback(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    let saved = journey.browser.copy();
    journey.browser.visit(&callback).await.expect(200);
    assert_eq!(journey.provider.count(Endpoint::Token), 1);
    assert_refused(&saved.open(&callback).await);
    assert_eq!(subject(&saved, &journey.demo).await, None);
    // In a browser that is logged in it does nothing: the session is the one from before.
    for cookie in journey.browser.copy().cookies() {
        saved.keep(cookie);
    }
    let home = saved.visit(&callback).await.expect(200);
    assert!(
        home.has_alert("info", "You are already logged in."),
        "{}",
        home.body
    );
    assert_eq!(
        journey.provider.count(Endpoint::Token),
        1,
        "the code was sent a second time"
    );
    journey.assert_still_logged_in().await;
}

async fn a_callback_opened_in_another_browser_is_refused(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    let victim = Browser::new();
    assert_refused(&victim.open(&callback).await);
    assert_eq!(subject(&victim, &journey.demo).await, None);
    // Not even in a browser with a login of its own under way.
    victim.open(journey.url("/login/start")).await.expect(303);
    assert_refused(&victim.open(&callback).await);
    assert_eq!(subject(&victim, &journey.demo).await, None);
    assert_eq!(journey.provider.count(Endpoint::Token), 0);
    journey.browser.visit(&callback).await.expect(200);
}

async fn reloading_the_home_page_leaves_a_login_in_another_tab_intact(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    for _ in 0..20 {
        journey.home().await;
    }
    journey.browser.visit(callback).await.expect(200);
    journey.assert_still_logged_in().await;
}

async fn only_starting_a_login_makes_a_pending_cookie(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for path in [
        "/",
        "/members",
        "/me",
        "/profile",
        "/devices",
        "/whoami",
        "/public",
        "/logout",
        "/refresh",
        "/signed-out",
    ] {
        let page = journey.browser.open(journey.url(path)).await;
        let fetched = journey.browser.fetch(journey.url(path)).await;
        for answer in [page, fetched] {
            let set: Vec<_> = answer
                .set_cookies()
                .into_iter()
                .filter(|cookie| !cookie.deleted)
                .collect();
            assert!(set.is_empty(), "{path} set {set:?}");
        }
    }
    assert_eq!(journey.provider.count(Endpoint::Authorize), 0);
    let start = journey
        .browser
        .open(journey.url("/login/start"))
        .await
        .expect(303);
    assert_eq!(start.set_cookies().len(), 1, "{:?}", start.set_cookies());
}

async fn at_most_five_logins_are_pending_and_the_newest_is_one_of_them(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let mut newest = journey.callback_url().await;
    for _ in 0..6 {
        newest = journey.callback_url().await;
    }
    assert!(
        journey.browser.cookies().len() <= 5,
        "{:?}",
        journey.browser.cookies()
    );
    journey.browser.visit(newest).await.expect(200);
    journey.assert_still_logged_in().await;
}

async fn a_cookie_that_is_no_text_does_not_lift_the_limit_of_logins(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for _ in 0..5 {
        journey.authorize_url().await;
    }
    let pending: Vec<String> = journey
        .browser
        .cookies()
        .into_iter()
        .map(|cookie| format!("{}={}", cookie.name, cookie.value))
        .collect();
    let mut request = format!(
        "GET /login/start HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nCookie: {}\r\nCookie: odd=",
        pending.join("; ")
    )
    .into_bytes();
    request.extend_from_slice(b"\xff\xfe\r\n\r\n");
    let answer = Wire::ask(&journey.demo, request).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let set = answer
        .headers
        .iter()
        .filter(|(name, _)| name == "set-cookie");
    let deleted = set.filter(|(_, value)| value.contains("Max-Age=0")).count();
    assert_eq!(deleted, 1, "{answer:?}");
}
