//! What scenarios are made of: a demo with its provider and a browser, the steps of a login, and what pages must
//! show.

use std::fmt::Debug;

use base64_simd::STANDARD;
use miracl_tests::{Adapter, Answer, Answers, Browser, Cookie, Demo, Endpoint, Provider};
use serde_json::Value;
use tokio::task::JoinHandle;
use url::Url;

/// A demo, its provider, and a browser.
pub(crate) struct Journey {
    pub(crate) demo: Demo,
    pub(crate) provider: Provider,
    pub(crate) browser: Browser,
}

impl Journey {
    /// A demo and a browser that nobody has logged in with.
    pub(crate) fn begin(adapter: Adapter) -> Self {
        Self::begin_with(adapter, &[])
    }

    /// A demo with these settings, and a browser that nobody has logged in with.
    pub(crate) fn begin_with(adapter: Adapter, settings: &[(&str, &str)]) -> Self {
        let provider = Provider::start();
        let demo = settings
            .iter()
            .fold(Demo::of(adapter, &provider), |demo, (name, value)| {
                demo.env(name, value)
            });
        Self {
            demo: demo.start(),
            provider,
            browser: Browser::new(),
        }
    }

    /// A demo and a browser that is logged in.
    pub(crate) async fn logged_in(adapter: Adapter) -> Self {
        let journey = Self::begin(adapter);
        journey.log_in().await;
        journey
    }

    /// The address of a path of the demo.
    pub(crate) fn url(&self, path: &str) -> String {
        self.demo.url(path)
    }

    /// Logs the browser in and returns the page that it ends on.
    pub(crate) async fn log_in(&self) -> Answer {
        log_in(&self.browser, &self.demo).await
    }

    /// Starts a login and returns the address that the browser is sent to: the provider's.
    pub(crate) async fn authorize_url(&self) -> Url {
        let answer = self
            .browser
            .open(self.url("/login/start"))
            .await
            .expect(303);
        answer.location().expect("a location")
    }

    /// Starts a login, has the provider approve it, and returns the address of the callback, not opened yet.
    pub(crate) async fn callback_url(&self) -> Url {
        let url = self.authorize_url().await;
        let answer = self.browser.open(url).await.expect(302);
        answer.location().expect("a location")
    }

    /// Who the browser is logged in as, by `/me`.
    pub(crate) async fn subject(&self) -> Option<String> {
        subject(&self.browser, &self.demo).await
    }

    /// The home page.
    pub(crate) async fn home(&self) -> Answer {
        self.browser.open(self.url("/")).await.expect(200)
    }

    /// Fails unless the browser is logged in as the one person there is.
    #[track_caller]
    pub(crate) fn assert_still_logged_in(&self) -> impl Future<Output = ()> + '_ {
        let caller = std::panic::Location::caller();
        async move {
            let subject = self.subject().await;
            assert_eq!(
                subject.as_deref(),
                Some(Provider::SUBJECT),
                "not logged in any more at {caller}"
            );
        }
    }

    /// Fails unless the browser is logged in as nobody.
    #[track_caller]
    pub(crate) fn assert_nobody(&self) -> impl Future<Output = ()> + '_ {
        let caller = std::panic::Location::caller();
        async move {
            assert_eq!(
                self.subject().await,
                None,
                "logged in, as {caller} did not expect"
            );
        }
    }
}

/// Logs a browser in and returns the page that it ends on.
pub(crate) async fn log_in(browser: &Browser, demo: &Demo) -> Answer {
    let page = browser.visit(demo.url("/login/start")).await.expect(200);
    assert!(
        page.has_alert("success", "Successfully logged in!"),
        "{}",
        page.body
    );
    page
}

/// Logs in against a provider that has been told to fail, and returns the page.
pub(crate) async fn fail(journey: &Journey) -> Answer {
    let answer = journey.browser.visit(journey.url("/login/start")).await;
    journey.assert_nobody().await;
    let home = journey.home().await;
    assert!(
        login_button(&home).is_some(),
        "a half-written session: {}",
        home.body
    );
    answer
}

/// Who a browser is logged in as, by `/me`.
pub(crate) async fn subject(browser: &Browser, demo: &Demo) -> Option<String> {
    let me = browser.fetch(demo.url("/me")).await;
    match me.status {
        200 => me.json()["sub"].as_str().map(str::to_owned),
        401 => None,
        _ => panic!("/me answered {}: {}", me.status, me.body),
    }
}

/// Lets ID tokens have these claims as well from now on.
pub(crate) fn say(provider: &Provider, claims: &Value) {
    let claims = claims.as_object().expect("an object").clone();
    let more = move |token: &mut Value| {
        let token = token.as_object_mut().expect("an object");
        token.extend(claims.clone());
    };
    provider.set(Endpoint::IdToken, Answers::Changed(Box::new(more)));
}

/// Waits until the log of a demo has a line so many times.
pub(crate) async fn logged(demo: &Demo, line: &str, times: usize) {
    while demo.log().matches(line).count() < times {
        tokio::task::yield_now().await;
    }
}

/// Closes the connection of a request for the callback before its answer, and waits until the server has noticed, for
/// the `number`th time. Rocket notices when it writes. The demo's log must have the engine's lines at debug level.
pub(crate) async fn give_up<T: Debug>(
    adapter: Adapter,
    demo: &Demo,
    sent: JoinHandle<T>,
    number: usize,
) {
    sent.abort();
    let gone = sent.await.expect_err("it was answered");
    assert!(gone.is_cancelled());
    if !adapter.goes_on {
        let line = "a request for the callback has gone away before its answer";
        logged(demo, line, number).await;
    }
}

/// A cookie key, as `COOKIE_KEYS` has it.
pub(crate) fn key(number: u8) -> String {
    let bytes: Vec<u8> = (0..32)
        .map(|at| number.wrapping_mul(53) ^ (at * 7))
        .collect();
    STANDARD.encode_to_string(bytes)
}

/// The one cookie of a session that is kept on a server.
pub(crate) fn session_cookie(browser: &Browser) -> Cookie {
    let mut cookies = browser.cookies_named("session");
    assert_eq!(cookies.len(), 1, "{cookies:?}");
    cookies.remove(0)
}

/// Fails unless this is the page of a refused login: the message, the button to try again, and nothing else.
#[track_caller]
pub(crate) fn assert_refused(answer: &Answer) {
    assert!(
        (400..500).contains(&answer.status),
        "a refused login answers 4xx, not {}\n{}",
        answer.status,
        answer.body
    );
    assert_failure_page(answer);
}

/// Fails unless this is the page of a login that failed because of the provider.
#[track_caller]
pub(crate) fn assert_provider_ill(answer: &Answer) {
    assert!(
        (502..=504).contains(&answer.status),
        "an ill provider makes 502-504, not {}\n{}",
        answer.status,
        answer.body
    );
    assert_failure_page(answer);
}

#[track_caller]
fn assert_failure_page(answer: &Answer) {
    assert!(
        answer.has_alert("danger", "Login failed!"),
        "no \"Login failed!\": {}",
        answer.body
    );
    assert!(
        !answer.has_alert("success", ""),
        "it failed and it did not: {}",
        answer.body
    );
    assert!(
        login_button(answer).is_some(),
        "no way to try again: {}",
        answer.body
    );
    assert!(answer.is_no_store(), "{:?}", answer.headers);
}

/// The address behind the page's login button.
pub(crate) fn login_button(page: &Answer) -> Option<String> {
    page.tags()
        .iter()
        .find_map(|tag| tag.get("data-authurl").map(str::to_owned))
}

/// The value of a query parameter.
pub(crate) fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// This address with a query parameter set, or removed.
pub(crate) fn with_parameter(url: &Url, name: &str, value: Option<&str>) -> Url {
    let mut pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    pairs.retain(|(key, _)| key != name);
    if let Some(value) = value {
        pairs.push((name.to_owned(), value.to_owned()));
    }
    let mut changed = url.clone();
    changed.query_pairs_mut().clear().extend_pairs(pairs);
    changed
}
