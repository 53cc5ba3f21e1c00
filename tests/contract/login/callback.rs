//! Callbacks that are refused before the provider is asked for anything. The failures of the Tornado SDK are among
//! them.

use miracl_tests::{Adapter, Answer, Answers, Browser, Endpoint, scenarios};
use serde_json::Value;
use url::Url;

use crate::journey::{Journey, assert_refused, parameter, with_parameter};

scenarios![
    a_callback_url_opened_again_leads_home_while_somebody_is_logged_in,
    tabs_that_are_restored_at_once_show_one_message,
    a_callback_url_opened_again_after_a_log_out_is_refused,
    a_callback_that_failed_cannot_be_tried_again,
    a_callback_without_a_code_is_refused,
    a_login_denied_at_the_provider_is_refused_and_its_words_are_not_repeated,
    a_bare_visit_to_the_callback_is_refused,
    another_state_leads_home_and_the_session_stays,
    what_is_no_plain_answer_is_refused_whoever_is_logged_in,
    an_empty_state_is_refused,
    a_missing_state_is_refused,
    a_callback_without_the_pending_cookie_is_refused,
    a_callback_with_a_forged_pending_cookie_is_refused,
    a_parameter_given_twice_is_refused,
    the_name_of_another_issuer_is_refused,
    the_name_of_another_issuer_counts_before_its_error,
    a_promised_issuer_that_is_missing_is_refused,
    an_iss_that_was_not_promised_counts_as_well,
    tokens_in_the_callback_are_not_taken,
    an_error_without_a_state_is_logged_as_unproven,
];

/// Opens a callback that must be refused before the provider is asked for anything.
async fn refuse(journey: &Journey, callback: &Url) {
    let answer = journey.browser.open(callback).await;
    assert_refused(&answer);
    assert_eq!(
        journey.provider.count(Endpoint::Token),
        0,
        "the token endpoint was asked for {callback}"
    );
    journey.assert_nobody().await;
}

/// Fails unless this answer sends somebody home who is logged in, and says why.
async fn assert_sent_home(journey: &Journey, answer: Answer) {
    let answer = answer.expect(303);
    assert_eq!(answer.location_path().as_deref(), Some("/"));
    assert!(answer.is_no_store(), "{:?}", answer.headers);
    let home = journey.browser.follow(answer).await.expect(200);
    assert!(
        home.has_alert("info", "You are already logged in."),
        "{}",
        home.body
    );
    assert!(!home.has_alert("danger", ""), "{}", home.body);
    journey.assert_still_logged_in().await;
}

async fn a_callback_url_opened_again_leads_home_while_somebody_is_logged_in(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    journey.browser.visit(&callback).await.expect(200);
    let before = journey.browser.cookies();
    for _ in 0..2 {
        assert_sent_home(&journey, journey.browser.open(&callback).await).await;
    }
    assert_eq!(journey.browser.cookies(), before, "the session stays");
    assert_eq!(journey.provider.count(Endpoint::Token), 1);
    let log = journey.demo.log();
    assert!(!log.contains("login failed"), "{log}");
}

async fn tabs_that_are_restored_at_once_show_one_message(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    journey.browser.visit(&callback).await.expect(200);
    for _ in 0..8 {
        journey.browser.open(&callback).await.expect(303);
    }
    let home = journey.home().await;
    let told = home.body.matches("You are already logged in.").count();
    assert_eq!(told, 1, "{}", home.body);
    journey.assert_still_logged_in().await;
}

async fn a_callback_url_opened_again_after_a_log_out_is_refused(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    journey.browser.visit(&callback).await.expect(200);
    let copy = journey.browser.copy();
    journey.browser.post(journey.url("/logout"), &[]).await;
    assert_refused(&journey.browser.open(&callback).await);
    // Neither does the cookie of a session that has ended count.
    assert_refused(&copy.open(&callback).await);
    assert_eq!(journey.provider.count(Endpoint::Token), 1);
}

async fn a_callback_that_failed_cannot_be_tried_again(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    let before = journey.browser.copy();
    let iss = Some("https://evil.example");
    refuse(&journey, &with_parameter(&callback, "iss", iss)).await;
    // It works neither in this browser nor with the cookies that it had before.
    refuse(&journey, &callback).await;
    assert_refused(&before.open(&callback).await);
    assert_eq!(journey.provider.count(Endpoint::Token), 0);
}

async fn a_callback_without_a_code_is_refused(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for code in [None, Some("")] {
        let callback = with_parameter(&journey.callback_url().await, "code", code);
        refuse(&journey, &callback).await;
    }
}

async fn a_login_denied_at_the_provider_is_refused_and_its_words_are_not_repeated(
    adapter: Adapter,
) {
    let journey = Journey::begin(adapter);
    let state = parameter(&journey.authorize_url().await, "state").expect("a state");
    let mut callback = Url::parse(&journey.url("/login")).expect("an address");
    callback
        .query_pairs_mut()
        .append_pair("error", "access_denied")
        .append_pair("error_description", "<script>words-of-a-stranger</script>")
        .append_pair("iss", &journey.provider.issuer())
        .append_pair("state", &state);
    let answer = journey.browser.open(&callback).await;
    assert_refused(&answer);
    assert!(
        !answer.body.contains("<script>words-of-a-stranger"),
        "{}",
        answer.body
    );
    journey.assert_nobody().await;
    // Without a pending login, the error is not believed.
    let answer = Browser::new().open(&callback).await;
    assert_refused(&answer);
    assert!(
        !answer.body.contains("words-of-a-stranger"),
        "{}",
        answer.body
    );
}

async fn a_bare_visit_to_the_callback_is_refused(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    refuse(
        &journey,
        &Url::parse(&journey.url("/login")).expect("an address"),
    )
    .await;
    journey.log_in().await;
    assert_refused(&journey.browser.open(journey.url("/login")).await);
    journey.assert_still_logged_in().await;
}

async fn another_state_leads_home_and_the_session_stays(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let cookies = journey.browser.cookies();
    let callback = journey.callback_url().await;
    let state = parameter(&callback, "state").expect("a state");
    let (one, rest) = state.split_at(1);
    let near = format!("{}{rest}", if one == "A" { "B" } else { "A" });
    for state in ["another-state-than-was-sent", &near] {
        let callback = with_parameter(&callback, "state", Some(state));
        assert_sent_home(&journey, journey.browser.open(callback).await).await;
    }
    assert_eq!(journey.provider.count(Endpoint::Token), 1);
    for cookie in cookies {
        assert!(
            journey.browser.cookies().contains(&cookie),
            "{} changed",
            cookie.name
        );
    }
}

async fn what_is_no_plain_answer_is_refused_whoever_is_logged_in(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let used = journey.callback_url().await;
    journey.browser.visit(&used).await.expect(200);
    for (name, value) in [
        ("state", None),
        ("state", Some("")),
        ("error", Some("access_denied")),
        ("iss", Some("https://evil.example")),
        ("id_token", Some("a.b.c")),
    ] {
        let answer = journey
            .browser
            .open(with_parameter(&used, name, value))
            .await;
        assert_refused(&answer);
    }
    journey.assert_still_logged_in().await;
    assert_eq!(journey.provider.count(Endpoint::Token), 1);
}

async fn an_empty_state_is_refused(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = with_parameter(&journey.callback_url().await, "state", Some(""));
    refuse(&journey, &callback).await;
}

async fn a_missing_state_is_refused(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = with_parameter(&journey.callback_url().await, "state", None);
    refuse(&journey, &callback).await;
}

async fn a_callback_without_the_pending_cookie_is_refused(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    journey.browser.clear();
    refuse(&journey, &callback).await;
}

async fn a_callback_with_a_forged_pending_cookie_is_refused(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    for cookie in journey.browser.cookies() {
        // One character in the middle, so that length and framing stay right.
        let mut value: Vec<char> = cookie.value.chars().collect();
        let middle = value.len() / 2;
        value[middle] = if value[middle] == 'A' { 'B' } else { 'A' };
        journey.browser.keep(miracl_tests::Cookie {
            value: value.into_iter().collect(),
            ..cookie
        });
    }
    refuse(&journey, &callback).await;
}

async fn a_parameter_given_twice_is_refused(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for name in ["code", "state", "iss"] {
        let mut callback = journey.callback_url().await;
        let value = parameter(&callback, name).expect("the provider sends it");
        callback.query_pairs_mut().append_pair(name, &value);
        refuse(&journey, &callback).await;
    }
}

async fn the_name_of_another_issuer_is_refused(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = with_parameter(
        &journey.callback_url().await,
        "iss",
        Some("https://evil.example"),
    );
    refuse(&journey, &callback).await;
}

async fn the_name_of_another_issuer_counts_before_its_error(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = with_parameter(&journey.callback_url().await, "code", None);
    let denied = with_parameter(&callback, "error", Some("error-of-a-stranger"));
    let iss = Some("https://evil.example");
    refuse(&journey, &with_parameter(&denied, "iss", iss)).await;
    // RFC 9207 §2.4: an error of another issuer is not the provider's.
    let log = journey.demo.log();
    assert!(!log.contains("error-of-a-stranger"), "{log}");
    let denied = with_parameter(&journey.callback_url().await, "code", None);
    let denied = with_parameter(&denied, "error", Some("error-of-the-provider"));
    refuse(&journey, &denied).await;
    journey.demo.wait_for_log("error-of-the-provider");
}

async fn a_promised_issuer_that_is_missing_is_refused(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    // RFC 9207 §2.4: the provider's metadata promises it.
    let callback = with_parameter(&journey.callback_url().await, "iss", None);
    refuse(&journey, &callback).await;
}

async fn an_iss_that_was_not_promised_counts_as_well(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    journey.provider.set(
        Endpoint::Discovery,
        Answers::member(
            "authorization_response_iss_parameter_supported",
            Value::Null,
        ),
    );
    let iss = Some("https://evil.example");
    let callback = with_parameter(&journey.callback_url().await, "iss", iss);
    refuse(&journey, &callback).await;
    let callback = with_parameter(&journey.callback_url().await, "iss", None);
    journey.browser.visit(callback).await.expect(200);
    journey.assert_still_logged_in().await;
}

async fn tokens_in_the_callback_are_not_taken(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    let mut callback = with_parameter(&callback, "code", None);
    callback
        .query_pairs_mut()
        .append_pair("access_token", "token-from-nowhere")
        .append_pair("id_token", "a.b.c");
    refuse(&journey, &callback).await;
}

async fn an_error_without_a_state_is_logged_as_unproven(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let iss = journey.provider.issuer();
    for query in [
        "?error=code_without_state".to_owned(),
        "?error=code_of_no_login&state=made-up".to_owned(),
        format!("?error=code_with_iss&iss={iss}"),
        "?error=code_of_another&iss=https%3A%2F%2Fevil.example".to_owned(),
        format!("?error=long_{}%0d%0aline", "x".repeat(5000)),
    ] {
        let answer = journey.browser.open(journey.url(&format!("/login{query}")));
        let answer = answer.await;
        assert_refused(&answer);
        assert!(!answer.body.contains("code_"), "{}", answer.body);
    }
    journey.demo.wait_for_log("long_xxx");
    let log = journey.demo.log();
    for code in ["code_without_state", "code_of_no_login", "code_with_iss"] {
        let line = log.lines().find(|line| line.contains(code));
        assert!(
            line.is_some_and(|line| line.contains("not proven")),
            "{code}: {log}"
        );
    }
    assert!(!log.contains("code_of_another"), "{log}");
    assert!(!log.contains(&"x".repeat(65)), "{log}");
    journey.log_in().await;
}
