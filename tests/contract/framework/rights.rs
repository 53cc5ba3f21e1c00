//! Rights: a page for those who meet a requirement, by extractor and by a layer around a group of routes. On the probe.

use std::time::{SystemTime, UNIX_EPOCH};

use miracl_tests::{Adapter, Answer, Browser, Demo, Endpoint, Provider, Request, scenarios};
use serde_json::{Value, json};

use crate::journey::say;

scenarios![
    who_meets_a_requirement_passes_and_nobody_else,
    a_denial_is_a_page_or_a_problem_and_never_a_login,
    a_claim_of_another_form_gives_no_right,
    a_weak_login_is_sent_for_a_stronger_one_and_comes_back_once,
    a_login_that_stays_too_weak_fails_with_a_page_and_no_loop,
    a_form_that_needs_a_stronger_login_says_that_it_was_not_sent,
    what_a_visitor_takes_off_the_address_does_not_count,
    a_renewal_that_says_nothing_of_the_login_takes_no_right_away,
    what_the_app_cannot_decide_is_no_yes,
];

const PAGES: [&str; 3] = ["/rights/admin", "/admins/members", "/admins/any"];

/// A probe at a provider whose ID tokens have these claims as well.
fn start(adapter: Adapter, claims: &Value) -> (Provider, Demo) {
    let provider = Provider::start();
    say(&provider, claims);
    let demo = Demo::start(adapter.probe(), &provider);
    (provider, demo)
}

/// The address that an answer leads to, with this parameter.
#[track_caller]
fn parameter(answer: &Answer, name: &str) -> Option<String> {
    let to = answer.location().expect("a location");
    let mut pairs = to.query_pairs();
    let found = pairs.find(|(found, _)| found == name);
    found.map(|(_, value)| value.into_owned())
}

async fn who_meets_a_requirement_passes_and_nobody_else(adapter: Adapter) {
    for store in ["cookie", "memory"] {
        let provider = Provider::start();
        let demo = Demo::of(adapter.probe(), &provider)
            .env("SESSION_STORE", store)
            .start();
        let (stranger, reader, admin) = (Browser::new(), Browser::new(), Browser::new());
        say(&provider, &json!({ "roles": ["reader"] }));
        reader.visit(demo.url("/login/start")).await;
        say(&provider, &json!({ "roles": ["reader", "admin"] }));
        admin.visit(demo.url("/login/start")).await;
        for path in PAGES {
            let answer = stranger.open(demo.url(path)).await.expect(303);
            let to = answer.location().expect("a location");
            assert_eq!(to.path(), "/login/start", "{path}");
            assert_eq!(parameter(&answer, "return_to").as_deref(), Some(path));
            stranger.fetch(demo.url(path)).await.expect(401);
            let refused = reader.open(demo.url(path)).await.expect(403);
            assert!(refused.is_no_store(), "{store} {path}");
            let body = admin.open(demo.url(path)).await.expect(200).body;
            let expected = match path {
                "/rights/admin" => Provider::SUBJECT,
                _ => "a member",
            };
            assert_eq!(body, expected, "{store} {path}");
        }
        // Preflights have no cookies, and reach nothing.
        let preflight = Request::fetch(demo.url("/admins/any"))
            .method("OPTIONS")
            .header("access-control-request-method", "GET");
        stranger.send(preflight).await.expect(401);
        for (browser, name) in [
            (&stranger, "nobody"),
            (&reader, "nobody"),
            (&admin, Provider::SUBJECT),
        ] {
            let optional = browser.open(demo.url("/rights/optional")).await;
            assert_eq!(optional.expect(200).body, name, "{store}");
        }
    }
}

async fn a_denial_is_a_page_or_a_problem_and_never_a_login(adapter: Adapter) {
    let (_provider, demo) = start(adapter, &json!({ "roles": ["reader"] }));
    let browser = Browser::new();
    browser.visit(demo.url("/login/start")).await;
    for path in PAGES {
        let page = browser.open(demo.url(path)).await.expect(403);
        assert!(page.body.contains("<h1>Not allowed</h1>"), "{}", page.body);
        assert!(page.body.contains("Go to the home page"), "{}", page.body);
        assert_eq!(page.header("location"), None);
        let problem = browser.fetch(demo.url(path)).await.expect(403);
        let kind = problem.header("content-type");
        assert_eq!(kind, Some("application/problem+json"), "{path}");
        assert!(!problem.body.contains("login_url"), "{}", problem.body);
        assert!(problem.set_cookies().is_empty());
    }
    assert_eq!(browser.fetch(demo.url("/me")).await.status, 200);
}

async fn a_claim_of_another_form_gives_no_right(adapter: Adapter) {
    let (provider, demo) = start(adapter, &json!({}));
    for roles in [
        json!(null),
        json!("reader admin"),
        json!("Admin"),
        json!({ "admin": true }),
        json!([["admin"]]),
        json!([1, true, null, {"name": "admin"}]),
        json!(1),
        json!(""),
    ] {
        say(&provider, &json!({ "roles": roles }));
        let browser = Browser::new();
        browser.visit(demo.url("/login/start")).await;
        let answer = browser.fetch(demo.url("/rights/admin")).await;
        assert_eq!(answer.status, 403, "{roles}");
    }
    say(&provider, &json!({ "roles": "admin" }));
    let browser = Browser::new();
    browser.visit(demo.url("/login/start")).await;
    browser.fetch(demo.url("/rights/admin")).await.expect(200);
}

/// What a token says of a login that was made at this second.
fn login_at(seconds: u64, acr: &str) -> Value {
    json!({ "roles": ["admin"], "acr": acr, "auth_time": seconds })
}

async fn a_weak_login_is_sent_for_a_stronger_one_and_comes_back_once(adapter: Adapter) {
    let (provider, demo) = start(adapter, &json!({ "roles": ["admin"] }));
    let browser = Browser::new();
    browser.visit(demo.url("/login/start")).await;
    let now = provider.last_issued_at();
    for weak in [
        json!({}),
        login_at(now, "weak"),
        login_at(now - 1000, "strong"),
        json!({ "acr": ["strong"], "auth_time": now }),
        json!({ "acr": "strong", "auth_time": now.to_string() }),
    ] {
        let mut claims = json!({ "roles": ["admin"] });
        let more = weak.as_object().expect("an object").clone();
        claims.as_object_mut().expect("an object").extend(more);
        say(&provider, &claims);
        let browser = Browser::new();
        browser.visit(demo.url("/login/start")).await;
        let sent = browser
            .open(demo.url("/rights/strong?page=2"))
            .await
            .expect(303);
        // The whole requirement, and back to the very page.
        assert_eq!(
            parameter(&sent, "acr_values").as_deref(),
            Some("strong stronger")
        );
        assert_eq!(parameter(&sent, "max_age").as_deref(), Some("300"));
        let back = parameter(&sent, "return_to");
        assert_eq!(back.as_deref(), Some("/rights/strong?page=2"));
        let problem = browser.fetch(demo.url("/rights/strong")).await.expect(401);
        assert!(problem.body.contains("acr_values"), "{}", problem.body);
        say(&provider, &login_at(now, "stronger"));
        let page = browser.visit(demo.url("/rights/strong?page=2")).await;
        assert_eq!(page.expect(200).body, Provider::SUBJECT, "{weak}");
    }
    // Who may not see the page anyway is not sent to log in.
    say(&provider, &json!({ "acr": "weak" }));
    browser.visit(demo.url("/login/start")).await;
    browser.open(demo.url("/rights/strong")).await.expect(403);
}

async fn a_login_that_stays_too_weak_fails_with_a_page_and_no_loop(adapter: Adapter) {
    let (provider, demo) = start(adapter, &json!({ "roles": ["admin"] }));
    let browser = Browser::new();
    browser.visit(demo.url("/login/start")).await;
    let now = provider.last_issued_at();
    for weak in [
        json!({ "roles": ["admin"] }),
        login_at(now, "weak"),
        login_at(now - 1000, "strong"),
    ] {
        say(&provider, &weak);
        let logins = provider.count(Endpoint::Authorize);
        let page = browser.visit(demo.url("/rights/strong")).await;
        assert!(page.status >= 400, "{weak}: {}", page.status);
        assert_eq!(provider.count(Endpoint::Authorize), logins + 1, "{weak}");
        // The session from before is as it was.
        browser.fetch(demo.url("/me")).await.expect(200);
        browser.fetch(demo.url("/rights/admin")).await.expect(200);
    }
}

async fn a_form_that_needs_a_stronger_login_says_that_it_was_not_sent(adapter: Adapter) {
    let (provider, demo) = start(adapter, &json!({ "roles": ["admin"] }));
    let browser = Browser::new();
    browser.visit(demo.url("/login/start")).await;
    let form = Request::form(demo.url("/rights/strong"), &[("amount", "1")]);
    let form = form.header("referer", &demo.url("/flashes"));
    let sent = browser.send(form).await.expect(303);
    assert_eq!(parameter(&sent, "return_to").as_deref(), Some("/flashes"));
    say(&provider, &login_at(provider.last_issued_at(), "strong"));
    let page = browser.follow(sent).await;
    let told = "Your form was not sent, because it needs a new login. Please send it again.\n";
    assert_eq!(page.expect(200).body, told);
    // An optional look at rights leaves no message.
    browser.open(demo.url("/rights/optional")).await.expect(200);
    assert_eq!(browser.open(demo.url("/flashes")).await.body, "");
}

async fn what_a_visitor_takes_off_the_address_does_not_count(adapter: Adapter) {
    let (provider, demo) = start(adapter, &json!({ "roles": ["admin"] }));
    let browser = Browser::new();
    browser.visit(demo.url("/login/start")).await;
    let now = provider.last_issued_at();
    say(&provider, &login_at(now, "weak"));
    for link in [
        "/login/start?return_to=/rights/strong",
        "/login/start?return_to=/rights/strong&acr_values=weak",
        "/login/start?return_to=/rights/strong&max_age=999999",
    ] {
        let logins = provider.count(Endpoint::Authorize);
        let page = browser.visit(demo.url(link)).await;
        assert!(page.status >= 400, "{link}: {}", page.status);
        // The login by the link, and the one that the page sends for.
        assert_eq!(provider.count(Endpoint::Authorize), logins + 2, "{link}");
        let asked = provider.received(Endpoint::Authorize).pop();
        let asked = asked.expect("a request").parameters;
        assert_eq!(asked["acr_values"], "strong stronger", "{link}");
        assert_eq!(asked["max_age"], "300", "{link}");
    }
}

async fn a_renewal_that_says_nothing_of_the_login_takes_no_right_away(adapter: Adapter) {
    for store in ["cookie", "memory"] {
        let provider = Provider::start();
        // The first request after a login renews its tokens.
        provider.give_refresh_tokens(0);
        let demo = Demo::of(adapter.probe(), &provider)
            .env("SESSION_STORE", store)
            .env("RENEWAL", "eager")
            .start();
        for (renewed, refreshes) in [
            (json!({ "roles": ["admin"] }), 1),
            // It says nothing about another login either.
            (login_at(0, "weak"), 2),
        ] {
            let browser = Browser::new();
            say(&provider, &json!({}));
            let start = browser.open(demo.url("/login/start")).await.expect(303);
            let approved = browser.step(&start).await.expect(302);
            let callback = approved.location().expect("the callback");
            say(&provider, &login_at(now(), "strong"));
            browser.open(callback).await.expect(303);
            say(&provider, &renewed);
            for _ in 0..2 {
                let page = browser.fetch(demo.url("/rights/strong")).await;
                assert_eq!(
                    page.expect(200).body,
                    Provider::SUBJECT,
                    "{store} {renewed}"
                );
                assert_eq!(provider.refreshes(), refreshes);
            }
        }
    }
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("a time after 1970").as_secs()
}

async fn what_the_app_cannot_decide_is_no_yes(adapter: Adapter) {
    let (_provider, demo) = start(adapter, &json!({}));
    let browser = Browser::new();
    browser.open(demo.url("/rights/broken")).await.expect(303);
    browser.visit(demo.url("/login/start")).await;
    let page = browser.open(demo.url("/rights/broken")).await.expect(503);
    assert!(!page.body.contains("table of rights"), "{}", page.body);
    assert!(page.body.contains("cannot be decided"), "{}", page.body);
    browser.fetch(demo.url("/rights/broken")).await.expect(503);
    // An optional extractor that refused before has no say in the answer.
    browser.fetch(demo.url("/rights/both")).await.expect(503);
    demo.wait_for_log("the table of rights is gone");
    let log = demo.log();
    assert!(!log.contains(Provider::SUBJECT), "{log}");
}
