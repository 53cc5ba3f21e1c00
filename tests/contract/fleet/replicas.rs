//! A fleet of demos of different frameworks: one cookie key, one client, one browser.
//!
//! The scenario's adapter comes first, then the adapters after it in the list. So every rotation is played.

use miracl_tests::{Adapter, Browser, Demo, DemoBuilder, Front, Provider, scenarios};

use crate::journey::{key, log_in, login_button, subject};

scenarios![
    a_session_begun_at_one_is_read_by_the_next_and_ended_by_the_third,
    a_login_begun_at_one_ends_at_the_next_and_greets_at_the_third,
    logins_in_two_tabs_may_begin_and_end_anywhere,
    members_on_different_ports_share_a_jar,
    demos_with_names_of_their_own_leave_each_other_alone,
];

/// A member of the fleet, not started yet.
pub(crate) fn member(adapter: Adapter, provider: &Provider) -> DemoBuilder {
    Demo::of(adapter, provider)
        .env("COOKIE_KEYS", &key(1))
        .env("COOKIE_PREFIX", "fleet")
}

/// A member of the fleet that is reached by the address of all.
pub(crate) fn behind(front: &Front, adapter: Adapter, provider: &Provider) -> DemoBuilder {
    member(adapter, provider)
        .env("REDIRECT_URL", &front.url("/login"))
        .env("POST_LOGOUT_REDIRECT_URL", &front.url("/signed-out"))
}

/// A fleet behind one address.
struct Fleet {
    provider: Provider,
    front: Front,
    demos: Vec<Demo>,
    browser: Browser,
}

impl Fleet {
    async fn start(adapter: Adapter) -> Self {
        let provider = Provider::start();
        let front = Front::start().await;
        let demos = adapter
            .rotation()
            .map(|adapter| behind(&front, adapter, &provider).start())
            .collect();
        Self {
            provider,
            front,
            demos,
            browser: Browser::new(),
        }
    }

    /// Sends later requests to the demo of this number, counted from the scenario's adapter.
    fn at(&self, number: usize) {
        self.front.choose(&self.demos[number % self.demos.len()]);
    }

    async fn subject(&self) -> Option<String> {
        let me = self.browser.fetch(self.front.url("/me")).await;
        assert!(matches!(me.status, 200 | 401), "{} {}", me.status, me.body);
        me.json()["sub"].as_str().map(str::to_owned)
    }
}

async fn a_session_begun_at_one_is_read_by_the_next_and_ended_by_the_third(adapter: Adapter) {
    let fleet = Fleet::start(adapter).await;
    fleet.at(0);
    let page = fleet.browser.visit(fleet.front.url("/members")).await;
    assert!(page.has_alert("success", "Successfully logged in!"));
    for number in 0..fleet.demos.len() {
        fleet.at(number);
        assert_eq!(fleet.subject().await.as_deref(), Some(Provider::SUBJECT));
        let me = fleet.browser.fetch(fleet.front.url("/me")).await;
        // Both sealed values open everywhere: the small one and the one with the user data.
        assert_eq!(me.json()["name"], "Canary of the Tests", "{}", me.body);
    }
    fleet.at(1);
    let page = fleet.browser.visit(fleet.front.url("/refresh")).await;
    assert!(page.body.contains(Provider::EMAIL), "{}", page.body);
    fleet.at(2);
    let answer = fleet
        .browser
        .post(fleet.front.url("/logout"), &[])
        .await
        .expect(303);
    assert!(
        answer
            .location()
            .is_some_and(|url| url.as_str().starts_with(&fleet.provider.issuer())),
        "{:?}",
        answer.location()
    );
    let page = fleet.browser.follow(answer).await.expect(200);
    assert!(page.has_alert("info", "User logged out!"), "{}", page.body);
    assert_eq!(fleet.browser.cookies(), [], "something stays in the jar");
    for number in 0..fleet.demos.len() {
        fleet.at(number);
        assert_eq!(fleet.subject().await, None);
    }
}

async fn a_login_begun_at_one_ends_at_the_next_and_greets_at_the_third(adapter: Adapter) {
    let fleet = Fleet::start(adapter).await;
    let browser = &fleet.browser;
    fleet.at(0);
    let challenge = browser.open(fleet.front.url("/members")).await.expect(303);
    fleet.at(1);
    let start = browser.step(&challenge).await.expect(303);
    fleet.at(2);
    let callback = browser.step(&start).await.expect(302);
    let answer = browser.step(&callback).await.expect(303);
    assert_eq!(answer.location_path().as_deref(), Some("/members"));
    fleet.at(3);
    let page = browser.step(&answer).await.expect(200);
    assert!(page.has_alert("success", "Successfully logged in!"));
    // Each demo has a user table of its own: only the session is shared.
    fleet.at(4);
    assert_eq!(fleet.subject().await.as_deref(), Some(Provider::SUBJECT));
}

async fn logins_in_two_tabs_may_begin_and_end_anywhere(adapter: Adapter) {
    let fleet = Fleet::start(adapter).await;
    let browser = &fleet.browser;
    let mut callbacks = Vec::new();
    for number in 0..2 {
        fleet.at(number);
        let start = browser.open(fleet.front.url("/login/start")).await;
        let approved = browser.step(&start.expect(303)).await.expect(302);
        callbacks.push(approved.location().expect("the callback"));
    }
    for (number, callback) in callbacks.into_iter().rev().enumerate() {
        fleet.at(number + 2);
        browser.visit(callback).await.expect(200);
        assert_eq!(fleet.subject().await.as_deref(), Some(Provider::SUBJECT));
    }
}

async fn members_on_different_ports_share_a_jar(adapter: Adapter) {
    let provider = Provider::start();
    let browser = Browser::new();
    let demos: Vec<_> = adapter
        .rotation()
        .map(|adapter| member(adapter, &provider).start())
        .collect();
    let [first, second, third] = &demos[..3] else {
        panic!("three frameworks")
    };
    log_in(&browser, first).await;
    let known = subject(&browser, second).await;
    assert_eq!(known.as_deref(), Some(Provider::SUBJECT));
    let answer = browser.post(third.url("/logout"), &[]).await;
    let page = browser.follow(answer).await.expect(200);
    assert!(page.has_alert("info", "User logged out!"), "{}", page.body);
    assert_eq!(browser.cookies(), [], "something stays in the jar");
    for demo in &demos {
        assert_eq!(subject(&browser, demo).await, None);
    }
}

async fn demos_with_names_of_their_own_leave_each_other_alone(adapter: Adapter) {
    let provider = Provider::start();
    let browser = Browser::new();
    let demos: Vec<_> = adapter
        .rotation()
        .map(|adapter| member(adapter, &provider).without("COOKIE_PREFIX").start())
        .collect();
    log_in(&browser, &demos[0]).await;
    for demo in &demos[1..] {
        assert_eq!(subject(&browser, demo).await, None);
        let home = browser.open(demo.url("/")).await.expect(200);
        assert!(login_button(&home).is_some(), "{}", home.body);
        log_in(&browser, demo).await;
    }
    let answer = browser.post(demos[1].url("/logout"), &[]).await;
    browser.follow(answer).await.expect(200);
    assert_eq!(subject(&browser, &demos[1]).await, None);
    for demo in [&demos[0], &demos[2]] {
        let known = subject(&browser, demo).await;
        assert_eq!(known.as_deref(), Some(Provider::SUBJECT));
    }
}
