//! The table of routes, line by line.

use miracl_tests::{Adapter, Answer, Browser, Demo, Endpoint, Provider, Request, scenarios};

use crate::journey::{Journey, login_button, subject};

scenarios![
    the_home_page_of_a_stranger_has_a_login_button,
    the_home_page_of_a_user_has_their_data_and_two_buttons,
    a_plain_link_replaces_the_button_where_there_is_no_script,
    a_script_of_somebody_else_gets_the_authorize_url,
    a_page_for_a_script_of_somebody_else_may_be_opened_often_and_its_address_logs_in_once,
    an_address_on_a_page_ends_when_anybody_logs_in_or_out_with_that_browser,
    the_members_page_is_for_members,
    the_public_page_and_the_health_check_cost_nothing,
    the_benchmark_page_of_a_user_is_their_address,
    the_profile_is_filled_in_and_saves_a_name,
    no_page_may_be_framed,
    no_page_that_knows_the_session_may_be_stored,
    an_unknown_path_is_not_found,
    a_value_of_the_user_is_escaped,
];

async fn the_home_page_of_a_stranger_has_a_login_button(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let home = journey.home().await;
    let button = login_button(&home).expect("a login button");
    assert!(
        button.starts_with(&journey.url("/login/start")),
        "absolute, and ours: {button}"
    );
    assert!(!home.body.contains("Log out"), "{}", home.body);
    assert!(home.alerts().is_empty(), "{:?}", home.alerts());
}

async fn the_home_page_of_a_user_has_their_data_and_two_buttons(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let home = journey.home().await;
    for text in [
        Provider::EMAIL,
        Provider::SUBJECT,
        "E-mail",
        "User ID",
        "Refresh user data",
        "Log out",
        "confirmed",
    ] {
        assert!(home.body.contains(text), "no {text:?}: {}", home.body);
    }
    assert!(
        home.tags()
            .iter()
            .any(|tag| tag.get("href") == Some("/refresh")),
        "{}",
        home.body
    );
    let logout = home
        .forms()
        .into_iter()
        .find(|form| form.action == "/logout")
        .expect("a log-out form");
    assert_eq!(logout.method, "post");
    journey.provider.set_userinfo(serde_json::json!({
        "sub": Provider::SUBJECT, "email": Provider::EMAIL, "email_verified": false,
    }));
    let home = journey
        .browser
        .visit(journey.url("/refresh"))
        .await
        .expect(200);
    assert!(!home.body.contains("confirmed"), "{}", home.body);
}

async fn a_plain_link_replaces_the_button_where_there_is_no_script(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let home = journey.home().await;
    let link = home
        .tags()
        .into_iter()
        .find(|tag| tag.get("id") == Some("login"))
        .expect("#login");
    assert_eq!(link.name, "a");
    assert_eq!(link.get("href"), link.get("data-authurl"));
}

async fn a_script_of_somebody_else_gets_the_authorize_url(adapter: Adapter) {
    let provider = Provider::start();
    let journey = Journey {
        demo: Demo::of(adapter, &provider)
            .env("MPAD_URL", "https://cdn.example/mpad.js")
            .start(),
        provider,
        browser: Browser::new(),
    };
    let home = journey.home().await;
    let script = home
        .tags()
        .into_iter()
        .find(|tag| tag.name == "script" && tag.get("data-authurl").is_some());
    let script = script.expect("the script");
    assert_eq!(script.get("src"), Some("https://cdn.example/mpad.js"));
    assert_eq!(script.get("data-element"), Some("btmpin"));
    assert!(
        home.tags()
            .iter()
            .any(|tag| tag.name == "div" && tag.get("id") == Some("btmpin"))
    );
    let url = script.get("data-authurl").expect("an address").to_owned();
    assert!(
        url.starts_with(&format!("{}/authorize?", journey.provider.issuer())),
        "{url}"
    );
    let page = journey.browser.visit(url).await.expect(200);
    assert!(
        page.has_alert("success", "Successfully logged in!"),
        "{}",
        page.body
    );
}

async fn a_page_for_a_script_of_somebody_else_may_be_opened_often_and_its_address_logs_in_once(
    adapter: Adapter,
) {
    let journey = Journey::begin_with(adapter, &[("MPAD_URL", "https://cdn.example/mpad.js")]);
    let address = async || {
        let home = journey.home().await;
        assert!(home.is_no_store(), "{:?}", home.headers);
        let url = login_button(&home).expect("an address");
        (url, home.set_cookies())
    };
    let (first, set) = address().await;
    let [pending] = &set[..] else {
        panic!("one login: {set:?}");
    };
    assert_eq!(pending.max_age, Some(24 * 60 * 60));
    // Six more tabs, and as many logins as may be under way beside it.
    for _ in 0..6 {
        let (again, set) = address().await;
        assert_eq!((again, set), (first.clone(), Vec::new()));
    }
    for _ in 0..4 {
        journey.authorize_url().await;
    }
    let page = journey.browser.visit(&first).await.expect(200);
    assert!(page.has_alert("success", "Successfully logged in!"));
    // The second tab.
    let page = journey.browser.visit(&first).await.expect(200);
    assert!(page.has_alert("info", "You are already logged in."));
    assert_eq!(journey.provider.count(Endpoint::Token), 1);
    // After a log-out, pages have another login.
    let answer = journey.browser.post(journey.url("/logout"), &[]).await;
    journey.browser.follow(answer).await.expect(200);
    let (other, _) = address().await;
    assert_ne!(other, first);
    journey.browser.visit(other).await.expect(200);
    journey.assert_still_logged_in().await;
}

async fn an_address_on_a_page_ends_when_anybody_logs_in_or_out_with_that_browser(adapter: Adapter) {
    let journey = Journey::begin_with(adapter, &[("MPAD_URL", "https://cdn.example/mpad.js")]);
    let address = async || login_button(&journey.home().await).expect("an address");
    // Whoever saw the page before may know its address, and could end with it what the next person begins.
    let seen = address().await;
    journey.log_in().await;
    let answer = journey.browser.post(journey.url("/logout"), &[]).await;
    journey.browser.follow(answer).await.expect(200);
    journey.browser.visit(&seen).await.expect(400);
    journey.assert_nobody().await;
    let seen = address().await;
    journey.browser.post(journey.url("/logout"), &[]).await;
    journey.browser.visit(&seen).await.expect(400);
    journey.assert_nobody().await;
}

async fn the_members_page_is_for_members(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let page = journey
        .browser
        .open(journey.url("/members"))
        .await
        .expect(200);
    assert!(
        page.header("content-type")
            .is_some_and(|kind| kind.starts_with("text/html")),
        "{:?}",
        page.headers
    );
    journey
        .browser
        .fetch(journey.url("/members"))
        .await
        .expect(200);
}

async fn the_public_page_and_the_health_check_cost_nothing(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let stranger = journey
        .browser
        .open(journey.url("/public"))
        .await
        .expect(200);
    journey.log_in().await;
    let user = journey
        .browser
        .open(journey.url("/public"))
        .await
        .expect(200);
    assert_eq!(stranger.body, user.body);
    let health = journey
        .browser
        .open(journey.url("/health"))
        .await
        .expect(200);
    assert_eq!(health.body, "This program is running.");
    for answer in [stranger, user, health] {
        assert_eq!(answer.header("cache-control"), None);
        assert!(answer.set_cookies().is_empty());
    }
}

async fn the_benchmark_page_of_a_user_is_their_address(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let answer = journey
        .browser
        .fetch(journey.url("/whoami"))
        .await
        .expect(200);
    assert_eq!(answer.body, Provider::EMAIL);
    assert!(answer.is_no_store());
    assert!(
        answer.set_cookies().is_empty(),
        "nothing is sealed again per request: {:?}",
        answer.set_cookies()
    );
}

async fn the_profile_is_filled_in_and_saves_a_name(adapter: Adapter) {
    let mut journey = Journey::logged_in(adapter).await;
    let page = journey
        .browser
        .open(journey.url("/profile"))
        .await
        .expect(200);
    let values: Vec<_> = page
        .tags()
        .iter()
        .filter_map(|tag| tag.get("value").map(str::to_owned))
        .collect();
    assert!(
        values.contains(&Provider::EMAIL.to_owned())
            && values.contains(&Provider::SUBJECT.to_owned()),
        "{values:?}"
    );
    let form = page
        .forms()
        .into_iter()
        .find(|form| form.action.ends_with("/profile"))
        .expect("a form");
    let name = "Zoë <b>& \"friends\"";
    let saved = journey
        .browser
        .submit(&page, &form.with("display_name", name))
        .await
        .expect(303);
    journey.browser.follow(saved).await.expect(200);
    let shown = |page: &Answer| page.tags().iter().any(|tag| tag.get("value") == Some(name));
    assert!(shown(
        &journey
            .browser
            .open(journey.url("/profile"))
            .await
            .expect(200)
    ));
    journey.demo.restart();
    let page = journey
        .browser
        .open(journey.url("/profile"))
        .await
        .expect(200);
    assert!(shown(&page), "{}", page.body);
    assert!(!page.body.contains("<b>&"), "{}", page.body);
}

/// Every page there is, once as a stranger and once as a user.
async fn every_page(journey: &Journey) -> Vec<Answer> {
    let mut pages = Vec::new();
    for browser in [&Browser::new(), &journey.browser] {
        for path in [
            "/",
            "/members",
            "/profile",
            "/devices",
            "/verify",
            "/trust",
            "/logout",
            "/refresh",
            "/login",
            "/login/start",
            "/me",
            "/whoami",
            "/admins",
        ] {
            pages.push(browser.copy().open(journey.url(path)).await);
            pages.push(browser.copy().fetch(journey.url(path)).await);
        }
        pages.push(browser.copy().post(journey.url("/logout"), &[]).await);
        pages.push(
            browser
                .copy()
                .post(journey.url("/profile"), &[("display_name", "x")])
                .await,
        );
        let delete = journey.url("/profile/delete");
        pages.push(browser.copy().post(delete, &[]).await);
    }
    pages
}

async fn no_page_may_be_framed(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    for page in every_page(&journey).await {
        if page
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/html"))
        {
            let policy = page.header("content-security-policy").unwrap_or_default();
            assert!(
                policy.contains("frame-ancestors 'none'"),
                "{} {}: {policy:?}",
                page.url,
                page.reason()
            );
        }
    }
    let gone = journey.browser.open(journey.url("/nothing-here")).await;
    assert_eq!(gone.status, 404);
}

async fn no_page_that_knows_the_session_may_be_stored(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    for page in every_page(&journey).await {
        assert!(
            page.is_no_store(),
            "{} answered {} with {:?}",
            page.url,
            page.status,
            page.headers
        );
        assert!(
            page.status < 500,
            "{} answered {}: {}",
            page.url,
            page.status,
            page.body
        );
    }
}

async fn an_unknown_path_is_not_found(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for path in [
        "/nothing-here",
        "/login/nothing-here",
        "/members/nothing-here",
    ] {
        journey.browser.open(journey.url(path)).await.expect(404);
    }
    let answer = journey
        .browser
        .send(Request::form(journey.url("/me"), &[]))
        .await;
    assert_eq!(answer.status, adapter.wrong_method, "{}", answer.body);
}

async fn a_value_of_the_user_is_escaped(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    journey.provider.set_userinfo(serde_json::json!({
        "sub": Provider::SUBJECT, "email": "<script>alert(1)</script>@example.com", "email_verified": true,
    }));
    journey.log_in().await;
    for path in ["/", "/members", "/profile"] {
        let page = journey.browser.open(journey.url(path)).await.expect(200);
        assert!(
            !page.body.contains("<script>alert"),
            "{path}: {}",
            page.body
        );
    }
    let me = journey.browser.fetch(journey.url("/me")).await.expect(200);
    assert!(
        me.header("content-type")
            .is_some_and(|kind| kind.starts_with("application/json"))
    );
    assert_eq!(
        subject(&journey.browser, &journey.demo).await.as_deref(),
        Some(Provider::SUBJECT)
    );
}
