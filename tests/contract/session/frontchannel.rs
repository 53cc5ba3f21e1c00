//! Log-out by the provider's page, which loads ours in a frame (OpenID Connect Front-Channel Logout 1.0).

use miracl_tests::{Adapter, Answer, Answers, Browser, Endpoint, Request, scenarios};
use serde_json::json;

use crate::journey::{Journey, assert_refused, log_in, subject};

scenarios![
    a_frame_ends_the_session_it_names_without_a_cookie,
    a_frame_ends_no_other_session,
    the_session_of_this_browser_is_forgotten_at_once,
    a_session_without_a_sid_ends_by_its_cookie_alone,
    only_a_frame_ends_a_session_without_naming_it,
    a_session_named_by_its_sid_ends_by_any_kind_of_request,
    a_frame_that_is_loaded_during_a_login_ends_it,
    only_the_provider_may_frame_the_page,
    a_head_and_a_prefetch_of_the_frame_end_nothing,
];

pub(crate) async fn logged_in(adapter: Adapter, sid: &str) -> Journey {
    let journey = Journey::begin(adapter);
    with_sid(&journey, sid);
    journey.log_in().await;
    journey
}

pub(crate) fn with_sid(journey: &Journey, sid: &str) {
    let claims = Answers::member("sid", json!(sid));
    journey.provider.set(Endpoint::IdToken, claims);
}

pub(crate) fn frame_url(journey: &Journey, parameters: &[(&str, &str)]) -> url::Url {
    let mut url = url::Url::parse(&journey.url("/frontchannel-logout")).expect("an address");
    url.query_pairs_mut().extend_pairs(parameters);
    url
}

pub(crate) fn frame(journey: &Journey, parameters: &[(&str, &str)]) -> Request {
    Request::navigate(frame_url(journey, parameters))
        .header("sec-fetch-dest", "iframe")
        .from_page("https://provider.example/")
}

pub(crate) async fn load(browser: &Browser, request: Request) -> Answer {
    let answer = browser.send(request).await.expect(200);
    assert!(answer.is_no_store(), "{:?}", answer.headers);
    answer
}

async fn a_frame_ends_the_session_it_names_without_a_cookie(adapter: Adapter) {
    let journey = logged_in(adapter, "first").await;
    let issuer = journey.provider.issuer();
    let request = frame(&journey, &[("iss", &issuer), ("sid", "first")]);
    let answer = load(&Browser::new(), request).await;
    assert_eq!(answer.set_cookies().len(), 0);
    journey.assert_nobody().await;
    // Also if the provider continues the same session.
    journey.log_in().await;
    journey.assert_still_logged_in().await;
}

async fn a_frame_ends_no_other_session(adapter: Adapter) {
    let journey = logged_in(adapter, "first").await;
    let issuer = journey.provider.issuer();
    for parameters in [
        &[][..],
        &[("iss", &*issuer)],
        &[("sid", "first")],
        &[("iss", &issuer), ("sid", "second")],
        &[("iss", "https://evil.example"), ("sid", "first")],
        &[("iss", &issuer), ("sid", "")],
        &[("iss", &issuer), ("sid", "first"), ("sid", "second")],
        &[("iss", &issuer), ("iss", &issuer), ("sid", "first")],
    ] {
        let request = frame(&journey, parameters);
        load(&journey.browser, request.clone()).await;
        load(&Browser::new(), request).await;
        journey.assert_still_logged_in().await;
    }
    with_sid(&journey, "second");
    let other = Browser::new();
    log_in(&other, &journey.demo).await;
    let request = frame(&journey, &[("iss", &issuer), ("sid", "second")]);
    load(&Browser::new(), request).await;
    journey.assert_still_logged_in().await;
    assert_eq!(subject(&other, &journey.demo).await, None);
}

async fn the_session_of_this_browser_is_forgotten_at_once(adapter: Adapter) {
    let journey = logged_in(adapter, "first").await;
    let copy = journey.browser.copy();
    let issuer = journey.provider.issuer();
    let request = frame(&journey, &[("iss", &issuer), ("sid", "first")]);
    load(&journey.browser, request).await;
    assert_eq!(journey.browser.cookies_named("session").len(), 0);
    assert_eq!(subject(&copy, &journey.demo).await, None);
}

async fn a_session_without_a_sid_ends_by_its_cookie_alone(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    load(&Browser::new(), frame(&journey, &[])).await;
    journey.assert_still_logged_in().await;
    load(&journey.browser, frame(&journey, &[])).await;
    journey.assert_nobody().await;
}

/// The header by which a browser says what it loads. Old browsers send none, and none is sent without TLS.
const NO_FRAMES: [Option<&str>; 9] = [
    None,
    Some(""),
    Some("document"),
    Some("empty"),
    Some("image"),
    Some("script"),
    Some("object"),
    Some("embed"),
    Some("IFRAME"),
];

/// The same request, as a page of another site sends it for something other than a frame.
fn instead_of_a_frame(
    journey: &Journey,
    destination: Option<&str>,
    parameters: &[(&str, &str)],
) -> Request {
    let request =
        Request::script(frame_url(journey, parameters)).header("sec-fetch-site", "cross-site");
    match destination {
        Some(destination) => request.header("sec-fetch-dest", destination),
        None => request,
    }
}

async fn only_a_frame_ends_a_session_without_naming_it(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let issuer = journey.provider.issuer();
    for destination in NO_FRAMES {
        for parameters in [
            &[][..],
            &[("iss", &*issuer)],
            &[("sid", "x")],
            &[("iss", &issuer), ("sid", "x")],
        ] {
            let request = instead_of_a_frame(&journey, destination, parameters);
            let answer = load(&journey.browser, request).await;
            assert!(answer.set_cookies().is_empty(), "{:?}", answer.headers);
            journey.assert_still_logged_in().await;
        }
    }
    for framed in ["iframe", "frame"] {
        let request = instead_of_a_frame(&journey, Some(framed), &[("iss", &issuer)]);
        load(&journey.browser, request).await;
        journey.assert_nobody().await;
        journey.log_in().await;
    }
}

async fn a_session_named_by_its_sid_ends_by_any_kind_of_request(adapter: Adapter) {
    let journey = logged_in(adapter, "first").await;
    let issuer = journey.provider.issuer();
    for destination in NO_FRAMES {
        let parameters = [("iss", &*issuer), ("sid", "first")];
        let request = instead_of_a_frame(&journey, destination, &parameters);
        load(&Browser::new(), request).await;
        journey.assert_nobody().await;
        journey.log_in().await;
        journey.assert_still_logged_in().await;
    }
}

async fn a_frame_that_is_loaded_during_a_login_ends_it(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    with_sid(&journey, "first");
    let issuer = journey.provider.issuer();
    for question in [Endpoint::Token, Endpoint::Userinfo] {
        let callback = journey.callback_url().await;
        let (held, release) = Answers::held();
        let asked = journey.provider.count(question);
        journey.provider.set(question, held);
        let frame = async {
            journey.provider.has_received(question, asked + 1).await;
            let parameters = [("iss", &*issuer), ("sid", "first")];
            load(&Browser::new(), frame(&journey, &parameters)).await;
            journey.provider.set(question, Answers::Well);
            release.send_replace(true);
        };
        let (answer, ()) = tokio::join!(journey.browser.open(callback), frame);
        assert_refused(&answer);
        journey.assert_nobody().await;
        journey.log_in().await;
        journey.assert_still_logged_in().await;
    }
}

async fn only_the_provider_may_frame_the_page(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let answer = load(&Browser::new(), frame(&journey, &[])).await;
    let policy = answer.header("content-security-policy").unwrap_or_default();
    let ancestors = format!("frame-ancestors {}", journey.provider.issuer());
    assert!(policy.ends_with(&ancestors), "{policy}");
    let home = journey.home().await;
    let policy = home.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
}

async fn a_head_and_a_prefetch_of_the_frame_end_nothing(adapter: Adapter) {
    let journey = logged_in(adapter, "first").await;
    let issuer = journey.provider.issuer();
    let request = || frame(&journey, &[("iss", &issuer), ("sid", "first")]);
    journey.browser.send(request().method("HEAD")).await;
    journey
        .browser
        .send(request().header("sec-purpose", "prefetch"))
        .await;
    journey.assert_still_logged_in().await;
}
