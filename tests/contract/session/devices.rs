//! The page of devices: who is logged in where, and how that is ended from elsewhere.

use miracl_tests::{Adapter, Answer, Answers, Browser, Demo, Endpoint, Request, Suite, scenarios};
use serde_json::json;

use crate::journey::{Journey, session_cookie, subject};

/// Browsers as they name themselves, and as the page calls them.
const LINUX: (&str, &str) = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Firefox on Linux",
);
const PHONE: (&str, &str) = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
     Version/18.5 Mobile/15E148 Safari/604.1",
    "Safari on iPhone",
);
const WINDOWS: (&str, &str) = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
     Chrome/139.0.0.0 Safari/537.36 Edg/139.0.0.0",
    "Edge on Windows",
);

scenarios![
    two_browsers_of_a_person_each_see_both,
    ending_one_ends_exactly_that_one_and_copies_of_its_cookie,
    ending_all_others_leaves_this_one,
    nobody_sees_or_ends_a_session_of_somebody_else,
    the_handle_of_a_session_logs_nobody_in,
    another_site_can_end_nothing,
    a_stranger_is_sent_to_log_in_and_a_prefetch_ends_nothing,
    a_browser_cannot_write_into_the_page,
    the_browser_is_still_known_after_a_refresh,
];

/// The page in cookie mode, where sessions cannot be listed.
pub(crate) fn without_a_list() -> Suite {
    without::suite().named("devices")
}

/// One line of the page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) name: String,
    /// The handle behind its button. The browser's own device has none.
    pub(crate) id: Option<String>,
}

/// Logs in with a browser that sends this user agent.
pub(crate) async fn log_in_with(browser: &Browser, demo: &Demo, user_agent: &str) {
    let start = Request::navigate(demo.url("/login/start")).header("user-agent", user_agent);
    let page = browser.follow(browser.send(start).await).await.expect(200);
    assert!(
        page.has_alert("success", "Successfully logged in!"),
        "{}",
        page.body
    );
}

/// What the page of devices lists for this browser, its own device first.
pub(crate) async fn listed(browser: &Browser, demo: &Demo) -> Vec<Device> {
    let page = browser.open(demo.url("/devices")).await.expect(200);
    devices(&page)
}

fn devices(page: &Answer) -> Vec<Device> {
    let (_, list) = page
        .body
        .split_once(r#"<ul class="devices">"#)
        .expect("a list");
    let (list, _) = list.split_once("</ul>").expect("the end of the list");
    let line = |line: &str| {
        let (_, name) = line.split_once(r#"<span class="value">"#).expect("a name");
        let (name, _) = name.split_once("</span>").expect("the end of a name");
        let id = line.split_once(r#"name="id" value=""#);
        let id = id.and_then(|(_, id)| id.split_once('"'));
        assert_eq!(id.is_none(), line.contains("this device"), "{line}");
        Device {
            name: name.to_owned(),
            id: id.map(|(id, _)| id.to_owned()),
        }
    };
    list.split("<li>").skip(1).map(line).collect()
}

fn names(devices: &[Device]) -> Vec<&str> {
    devices.iter().map(|device| device.name.as_str()).collect()
}

/// The handle of the only other device.
fn other(devices: &[Device]) -> String {
    assert_eq!(devices.len(), 2, "{devices:?}");
    devices[1].id.clone().expect("a handle")
}

/// Presses a button of the page, and returns the page that it leads to.
async fn press(browser: &Browser, demo: &Demo, path: &str, fields: &[(&str, &str)]) -> Answer {
    let answer = browser.post(demo.url(path), fields).await.expect(303);
    assert!(answer.is_no_store(), "{:?}", answer.headers);
    let page = browser.follow(answer).await.expect(200);
    assert_eq!(page.url.as_str(), demo.url("/devices"));
    page
}

/// A demo with the same person in two browsers.
async fn in_two_browsers(adapter: Adapter) -> (Journey, Browser) {
    let journey = Journey::begin(adapter);
    log_in_with(&journey.browser, &journey.demo, LINUX.0).await;
    let phone = Browser::new();
    log_in_with(&phone, &journey.demo, PHONE.0).await;
    (journey, phone)
}

async fn two_browsers_of_a_person_each_see_both(adapter: Adapter) {
    let (journey, phone) = in_two_browsers(adapter).await;
    let here = listed(&journey.browser, &journey.demo).await;
    assert_eq!(names(&here), [LINUX.1, PHONE.1]);
    let there = listed(&phone, &journey.demo).await;
    assert_eq!(names(&there), [PHONE.1, LINUX.1]);
    assert_eq!((&here[0].id, &there[0].id), (&None, &None));
    assert_ne!(other(&here), other(&there));
    let page = journey.browser.open(journey.url("/devices")).await;
    assert!(page.is_no_store(), "{:?}", page.headers);
    assert!(page.body.contains("<time datetime=\"2"), "{}", page.body);
}

async fn ending_one_ends_exactly_that_one_and_copies_of_its_cookie(adapter: Adapter) {
    let (journey, phone) = in_two_browsers(adapter).await;
    let demo = &journey.demo;
    let windows = Browser::new();
    log_in_with(&windows, demo, WINDOWS.0).await;
    let copy = phone.copy();
    let page = journey.browser.open(journey.url("/devices")).await;
    // Pressed as a person does it: by the form beside the name.
    let at = devices(&page)
        .iter()
        .position(|device| device.name == PHONE.1);
    let mut forms = page.forms();
    forms.retain(|form| form.action == "/devices/end");
    let form = &forms[at.expect("the phone") - 1];
    assert_eq!(form.method, "post");
    let answer = journey.browser.submit(&page, form).await.expect(303);
    let page = journey.browser.follow(answer).await.expect(200);
    assert!(
        page.has_alert("success", "The device is logged out."),
        "{}",
        page.body
    );
    assert_eq!(names(&devices(&page)), [LINUX.1, WINDOWS.1]);
    for dead in [&phone, &copy] {
        assert_eq!(subject(dead, demo).await, None);
    }
    journey.assert_still_logged_in().await;
    assert!(subject(&windows, demo).await.is_some());
    // The second time, there is nothing left to end.
    let id = &form.fields[0].1;
    let page = press(&journey.browser, demo, "/devices/end", &[("id", id)]).await;
    assert!(
        page.has_alert("info", "not logged in any more"),
        "{}",
        page.body
    );
}

async fn ending_all_others_leaves_this_one(adapter: Adapter) {
    let (journey, phone) = in_two_browsers(adapter).await;
    let (demo, browser) = (&journey.demo, &journey.browser);
    let copy = phone.copy();
    let page = press(browser, demo, "/devices/end-others", &[]).await;
    assert!(
        page.has_alert("success", "All other devices"),
        "{}",
        page.body
    );
    assert_eq!(names(&devices(&page)), [LINUX.1]);
    assert!(
        !page
            .forms()
            .iter()
            .any(|form| form.action.starts_with("/devices")),
        "there is nothing left to end: {}",
        page.body
    );
    for dead in [&phone, &copy] {
        assert_eq!(subject(dead, demo).await, None);
    }
    journey.assert_still_logged_in().await;
    let page = press(browser, demo, "/devices/end-others", &[]).await;
    assert!(page.has_alert("info", "No other device"), "{}", page.body);
    // A browser that was logged out may log in again.
    log_in_with(&phone, demo, PHONE.0).await;
    assert_eq!(listed(browser, demo).await.len(), 2);
}

async fn nobody_sees_or_ends_a_session_of_somebody_else(adapter: Adapter) {
    let (journey, phone) = in_two_browsers(adapter).await;
    let demo = &journey.demo;
    let person = || Answers::member("sub", json!("person-4712"));
    journey.provider.set(Endpoint::IdToken, person());
    journey.provider.set(Endpoint::Userinfo, person());
    let stranger = Browser::new();
    log_in_with(&stranger, demo, WINDOWS.0).await;
    assert_eq!(names(&listed(&stranger, demo).await), [WINDOWS.1]);
    let theirs = listed(&journey.browser, demo).await;
    assert_eq!(names(&theirs), [LINUX.1, PHONE.1]);
    for (path, fields) in [
        ("/devices/end", &[("id", &*other(&theirs))][..]),
        ("/devices/end-others", &[]),
    ] {
        let page = press(&stranger, demo, path, fields).await;
        assert!(page.has_alert("info", ""), "{}", page.body);
    }
    journey.assert_still_logged_in().await;
    assert!(subject(&phone, demo).await.is_some());
    assert_eq!(
        subject(&stranger, demo).await.as_deref(),
        Some("person-4712")
    );
}

async fn the_handle_of_a_session_logs_nobody_in(adapter: Adapter) {
    let (journey, phone) = in_two_browsers(adapter).await;
    let id = other(&listed(&journey.browser, &journey.demo).await);
    let page = journey.browser.open(journey.url("/devices")).await;
    for browser in [&journey.browser, &phone] {
        let cookie = session_cookie(browser);
        assert!(!page.body.contains(&cookie.value), "{}", page.body);
        let forger = Browser::new();
        forger.keep(miracl_tests::Cookie {
            value: id.clone(),
            ..cookie
        });
        assert_eq!(subject(&forger, &journey.demo).await, None);
    }
}

async fn another_site_can_end_nothing(adapter: Adapter) {
    let (journey, phone) = in_two_browsers(adapter).await;
    let id = other(&listed(&journey.browser, &journey.demo).await);
    for (path, fields) in [
        ("/devices/end", &[("id", &*id)][..]),
        ("/devices/end-others", &[]),
    ] {
        let form = Request::form(journey.url(path), fields).from_page("https://evil.example/");
        journey.browser.send(form).await.expect(403);
        let get = journey.browser.open(journey.url(path)).await;
        assert_eq!(get.status, adapter.wrong_method, "{path}");
    }
    assert!(subject(&phone, &journey.demo).await.is_some());
}

async fn a_stranger_is_sent_to_log_in_and_a_prefetch_ends_nothing(adapter: Adapter) {
    let (journey, phone) = in_two_browsers(adapter).await;
    let id = other(&listed(&journey.browser, &journey.demo).await);
    let fields = [("id", &*id)];
    let stranger = Browser::new();
    let answer = stranger.open(journey.url("/devices")).await.expect(303);
    assert!(
        answer
            .location()
            .is_some_and(|url| url.path() == "/login/start")
    );
    for path in ["/devices/end", "/devices/end-others"] {
        stranger.post(journey.url(path), &fields).await.expect(303);
        let prefetch = Request::form(journey.url(path), &fields).header("sec-purpose", "prefetch");
        let prefetched = journey.browser.send(prefetch).await.expect(303);
        assert!(
            prefetched.set_cookies().is_empty(),
            "{:?}",
            prefetched.headers
        );
    }
    assert!(subject(&phone, &journey.demo).await.is_some());
    journey.assert_still_logged_in().await;
}

async fn a_browser_cannot_write_into_the_page(adapter: Adapter) {
    let (journey, _phone) = in_two_browsers(adapter).await;
    let evil = Browser::new();
    let name = format!("<script>alert('\"&')</script>{}", "x".repeat(500));
    log_in_with(&evil, &journey.demo, &name).await;
    let page = journey.browser.open(journey.url("/devices")).await;
    assert!(!page.body.contains("<script>alert"), "{}", page.body);
    let listed = devices(&page);
    let shown = listed.iter().find(|device| device.name.contains("alert"));
    let shown = &shown.expect("the browser").name;
    assert!(shown.starts_with("&#60;script&#62;"), "{shown}");
    assert_eq!(
        shown.matches('x').count(),
        256 - (name.len() - 500),
        "no more is kept"
    );
}

async fn the_browser_is_still_known_after_a_refresh(adapter: Adapter) {
    let (journey, phone) = in_two_browsers(adapter).await;
    journey
        .browser
        .visit(journey.url("/refresh"))
        .await
        .expect(200);
    assert_eq!(
        names(&listed(&phone, &journey.demo).await),
        [PHONE.1, LINUX.1]
    );
}

mod without {
    use super::*;

    scenarios![sessions_in_cookies_cannot_be_listed_and_the_page_says_how_to_change_that];

    async fn sessions_in_cookies_cannot_be_listed_and_the_page_says_how_to_change_that(
        adapter: Adapter,
    ) {
        let (journey, phone) = in_two_browsers(adapter).await;
        let (demo, browser) = (&journey.demo, &journey.browser);
        let before = browser.cookies();
        let page = browser.open(demo.url("/devices")).await.expect(200);
        for text in [
            "cannot be listed",
            "SESSION_STORE=memory",
            "SESSION_STORE=redis://",
        ] {
            assert!(page.body.contains(text), "no {text:?}: {}", page.body);
        }
        assert!(page.is_no_store(), "{:?}", page.headers);
        for (path, fields) in [
            ("/devices/end", &[("id", "x")][..]),
            ("/devices/end-others", &[]),
        ] {
            let page = press(browser, demo, path, fields).await;
            assert!(page.body.contains("cannot be listed"), "{}", page.body);
        }
        assert_eq!(browser.cookies(), before);
        journey.assert_still_logged_in().await;
        assert!(subject(&phone, demo).await.is_some());
        let stranger = Browser::new();
        stranger.open(demo.url("/devices")).await.expect(303);
    }
}
