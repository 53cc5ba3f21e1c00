//! What a session keeps: quick claims, claims and tokens that are not kept, and how long it lasts in a browser. On the
//! probe.

use std::time::{SystemTime, UNIX_EPOCH};

use miracl_tests::{Adapter, Answer, Browser, Cookie, Demo, Provider, scenarios};
use serde_json::{Value, json};

use crate::journey::{logged, say};

scenarios![
    quick_claims_give_the_same_rights_as_all_others,
    a_renewal_brings_quick_claims_up_to_date,
    replicas_with_and_without_quick_claims_agree_on_who_somebody_is,
    a_claim_that_is_not_kept_is_the_mistake_of_the_app_and_the_log_names_it,
    three_hundred_groups_fit_into_cookies_if_none_is_kept,
    tokens_that_are_not_kept_are_nowhere_and_the_session_lasts,
    the_log_says_once_of_each_policy_that_it_is_slow,
    a_login_lasts_as_long_as_it_says_and_so_does_each_cookie_after_it,
    the_setting_decides_for_logins_that_say_nothing,
    the_app_is_asked_once_for_each_request,
    a_provider_that_asks_every_time_needs_no_auth_time,
    a_mistake_in_the_settings_of_claims_stops_the_start,
];

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("a time after 1970").as_secs()
}

fn start(adapter: Adapter, provider: &Provider, settings: &[(&str, &str)]) -> Demo {
    let probe = Demo::of(adapter.probe(), provider);
    let set = settings.iter();
    set.fold(probe, |probe, (name, value)| probe.env(name, value))
        .start()
}

async fn log_in(demo: &Demo) -> Browser {
    let browser = Browser::new();
    browser.visit(demo.url("/login/start")).await;
    browser
}

async fn quick_claims_give_the_same_rights_as_all_others(adapter: Adapter) {
    for (store, quick) in [
        ("cookie", "roles acr auth_time"),
        ("cookie", "/roles"),
        ("cookie", "acr email"),
        ("memory", "auth_time roles"),
    ] {
        let provider = Provider::start();
        let demo = start(
            adapter,
            &provider,
            &[("SESSION_STORE", store), ("SESSION_QUICK_CLAIMS", quick)],
        );
        for (roles, status) in [
            (json!(["reader", "admin"]), 200),
            (json!("admin"), 200),
            (json!([null, 1, "admin"]), 200),
            (json!(null), 403),
            (json!("reader admin"), 403),
            (json!({ "admin": true }), 403),
            (json!([["admin"]]), 403),
            (json!(7), 403),
            // Too long to be quick.
            (json!([vec!["group"; 100], vec!["admin"]].concat()), 200),
        ] {
            say(&provider, &json!({ "roles": roles }));
            let browser = log_in(&demo).await;
            for path in ["/rights/admin", "/admins/members"] {
                let answer = browser.fetch(demo.url(path)).await;
                assert_eq!(answer.status, status, "{store} {quick} {path} {roles}");
            }
            let me = browser.fetch(demo.url("/me")).await.expect(200);
            assert_eq!(me.json()["sub"], Provider::SUBJECT);
        }
        let now = provider.last_issued_at();
        for (auth_time, status) in [
            (json!(now), 200),
            (json!(now as f64 + 0.5), 200),
            (json!(now - 1000), 401),
            (json!(now.to_string()), 401),
            (json!(null), 401),
        ] {
            let claims = json!({ "roles": ["admin"], "acr": "strong", "auth_time": auth_time });
            say(&provider, &claims);
            let browser = log_in(&demo).await;
            let answer = browser.fetch(demo.url("/rights/strong")).await;
            assert_eq!(answer.status, status, "{store} {quick} {auth_time}");
        }
    }
}

async fn a_renewal_brings_quick_claims_up_to_date(adapter: Adapter) {
    for store in ["cookie", "memory"] {
        let provider = Provider::start();
        provider.give_refresh_tokens(0);
        let demo = start(
            adapter,
            &provider,
            &[
                ("SESSION_STORE", store),
                ("RENEWAL", "eager"),
                ("SESSION_QUICK_CLAIMS", "roles acr auth_time"),
            ],
        );
        let browser = Browser::new();
        let start = browser.open(demo.url("/login/start")).await.expect(303);
        let approved = browser.step(&start).await.expect(302);
        let strong = json!({ "roles": ["admin"], "acr": "strong", "auth_time": now() });
        say(&provider, &strong);
        let callback = approved.location().expect("the callback");
        browser.open(callback).await.expect(303);
        // The login was strong, whatever a renewal says.
        say(&provider, &json!({ "roles": ["admin"], "acr": "weak" }));
        let strong = browser.fetch(demo.url("/rights/strong")).await;
        assert_eq!(strong.status, 200, "{store}: {}", strong.body);
        let again = browser.fetch(demo.url("/rights/strong")).await;
        assert_eq!(again.status, 200, "{store}: {}", again.body);
        // A right that was taken away is gone with the next renewal.
        provider.give_refresh_tokens(0);
        say(&provider, &json!({ "roles": ["reader"] }));
        let browser = log_in(&demo).await;
        browser.fetch(demo.url("/rights/admin")).await.expect(403);
    }
}

/// One key for all replicas.
const KEY: &str = "x4dU4BDRNZz1TzqYsvgDcnFGLAHTUvg5/N6cnZz4z0s=";

async fn replicas_with_and_without_quick_claims_agree_on_who_somebody_is(adapter: Adapter) {
    let provider = Provider::start();
    say(&provider, &json!({ "roles": ["admin"] }));
    let with = [("COOKIE_KEYS", KEY), ("SESSION_QUICK_CLAIMS", "roles")];
    let (on, off) = (
        start(adapter, &provider, &with),
        start(adapter, &provider, &with[..1]),
    );
    // Cookies do not tell ports apart.
    for (one, other) in [(&on, &off), (&off, &on)] {
        let browser = log_in(one).await;
        for demo in [one, other, one] {
            let me = browser.fetch(demo.url("/me")).await.expect(200);
            assert_eq!(me.json()["sub"], Provider::SUBJECT);
            browser.fetch(demo.url("/rights/admin")).await.expect(200);
        }
    }
}

async fn a_claim_that_is_not_kept_is_the_mistake_of_the_app_and_the_log_names_it(adapter: Adapter) {
    for store in ["cookie", "memory"] {
        let provider = Provider::start();
        say(&provider, &json!({ "roles": ["admin"] }));
        let demo = start(
            adapter,
            &provider,
            &[("SESSION_STORE", store), ("SESSION_KEEP_CLAIMS", "name")],
        );
        let stranger = Browser::new();
        stranger.fetch(demo.url("/rights/admin")).await.expect(401);
        let browser = log_in(&demo).await;
        for path in ["/rights/admin", "/rights/strong", "/admins/members"] {
            browser.open(demo.url(path)).await.expect(500);
            let answer = browser.fetch(demo.url(path)).await.expect(500);
            assert_eq!(answer.body, "", "{store} {path}");
        }
        let optional = browser.open(demo.url("/rights/optional")).await;
        assert_eq!(optional.expect(200).body, "nobody", "{store}");
        browser.fetch(demo.url("/me")).await.expect(200);
        demo.wait_for_line(&["roles", "::Admin", "SESSION_KEEP_CLAIMS"]);
        let log = demo.log();
        assert!(!log.contains(Provider::SUBJECT), "{log}");
    }
    // It is kept where it is named, or quick.
    for kept in [
        ("SESSION_KEEP_CLAIMS", "roles"),
        ("SESSION_QUICK_CLAIMS", "roles"),
    ] {
        let provider = Provider::start();
        say(&provider, &json!({ "roles": ["admin"] }));
        let settings = [("SESSION_KEEP_CLAIMS", "none"), kept];
        let demo = start(adapter, &provider, &settings);
        let browser = log_in(&demo).await;
        browser.fetch(demo.url("/rights/admin")).await.expect(200);
    }
}

fn groups() -> Value {
    let groups = (0..300).map(|number| format!("3fa85f64-5717-4562-b3fc-{number:012}"));
    json!({ "groups": groups.collect::<Vec<_>>(), "roles": ["admin"] })
}

async fn three_hundred_groups_fit_into_cookies_if_none_is_kept(adapter: Adapter) {
    let provider = Provider::start();
    say(&provider, &groups());
    let mut userinfo = groups();
    userinfo["sub"] = Provider::SUBJECT.into();
    provider.set_userinfo(userinfo);
    let demo = start(adapter, &provider, &[("PROBE_LOG", "warn")]);
    let page = Browser::new().visit(demo.url("/login/start")).await;
    page.expect(431);
    demo.wait_for_log("SESSION_KEEP_CLAIMS");
    for quick in ["", "roles", "roles groups"] {
        let demo = start(
            adapter,
            &provider,
            &[
                (
                    "SESSION_KEEP_CLAIMS",
                    if quick.contains("groups") {
                        "all"
                    } else {
                        "roles"
                    },
                ),
                ("SESSION_KEEP_ID_TOKEN", "0"),
                ("SESSION_QUICK_CLAIMS", quick),
            ],
        );
        let browser = Browser::new();
        let page = browser.visit(demo.url("/login/start")).await;
        if quick.contains("groups") {
            page.expect(431);
            continue;
        }
        browser.fetch(demo.url("/me")).await.expect(200);
        browser.fetch(demo.url("/rights/admin")).await.expect(200);
        let cookies: usize = browser
            .cookies()
            .iter()
            .map(|cookie| cookie.value.len())
            .sum();
        assert!(cookies < 2000, "{quick}: {cookies}");
        let out = browser.post(demo.url("/logout"), &[]).await.expect(303);
        let to = out.location().expect("a location").to_string();
        assert!(!to.contains("id_token_hint"), "{to}");
        browser.fetch(demo.url("/me")).await.expect(401);
    }
}

async fn tokens_that_are_not_kept_are_nowhere_and_the_session_lasts(adapter: Adapter) {
    for store in ["cookie", "memory"] {
        let provider = Provider::start();
        provider.give_refresh_tokens(0);
        say(&provider, &json!({ "roles": ["admin"] }));
        let demo = start(
            adapter,
            &provider,
            &[
                ("SESSION_STORE", store),
                ("SESSION_KEEP_TOKENS", "0"),
                ("RENEWAL", "eager"),
            ],
        );
        let browser = log_in(&demo).await;
        for _ in 0..2 {
            browser.fetch(demo.url("/me")).await.expect(200);
            browser.fetch(demo.url("/rights/admin")).await.expect(200);
        }
        assert_eq!(provider.refreshes(), 0, "{store}");
        let out = browser.post(demo.url("/logout"), &[]).await.expect(303);
        let to = out.location().expect("a location").to_string();
        assert!(to.contains("id_token_hint"), "{store}: {to}");
    }
}

async fn the_log_says_once_of_each_policy_that_it_is_slow(adapter: Adapter) {
    let provider = Provider::start();
    let claims = json!({ "roles": ["admin"], "acr": "strong", "auth_time": now() });
    say(&provider, &claims);
    for (quick, slow) in [("", 2), ("roles", 1), ("roles acr auth_time", 0)] {
        let settings = [("SESSION_QUICK_CLAIMS", quick), ("PROBE_LOG", "info")];
        let demo = start(adapter, &provider, &settings);
        let browser = log_in(&demo).await;
        for path in ["/rights/admin", "/rights/strong", "/admins/members"].repeat(3) {
            browser.fetch(demo.url(path)).await.expect(200);
        }
        let line = "opens the large part of each session";
        logged(&demo, line, slow).await;
        let log = demo.log();
        let said = log.matches(line).count();
        assert_eq!(said, slow, "{quick}: {log}");
    }
}

/// The cookies of a session that an answer sets, each with whether it outlives the browser.
fn lasting(answer: &Answer) -> Vec<bool> {
    let ours = |cookie: &Cookie| cookie.name.contains("-session") || cookie.name.contains("-data");
    let set = answer.set_cookies().into_iter();
    set.filter(|cookie| ours(cookie) && cookie.max_age != Some(0))
        .map(|cookie| cookie.max_age.is_some())
        .collect()
}

/// Logs in by this link, and returns what the callback set.
async fn logged_in_by(browser: &Browser, demo: &Demo, link: &str) -> Vec<bool> {
    let start = browser.open(demo.url(link)).await.expect(303);
    let approved = browser.step(&start).await.expect(302);
    let callback = approved.location().expect("the callback");
    lasting(&browser.open(callback).await.expect(303))
}

fn assert_all(lasting: &[bool], expected: bool, of: &str) {
    assert!(!lasting.is_empty(), "{of}");
    assert!(
        lasting.iter().all(|lasts| *lasts == expected),
        "{of}: {lasting:?}"
    );
}

async fn a_login_lasts_as_long_as_it_says_and_so_does_each_cookie_after_it(adapter: Adapter) {
    for store in ["cookie", "memory"] {
        let provider = Provider::start();
        provider.give_refresh_tokens(0);
        say(&provider, &json!({ "roles": ["admin"] }));
        let settings = [("SESSION_STORE", store), ("RENEWAL", "eager")];
        let demo = start(adapter, &provider, &settings);
        for (link, lasts) in [
            ("/login/start", true),
            ("/login/start?remember=1", true),
            ("/login/start?remember=0", false),
            ("/login/start?remember=0&remember=on", true),
            ("/login/start?remember=maybe", true),
        ] {
            let browser = Browser::new();
            let set = logged_in_by(&browser, &demo, link).await;
            assert_all(&set, lasts, link);
            // A renewal writes the session anew.
            let renewed = browser.fetch(demo.url("/me")).await.expect(200);
            let set = lasting(&renewed);
            assert_eq!(set.is_empty(), store == "memory", "{store} {link}");
            assert!(
                set.iter().all(|set| *set == lasts),
                "{store} {link}: {set:?}"
            );
            // So does a stronger login in its place.
            let sent = browser.open(demo.url("/rights/strong")).await.expect(303);
            let to = sent.location().expect("a location");
            let said = to.query_pairs().find(|(name, _)| name == "remember");
            let said = said.map(|(_, value)| value.into_owned());
            assert_eq!(said.as_deref(), (!lasts).then_some("0"), "{store} {link}");
        }
    }
}

async fn the_setting_decides_for_logins_that_say_nothing(adapter: Adapter) {
    let provider = Provider::start();
    let demo = start(adapter, &provider, &[("SESSION_REMEMBER", "0")]);
    for (link, lasts) in [
        ("/login/start", false),
        ("/login/start?remember=0", false),
        ("/login/start?remember=1", true),
    ] {
        let browser = Browser::new();
        let set = logged_in_by(&browser, &demo, link).await;
        assert_all(&set, lasts, link);
        browser.fetch(demo.url("/me")).await.expect(200);
    }
}

async fn the_app_is_asked_once_for_each_request(adapter: Adapter) {
    let provider = Provider::start();
    let demo = start(adapter, &provider, &[]);
    let browser = log_in(&demo).await;
    for asked in 1..4 {
        let page = browser.fetch(demo.url("/asked/members")).await;
        assert_eq!(page.expect(200).body, asked.to_string());
    }
}

async fn a_provider_that_asks_every_time_needs_no_auth_time(adapter: Adapter) {
    for (setting, quick, status) in [("1", "", 200), ("1", "auth_time", 200), ("0", "", 400)] {
        let provider = Provider::start();
        say(&provider, &json!({ "roles": ["admin"], "acr": "weak" }));
        let settings = [
            ("ASKS_EVERY_TIME", setting),
            ("SESSION_QUICK_CLAIMS", quick),
        ];
        let demo = start(adapter, &provider, &settings);
        let browser = log_in(&demo).await;
        say(&provider, &json!({ "roles": ["admin"], "acr": "strong" }));
        let page = browser.visit(demo.url("/rights/strong")).await;
        assert_eq!(
            page.status.min(400),
            status,
            "{setting} {quick}: {}",
            page.body
        );
        // A token that says when counts in any case.
        let old = now() - 1000;
        say(
            &provider,
            &json!({ "roles": ["admin"], "acr": "strong", "auth_time": old }),
        );
        let browser = log_in(&demo).await;
        browser.fetch(demo.url("/rights/strong")).await.expect(401);
    }
}

async fn a_mistake_in_the_settings_of_claims_stops_the_start(adapter: Adapter) {
    let provider = Provider::start();
    for (name, value) in [
        ("SESSION_QUICK_CLAIMS", "roles,groups"),
        ("SESSION_QUICK_CLAIMS", "roles roles"),
        ("SESSION_QUICK_CLAIMS", "nonce"),
        ("SESSION_KEEP_CLAIMS", "/realm_access/roles"),
        ("SESSION_KEEP_ID_TOKEN", "perhaps"),
        ("SESSION_KEEP_TOKENS", "yes"),
        ("SESSION_REMEMBER", "always"),
        ("ASKS_EVERY_TIME", "2"),
    ] {
        let refused = Demo::of(adapter.probe(), &provider)
            .env(name, value)
            .try_start();
        let refused = refused.expect_err("it does not start");
        assert!(format!("{refused:?}").contains(name), "{name}: {refused:?}");
    }
}
