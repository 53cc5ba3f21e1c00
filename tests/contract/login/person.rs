//! A person logs in, and comes back to the page where the login began.

use miracl_tests::{Adapter, Browser, Demo, Endpoint, Provider, Request, scenarios};
use serde_json::json;

use crate::journey::{Journey, assert_refused, login_button, parameter, subject, with_parameter};

scenarios![
    a_person_logs_in_and_the_app_knows_who_they_are,
    the_app_greets_the_first_login_and_the_next_one_differently,
    the_callback_lives_at_the_path_of_the_redirect_url,
    the_callback_leads_to_a_clean_address_at_once,
    the_way_back_leads_to_the_page_the_login_began_at,
    a_way_back_that_is_too_long_leads_home,
    the_home_page_takes_the_way_back_into_its_button,
    a_login_while_logged_in_makes_a_new_session,
    a_user_without_an_email_address_is_logged_in,
    a_head_and_a_prefetch_of_the_callback_do_not_use_it,
    a_visitor_by_another_host_name_is_sent_to_ours_first,
    a_callback_on_another_host_name_is_refused_and_both_are_named,
];

async fn a_person_logs_in_and_the_app_knows_who_they_are(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    journey.assert_nobody().await;
    let button = login_button(&journey.home().await).expect("a login button");
    assert!(button.starts_with(&journey.url("/login/start")), "{button}");
    let page = journey.browser.visit(button).await.expect(200);
    assert_eq!(page.url.as_str(), journey.url("/"));
    assert!(
        page.has_alert("success", "Successfully logged in!"),
        "{:?}",
        page.alerts()
    );
    assert!(
        page.body.contains(Provider::EMAIL) && page.body.contains(Provider::SUBJECT),
        "{}",
        page.body
    );
    assert!(page.body.contains("confirmed"), "{}", page.body);
    let me = journey
        .browser
        .fetch(journey.url("/me"))
        .await
        .expect(200)
        .json();
    assert_eq!(me["sub"], Provider::SUBJECT);
    assert_eq!(me["email"], Provider::EMAIL);
    assert_eq!(me["email_verified"], true);
    assert_eq!(me["name"], "Canary of the Tests", "all user data: {me}");
    // The alert was for one page only.
    assert!(!journey.home().await.has_alert("success", "Successfully"));
    assert_eq!(journey.provider.count(Endpoint::Token), 1);
    assert_eq!(journey.provider.count(Endpoint::Userinfo), 1);
}

async fn the_app_greets_the_first_login_and_the_next_one_differently(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let first = journey.log_in().await.body.to_lowercase();
    assert!(
        first.contains("first login") && !first.contains("welcome back"),
        "{first}"
    );
    journey.browser.clear();
    let second = journey.log_in().await.body.to_lowercase();
    assert!(
        second.contains("welcome back") && !second.contains("first login"),
        "{second}"
    );
}

async fn the_callback_lives_at_the_path_of_the_redirect_url(adapter: Adapter) {
    let provider = Provider::start();
    let mut demo = Demo::of(adapter, &provider).start();
    let callback = demo.url("/c2id");
    demo.restart_with(|settings| settings.env("REDIRECT_URL", &callback));
    let journey = Journey {
        demo,
        provider,
        browser: Browser::new(),
    };
    let url = journey.callback_url().await;
    assert!(url.as_str().starts_with(&callback), "{url}");
    journey.browser.visit(url).await.expect(200);
    journey.assert_still_logged_in().await;
}

async fn the_callback_leads_to_a_clean_address_at_once(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    let answer = journey.browser.open(&callback).await.expect(303);
    assert_eq!(answer.location().expect("a location").query(), None);
    journey.browser.follow(answer).await.expect(200);
    // A page that stays in the window tells no other site its address (RFC 9700 §4.2.4).
    let failed = with_parameter(&callback, "state", None);
    let failed = journey.browser.open(failed).await;
    assert_refused(&failed);
    let policy = failed.header("referrer-policy");
    assert!(
        matches!(policy, Some("no-referrer" | "same-origin")),
        "{policy:?}"
    );
}

async fn the_way_back_leads_to_the_page_the_login_began_at(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let page = journey
        .browser
        .visit(journey.url("/members?from=%2Fa%26b"))
        .await
        .expect(200);
    assert_eq!(page.url.as_str(), journey.url("/members?from=%2Fa%26b"));
    assert!(
        page.has_alert("success", "Successfully logged in!"),
        "{:?}",
        page.alerts()
    );
}

async fn a_way_back_that_is_too_long_leads_home(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let long = format!("/members?x={}", "x".repeat(600));
    let page = journey
        .browser
        .visit(journey.url(&format!("/login/start?return_to={long}")))
        .await
        .expect(200);
    assert_eq!(page.url.as_str(), journey.url("/"));
    journey.assert_still_logged_in().await;
}

async fn the_home_page_takes_the_way_back_into_its_button(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let page = journey
        .browser
        .open(journey.url("/?return_to=%2Fmembers"))
        .await
        .expect(200);
    let page = journey
        .browser
        .visit(login_button(&page).expect("a login button"))
        .await
        .expect(200);
    assert_eq!(page.url.as_str(), journey.url("/members"));
}

async fn a_login_while_logged_in_makes_a_new_session(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let before = journey.browser.cookies();
    journey.log_in().await;
    journey.assert_still_logged_in().await;
    let copy = Browser::new();
    before.iter().for_each(|old| copy.keep(old.clone()));
    assert_eq!(
        subject(&copy, &journey.demo).await,
        None,
        "the old session is ended"
    );
    let after = journey.browser.cookies();
    assert!(
        before.iter().all(|old| !after.contains(old)),
        "a cookie outlived the new login: {before:?} {after:?}"
    );
    assert_eq!(journey.provider.count(Endpoint::Token), 2);
}

async fn a_user_without_an_email_address_is_logged_in(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    journey
        .provider
        .set_userinfo(json!({ "sub": Provider::SUBJECT }));
    let page = journey.log_in().await;
    assert!(page.body.contains(Provider::SUBJECT), "{}", page.body);
    assert!(
        !page.body.contains("confirmed"),
        "nothing to confirm: {}",
        page.body
    );
    let me = journey
        .browser
        .fetch(journey.url("/me"))
        .await
        .expect(200)
        .json();
    assert_eq!(me.get("email"), None, "{me}");
    journey
        .browser
        .fetch(journey.url("/whoami"))
        .await
        .expect(200);
    journey
        .browser
        .open(journey.url("/profile"))
        .await
        .expect(200);
}

async fn a_head_and_a_prefetch_of_the_callback_do_not_use_it(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    let head = journey
        .browser
        .send(Request::navigate(&callback).method("HEAD"))
        .await;
    assert!(
        head.status < 500 && head.set_cookies().is_empty(),
        "HEAD: {head:?}"
    );
    for purpose in ["prefetch", "prefetch;prerender"] {
        let prefetch = Request::navigate(&callback).header("sec-purpose", purpose);
        let prefetch = journey.browser.send(prefetch).await;
        assert!(
            prefetch.status == 503 && prefetch.set_cookies().is_empty(),
            "{purpose}: {prefetch:?}"
        );
    }
    let head = journey
        .browser
        .send(Request::navigate(journey.url("/login/start")).method("HEAD"))
        .await;
    assert!(head.set_cookies().is_empty(), "{head:?}");
    assert_eq!(journey.provider.count(Endpoint::Token), 0);
    journey.browser.visit(callback.clone()).await.expect(200);
    journey.assert_still_logged_in().await;
    // Now it is used.
    journey.browser.open(callback).await.expect(303);
    assert_eq!(journey.provider.count(Endpoint::Token), 1);
}

async fn a_visitor_by_another_host_name_is_sent_to_ours_first(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let other = journey.demo.origin().replace("127.0.0.1", "localhost");
    let request = Request::navigate(journey.url("/login/start?return_to=%2Fmembers&lang=ro"))
        .header("host", other.trim_start_matches("http://"));
    let answer = journey.browser.send(request).await.expect(303);
    assert!(
        answer.set_cookies().is_empty(),
        "cookies do not cross: {:?}",
        answer.set_cookies()
    );
    let next = answer.location().expect("a location");
    assert!(
        next.as_str().starts_with(&journey.url("/login/start?")),
        "{next}"
    );
    assert_eq!(parameter(&next, "lang").as_deref(), Some("ro"));
    let page = journey.browser.visit(next).await.expect(200);
    assert_eq!(page.url.as_str(), journey.url("/members"));
}

async fn a_callback_on_another_host_name_is_refused_and_both_are_named(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    let other = format!("localhost:{}", journey.demo.port());
    // Cookies do not cross hosts: on this one the browser has none.
    let request = Request::navigate(&callback).header("host", &other);
    let answer = Browser::new().send(request).await;
    assert_refused(&answer);
    // The log comes through a pipe, and may come after the answer.
    journey.demo.wait_for_log("login failed");
    let log = journey.demo.log();
    let line = log.lines().find(|line| line.contains("login failed"));
    let line = line.expect("the log tells");
    assert!(
        line.contains("`localhost`") && line.contains("`127.0.0.1`"),
        "{line}"
    );
    // Behind a proxy that changes the name, the login still succeeds.
    let request = Request::navigate(&callback).header("host", &other);
    journey.browser.send(request).await.expect(303);
    journey.assert_still_logged_in().await;
}
