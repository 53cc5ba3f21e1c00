//! The app's own page of custom verification: it makes sure of a person by a code, and sends them to register.

use miracl_tests::{Adapter, Answer, Browser, Request, scenarios};
use serde_json::json;
use url::Url;

use super::trust::{PIN, Site, USER, parameter, text};
use crate::journey::Journey;

scenarios![
    a_person_whom_the_app_has_verified_ends_logged_in_where_they_wanted_to_be,
    nothing_that_a_stranger_sends_verifies_anybody,
    codes_end_after_a_few_wrong_ones,
    a_registration_that_is_refused_or_out_of_reach_changes_no_session,
    a_front_end_of_the_apps_own_registers_by_the_same_code,
];

/// Has a code made for somebody, and reads it where the demo shows it in development.
async fn code(browser: &Browser, page: &str, user_id: &str) -> String {
    let answer = browser.post(page, &[("user_id", user_id)]).await;
    let answer = answer.expect(200);
    let (_, rest) = answer.body.split_once("id=\"shown-code\"").expect("a code");
    let (_, rest) = rest.split_once('>').expect("a tag");
    rest.split_once('<').expect("an end").0.to_owned()
}

fn other(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

/// Fails unless somebody may register now, and returns the address.
fn link(answer: Answer, site: &Site) -> Url {
    let link = answer.expect(303).location().expect("an address");
    let page = format!("{}/verification/confirmation", site.platform.issuer());
    assert!(link.as_str().starts_with(&page), "{link}");
    link
}

/// Does what the platform's page does with the link: confirms it, registers the device, and goes on to the login.
async fn register(site: &Site, link: &Url) -> Url {
    let user_id = parameter(link, "user_id");
    let body = json!({ "userId": user_id, "code": parameter(link, "code") });
    let client = site.client();
    let confirmed = client.call("/verification/confirmation", &body).await;
    let confirmed = confirmed.expect("a good link");
    assert_eq!(text(&confirmed, "accessId"), "");
    let device = client.register(&user_id, text(&confirmed, "actToken"), PIN);
    device.await.expect("a registration");
    let mut url = Url::parse(&format!("{}/authorize", site.platform.issuer())).expect("a URL");
    url.query_pairs_mut().extend_pairs([
        ("client_id", text(&confirmed, "clientId")),
        ("response_type", "code"),
        ("scope", text(&confirmed, "scope")),
        ("redirect_uri", text(&confirmed, "verificationRedirectUrl")),
        ("state", text(&confirmed, "state")),
        ("nonce", text(&confirmed, "nonce")),
    ]);
    site.platform
        .register_identity(&user_id, PIN)
        .expect("a device");
    site.log_in_at(url.as_str()).await
}

async fn a_person_whom_the_app_has_verified_ends_logged_in_where_they_wanted_to_be(
    adapter: Adapter,
) {
    let site = Site::new(adapter).await;
    // They were on their way to a page, and the platform sends those who are not registered to the app's page.
    let mut answer = site.browser.open(site.demo.url("/members")).await;
    let authorize = loop {
        let to = answer.expect(303).location().expect("an address");
        if to.as_str().starts_with(site.platform.issuer()) {
            break to;
        }
        answer = site.browser.open(to).await;
    };
    let state = parameter(&authorize, "state");
    let page = site
        .demo
        .url(&format!("/verify?user_id={USER}&state={state}&access_id=x"));
    let shown = site.browser.open(&page).await.expect(200);
    assert!(
        shown.body.contains(&format!("value=\"{USER}\"")),
        "{shown:?}"
    );
    assert!(shown.is_no_store());

    let code = code(&site.browser, &page, USER).await;
    let wrong = [("user_id", USER), ("code", other(&code))];
    site.browser.post(&page, &wrong).await.expect(403);
    assert_eq!(site.platform.count("/verification"), 0);
    let right = [("user_id", USER), ("code", code.as_str())];
    let link = link(site.browser.post(&page, &right).await, &site);
    assert_eq!(parameter(&link, "user_id"), USER);
    // The code is used up.
    site.browser.post(&page, &right).await.expect(403);
    assert_eq!(site.subject().await, None);

    let callback = register(&site, &link).await;
    // In another browser it is worth nothing.
    let stranger = Browser::new().open(callback.clone()).await;
    assert!((400..500).contains(&stranger.status), "{stranger:?}");
    let answer = site.browser.open(callback).await.expect(303);
    assert_eq!(answer.location_path().as_deref(), Some("/members"));
    assert_eq!(site.subject().await.as_deref(), Some(USER));
}

async fn nothing_that_a_stranger_sends_verifies_anybody(adapter: Adapter) {
    let site = Site::new(adapter).await;
    let page = site.demo.url("/verify");
    let code = code(&site.browser, &page, USER).await;
    let fields = [("user_id", USER), ("code", code.as_str())];
    let (user_id, code) = (USER, code.as_str());
    // A link, even with the right code: it shows the page.
    let linked = format!("{page}?user_id={user_id}&code={code}");
    let shown = site.browser.open(&linked).await.expect(200);
    assert!(!shown.body.contains(code), "{}", shown.body);
    let prefetch = Request::navigate(&linked).header("sec-purpose", "prefetch");
    site.browser.send(prefetch).await.expect(503);
    let head = Request::navigate(&linked).method("HEAD");
    assert!(site.browser.send(head).await.location().is_none());
    // A form on another site.
    let foreign = Request::form(&page, &fields).from_page("https://evil.example/");
    site.browser.send(foreign).await.expect(403);
    // A form whose address has the code, or the person.
    let in_query = site.browser.post(&linked, &[]).await;
    assert!(in_query.location().is_none(), "{in_query:?}");
    let by_query = site.browser.post(&linked, &[("code", code)]).await;
    assert!(by_query.location().is_none(), "{by_query:?}");
    // What is no form, or says things twice.
    let as_body = |kind: &str, body: &str| {
        let request = Request::form(&page, &[]).header("content-type", kind);
        request.body(body)
    };
    let form = format!("user_id={user_id}&code={code}");
    let json = json!({ "user_id": user_id, "code": code }).to_string();
    for (name, request) in [
        ("JSON", as_body("application/json", &json)),
        ("text", as_body("text/plain", &form)),
        (
            "multipart",
            as_body("multipart/form-data; boundary=x", &form),
        ),
        (
            "twice",
            as_body(
                "application/x-www-form-urlencoded",
                &format!("{form}&code={code}"),
            ),
        ),
        (
            "two addresses",
            Request::form(format!("{page}?user_id=a&user_id=b"), &fields),
        ),
        (
            "long",
            Request::form(&page, &[fields[0], fields[1], ("x", &"x".repeat(70_000))]),
        ),
    ] {
        let answer = site.browser.send(request).await;
        assert!((400..500).contains(&answer.status), "{name}: {answer:?}");
        assert!(answer.location().is_none(), "{name}: {answer:?}");
        assert!(answer.set_cookies().is_empty(), "{name}: {answer:?}");
    }
    assert_eq!(site.platform.count("/verification"), 0);
    assert_eq!(site.subject().await, None);

    // None of that used the code up. A login of a stranger's own, whose id the link has, does not go on by it.
    let session = json!({ "projectId": site.platform.project_id() });
    let session = site.client().call("/rps/v2/session", &session).await;
    let session = session.expect("a session");
    let (_, access_id) = text(&session, "qrURL").split_once('#').expect("an id");
    let with_login = format!("{page}?access_id={access_id}");
    let link = link(site.browser.post(&with_login, &fields).await, &site);
    let body = json!({ "userId": USER, "code": parameter(&link, "code") });
    let client = site.client();
    let confirmed = client.call("/verification/confirmation", &body).await;
    assert_eq!(text(&confirmed.expect("a good link"), "accessId"), "");
}

async fn codes_end_after_a_few_wrong_ones(adapter: Adapter) {
    let site = Site::new(adapter).await;
    let page = site.demo.url("/verify");
    let code = code(&site.browser, &page, USER).await;
    for _ in 0..5 {
        let wrong = [("user_id", USER), ("code", other(&code))];
        site.browser.post(&page, &wrong).await.expect(403);
    }
    let right = [("user_id", USER), ("code", code.as_str())];
    site.browser.post(&page, &right).await.expect(403);
    site.browser
        .post(&page, &[("user_id", USER)])
        .await
        .expect(403);
    assert_eq!(site.platform.count("/verification"), 0);
}

async fn a_registration_that_is_refused_or_out_of_reach_changes_no_session(adapter: Adapter) {
    // A provider that is no platform.
    let journey = Journey::logged_in(adapter).await;
    let page = journey.url("/verify");
    for (user_id, status) in [("a\u{7}b", 400..=400), ("ann", 502..=504)] {
        let code = code(&journey.browser, &page, user_id).await;
        let fields = [("user_id", user_id), ("code", code.as_str())];
        let answer = journey.browser.post(&page, &fields).await;
        assert!(status.contains(&answer.status), "{user_id:?}: {answer:?}");
        assert!(answer.body.contains("Not registered"), "{}", answer.body);
        assert!(answer.is_no_store());
        journey.assert_still_logged_in().await;
    }
    // Longer ids are not asked about.
    let long = "x".repeat(10_000);
    let answer = journey.browser.post(&page, &[("user_id", &long)]).await;
    assert!(!answer.body.contains("shown-code"), "{}", answer.body);
}

async fn a_front_end_of_the_apps_own_registers_by_the_same_code(adapter: Adapter) {
    let site = Site::new(adapter).await;
    let person = json!({ "user_id": USER });
    let made = site.post("/trust/register", &person).await;
    let made = made.expect(200).json();
    let code = text(&made, "code");
    let wrong = json!({ "user_id": USER, "code": other(code) });
    site.post("/trust/register", &wrong).await.expect(403);
    let right = json!({ "user_id": USER, "code": code });
    let url = site.demo.url("/trust/register");
    let foreign = Request::form(&url, &[]).from_page("https://evil.example/");
    let foreign = foreign.header("content-type", "application/json");
    let foreign = foreign.body(&right.to_string());
    site.browser.send(foreign).await.expect(403);
    let answer = site
        .post("/trust/register", &right)
        .await
        .expect(200)
        .json();
    let link = Url::parse(text(&answer, "verificationURL")).expect("a link");
    assert_eq!(parameter(&link, "user_id"), USER);
    site.post("/trust/register", &right).await.expect(403);
    for bad in [json!({}), json!([]), json!({ "user_id": 7 })] {
        let answer = site.post("/trust/register", &bad).await;
        assert!((400..500).contains(&answer.status), "{bad}: {answer:?}");
    }
}
