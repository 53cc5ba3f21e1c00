//! What a failed login leaves behind: a page with a way to try again, a line in the log, and an earlier session.

use miracl_tests::{Adapter, Answers, Browser, Demo, Endpoint, Provider, Request, scenarios};

use crate::journey::{Journey, assert_provider_ill, assert_refused, fail, login_button, parameter};

scenarios![
    a_login_that_fails_leaves_the_session_of_an_earlier_one_alone,
    the_page_gives_a_number_and_the_log_the_reason,
    after_a_failure_the_button_on_its_page_logs_in,
];

async fn a_login_that_fails_leaves_the_session_of_an_earlier_one_alone(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    for (endpoint, answers) in [
        (Endpoint::Token, Answers::error(400, "invalid_grant")),
        (Endpoint::Token, Answers::Well),
        (Endpoint::Userinfo, Answers::error(401, "invalid_token")),
    ] {
        let well = matches!(answers, Answers::Well);
        journey.provider.set(endpoint, answers);
        if well {
            continue;
        }
        let answer = journey.browser.visit(journey.url("/login/start")).await;
        assert!(
            answer.has_alert("danger", "Login failed!"),
            "{}",
            answer.body
        );
        journey.assert_still_logged_in().await;
    }
    // A login that the user denies does not change it either.
    let state = parameter(&journey.authorize_url().await, "state").expect("a state");
    let iss = journey.provider.issuer();
    let denied = journey.url(&format!(
        "/login?error=access_denied&state={state}&iss={iss}"
    ));
    assert_refused(
        &journey
            .browser
            .send(Request::navigate(denied).from_page(&iss))
            .await,
    );
    journey.assert_still_logged_in().await;
}

async fn the_page_gives_a_number_and_the_log_the_reason(adapter: Adapter) {
    for development in ["0", "1"] {
        let provider = Provider::start();
        provider.set(Endpoint::Token, Answers::error(400, "invalid_grant"));
        let journey = Journey {
            demo: Demo::of(adapter, &provider)
                .env("DEVELOPMENT", development)
                .start(),
            provider,
            browser: Browser::new(),
        };
        let page = fail(&journey).await;
        assert_eq!(
            page.body.contains("invalid_grant"),
            development == "1",
            "{}",
            page.body
        );
        let number = page
            .body
            .split("<code>")
            .nth(1)
            .and_then(|rest| rest.split("</code>").next());
        let number = number.expect("a number to mention");
        journey.demo.wait_for_line(&[number, "login failed"]);
        let log = journey.demo.log();
        let line = log.lines().find(|line| line.contains(number));
        assert!(
            line.is_some_and(|line| line.contains("invalid_grant")),
            "{number} in: {log}"
        );
    }
}

async fn after_a_failure_the_button_on_its_page_logs_in(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    journey
        .provider
        .set(Endpoint::Token, Answers::error(500, "server_error"));
    let failed = journey.browser.visit(journey.url("/members")).await;
    assert_provider_ill(&failed);
    journey.provider.set(Endpoint::Token, Answers::Well);
    let button = login_button(&failed).expect("a login button");
    let page = journey.browser.visit(button).await.expect(200);
    assert!(
        page.has_alert("success", "Successfully logged in!"),
        "{}",
        page.body
    );
    journey.assert_still_logged_in().await;
}
