//! The attributes of cookies.

use miracl_tests::{Adapter, Browser, Cookie, Demo, Provider, scenarios};

use crate::journey::{Journey, log_in};

scenarios![
    cookies_on_a_loopback_address_are_closed_to_scripts_and_other_sites,
    cookies_of_an_https_app_are_secure_and_bound_to_the_host,
    a_cookie_is_deleted_with_the_attributes_it_was_made_with,
    all_cookies_together_stay_small,
    the_prefix_of_the_names_is_a_setting,
    https_is_decided_by_the_redirect_url_and_by_no_header,
    http_off_loopback_is_refused,
    cookies_that_a_proxy_may_not_pass_on_are_warned_about_once,
];

/// Every cookie set or deleted on the way through a login, a refresh and a log-out.
async fn whole_journey(journey: &Journey) -> Vec<Cookie> {
    let mut cookies = Vec::new();
    let mut answer = journey.browser.open(journey.url("/login/start")).await;
    for _ in 0..3 {
        cookies.extend(answer.set_cookies());
        answer = journey.browser.step(&answer).await;
    }
    cookies.extend(answer.expect(200).set_cookies());
    let mut answer = journey.browser.open(journey.url("/refresh")).await;
    cookies.extend(answer.set_cookies());
    answer = journey.browser.post(journey.url("/logout"), &[]).await;
    for _ in 0..3 {
        cookies.extend(answer.set_cookies());
        answer = journey.browser.step(&answer).await;
    }
    cookies.extend(answer.expect(200).set_cookies());
    cookies
}

fn assert_closed(cookie: &Cookie) {
    assert!(cookie.http_only, "{cookie:?}");
    assert_eq!(cookie.same_site.as_deref(), Some("Lax"), "{cookie:?}");
    assert_eq!(cookie.path.as_deref(), Some("/"), "{cookie:?}");
    assert_eq!(cookie.domain, None, "{cookie:?}");
}

async fn cookies_on_a_loopback_address_are_closed_to_scripts_and_other_sites(adapter: Adapter) {
    let cookies = whole_journey(&Journey::begin(adapter)).await;
    assert!(cookies.len() >= 4, "{cookies:?}");
    for cookie in cookies {
        assert_closed(&cookie);
        assert!(
            !cookie.secure && !cookie.name.starts_with("__"),
            "{cookie:?}"
        );
    }
}

async fn cookies_of_an_https_app_are_secure_and_bound_to_the_host(adapter: Adapter) {
    let provider = Provider::start();
    let demo = Demo::of(adapter, &provider)
        .env("REDIRECT_URL", "https://app.example/login")
        .start();
    let browser = Browser::new();
    // As a proxy in front of the app would pass it on.
    let request =
        miracl_tests::Request::navigate(demo.url("/login/start")).header("host", "app.example");
    let answer = browser.send(request).await.expect(303);
    let cookies = answer.set_cookies();
    assert_eq!(cookies.len(), 1, "{cookies:?}");
    for cookie in cookies {
        assert_closed(&cookie);
        assert!(
            cookie.secure && cookie.name.starts_with("__Host-"),
            "{cookie:?}"
        );
    }
}

async fn a_cookie_is_deleted_with_the_attributes_it_was_made_with(adapter: Adapter) {
    let cookies = whole_journey(&Journey::begin(adapter)).await;
    let (deleted, made): (Vec<_>, Vec<_>) = cookies.into_iter().partition(|cookie| cookie.deleted);
    assert!(!deleted.is_empty());
    for gone in deleted {
        let was = made.iter().find(|cookie| cookie.name == gone.name);
        let was = was.unwrap_or_else(|| panic!("{gone:?} was never made"));
        assert_eq!(
            (&was.path, &was.domain, was.secure),
            (&gone.path, &gone.domain, gone.secure)
        );
        assert_eq!(gone.value, "", "{gone:?}");
    }
}

async fn all_cookies_together_stay_small(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    for _ in 0..6 {
        journey
            .browser
            .open(journey.url("/login/start"))
            .await
            .expect(303);
    }
    let cookies = journey.browser.cookies();
    let size: usize = cookies
        .iter()
        .map(|cookie| cookie.name.len() + cookie.value.len() + 3)
        .sum();
    assert!(size < 7 * 1024, "{size} bytes: {cookies:?}");
    for cookie in cookies {
        assert!(
            cookie.name.len() + cookie.value.len() <= 4096,
            "{}: browsers drop it",
            cookie.name
        );
    }
}

async fn the_prefix_of_the_names_is_a_setting(adapter: Adapter) {
    let provider = Provider::start();
    let journey = Journey {
        demo: Demo::of(adapter, &provider)
            .env("COOKIE_PREFIX", "some_app")
            .start(),
        provider,
        browser: Browser::new(),
    };
    for cookie in whole_journey(&journey).await {
        assert!(cookie.name.starts_with("some_app"), "{cookie:?}");
    }
}

async fn https_is_decided_by_the_redirect_url_and_by_no_header(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let request = miracl_tests::Request::navigate(journey.url("/login/start"))
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "proto=https;host=evil.example");
    let answer = journey.browser.send(request).await.expect(303);
    assert!(
        answer.set_cookies().iter().all(|cookie| !cookie.secure),
        "{:?}",
        answer.set_cookies()
    );
    assert!(
        !answer
            .location()
            .is_some_and(|url| url.as_str().contains("evil"))
    );
}

async fn http_off_loopback_is_refused(adapter: Adapter) {
    let provider = Provider::start();
    let refused = Demo::of(adapter, &provider)
        .env("REDIRECT_URL", "http://app.example/login")
        .try_start()
        .expect_err("cookies would travel in the clear");
    assert!(
        refused.log.contains("REDIRECT_URL") || refused.log.contains("redirect_uri"),
        "{refused}"
    );
    assert!(refused.log.contains("https"), "{refused}");
}

async fn cookies_that_a_proxy_may_not_pass_on_are_warned_about_once(adapter: Adapter) {
    const WARNING: [&str; 3] = ["WARN", "proxy_buffer_size", "SESSION_STORE"];
    let warnings = |demo: &Demo| {
        let log = demo.log();
        let is_one = |line: &&str| WARNING.iter().all(|part| line.contains(part));
        log.lines().filter(is_one).count()
    };
    let provider = Provider::start();
    let demo = Demo::start(adapter, &provider);
    log_in(&Browser::new(), &demo).await;
    demo.wait_for_log("login succeeded");
    assert_eq!(warnings(&demo), 0, "a small session: {}", demo.log());
    let large = serde_json::json!({ "sub": Provider::SUBJECT, "groups": "x".repeat(2300) });
    provider.set_userinfo(large);
    for _ in 0..2 {
        log_in(&Browser::new(), &demo).await;
    }
    demo.wait_for_line(&WARNING);
    assert_eq!(warnings(&demo), 1, "{}", demo.log());
    let stored = Demo::of(adapter, &provider)
        .env("SESSION_STORE", "memory")
        .start();
    log_in(&Browser::new(), &stored).await;
    stored.wait_for_log("login succeeded");
    assert_eq!(warnings(&stored), 0, "{}", stored.log());
}
