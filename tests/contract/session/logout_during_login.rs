//! A log-out by the provider while the login that it names is still under way.

use miracl_tests::{Adapter, Answer, Answers, Browser, Demo, Endpoint, Provider, scenarios};
use serde_json::json;

use super::backchannel::accepted;
use crate::journey::{Journey, assert_refused, log_in, subject};

scenarios![
    a_log_out_while_userinfo_is_fetched_ends_the_login,
    a_log_out_before_the_tokens_are_there_ends_the_login,
    a_log_out_of_somebody_else_lets_a_login_go_on,
];

/// The ways in which a logout token names the session `first` of the one person.
pub(crate) const NAMES: [&[(&str, &str)]; 3] = [
    &[("sid", "first")],
    &[("sub", Provider::SUBJECT)],
    &[("sid", "first"), ("sub", Provider::SUBJECT)],
];

/// Begins a login at one demo, for the provider's session `first`, and lets it come as far as a request to this
/// endpoint. Then logs out at another demo, or at the same, in the second in which the ID token was issued. Returns
/// the browser, and the answer that it gets in the end.
pub(crate) async fn log_out_during(
    provider: &Provider,
    question: Endpoint,
    [here, there]: [&Demo; 2],
    names: &[(&str, &str)],
) -> (Browser, Answer) {
    let claims = Answers::member("sid", json!("first"));
    provider.set(Endpoint::IdToken, claims);
    let browser = Browser::new();
    let start = browser.open(here.url("/login/start")).await.expect(303);
    let callback = browser.step(&start).await.expect(302);
    let (held, release) = Answers::held();
    let asked = provider.count(question);
    provider.set(question, held);
    let log_out = async {
        provider.has_received(question, asked + 1).await;
        let at = wait_for_id_token(provider).await;
        let token = provider.logout_token(|claims, _| {
            claims["iat"] = json!(at);
            for (name, value) in names {
                claims[*name] = json!(value);
            }
        });
        accepted(there, &token).await;
        provider.set(question, Answers::Well);
        release.send_replace(true);
    };
    let (answer, ()) = tokio::join!(browser.step(&callback), log_out);
    (browser, answer)
}

/// The second in which the current login's ID token was issued.
async fn wait_for_id_token(provider: &Provider) -> u64 {
    let logins = provider.count(Endpoint::Token);
    while provider.id_tokens().len() < logins {
        tokio::task::yield_now().await;
    }
    provider.last_issued_at()
}

async fn a_log_out_ends_the_login(adapter: Adapter, question: Endpoint) {
    let journey = Journey::begin(adapter);
    let demo = &journey.demo;
    for names in NAMES {
        let demos = [demo, demo];
        let (browser, answer) = log_out_during(&journey.provider, question, demos, names).await;
        assert_refused(&answer);
        assert_eq!(subject(&browser, demo).await, None, "{names:?}");
        // The next login counts, even in the same second and of the same session.
        log_in(&browser, demo).await;
        assert!(subject(&browser, demo).await.is_some(), "{names:?}");
    }
}

async fn a_log_out_while_userinfo_is_fetched_ends_the_login(adapter: Adapter) {
    a_log_out_ends_the_login(adapter, Endpoint::Userinfo).await;
}

async fn a_log_out_before_the_tokens_are_there_ends_the_login(adapter: Adapter) {
    a_log_out_ends_the_login(adapter, Endpoint::Token).await;
}

async fn a_log_out_of_somebody_else_lets_a_login_go_on(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let demo = &journey.demo;
    for names in [
        &[("sid", "second")][..],
        &[("sub", "somebody-else")],
        &[("sid", "first"), ("sub", "somebody-else")],
        &[("sid", "second"), ("sub", Provider::SUBJECT)],
    ] {
        let (question, demos) = (Endpoint::Userinfo, [demo, demo]);
        let (browser, answer) = log_out_during(&journey.provider, question, demos, names).await;
        answer.expect(303);
        assert!(subject(&browser, demo).await.is_some(), "{names:?}");
    }
}
