//! The app's own data in a session: kept by the hook and by a visit, read by an extractor. On the probe.

use miracl_tests::{Adapter, Answer, Browser, Demo, Endpoint, Provider, Request, scenarios};
use serde_json::{Value, json};

use crate::journey;

scenarios![
    what_the_hook_keeps_is_there_at_the_first_page_and_gone_at_log_out,
    a_value_is_changed_and_replaced_and_dropped,
    two_changes_at_once_both_count_in_a_store,
    a_value_over_the_budget_is_an_error_that_names_it_and_the_one_before_stays,
    a_login_whose_data_does_not_fit_fails_and_names_it,
    a_value_from_before_an_upgrade_is_an_error_that_can_be_dropped,
    a_new_login_of_the_same_person_takes_the_data_over_and_that_of_another_does_not,
    data_that_does_not_fit_beside_a_new_login_locks_nobody_out,
    nobody_has_no_data_and_a_head_changes_none,
    renewed_tokens_and_other_user_data_leave_it_as_it_is,
];

/// A probe that keeps sessions so, at its provider.
fn start(adapter: Adapter, store: &str) -> (Provider, Demo) {
    let provider = Provider::start();
    let demo = Demo::of(adapter.probe(), &provider)
        .env("SESSION_STORE", store)
        .env("PROBE_LOG", "warn")
        .start();
    (provider, demo)
}

/// Lets the provider speak of another person, or of this one in other words, from now on.
fn say(provider: &Provider, claims: &Value) {
    provider.set_userinfo(claims.clone());
    journey::say(provider, claims);
}

/// Logs in, and comes back to a path that tells the hook what to keep.
async fn log_in(browser: &Browser, demo: &Demo, path: &str) -> Answer {
    let start = demo.url(&format!("/login/start?return_to={path}"));
    browser
        .step(&browser.step(&browser.open(start).await).await)
        .await
}

async fn shown(browser: &Browser, demo: &Demo) -> String {
    browser.fetch(demo.url("/data")).await.expect(200).body
}

async fn change(browser: &Browser, demo: &Demo, what: &str) -> Answer {
    let request = Request::fetch(demo.url(&format!("/data/{what}"))).method("POST");
    browser.send(request).await
}

async fn what_the_hook_keeps_is_there_at_the_first_page_and_gone_at_log_out(adapter: Adapter) {
    for store in ["cookie", "memory"] {
        let (_provider, demo) = start(adapter, store);
        let browser = Browser::new();
        assert_eq!(shown(&browser, &demo).await, "none");
        log_in(&browser, &demo, "/data/hook").await.expect(303);
        assert_eq!(shown(&browser, &demo).await, "by the hook", "{store}");
        browser.visit(demo.url("/logout")).await;
        let log_out = Request::fetch(demo.url("/logout")).method("POST");
        browser.send(log_out).await;
        assert_eq!(shown(&browser, &demo).await, "none", "{store}");
        log_in(&browser, &demo, "/me").await.expect(303);
        assert_eq!(shown(&browser, &demo).await, "none", "{store}");
    }
}

async fn a_value_is_changed_and_replaced_and_dropped(adapter: Adapter) {
    for store in ["cookie", "memory"] {
        let (_provider, demo) = start(adapter, store);
        let (browser, other) = (Browser::new(), Browser::new());
        log_in(&browser, &demo, "/me").await.expect(303);
        log_in(&other, &demo, "/me").await.expect(303);
        for (what, notes) in [
            ("add/a", "a"),
            ("add/b", "a b"),
            ("add/b", "a b b"),
            ("set/c", "c"),
            ("drop/now", "none"),
            ("drop/now", "none"),
            ("add/d", "d"),
        ] {
            let answer = change(&browser, &demo, what).await.expect(200);
            assert_eq!(answer.body, notes, "{store} {what}");
            assert!(answer.is_no_store(), "{store} {what}");
            assert_eq!(shown(&browser, &demo).await, notes, "{store} {what}");
        }
        // It belongs to one session, and not to the person.
        assert_eq!(shown(&other, &demo).await, "none", "{store}");
    }
}

async fn two_changes_at_once_both_count_in_a_store(adapter: Adapter) {
    let (_provider, demo) = start(adapter, "memory");
    let browser = Browser::new();
    log_in(&browser, &demo, "/me").await.expect(303);
    for _ in 0..5 {
        let words = ["a", "b", "c", "d"];
        let sent = words.map(|word| {
            let (copy, url) = (browser.copy(), demo.url(&format!("/data/add/{word}")));
            tokio::spawn(async move { copy.send(Request::fetch(url).method("POST")).await })
        });
        for answer in sent {
            answer.await.expect("no panic here").expect(200);
        }
    }
    let notes = shown(&browser, &demo).await;
    for word in ["a", "b", "c", "d"] {
        assert_eq!(notes.matches(word).count(), 5, "{notes}");
    }
}

async fn a_value_over_the_budget_is_an_error_that_names_it_and_the_one_before_stays(
    adapter: Adapter,
) {
    for (store, fits, too_large) in [
        ("cookie", "grow/1000", "grow/7000"),
        ("memory", "grow/60000", "grow/70000"),
    ] {
        let (_provider, demo) = start(adapter, store);
        let browser = Browser::new();
        log_in(&browser, &demo, "/me").await.expect(303);
        let kept = change(&browser, &demo, fits).await.expect(200).body;
        let refused = change(&browser, &demo, too_large).await.expect(413);
        assert!(
            refused.body.contains("app data `notes`"),
            "{store}: {}",
            refused.body
        );
        assert!(refused.set_cookies().is_empty(), "{store}");
        assert_eq!(shown(&browser, &demo).await, kept, "{store}");
        browser.fetch(demo.url("/me")).await.expect(200);
    }
}

async fn a_login_whose_data_does_not_fit_fails_and_names_it(adapter: Adapter) {
    let (_provider, demo) = start(adapter, "cookie");
    let browser = Browser::new();
    let failed = log_in(&browser, &demo, "/data/6500").await.expect(431);
    assert!(
        failed
            .header("set-cookie")
            .is_none_or(|set| !set.contains("-session=")),
        "{failed:?}"
    );
    demo.wait_for_log("app data `notes`");
    browser.fetch(demo.url("/me")).await.expect(401);
    // The login before stays, with its data.
    log_in(&browser, &demo, "/data/hook").await.expect(303);
    log_in(&browser, &demo, "/data/6500").await.expect(431);
    assert_eq!(shown(&browser, &demo).await, "by the hook");
}

async fn a_value_from_before_an_upgrade_is_an_error_that_can_be_dropped(adapter: Adapter) {
    for store in ["cookie", "memory"] {
        let (_provider, demo) = start(adapter, store);
        let browser = Browser::new();
        log_in(&browser, &demo, "/data/hook").await.expect(303);
        for what in ["get/new", "upgrade/word"] {
            let refused = change(&browser, &demo, what).await.expect(409);
            assert!(
                refused.body.contains("`notes`"),
                "{store}: {}",
                refused.body
            );
            assert!(
                !refused.body.contains("by the hook"),
                "{store}: {}",
                refused.body
            );
        }
        assert_eq!(shown(&browser, &demo).await, "by the hook", "{store}");
        assert_eq!(
            change(&browser, &demo, "drop/now").await.expect(200).body,
            "none"
        );
        // Under the name there is a value of the later type now: the extractor shows none, and refuses nobody.
        change(&browser, &demo, "upgrade/word").await.expect(500);
        assert_eq!(shown(&browser, &demo).await, "none", "{store}");
        demo.wait_for_log("app data `notes`");
        browser.fetch(demo.url("/me")).await.expect(200);
    }
}

async fn a_new_login_of_the_same_person_takes_the_data_over_and_that_of_another_does_not(
    adapter: Adapter,
) {
    for store in ["cookie", "memory"] {
        let (provider, demo) = start(adapter, store);
        let browser = Browser::new();
        log_in(&browser, &demo, "/data/hook").await.expect(303);
        log_in(&browser, &demo, "/me").await.expect(303);
        assert_eq!(shown(&browser, &demo).await, "by the hook", "{store}");
        change(&browser, &demo, "set/changed").await.expect(200);
        log_in(&browser, &demo, "/data/hook").await.expect(303);
        assert_eq!(
            shown(&browser, &demo).await,
            "by the hook",
            "{store}: the hook's word counts"
        );
        say(&provider, &json!({ "sub": "bob" }));
        log_in(&browser, &demo, "/me").await.expect(303);
        assert_eq!(shown(&browser, &demo).await, "none", "{store}");
    }
}

async fn data_that_does_not_fit_beside_a_new_login_locks_nobody_out(adapter: Adapter) {
    let (provider, demo) = start(adapter, "cookie");
    let browser = Browser::new();
    log_in(&browser, &demo, "/me").await.expect(303);
    change(&browser, &demo, "grow/2500").await.expect(200);
    provider.set_userinfo(json!({ "sub": Provider::SUBJECT, "groups": "g".repeat(2000) }));
    log_in(&browser, &demo, "/me").await.expect(303);
    browser.fetch(demo.url("/me")).await.expect(200);
    assert_eq!(shown(&browser, &demo).await, "none");
    demo.wait_for_log("does not fit beside this login");
}

async fn nobody_has_no_data_and_a_head_changes_none(adapter: Adapter) {
    for store in ["cookie", "memory"] {
        let (_provider, demo) = start(adapter, store);
        let browser = Browser::new();
        for what in ["add/a", "set/a", "upgrade/a"] {
            change(&browser, &demo, what).await.expect(401);
        }
        let nothing = change(&browser, &demo, "drop/now").await.expect(200);
        assert!(nothing.set_cookies().is_empty(), "{store}");
        log_in(&browser, &demo, "/data/hook").await.expect(303);
        let prefetch = Request::fetch(demo.url("/data/set/a"))
            .method("POST")
            .header("sec-purpose", "prefetch");
        browser.send(prefetch).await.expect(200);
        assert_eq!(shown(&browser, &demo).await, "by the hook", "{store}");
    }
}

async fn renewed_tokens_and_other_user_data_leave_it_as_it_is(adapter: Adapter) {
    for store in ["cookie", "memory"] {
        let (provider, demo) = start(adapter, store);
        let browser = Browser::new();
        log_in(&browser, &demo, "/data/hook").await.expect(303);
        for (what, userinfos) in [("refresh/now", 2), ("forget/now", 2), ("refresh/now", 3)] {
            let answer = change(&browser, &demo, what).await.expect(200);
            assert_eq!(answer.body, "by the hook", "{store} {what}");
            assert_eq!(
                provider.count(Endpoint::Userinfo),
                userinfos,
                "{store} {what}"
            );
            assert_eq!(
                shown(&browser, &demo).await,
                "by the hook",
                "{store} {what}"
            );
        }
    }
}
