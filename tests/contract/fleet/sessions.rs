//! Sessions that a fleet shares in Redis: one replica ends them, and every other knows.

use miracl_tests::{Adapter, Browser, Demo, Endpoint, Provider, scenarios};
use serde_json::json;

use super::{replicas::member, upgrade::switch_on};
use crate::{
    journey::{assert_refused, log_in, subject},
    session::{
        devices::listed,
        logout_during_login::{NAMES, log_out_during},
    },
};

scenarios![
    replicas_of_every_framework_share_a_session,
    a_logout_at_one_replica_ends_the_session_at_every_other,
    a_logout_token_at_one_replica_ends_the_session_at_every_other,
    a_session_that_one_replica_ends_from_its_list_is_dead_at_every_other,
    a_log_out_at_another_replica_reaches_a_login_under_way,
    a_setting_that_is_switched_on_replica_by_replica_logs_nobody_out,
];

/// A replica of this framework, another one, and one of every other framework.
fn fleet(adapter: Adapter, provider: &Provider) -> Vec<Demo> {
    let adapters = std::iter::once(adapter).chain(adapter.rotation());
    adapters
        .map(|adapter| member(adapter, provider).start())
        .collect()
}

async fn assert_nobody_anywhere(browser: &Browser, demos: &[Demo]) {
    for demo in demos {
        assert_eq!(subject(browser, demo).await, None, "{}", demo.origin());
    }
}

async fn replicas_of_every_framework_share_a_session(adapter: Adapter) {
    let provider = Provider::start();
    let demos = fleet(adapter, &provider);
    let browser = Browser::new();
    log_in(&browser, &demos[0]).await;
    for demo in &demos {
        let me = browser.fetch(demo.url("/me")).await.expect(200);
        assert_eq!(me.json()["name"], "Canary of the Tests", "{}", me.body);
        let page = browser.visit(demo.url("/refresh")).await.expect(200);
        assert!(page.body.contains(Provider::EMAIL), "{}", page.body);
    }
}

async fn a_logout_at_one_replica_ends_the_session_at_every_other(adapter: Adapter) {
    let provider = Provider::start();
    let demos = fleet(adapter, &provider);
    for leaving in &demos {
        let browser = Browser::new();
        log_in(&browser, &demos[0]).await;
        for demo in &demos {
            assert!(subject(&browser, demo).await.is_some());
        }
        // Somebody took a copy of the cookies, so deleting a cookie does not end it.
        let copy = browser.copy();
        browser.post(leaving.url("/logout"), &[]).await.expect(303);
        assert_nobody_anywhere(&browser, &demos).await;
        assert_nobody_anywhere(&copy, &demos).await;
    }
}

async fn a_logout_token_at_one_replica_ends_the_session_at_every_other(adapter: Adapter) {
    let provider = Provider::start();
    let demos = fleet(adapter, &provider);
    for told in &demos {
        let browsers = [Browser::new(), Browser::new()];
        for (browser, demo) in browsers.iter().zip(&demos) {
            log_in(browser, demo).await;
        }
        let token = provider.logout_token(|claims, _| claims["sub"] = json!(Provider::SUBJECT));
        let form = [("logout_token", &*token)];
        let url = told.url("/backchannel-logout");
        Browser::new().post(url, &form).await.expect(200);
        for browser in &browsers {
            assert_nobody_anywhere(browser, &demos).await;
        }
    }
}

async fn a_session_that_one_replica_ends_from_its_list_is_dead_at_every_other(adapter: Adapter) {
    let provider = Provider::start();
    let demos = fleet(adapter, &provider);
    let browser = Browser::new();
    log_in(&browser, &demos[0]).await;
    for ending in &demos {
        let leaving = Browser::new();
        log_in(&leaving, &demos[1]).await;
        assert!(subject(&leaving, ending).await.is_some());
        let listed = listed(&browser, ending).await;
        assert_eq!(listed.len(), 2, "{listed:?}");
        let id = listed[1].id.as_deref().expect("a handle");
        let url = ending.url("/devices/end");
        browser.post(url, &[("id", id)]).await.expect(303);
        assert_nobody_anywhere(&leaving, &demos).await;
        assert!(subject(&browser, &demos[0]).await.is_some());
    }
}

async fn a_log_out_at_another_replica_reaches_a_login_under_way(adapter: Adapter) {
    let provider = Provider::start();
    let demos = fleet(adapter, &provider);
    for question in [Endpoint::Token, Endpoint::Userinfo] {
        for names in NAMES {
            let at = [&demos[1], &demos[0]];
            let (browser, answer) = log_out_during(&provider, question, at, names).await;
            assert_refused(&answer);
            assert_nobody_anywhere(&browser, &demos).await;
        }
    }
    // A login that begins after a log-out at another replica lives.
    let browser = Browser::new();
    for (told, demo) in demos.iter().zip(demos.iter().rev()) {
        let token = provider.logout_token(|claims, _| claims["sub"] = json!(Provider::SUBJECT));
        let form = [("logout_token", &*token)];
        let url = told.url("/backchannel-logout");
        Browser::new().post(url, &form).await.expect(200);
        log_in(&browser, demo).await;
        assert!(subject(&browser, demo).await.is_some());
    }
}

async fn a_setting_that_is_switched_on_replica_by_replica_logs_nobody_out(adapter: Adapter) {
    let (_provider, front, [first, second], people) = switch_on(adapter).await;
    // A log-out at one of them ends the session at every other.
    let person = people.last().expect("people");
    front.choose(&first);
    person.post(front.url("/logout"), &[]).await.expect(303);
    front.choose(&second);
    let me = person.fetch(front.url("/me")).await;
    assert_eq!(me.status, 401, "{me:?}");
}
