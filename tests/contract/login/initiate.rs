//! Logins that a third party initiates (OpenID Connect Core 1.0 §4).

use miracl_tests::{Adapter, Browser, Endpoint, Request, scenarios};
use url::Url;

use crate::journey::{Journey, assert_refused, parameter};

scenarios![
    a_third_party_begins_a_login_by_link_or_by_form,
    the_login_comes_back_to_the_page_that_was_asked_for,
    a_login_at_another_provider_is_refused,
    a_login_that_leads_elsewhere_is_refused,
    a_parameter_given_twice_begins_nothing,
    a_head_and_a_prefetch_of_the_link_begin_nothing,
    a_target_that_is_the_login_itself_leads_home,
    a_third_party_changes_nothing_for_somebody_who_is_logged_in,
];

fn link(journey: &Journey, parameters: &[(&str, &str)]) -> Url {
    let mut url = Url::parse(&journey.url("/login/initiate")).expect("an address");
    url.query_pairs_mut().extend_pairs(parameters);
    url
}

fn from_elsewhere(request: Request) -> Request {
    request.from_page("https://portal.example/")
}

async fn a_third_party_begins_a_login_by_link_or_by_form(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let issuer = journey.provider.issuer();
    let asked = [("iss", &*issuer), ("login_hint", "someone@example.com")];
    let by_link = Request::navigate(link(&journey, &asked));
    let by_form = Request::form(journey.url("/login/initiate"), &asked);
    for request in [by_link, by_form] {
        let browser = Browser::new();
        let answer = browser.send(from_elsewhere(request)).await.expect(303);
        assert!(answer.is_no_store());
        let target = answer.location().expect("a location");
        assert!(target.as_str().starts_with(&issuer), "{target}");
        assert_eq!(
            parameter(&target, "login_hint").as_deref(),
            Some("someone@example.com")
        );
        assert_eq!(answer.set_cookies().len(), 1, "the pending login");
        browser.follow(answer).await.expect(200);
        browser.fetch(journey.url("/me")).await.expect(200);
    }
}

async fn the_login_comes_back_to_the_page_that_was_asked_for(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let issuer = journey.provider.issuer();
    let target = journey.url("/members?page=2");
    let url = link(&journey, &[("iss", &issuer), ("target_link_uri", &target)]);
    let answer = journey
        .browser
        .send(from_elsewhere(Request::navigate(url)))
        .await
        .expect(303);
    let page = journey.browser.follow(answer).await.expect(200);
    assert_eq!(page.url.as_str(), target);
}

async fn a_login_at_another_provider_is_refused(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let issuer = journey.provider.issuer();
    let others = [
        "https://evil.example",
        "",
        &issuer.replace("127.0.0.1", "localhost"),
        &format!("{issuer}.evil.example"),
        &format!("{issuer}/tenant"),
        &format!(" {issuer}"),
    ];
    let mut requests: Vec<_> = others
        .iter()
        .map(|iss| Request::navigate(link(&journey, &[("iss", iss)])))
        .collect();
    requests.push(Request::navigate(journey.url("/login/initiate")));
    requests.push(Request::form(journey.url("/login/initiate"), &[]));
    for request in requests {
        let answer = journey.browser.send(from_elsewhere(request)).await;
        assert_refused(&answer);
        assert_eq!(answer.status, 400);
        assert_eq!(answer.set_cookies().len(), 0);
    }
    assert_eq!(journey.provider.count(Endpoint::Authorize), 0);
}

async fn a_login_that_leads_elsewhere_is_refused(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let issuer = journey.provider.issuer();
    let origin = journey.demo.origin();
    for target in [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        &format!("{origin}@evil.example/"),
        &format!("{origin}.evil.example/"),
        &format!("{}0/", origin),
        &origin.replace("http:", "https:"),
        &origin.replace("127.0.0.1", "localhost"),
        "members",
    ] {
        let url = link(&journey, &[("iss", &issuer), ("target_link_uri", target)]);
        let answer = journey
            .browser
            .send(from_elsewhere(Request::navigate(url)))
            .await;
        assert_refused(&answer);
        assert_eq!(answer.status, 400, "{target}");
        assert_eq!(answer.set_cookies().len(), 0, "{target}");
    }
}

async fn a_parameter_given_twice_begins_nothing(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let issuer = journey.provider.issuer();
    let url = link(&journey, &[("iss", &issuer), ("iss", &issuer)]);
    let answer = journey.browser.open(url).await;
    assert_refused(&answer);
    assert_eq!(answer.status, 400);
}

async fn a_head_and_a_prefetch_of_the_link_begin_nothing(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let issuer = journey.provider.issuer();
    let request = || Request::navigate(link(&journey, &[("iss", &issuer)]));
    for (request, status) in [
        (request().method("HEAD"), 204),
        (request().header("sec-purpose", "prefetch"), 503),
    ] {
        let answer = journey.browser.send(from_elsewhere(request)).await;
        let answer = answer.expect(status);
        assert_eq!(answer.set_cookies().len(), 0);
    }
}

async fn a_target_that_is_the_login_itself_leads_home(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let issuer = journey.provider.issuer();
    for path in ["/login/initiate", "/login/start", "/login", "/logout"] {
        let target = journey.url(path);
        let url = link(&journey, &[("iss", &issuer), ("target_link_uri", &target)]);
        let page = journey.browser.visit(url).await.expect(200);
        assert_eq!(page.url.as_str(), journey.url("/"), "{path}");
    }
}

async fn a_third_party_changes_nothing_for_somebody_who_is_logged_in(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let before = journey.browser.cookies();
    let issuer = journey.provider.issuer();
    let url = link(&journey, &[("iss", &issuer)]);
    journey
        .browser
        .send(from_elsewhere(Request::navigate(url)))
        .await
        .expect(303);
    for cookie in before {
        assert!(journey.browser.cookies().contains(&cookie), "{cookie:?}");
    }
    journey.assert_still_logged_in().await;
}
