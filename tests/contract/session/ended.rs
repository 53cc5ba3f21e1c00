//! Streams that are open when their session ends. On the probe, whose stream says how it has ended.

use std::time::Duration;

use miracl_tests::{
    Adapter, Answers, Browser, Demo, Endpoint, Provider, Request, Suite, http_client, scenarios,
};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::json;
use tokio::task::JoinSet;

use super::backchannel::accepted;

scenarios![
    a_log_out_ends_the_streams_of_this_session_and_no_other,
    a_logout_token_ends_every_stream_of_the_person,
    a_logout_token_of_a_sid_ends_the_streams_of_its_session_and_no_other,
    a_page_of_the_provider_ends_the_streams_of_the_session_that_it_names,
    another_login_in_the_same_browser_ends_them_whoever_it_is,
    a_deadline_ends_them,
    where_nobody_is_logged_in_a_stream_ends_at_once,
    a_client_that_hangs_up_leaves_nothing_behind,
];

/// A suite that takes long. Where sessions are makes no difference to it.
pub(crate) fn many() -> Suite {
    many::suite().named("many_ended")
}

mod many {
    use super::*;

    scenarios![a_thousand_streams_end_at_one_log_out];
}

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(60);

/// A stream that a browser has opened.
pub(crate) struct Stream {
    response: Response,
    text: String,
}

impl Stream {
    /// Opens a stream, and waits until it says so.
    pub(crate) async fn open(browser: &Browser, demo: &Demo) -> Self {
        Self::opened(request(&http_client(), browser, demo)).await
    }

    async fn opened(asked: RequestBuilder) -> Self {
        let response = asked.send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), 200);
        let cache_control = response.headers().get("cache-control");
        assert!(cache_control.is_some(), "it depends on the session");
        let mut stream = Self {
            response,
            text: String::new(),
        };
        while !stream.text.contains("open\n") {
            assert!(stream.more().await, "{}", stream.text);
        }
        stream
    }

    /// Reads on. False at the end.
    async fn more(&mut self) -> bool {
        let read = tokio::time::timeout(LIMIT, self.response.chunk()).await;
        let read = read.expect("news in time").expect("a stream");
        if let Some(bytes) = &read {
            self.text.push_str(&String::from_utf8_lossy(bytes));
        }
        read.is_some()
    }

    /// Waits until it has ended, which must be for this reason.
    pub(crate) async fn ends(mut self, reason: &str) {
        while self.more().await {}
        assert!(self.text.contains(reason), "{} is not {reason}", self.text);
    }

    /// Fails if it has ended. What has ended others before has reached it, too.
    pub(crate) async fn assert_open(&mut self) {
        let read = async { while self.more().await {} };
        let ended = tokio::time::timeout(Duration::from_millis(50), read).await;
        let says_so = |end| self.text.contains(end);
        let is_open = ended.is_err() && !["Ended", "Expired", "Nobody"].into_iter().any(says_so);
        assert!(is_open, "{}", self.text);
    }
}

fn request(http: &Client, browser: &Browser, demo: &Demo) -> RequestBuilder {
    let cookies: Vec<_> = browser
        .cookies()
        .iter()
        .map(|cookie| format!("{}={}", cookie.name, cookie.value))
        .collect();
    http.get(demo.url("/stream"))
        .header("cookie", cookies.join("; "))
        .timeout(10 * LIMIT)
}

fn start_with(adapter: Adapter, settings: &[(&str, &str)]) -> (Provider, Demo) {
    let provider = Provider::start();
    let probe = Demo::of(adapter.probe(), &provider).env("SESSION_CHECK_INTERVAL", "1");
    let set = settings.iter();
    let probe = set.fold(probe, |probe, (name, value)| probe.env(name, value));
    (provider, probe.start())
}

fn start(adapter: Adapter) -> (Provider, Demo) {
    start_with(adapter, &[])
}

pub(crate) async fn log_in(browser: &Browser, demo: &Demo) {
    browser.visit(demo.url("/login/start")).await;
    browser.fetch(demo.url("/me")).await.expect(200);
}

pub(crate) async fn log_out(browser: &Browser, demo: &Demo) {
    let log_out = Request::fetch(demo.url("/logout")).method("POST");
    browser.send(log_out).await;
}

fn has_sid(provider: &Provider, sid: &str) {
    provider.set(Endpoint::IdToken, Answers::member("sid", json!(sid)));
}

async fn a_log_out_ends_the_streams_of_this_session_and_no_other(adapter: Adapter) {
    let (_provider, demo) = start(adapter);
    let (here, there) = (Browser::new(), Browser::new());
    log_in(&here, &demo).await;
    log_in(&there, &demo).await;
    let first = Stream::open(&here, &demo).await;
    let second = Stream::open(&here, &demo).await;
    let mut other = Stream::open(&there, &demo).await;
    log_out(&here, &demo).await;
    first.ends("Ended(LogOut)").await;
    second.ends("Ended(LogOut)").await;
    other.assert_open().await;
    log_out(&there, &demo).await;
    other.ends("Ended(LogOut)").await;
}

async fn a_logout_token_ends_every_stream_of_the_person(adapter: Adapter) {
    let (provider, demo) = start(adapter);
    let (here, there) = (Browser::new(), Browser::new());
    log_in(&here, &demo).await;
    log_in(&there, &demo).await;
    let mut first = Stream::open(&here, &demo).await;
    let second = Stream::open(&there, &demo).await;
    let bob = provider.logout_token(|claims, _| claims["sub"] = json!("bob"));
    accepted(&demo, &bob).await;
    first.assert_open().await;
    let alice = provider.logout_token(|claims, _| claims["sub"] = json!(Provider::SUBJECT));
    accepted(&demo, &alice).await;
    first.ends("Ended(BackChannel)").await;
    second.ends("Ended(BackChannel)").await;
}

async fn a_logout_token_of_a_sid_ends_the_streams_of_its_session_and_no_other(adapter: Adapter) {
    let (provider, demo) = start(adapter);
    let (here, there) = (Browser::new(), Browser::new());
    has_sid(&provider, "first");
    log_in(&here, &demo).await;
    has_sid(&provider, "second");
    log_in(&there, &demo).await;
    let first = Stream::open(&here, &demo).await;
    let mut second = Stream::open(&there, &demo).await;
    let token = provider.logout_token(|claims, _| claims["sid"] = json!("first"));
    accepted(&demo, &token).await;
    first.ends("Ended(BackChannel)").await;
    second.assert_open().await;
}

async fn a_page_of_the_provider_ends_the_streams_of_the_session_that_it_names(adapter: Adapter) {
    let (provider, demo) = start(adapter);
    let browser = Browser::new();
    has_sid(&provider, "first");
    log_in(&browser, &demo).await;
    let mut stream = Stream::open(&browser, &demo).await;
    for (sid, ends) in [("second", false), ("first", true)] {
        let mut url = url::Url::parse(&demo.url("/frontchannel-logout")).expect("an address");
        url.query_pairs_mut()
            .append_pair("iss", &provider.issuer())
            .append_pair("sid", sid);
        Browser::new().open(url).await.expect(200);
        if !ends {
            stream.assert_open().await;
        }
    }
    stream.ends("Ended(FrontChannel)").await;
}

async fn another_login_in_the_same_browser_ends_them_whoever_it_is(adapter: Adapter) {
    for who in ["bob", Provider::SUBJECT] {
        let (provider, demo) = start(adapter);
        let browser = Browser::new();
        log_in(&browser, &demo).await;
        let stream = Stream::open(&browser, &demo).await;
        provider.set(Endpoint::IdToken, Answers::member("sub", json!(who)));
        provider.set_userinfo(json!({ "sub": who }));
        log_in(&browser, &demo).await;
        let me = browser.fetch(demo.url("/me")).await.expect(200);
        assert_eq!(me.json()["sub"], who);
        stream.ends("Ended(NewLogin)").await;
        // It is theirs now.
        Stream::open(&browser, &demo).await.assert_open().await;
    }
}

async fn a_deadline_ends_them(adapter: Adapter) {
    for (idle, absolute) in [("2", "600"), ("2", "2")] {
        let settings = [
            ("SESSION_IDLE_TIMEOUT", idle),
            ("SESSION_ABSOLUTE_TIMEOUT", absolute),
        ];
        let (_provider, demo) = start_with(adapter, &settings);
        let browser = Browser::new();
        browser.visit(demo.url("/login/start")).await;
        let stream = Stream::open(&browser, &demo).await;
        stream.ends("Expired").await;
    }
}

async fn where_nobody_is_logged_in_a_stream_ends_at_once(adapter: Adapter) {
    let (_provider, demo) = start(adapter);
    let browser = Browser::new();
    Stream::open(&browser, &demo).await.ends("Nobody").await;
    log_in(&browser, &demo).await;
    let copy = browser.copy();
    log_out(&browser, &demo).await;
    Stream::open(&browser, &demo).await.ends("Nobody").await;
    Stream::open(&copy, &demo).await.ends("Nobody").await;
}

async fn open_streams(demo: &Demo) -> String {
    Browser::new()
        .fetch(demo.url("/streams"))
        .await
        .expect(200)
        .body
}

async fn a_client_that_hangs_up_leaves_nothing_behind(adapter: Adapter) {
    let (_provider, demo) = start(adapter);
    let browser = Browser::new();
    log_in(&browser, &demo).await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(Stream::open(&browser, &demo).await);
    }
    assert_eq!(open_streams(&demo).await, "20");
    streams.truncate(1);
    let soon = async {
        while open_streams(&demo).await != "1" {
            tokio::task::yield_now().await;
        }
    };
    let all_gone = tokio::time::timeout(LIMIT, soon).await;
    assert!(all_gone.is_ok(), "{} are left", open_streams(&demo).await);
    log_out(&browser, &demo).await;
    for stream in streams {
        stream.ends("Ended(LogOut)").await;
    }
    assert_eq!(open_streams(&demo).await, "0");
}

async fn a_thousand_streams_end_at_one_log_out(adapter: Adapter) {
    let (_provider, demo) = start(adapter);
    let (here, there) = (Browser::new(), Browser::new());
    log_in(&here, &demo).await;
    log_in(&there, &demo).await;
    let http = http_client();
    let mut streams = Vec::new();
    for _ in 0..20 {
        let mut some = JoinSet::new();
        for _ in 0..50 {
            some.spawn(Stream::opened(request(&http, &here, &demo)));
        }
        streams.extend(some.join_all().await);
    }
    let mut other = Stream::open(&there, &demo).await;
    log_out(&here, &demo).await;
    for stream in streams {
        stream.ends("Ended(LogOut)").await;
    }
    other.assert_open().await;
    assert_eq!(open_streams(&demo).await, "1");
}
