//! Where a login may come back to: every place that the engine's own tests know, sent through the whole of it.

use miracl_tests::{Adapter, Answer, scenarios};
use serde_json::Value;

use crate::journey::Journey;

scenarios![
    a_way_back_to_another_site_leads_home,
    a_way_back_on_this_site_is_kept,
    a_way_back_in_the_home_page_s_button_is_the_same,
];

/// The engine's own list.
const PAYLOADS: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../miracl-core/src/web/return_to/payloads.json"
));

/// The origin that the list is written for.
const ORIGIN: &str = "https://app.example";

/// What leads home, for an app of this origin.
fn elsewhere(origin: &str) -> Vec<String> {
    let list: Value = serde_json::from_str(PAYLOADS).expect("JSON");
    let families = list["elsewhere"].as_object().expect("families");
    let payloads: Vec<String> = families
        .values()
        .flat_map(|family| family.as_array().expect("a list"))
        .map(|payload| payload.as_str().expect("text").replace(ORIGIN, origin))
        .collect();
    assert!(payloads.len() >= 40, "{}", payloads.len());
    payloads
}

/// What stays on this site, and what it becomes.
fn here() -> Vec<(String, String)> {
    let list: Value = serde_json::from_str(PAYLOADS).expect("JSON");
    let families = list["here"].as_object().expect("families");
    let payloads: Vec<(String, String)> = families
        .values()
        .flat_map(|family| family.as_object().expect("an object"))
        .map(|(sent, path)| (sent.clone(), path.as_str().expect("text").to_owned()))
        .collect();
    assert!(payloads.len() >= 20, "{}", payloads.len());
    payloads
}

/// The address that starts a login which is to come back to this one.
fn start(journey: &Journey, return_to: &str) -> url::Url {
    let mut start = url::Url::parse(&journey.url("/login/start")).expect("an address");
    start.query_pairs_mut().append_pair("return_to", return_to);
    start
}

/// Logs in through this address, and returns the answer that sends the browser back to where it began.
async fn log_in_by(journey: &Journey, start: impl AsRef<str>, what: &str) -> Answer {
    let mut answer = journey.browser.open(start).await.expect(303);
    for _ in 0..2 {
        answer = journey.browser.step(&answer).await;
    }
    assert_eq!(answer.status, 303, "{what:?}: {}", answer.body);
    let line = answer.header("location").expect("a location");
    assert!(
        line.bytes().all(|byte| byte.is_ascii_graphic()) && !line.contains('\\'),
        "{what:?} led to {line:?}"
    );
    assert!(!line.starts_with("//"), "{what:?} led to {line}");
    assert!(
        !answer.set_cookies().iter().any(|cookie| cookie.name == "x"),
        "{what:?}: {:?}",
        answer.headers
    );
    answer
}

/// Where an answer leads, as a browser reads it: by the WHATWG rules, from the address that answered.
#[track_caller]
fn assert_leads_to(journey: &Journey, answer: &Answer, path: &str, what: &str) {
    let next = answer.location().expect("a location");
    let origin = next.origin().ascii_serialization();
    assert_eq!(origin, journey.demo.origin(), "{what:?} led to {next}");
    let found = &next[url::Position::BeforePath..];
    assert_eq!(found, path, "{what:?}");
}

async fn a_way_back_to_another_site_leads_home(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for payload in elsewhere(journey.demo.origin()) {
        let answer = log_in_by(&journey, start(&journey, &payload), &payload).await;
        assert_leads_to(&journey, &answer, "/", &payload);
    }
    journey.assert_still_logged_in().await;
}

async fn a_way_back_on_this_site_is_kept(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for (payload, path) in here() {
        let answer = log_in_by(&journey, start(&journey, &payload), &payload).await;
        assert_leads_to(&journey, &answer, &path, &payload);
    }
}

async fn a_way_back_in_the_home_page_s_button_is_the_same(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for payload in [
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "\" onclick=\"alert(1)",
    ] {
        journey.browser.clear();
        let mut home = url::Url::parse(&journey.url("/")).expect("an address");
        home.query_pairs_mut().append_pair("return_to", payload);
        let page = journey.browser.open(home).await.expect(200);
        let button = crate::journey::login_button(&page).expect("a login button");
        assert!(
            button.starts_with(&journey.url("/login/start")),
            "{payload:?} made {button}"
        );
        let answer = log_in_by(&journey, button, payload).await;
        assert_leads_to(&journey, &answer, "/", payload);
    }
}
