//! Secrets can be read nowhere: not in a cookie, not in a log, not in an answer.

use base64_simd::STANDARD;
use miracl_tests::{
    Adapter, Answers, Browser, Cookie, Demo, Endpoint, Provider, canary, scenarios,
};

use crate::journey::{Journey, parameter};

scenarios![
    no_secret_is_readable_in_a_cookie,
    no_secret_is_readable_in_the_log,
    no_secret_is_readable_in_what_our_crates_trace,
    no_secret_is_readable_in_an_answer,
];

/// The bytes of a cookie key.
const KEY: &[u8; 32] = b"Canary*0f-32_BYTES+in(the)clear!";

/// That key in base64, as `COOKIE_KEYS` has it.
fn key() -> String {
    STANDARD.encode_to_string(KEY)
}

/// What a scenario saw of a journey.
struct Seen {
    journey: Journey,
    cookies: Vec<Cookie>,
    pages: Vec<String>,
    secrets: Vec<String>,
}

/// Logs in, fails in several ways, refreshes and logs out, and keeps everything that a stranger might read.
async fn everything(adapter: Adapter, log: Option<&str>) -> Seen {
    let provider = Provider::start();
    let mut settings = Demo::of(adapter, &provider).env("COOKIE_KEYS", &key());
    if let Some(log) = log {
        settings = settings.env("RUST_LOG", log);
    }
    let journey = Journey {
        demo: settings.start(),
        provider,
        browser: Browser::new(),
    };
    let mut seen = Seen {
        cookies: Vec::new(),
        pages: Vec::new(),
        secrets: vec![
            Provider::EMAIL.to_owned(),
            Provider::CLIENT_SECRET.to_owned(),
            key(),
            String::from_utf8_lossy(KEY).into_owned(),
        ],
        journey,
    };
    seen.login().await;
    seen.walk("/").await;
    seen.walk("/members").await;
    seen.walk("/refresh").await;
    for (endpoint, answers) in [
        (Endpoint::Token, Answers::error(400, "invalid_grant")),
        (
            Endpoint::Token,
            Answers::member("access_token", serde_json::Value::Null),
        ),
        (
            Endpoint::Token,
            Answers::With(500, "text/plain", Provider::CLIENT_SECRET.to_owned()),
        ),
        (
            Endpoint::IdToken,
            Answers::member("aud", "another-client".into()),
        ),
        (
            Endpoint::Userinfo,
            Answers::member("sub", "somebody-else".into()),
        ),
        (
            Endpoint::Userinfo,
            Answers::With(
                200,
                "application/json",
                format!("{{\"email\": {}", Provider::EMAIL),
            ),
        ),
    ] {
        seen.journey.provider.set(endpoint, answers);
        seen.login().await;
        seen.walk("/refresh").await;
        seen.journey.provider.set(endpoint, Answers::Well);
    }
    seen.login().await;
    let answer = seen
        .journey
        .browser
        .post(seen.journey.url("/logout"), &[])
        .await;
    seen.keep(&answer);
    seen.secrets.extend(seen.journey.provider.secrets());
    // Every kind of secret is in the list: an access token, two parts of an ID token, a verifier.
    assert!(seen.secrets.len() >= 4 + 4, "{:?}", seen.secrets);
    seen
}

impl Seen {
    fn keep(&mut self, answer: &miracl_tests::Answer) {
        self.cookies.extend(answer.set_cookies());
        self.pages.push(answer.body.clone());
    }

    async fn walk(&mut self, path: &str) {
        let answer = self.journey.browser.open(self.journey.url(path)).await;
        self.keep(&answer);
    }

    async fn login(&mut self) {
        let mut answer = self
            .journey
            .browser
            .open(self.journey.url("/login/start"))
            .await;
        self.keep(&answer);
        if let Some(nonce) = answer.location().and_then(|url| parameter(&url, "nonce")) {
            self.secrets.push(nonce);
        }
        while answer.is_redirect() {
            answer = self.journey.browser.step(&answer).await;
            self.keep(&answer);
        }
    }
}

async fn no_secret_is_readable_in_a_cookie(adapter: Adapter) {
    let mut seen = everything(adapter, None).await;
    seen.secrets.push(Provider::SUBJECT.to_owned());
    seen.secrets.push("Canary of the Tests".to_owned());
    assert!(seen.cookies.len() > 10);
    for cookie in &seen.cookies {
        canary::assert_absent(
            &cookie.name,
            &format!("{}={}", cookie.name, cookie.value),
            &seen.secrets,
        );
    }
    // A cookie that is too large is split, so the parts are read as one value.
    let joined: String = seen
        .cookies
        .iter()
        .map(|cookie| cookie.value.as_str())
        .collect();
    canary::assert_absent("all cookies", &joined, &seen.secrets);
}

async fn no_secret_is_readable_in_the_log(adapter: Adapter) {
    let seen = everything(adapter, None).await;
    let log = seen.journey.demo.log();
    assert!(log.lines().count() > 3, "failures are logged: {log}");
    canary::assert_absent("the log", &log, &seen.secrets);
}

async fn no_secret_is_readable_in_what_our_crates_trace(adapter: Adapter) {
    let level = format!("miracl_core=trace,miracl_{}=trace", adapter.name);
    let seen = everything(adapter, Some(&level)).await;
    let log = seen.journey.demo.log();
    assert!(log.contains("miracl_core"), "nothing is traced: {log}");
    canary::assert_absent("the trace", &log, &seen.secrets);
}

async fn no_secret_is_readable_in_an_answer(adapter: Adapter) {
    let mut seen = everything(adapter, None).await;
    // The user's own page shows their own address, and the log-out takes the ID token to the provider.
    seen.secrets.retain(|secret| secret != Provider::EMAIL);
    for page in &seen.pages {
        canary::assert_absent("a page", page, &seen.secrets);
    }
}
