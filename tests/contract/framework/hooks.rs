//! Hooks that refuse, panic, or take their time: on the probe, an app made for that.

use std::time::{Duration, Instant};

use miracl_tests::{
    Adapter, Answer, Answers, Browser, Demo, Endpoint, Provider, Request, scenarios,
};
use serde_json::json;
use tokio::{sync::watch, task::JoinHandle};
use url::Url;

use crate::journey::{give_up, subject};

scenarios![
    a_veto_leaves_the_earlier_session_alone_and_shows_its_message,
    a_veto_of_a_first_login_is_no_login,
    a_vetoed_callback_cannot_be_opened_again,
    a_veto_and_a_panic_log_nobody_in_who_waits_for_the_hook,
    a_second_click_takes_over_before_the_hook_which_runs_once,
    a_panicking_hook_leaves_the_earlier_session_alone,
    a_hook_that_takes_its_time_holds_up_nobody,
    a_login_that_nobody_waits_for_leaves_the_earlier_session_alone,
    a_browser_that_leaves_during_the_hook_gets_a_whole_login_or_none,
    a_log_out_during_the_hook_ends_the_login,
];

/// The probe of an adapter.
struct Probe {
    demo: Demo,
    provider: Provider,
    browser: Browser,
}

impl Probe {
    fn start(adapter: Adapter) -> Self {
        let provider = Provider::start();
        Self {
            demo: Demo::start(adapter.probe(), &provider),
            provider,
            browser: Browser::new(),
        }
    }

    /// With a log that tells of callbacks that wait for one another, and a provider that holds its tokens back.
    fn held(adapter: Adapter) -> (Self, watch::Sender<bool>) {
        let provider = Provider::start();
        let demo = Demo::of(adapter.probe(), &provider).env("PROBE_LOG", "debug");
        let (held, release) = Answers::held();
        provider.set(Endpoint::Token, held);
        let probe = Self {
            demo: demo.start(),
            provider,
            browser: Browser::new(),
        };
        (probe, release)
    }

    /// Opens this callback in a copy of the browser.
    fn open(&self, callback: &Url) -> JoinHandle<Option<Answer>> {
        let (copy, callback) = (self.browser.copy(), callback.clone());
        tokio::spawn(async move { copy.try_send(Request::navigate(callback)).await.ok() })
    }

    /// How often the hook of this path began.
    fn hooks_of(&self, path: &str) -> usize {
        let began = format!("the hook of {path} began");
        self.demo.wait_for_log(&began);
        self.demo.log().matches(&began).count()
    }

    /// With a session whose hook did nothing special.
    async fn logged_in(adapter: Adapter) -> Self {
        let probe = Self::start(adapter);
        probe.log_in().await;
        probe
    }

    async fn log_in(&self) {
        let callback = self.callback("/me").await;
        let answer = self.browser.open(callback).await.expect(303);
        assert_eq!(answer.location_path().as_deref(), Some("/me"));
        self.assert_known().await;
    }

    /// A callback whose hook does what this path says.
    async fn callback(&self, path: &str) -> Url {
        let start = self.demo.url(&format!("/login/start?return_to={path}"));
        let answer = self.browser.open(start).await.expect(303);
        let answer = self.browser.step(&answer).await.expect(302);
        answer.location().expect("the callback")
    }

    async fn flashes(&self) -> String {
        let answer = self.browser.open(self.demo.url("/flashes")).await;
        answer.expect(200).body
    }

    async fn subject(&self) -> Option<String> {
        subject(&self.browser, &self.demo).await
    }

    async fn assert_known(&self) {
        assert_eq!(self.subject().await.as_deref(), Some(Provider::SUBJECT));
    }

    /// The names of session cookies that an answer sets.
    fn sessions(answer: &Answer) -> Vec<String> {
        let mut names: Vec<_> = answer
            .set_cookies()
            .into_iter()
            .filter(|cookie| !cookie.deleted)
            .map(|cookie| cookie.name)
            .collect();
        names.retain(|name| !name.contains("flash"));
        names
    }
}

async fn a_veto_leaves_the_earlier_session_alone_and_shows_its_message(adapter: Adapter) {
    let probe = Probe::logged_in(adapter).await;
    let before = probe.browser.cookies();
    let callback = probe.callback("/veto").await;
    let answer = probe.browser.open(callback).await.expect(403);
    assert!(answer.is_no_store(), "{:?}", answer.headers);
    assert_eq!(Probe::sessions(&answer), [""; 0]);
    assert_eq!(probe.flashes().await, "Not you.\n");
    assert_eq!(probe.flashes().await, "", "it is shown once");
    probe.assert_known().await;
    assert_eq!(probe.browser.cookies(), before);
    probe.log_in().await;
}

async fn a_veto_of_a_first_login_is_no_login(adapter: Adapter) {
    let probe = Probe::start(adapter);
    let callback = probe.callback("/veto").await;
    probe.browser.open(callback).await.expect(403);
    assert_eq!(probe.subject().await, None);
    assert_eq!(probe.flashes().await, "Not you.\n");
    assert_eq!(probe.browser.cookies(), [], "something stays in the jar");
    probe.log_in().await;
}

async fn a_vetoed_callback_cannot_be_opened_again(adapter: Adapter) {
    let probe = Probe::start(adapter);
    let callback = probe.callback("/veto").await;
    let early = probe.browser.copy();
    probe.browser.open(callback.clone()).await.expect(403);
    // The pending cookie put back does not help: the provider does not know the code any more.
    for browser in [&probe.browser, &early] {
        let again = browser.open(callback.clone()).await;
        assert!((400..500).contains(&again.status), "{}", again.status);
        assert_eq!(subject(browser, &probe.demo).await, None);
    }
}

async fn a_veto_and_a_panic_log_nobody_in_who_waits_for_the_hook(adapter: Adapter) {
    for path in ["/veto", "/panic"] {
        let (probe, release) = Probe::held(adapter);
        let callback = probe.callback(path).await;
        let first = probe.open(&callback);
        probe.provider.has_received(Endpoint::Token, 1).await;
        let second = probe.open(&callback);
        probe.demo.wait_for_log("the second waits for the first");
        release.send(true).expect("the provider waits");
        let first = first.await.expect("no panic here");
        // axum, actix-web and warp drop the connection where the hook panics.
        match path {
            "/veto" => assert_eq!(first.expect("an answer").status, 403),
            _ => assert!(first.is_none_or(|answer| answer.status == 500)),
        }
        let second = second.await.expect("no panic here").expect("an answer");
        assert_eq!(second.status, 400, "{path}: {second:?}");
        assert_eq!(Probe::sessions(&second), [""; 0]);
        assert_eq!(probe.subject().await, None);
        assert_eq!(probe.hooks_of(path), 1);
        assert_eq!(probe.provider.count(Endpoint::Token), 1);
    }
}

async fn a_second_click_takes_over_before_the_hook_which_runs_once(adapter: Adapter) {
    for (path, status) in [("/me", 303), ("/veto", 403)] {
        let (probe, release) = Probe::held(adapter);
        let callback = probe.callback(path).await;
        let first = probe.open(&callback);
        probe.provider.has_received(Endpoint::Token, 1).await;
        let second = probe.open(&callback);
        probe.demo.wait_for_log("the second waits for the first");
        give_up(adapter, &probe.demo, first, 1).await;
        release.send(true).expect("the provider waits");
        let answer = second.await.expect("no panic here").expect("an answer");
        // Where the framework goes on with the first request, the veto was its answer. The second has none of its own.
        let vetoed_elsewhere = adapter.goes_on && path == "/veto";
        assert_eq!(answer.status, if vetoed_elsewhere { 400 } else { status });
        assert_eq!(Probe::sessions(&answer).is_empty(), path == "/veto");
        assert_eq!(probe.hooks_of(path), 1);
        assert_eq!(probe.provider.count(Endpoint::Token), 1);
        for cookie in answer.set_cookies() {
            probe.browser.keep(cookie);
        }
        assert_eq!(probe.subject().await.is_some(), path == "/me");
    }
}

async fn a_panicking_hook_leaves_the_earlier_session_alone(adapter: Adapter) {
    let probe = Probe::logged_in(adapter).await;
    for browser in [&probe.browser.copy(), &Browser::new()] {
        let known = subject(browser, &probe.demo).await;
        let start = probe.demo.url("/login/start?return_to=/panic");
        let answer = browser.step(&browser.open(start).await).await.expect(302);
        let callback = answer.location().expect("the callback");
        let began = Instant::now();
        // axum and actix-web drop the connection, Rocket answers in place of the hook.
        if let Ok(answer) = browser.try_send(Request::navigate(callback)).await {
            answer.expect(500);
        }
        assert!(began.elapsed() < Duration::from_secs(20), "it hangs");
        assert_eq!(subject(browser, &probe.demo).await, known);
    }
    // More of them than there are threads.
    for _ in 0..8 {
        let callback = probe.callback("/panic").await;
        let _ = probe.browser.try_send(Request::navigate(callback)).await;
    }
    probe.assert_known().await;
    probe.log_in().await;
}

async fn a_hook_that_takes_its_time_holds_up_nobody(adapter: Adapter) {
    let probe = Probe::start(adapter);
    let callback = probe.callback("/never").await;
    let waiting = probe.browser.copy();
    let hanging = tokio::spawn(async move { waiting.try_send(Request::navigate(callback)).await });
    probe.demo.wait_for_log("the hook of /never began");
    probe.browser.clear();
    probe.log_in().await;
    assert!(!hanging.is_finished(), "the login had to wait");
    let callback = probe.callback("/slow").await;
    probe.browser.open(callback).await.expect(303);
    probe.assert_known().await;
    hanging.abort();
}

async fn a_login_that_nobody_waits_for_leaves_the_earlier_session_alone(adapter: Adapter) {
    let probe = Probe::logged_in(adapter).await;
    let callback = probe.callback("/never").await;
    let other = probe.browser.copy();
    let waiting = tokio::spawn(async move { other.try_send(Request::navigate(callback)).await });
    probe.demo.wait_for_log("the hook of /never began");
    probe.assert_known().await;
    waiting.abort();
    tokio::time::sleep(Duration::from_millis(200)).await;
    probe.assert_known().await;
    probe.log_in().await;
}

async fn a_browser_that_leaves_during_the_hook_gets_a_whole_login_or_none(adapter: Adapter) {
    let probe = Probe::logged_in(adapter).await;
    let callback = probe.callback("/slow").await;
    let other = probe.browser.copy();
    let waiting = tokio::spawn(async move { other.try_send(Request::navigate(callback)).await });
    probe.demo.wait_for_log("the hook of /slow began");
    waiting.abort();
    // A framework that goes on finishes the login: it counts, and ends the one before. The others drop both the hook
    // and the login.
    let cancelled = !adapter.goes_on;
    let end = if cancelled {
        "was dropped"
    } else {
        "ran to its end"
    };
    probe.demo.wait_for_log(&format!("the hook of /slow {end}"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(probe.subject().await.is_some(), cancelled);
    probe.browser.clear();
    probe.log_in().await;
    assert!(probe.provider.count(Endpoint::Token) == 3);
}

async fn a_log_out_during_the_hook_ends_the_login(adapter: Adapter) {
    let probe = Probe::logged_in(adapter).await;
    let with_sid = Answers::member("sid", json!("second"));
    probe.provider.set(Endpoint::IdToken, with_sid);
    let callback = probe.callback("/slow").await;
    let other = probe.browser.copy();
    let waiting = tokio::spawn(async move { (other.open(callback).await, other) });
    probe.demo.wait_for_log("the hook of /slow began");
    let at = probe.provider.last_issued_at();
    let token = probe.provider.logout_token(|claims, _| {
        claims["sid"] = json!("second");
        claims["iat"] = json!(at);
    });
    let form = [("logout_token", &*token)];
    let url = probe.demo.url("/backchannel-logout");
    Browser::new().post(url, &form).await.expect(200);
    let (answer, other) = waiting.await.expect("an answer");
    answer.expect(403);
    // The earlier session has another name, and stays.
    assert!(subject(&other, &probe.demo).await.is_some());
    probe.assert_known().await;
    probe.log_in().await;
}
