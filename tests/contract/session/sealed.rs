//! Sealed sessions outlive a restart, and their keys can be changed.

use miracl_tests::{Adapter, Browser, Demo, Endpoint, Provider, scenarios};

use crate::journey::{Journey, assert_refused, key, log_in, login_button, subject};

scenarios![
    a_restart_keeps_people_logged_in,
    a_login_under_way_survives_a_restart,
    a_key_made_by_the_demo_is_kept_and_told_about,
    sessions_sealed_with_an_older_key_still_open,
    cookies_of_an_unknown_key_log_nobody_in_and_are_left_alone,
    a_session_of_one_client_does_not_count_at_another,
    a_login_under_way_of_one_client_is_unknown_to_another,
    a_changed_cookie_is_not_believed,
    cookies_that_make_no_sense_log_nobody_in,
    cookies_of_two_sessions_do_not_mix,
    half_a_session_logs_nobody_in_and_is_deleted,
    a_cookie_under_the_name_of_another_logs_nobody_in,
];

/// A demo with these keys.
fn demo(adapter: Adapter, provider: &Provider, keys: &str) -> Demo {
    Demo::of(adapter, provider).env("COOKIE_KEYS", keys).start()
}

async fn a_restart_keeps_people_logged_in(adapter: Adapter) {
    let mut journey = Journey::logged_in(adapter).await;
    journey.demo.restart();
    journey.assert_still_logged_in().await;
    let page = journey.home().await;
    assert!(page.body.contains(Provider::EMAIL), "{}", page.body);
}

async fn a_login_under_way_survives_a_restart(adapter: Adapter) {
    let mut journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    journey.demo.restart();
    journey.browser.visit(callback).await.expect(200);
    journey.assert_still_logged_in().await;
}

async fn a_key_made_by_the_demo_is_kept_and_told_about(adapter: Adapter) {
    let mut journey = Journey::begin(adapter);
    journey.demo.wait_for_log("key");
    let files = || {
        let mut files: Vec<_> = std::fs::read_dir(journey.demo.directory())
            .expect("the working directory")
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        files.sort();
        files
    };
    let before = files();
    journey.demo.restart();
    let files = || {
        std::fs::read_dir(journey.demo.directory())
            .expect("the working directory")
            .count()
    };
    assert_eq!(before.len(), files());
}

async fn sessions_sealed_with_an_older_key_still_open(adapter: Adapter) {
    let provider = Provider::start();
    let browser = Browser::new();
    let mut old = demo(adapter, &provider, &key(1));
    log_in(&browser, &old).await;
    old.restart_with(|settings| settings.env("COOKIE_KEYS", &format!("{},{}", key(2), key(1))));
    assert_eq!(
        subject(&browser, &old).await.as_deref(),
        Some(Provider::SUBJECT)
    );
    // From now on, values are sealed with the new key.
    log_in(&browser, &old).await;
    old.restart_with(|settings| settings.env("COOKIE_KEYS", &key(2)));
    assert_eq!(
        subject(&browser, &old).await.as_deref(),
        Some(Provider::SUBJECT)
    );
}

async fn cookies_of_an_unknown_key_log_nobody_in_and_are_left_alone(adapter: Adapter) {
    let provider = Provider::start();
    let browser = Browser::new();
    let mut demo = demo(adapter, &provider, &format!("{},{}", key(2), key(1)));
    log_in(&browser, &demo).await;
    browser.open(demo.url("/login/start")).await.expect(303);
    let cookies = browser.cookies();
    demo.restart_with(|settings| settings.env("COOKIE_KEYS", &key(1)));
    for path in ["/", "/me", "/members", "/refresh", "/whoami"] {
        let answer = browser.open(demo.url(path)).await;
        assert!(
            answer.set_cookies().is_empty(),
            "{path} set {:?}",
            answer.set_cookies()
        );
    }
    assert_eq!(subject(&browser, &demo).await, None);
    let home = browser.open(demo.url("/")).await.expect(200);
    assert!(login_button(&home).is_some(), "{}", home.body);
    assert_eq!(browser.cookies(), cookies);
    // The replica that knows the key still reads it.
    demo.restart_with(|settings| settings.env("COOKIE_KEYS", &key(2)));
    assert_eq!(
        subject(&browser, &demo).await.as_deref(),
        Some(Provider::SUBJECT)
    );
}

async fn a_session_of_one_client_does_not_count_at_another(adapter: Adapter) {
    let provider = Provider::start();
    let browser = Browser::new();
    let mut demo = demo(adapter, &provider, &key(1));
    log_in(&browser, &demo).await;
    demo.restart_with(|settings| settings.env("CLIENT_ID", "another-client"));
    assert_eq!(subject(&browser, &demo).await, None);
}

async fn a_login_under_way_of_one_client_is_unknown_to_another(adapter: Adapter) {
    let provider = Provider::start();
    let demo = demo(adapter, &provider, &key(1));
    let mut journey = Journey {
        demo,
        provider,
        browser: Browser::new(),
    };
    let callback = journey.callback_url().await;
    let before = journey.browser.copy();
    let restart = |journey: &mut Journey, client: &str| {
        let restart = |settings: miracl_tests::DemoBuilder| settings.env("CLIENT_ID", client);
        journey.demo.restart_with(restart);
    };
    restart(&mut journey, "another-client");
    assert_refused(&journey.browser.open(&callback).await);
    assert_eq!(journey.provider.count(Endpoint::Token), 0);
    // Only the client id made the difference.
    restart(&mut journey, Provider::CLIENT_ID);
    before.visit(&callback).await.expect(200);
}

async fn a_changed_cookie_is_not_believed(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let mut nobody = 0;
    for cookie in journey.browser.cookies() {
        let browser = journey.browser.copy();
        let mut value = cookie.value.clone();
        let last = value.pop().expect("a value");
        value.insert(value.len() / 2, last);
        browser.keep(miracl_tests::Cookie {
            value,
            ..cookie.clone()
        });
        let me = browser.fetch(journey.url("/me")).await;
        match me.status {
            401 => nobody += 1,
            // The sealed value that says who is logged in is whole; the one with the rest of the user data is not.
            200 => assert_eq!(
                me.json().get("name"),
                None,
                "{} was changed: {}",
                cookie.name,
                me.body
            ),
            _ => panic!("{} was changed: {} {}", cookie.name, me.status, me.body),
        }
        browser.open(journey.url("/")).await.expect(200);
    }
    assert!(nobody > 0, "one of the cookies says who it is");
}

async fn cookies_that_make_no_sense_log_nobody_in(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    for value in [
        "",
        "x",
        "v1.",
        "%",
        "%ff%fe",
        "\"\"",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let browser = Browser::new();
        for cookie in journey.browser.cookies() {
            browser.keep(miracl_tests::Cookie {
                value: value.to_owned(),
                ..cookie
            });
        }
        assert_eq!(subject(&browser, &journey.demo).await, None, "{value:?}");
        browser.open(journey.url("/")).await.expect(200);
    }
}

async fn cookies_of_two_sessions_do_not_mix(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let first = journey.browser.cookies();
    journey.browser.clear();
    journey.provider.set_userinfo(
        serde_json::json!({ "sub": Provider::SUBJECT, "name": "Of the Second Session" }),
    );
    journey.log_in().await;
    journey.home().await;
    let second = journey.browser.cookies();
    assert!(
        first.len() > 1 && first.len() == second.len(),
        "{first:?} {second:?}"
    );
    for cookie in &first {
        let browser = journey.browser.copy();
        browser.keep(cookie.clone());
        let me = browser.fetch(journey.url("/me")).await;
        let whose = |me: &serde_json::Value| (me.get("name").is_some(), me.get("email").is_some());
        if me.status == 200 {
            // The name of one session never appears beside the address of another.
            assert_ne!(
                whose(&me.json()),
                (true, true),
                "{}: {}",
                cookie.name,
                me.body
            );
            let name = me.json()["name"].as_str().map(str::to_owned);
            assert!(name.is_none(), "{}: {}", cookie.name, me.body);
        } else {
            assert_eq!(me.status, 401, "{}", me.body);
        }
    }
}

async fn half_a_session_logs_nobody_in_and_is_deleted(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    journey.home().await;
    let first = journey.browser.cookies();
    journey.browser.clear();
    journey.log_in().await;
    journey.home().await;
    let (data, session): (Vec<_>, Vec<_>) = journey
        .browser
        .cookies()
        .into_iter()
        .partition(|cookie| cookie.name.contains("-data"));
    assert!(!data.is_empty() && !session.is_empty());
    let other_data = first.into_iter().filter(|c| c.name.contains("-data"));
    for jar in [
        session.clone(),
        session.into_iter().chain(other_data).collect(),
    ] {
        for (path, status) in [("/me", 401), ("/whoami", 401), ("/members", 401)] {
            let browser = Browser::new();
            for cookie in &jar {
                browser.keep(cookie.clone());
            }
            let answer = browser.fetch(journey.url(path)).await;
            assert_eq!(answer.status, status, "{path}: {}", answer.body);
            assert!(browser.cookies().is_empty(), "{:?}", browser.cookies());
        }
    }
}

async fn a_cookie_under_the_name_of_another_logs_nobody_in(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    journey.authorize_url().await;
    let cookies = journey.browser.cookies();
    for cookie in &cookies {
        let browser = Browser::new();
        for other in &cookies {
            browser.keep(miracl_tests::Cookie {
                value: cookie.value.clone(),
                ..other.clone()
            });
        }
        let one = subject(&browser, &journey.demo).await;
        // With the cookie that says who is logged in under its own name, and rubbish beside it.
        let own = cookies
            .iter()
            .filter(|each| each.value == cookie.value)
            .count();
        assert_eq!(own, 1);
        let alone = Browser::new();
        alone.keep(cookie.clone());
        assert_eq!(one, subject(&alone, &journey.demo).await, "{}", cookie.name);
    }
}
