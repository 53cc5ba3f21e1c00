//! What an anonymous request is told.

use miracl_tests::{Adapter, Browser, Request, scenarios};
use url::Url;

use crate::journey::{Journey, parameter};

scenarios![
    a_navigation_is_sent_to_login_and_comes_back,
    a_fetch_is_told_where_to_log_in,
    a_program_is_told_where_to_log_in,
    htmx_is_sent_to_login,
    the_way_back_of_a_fetch_is_the_page_the_user_was_on,
    an_api_route_never_redirects,
    a_post_that_needs_a_login_comes_back_by_get,
    a_challenge_needs_no_provider_and_sets_no_cookie,
    a_challenge_shows_nothing_of_the_page,
    a_preflight_of_a_stranger_sees_nothing,
    a_preflight_for_the_routes_of_the_login_changes_nothing,
];

async fn a_navigation_is_sent_to_login_and_comes_back(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for path in ["/members", "/profile"] {
        journey.browser.clear();
        let answer = journey.browser.open(journey.url(path)).await.expect(303);
        assert!(answer.is_no_store(), "{:?}", answer.headers);
        let page = journey.browser.follow(answer).await.expect(200);
        assert_eq!(page.url.as_str(), journey.url(path));
    }
    // A browser from before `Sec-Fetch-*`.
    journey.browser.clear();
    let old = Request::script(journey.url("/members")).header("accept", "text/html,*/*;q=0.8");
    journey.browser.send(old).await.expect(303);
}

async fn a_fetch_is_told_where_to_log_in(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for path in ["/members", "/profile"] {
        let answer = journey.browser.fetch(journey.url(path)).await.expect(401);
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        assert!(answer.is_no_store(), "{:?}", answer.headers);
        let problem = answer.json();
        assert_eq!(problem["status"], 401, "{problem}");
        assert!(problem["title"].is_string(), "RFC 9457 §3.1: {problem}");
        let url = problem["login_url"].as_str().expect("a login_url");
        let page = journey
            .browser
            .visit(answer.url.join(url).expect("an address"))
            .await
            .expect(200);
        assert!(
            page.has_alert("success", "Successfully logged in!"),
            "{}",
            page.body
        );
        journey.browser.clear();
    }
}

async fn a_program_is_told_where_to_log_in(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for accept in ["application/json", "*/*"] {
        let request = Request::script(journey.url("/members")).header("accept", accept);
        let answer = journey.browser.send(request).await.expect(401);
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{accept}"
        );
    }
    let request = Request::fetch(journey.url("/members")).header("accept", "text/html");
    journey.browser.send(request).await.expect(401);
}

async fn htmx_is_sent_to_login(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let request = Request::fetch(journey.url("/members"))
        .header("hx-request", "true")
        .header("hx-current-url", &journey.url("/?tab=2"));
    let answer = journey.browser.send(request).await.expect(401);
    let target = answer
        .header("hx-redirect")
        .expect("HX-Redirect")
        .to_owned();
    assert!(answer.is_no_store(), "{:?}", answer.headers);
    let page = journey
        .browser
        .visit(answer.url.join(&target).expect("an address"))
        .await
        .expect(200);
    assert_eq!(
        page.url.as_str(),
        journey.url("/?tab=2"),
        "back on the page the user was on"
    );
}

async fn the_way_back_of_a_fetch_is_the_page_the_user_was_on(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let request =
        Request::fetch(journey.url("/members")).header("referer", &journey.url("/?tab=3"));
    let answer = journey.browser.send(request).await.expect(401);
    let url = answer.json()["login_url"]
        .as_str()
        .expect("a login_url")
        .to_owned();
    let url = answer.url.join(&url).expect("an address");
    assert_eq!(
        parameter(&url, "return_to").as_deref(),
        Some("/?tab=3"),
        "{url}"
    );
    // A login never comes back to a page of another site.
    let request =
        Request::fetch(journey.url("/members")).header("referer", "https://evil.example/page");
    let answer = journey.browser.send(request).await.expect(401);
    assert!(!answer.body.contains("evil"), "{}", answer.body);
}

async fn an_api_route_never_redirects(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for request in [
        Request::navigate(journey.url("/me")),
        Request::fetch(journey.url("/me")),
        Request::script(journey.url("/me")),
        Request::fetch(journey.url("/me")).header("hx-request", "true"),
    ] {
        let answer = journey.browser.send(request).await.expect(401);
        assert!(
            answer
                .header("content-type")
                .is_some_and(|kind| kind.contains("json")),
            "{:?}",
            answer.headers
        );
        answer.json();
        assert!(answer.is_no_store(), "{:?}", answer.headers);
        let answer = journey
            .browser
            .open(journey.url("/whoami"))
            .await
            .expect(401);
        assert!(
            answer
                .header("content-type")
                .is_some_and(|kind| kind.starts_with("text/plain"))
        );
        assert!(answer.is_no_store(), "{:?}", answer.headers);
    }
}

async fn a_post_that_needs_a_login_comes_back_by_get(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let request = Request::form(journey.url("/profile"), &[("display_name", "lost")])
        .header("referer", &journey.url("/profile"));
    let answer = journey.browser.send(request).await.expect(303);
    let page = journey.browser.follow(answer).await.expect(200);
    assert_eq!(page.url.as_str(), journey.url("/profile"));
    assert!(!page.body.contains("lost"), "{}", page.body);
}

async fn a_challenge_needs_no_provider_and_sets_no_cookie(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    journey.provider.stop();
    let answer = journey
        .browser
        .open(journey.url("/members"))
        .await
        .expect(303);
    assert!(answer.set_cookies().is_empty());
    let location = answer.location().expect("a location");
    assert_eq!(
        location.origin(),
        Url::parse(journey.demo.origin())
            .expect("an address")
            .origin()
    );
    let answer = journey
        .browser
        .fetch(journey.url("/members"))
        .await
        .expect(401);
    assert!(answer.set_cookies().is_empty());
}

async fn a_challenge_shows_nothing_of_the_page(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let page = journey.browser.open(journey.url("/members")).await;
    assert!(page.expect(200).body.contains("</h1>"), "it has a heading");
    let stranger = Browser::new();
    for request in [
        Request::navigate(journey.url("/members")),
        Request::fetch(journey.url("/members")),
        Request::fetch(journey.url("/members")).header("hx-request", "true"),
        Request::form(journey.url("/profile"), &[("display_name", "Mallory")]),
    ] {
        let answer = stranger.send(request).await;
        assert!(matches!(answer.status, 303 | 401), "{}", answer.status);
        assert!(!answer.body.contains("</h1>"), "{}", answer.body);
    }
    // The handler did not run either.
    let profile = journey.browser.open(journey.url("/profile")).await;
    assert!(!profile.expect(200).body.contains("Mallory"));
}

fn preflight(url: String) -> Request {
    Request::fetch(url)
        .method("OPTIONS")
        .from_page("https://elsewhere.example/")
        .header("access-control-request-method", "POST")
}

async fn a_preflight_of_a_stranger_sees_nothing(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for path in ["/me", "/members", "/profile"] {
        let answer = journey.browser.send(preflight(journey.url(path))).await;
        // If the guard runs only after the method is matched, another method is not found.
        assert!(
            answer.status == 401 || answer.status == adapter.wrong_method,
            "{path}: {}",
            answer.status
        );
        assert!(answer.set_cookies().is_empty(), "{path}");
        assert!(!answer.body.contains("Members</h1>"), "{}", answer.body);
        assert!(!answer.body.contains("Profile</h1>"), "{}", answer.body);
    }
}

async fn a_preflight_for_the_routes_of_the_login_changes_nothing(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    for path in [
        "/login",
        "/login?code=a&state=b",
        "/login/start",
        "/login/initiate",
        "/logout",
        "/backchannel-logout",
        "/frontchannel-logout",
    ] {
        let preflight = preflight(journey.url(path));
        let answer = journey.browser.send(preflight).await;
        let answer = answer.expect(adapter.wrong_method);
        assert!(answer.set_cookies().is_empty(), "{path}");
        assert_eq!(answer.header("location"), None, "{path}");
    }
    journey.assert_still_logged_in().await;
}
