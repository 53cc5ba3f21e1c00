//! Junk under the names of our cookies: another app on the host sets it for a longer path, so browsers send it
//! before ours.

use miracl_tests::{Adapter, Browser, Provider, Request, scenarios};

use crate::journey::{Journey, subject};

scenarios![
    junk_of_our_names_hides_nobody,
    junk_of_our_names_hides_no_login_under_way,
    a_session_behind_junk_ends_by_logging_out,
];

/// The browser's `Cookie` header with junk before each cookie: a word, something that could be the id of a session,
/// and the cookie itself with one character changed.
fn with_junk(browser: &Browser) -> String {
    let mut pairs = Vec::new();
    for cookie in browser.cookies() {
        let (name, value) = (&cookie.name, &cookie.value);
        let mut changed = value.clone().into_bytes();
        let middle = changed.len() / 2;
        changed[middle] = if changed[middle] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("it is ASCII");
        for value in ["junk", &"A".repeat(43), &changed, value] {
            pairs.push(format!("{name}={value}"));
        }
    }
    pairs.join("; ")
}

pub(crate) async fn junk_of_our_names_hides_nobody(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let header = with_junk(&journey.browser);
    let plain = Browser::new();
    for path in ["/me", "/whoami", "/members"] {
        let request = Request::navigate(journey.url(path)).header("cookie", &header);
        let answer = plain.send(request).await.expect(200);
        assert!(answer.set_cookies().is_empty(), "{path}: {answer:?}");
        if path == "/me" {
            assert_eq!(answer.json()["sub"], Provider::SUBJECT);
        }
    }
}

pub(crate) async fn junk_of_our_names_hides_no_login_under_way(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    let request = Request::navigate(callback).header("cookie", &with_junk(&journey.browser));
    let page = journey.browser.send(request).await.expect(303);
    // The cookie with its message has junk before it as well.
    let home = page.location().expect("a location");
    let request = Request::navigate(home).header("cookie", &with_junk(&journey.browser));
    let page = journey.browser.send(request).await.expect(200);
    assert!(
        page.has_alert("success", "Successfully logged in!"),
        "{}",
        page.body
    );
    journey.assert_still_logged_in().await;
}

pub(crate) async fn a_session_behind_junk_ends_by_logging_out(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let copy = journey.browser.copy();
    let request = Request::form(journey.url("/logout"), &[]);
    let request = request.header("cookie", &with_junk(&journey.browser));
    journey.browser.send(request).await.expect(303);
    journey.assert_nobody().await;
    assert_eq!(subject(&copy, &journey.demo).await, None);
}
