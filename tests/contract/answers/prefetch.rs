//! What browsers fetch before anybody has clicked: it changes nothing, and what is answered is not kept.

use miracl_tests::{Adapter, Answer, Request, scenarios};

use crate::journey::Journey;

scenarios![
    no_answer_to_a_prefetch_of_our_routes_is_kept,
    no_challenge_to_a_prefetch_is_kept,
    a_page_that_changes_something_is_not_prefetched,
    what_was_prefetched_is_dropped_at_login_and_log_out,
];

/// How browsers say that nobody has clicked yet, today and in former times.
const PURPOSES: &[(&str, &str)] = &[
    ("sec-purpose", "prefetch"),
    ("sec-purpose", "prefetch;prerender"),
    ("sec-purpose", "prefetch;anonymous-client-ip"),
    ("purpose", "prefetch"),
    ("x-moz", "prefetch"),
];

/// Fails unless a browser keeps nothing of the answer, and nothing has changed.
#[track_caller]
fn assert_not_kept(answer: &Answer, what: &str) {
    // Chromium keeps every answer of 2xx, also where it is `no-store`.
    assert_eq!(answer.status, 503, "{what}");
    assert!(answer.is_no_store(), "{what}: {:?}", answer.headers);
    assert!(answer.set_cookies().is_empty(), "{what}");
    // With it, Chromium would prefetch nothing of this site for a while.
    assert_eq!(answer.header("retry-after"), None, "{what}");
    assert_eq!(answer.header("location"), None, "{what}");
}

async fn no_answer_to_a_prefetch_of_our_routes_is_kept(adapter: Adapter) {
    let mut journey = Journey::begin(adapter);
    for logged_in in [false, true] {
        for path in [
            "/login/start",
            "/login/start?return_to=%2Fmembers",
            "/login/initiate",
            "/login",
            "/login?code=x&state=y",
            "/logout",
            "/signed-out",
            "/frontchannel-logout",
        ] {
            for (name, value) in PURPOSES {
                let request = Request::navigate(journey.url(path)).header(name, value);
                let answer = journey.browser.send(request).await;
                assert_not_kept(&answer, &format!("{path}, {name}: {value}"));
            }
        }
        if !logged_in {
            journey.log_in().await;
        }
    }
    journey.assert_still_logged_in().await;
    // No provider is needed to say no.
    journey.provider.stop();
    journey.demo.restart();
    let request = Request::navigate(journey.url("/login/start")).header("sec-purpose", "prefetch");
    assert_not_kept(&journey.browser.send(request).await, "without a provider");
}

async fn no_challenge_to_a_prefetch_is_kept(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for path in ["/members", "/members?tab=2", "/profile", "/devices"] {
        for (name, value) in PURPOSES {
            let prefetch = |request: Request| request.header(name, value);
            for request in [
                prefetch(Request::navigate(journey.url(path))),
                prefetch(Request::fetch(journey.url(path))),
                prefetch(Request::script(journey.url(path))),
            ] {
                let answer = journey.browser.send(request).await;
                assert_not_kept(&answer, &format!("{path}, {name}: {value}"));
            }
        }
        journey.browser.open(journey.url(path)).await.expect(303);
    }
    // Who is logged in sees the page, also before they click.
    journey.log_in().await;
    let request = Request::navigate(journey.url("/members")).header("sec-purpose", "prefetch");
    journey.browser.send(request).await.expect(200);
}

async fn a_page_that_changes_something_is_not_prefetched(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let request = Request::navigate(journey.url("/refresh")).header("sec-purpose", "prefetch");
    let answer = journey.browser.send(request).await.expect(503);
    assert!(answer.set_cookies().is_empty());
    journey
        .browser
        .open(journey.url("/refresh"))
        .await
        .expect(303);
}

/// Whether an answer tells the browser to drop what it has prefetched.
fn drops(answer: &Answer) -> bool {
    let header = answer.header("clear-site-data");
    assert!(header.is_none_or(|value| value == "\"prefetchCache\", \"prerenderCache\""));
    header.is_some()
}

async fn what_was_prefetched_is_dropped_at_login_and_log_out(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    assert!(drops(&journey.browser.open(callback).await.expect(303)));
    for path in [
        "/", "/members", "/refresh", "/me", "/whoami", "/public", "/logout",
    ] {
        assert!(
            !drops(&journey.browser.open(journey.url(path)).await),
            "{path}"
        );
    }
    let head = Request::navigate(journey.url("/logout")).method("HEAD");
    assert!(!drops(&journey.browser.send(head).await));
    let elsewhere = Request::form(journey.url("/logout"), &[]).from_page("https://evil.example/");
    assert!(!drops(&journey.browser.send(elsewhere).await.expect(403)));
    let post = || journey.browser.post(journey.url("/logout"), &[]);
    assert!(drops(&post().await.expect(303)));
    // Also where the session had ended before.
    assert!(drops(&post().await.expect(303)));
    let page = journey.browser.open(journey.url("/")).await;
    assert!(!drops(&page));
    // A login that fails changes nobody.
    let callback = journey.callback_url().await;
    let mut wrong = callback.clone();
    wrong.set_query(Some("state=unknown&code=x"));
    assert!(!drops(&journey.browser.open(wrong).await));
}
