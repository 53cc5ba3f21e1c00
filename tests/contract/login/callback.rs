//! Every way a login can fail, the ways in which the Tornado SDK failed among them.

use std::net::TcpListener;

use base64_simd::URL_SAFE_NO_PAD;
use miracl_tests::{Adapter, Answers, Browser, Demo, Endpoint, Provider, Request, scenarios};
use serde_json::{Value, json};
use url::Url;

use crate::journey::{
    Journey, assert_provider_ill, assert_refused, login_button, parameter, with_parameter,
};

scenarios![
    a_callback_url_opened_again_is_refused,
    a_callback_that_failed_cannot_be_tried_again,
    a_callback_without_a_code_is_refused,
    a_login_denied_at_the_provider_is_refused_and_its_words_are_not_repeated,
    a_bare_visit_to_the_callback_is_refused,
    another_state_is_refused_and_the_session_stays,
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
    a_failed_token_request_is_no_login,
    an_error_under_a_status_of_success_is_that_error,
    what_the_provider_says_of_a_client_it_refuses_is_in_the_log_and_on_no_page,
    an_error_without_a_state_is_logged_as_unproven,
    a_refused_access_token_names_the_setting_that_helps,
    an_unreachable_token_endpoint_is_no_login,
    a_token_answer_that_is_none_is_no_login,
    a_failed_userinfo_request_is_no_login,
    a_userinfo_answer_that_is_none_is_no_login,
    userinfo_about_somebody_else_is_no_login,
    an_id_token_with_a_wrong_claim_is_no_login,
    an_id_token_with_a_bad_signature_is_no_login,
    an_id_token_signed_by_an_unknown_key_is_no_login,
    an_id_token_signed_otherwise_than_registered_is_no_login,
    a_new_signing_key_is_found_within_the_login,
    a_new_signing_key_under_the_old_name_is_found_as_well,
    a_provider_that_never_answers_is_given_up,
    user_data_that_fits_no_session_is_no_login,
    a_login_that_fails_leaves_the_session_of_an_earlier_one_alone,
    the_page_gives_a_number_and_the_log_the_reason,
    after_a_failure_the_button_on_its_page_logs_in,
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

async fn a_callback_url_opened_again_is_refused(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    journey.browser.visit(&callback).await.expect(200);
    assert_refused(&journey.browser.open(&callback).await);
    assert_eq!(journey.provider.count(Endpoint::Token), 1);
    journey.assert_still_logged_in().await;
}

async fn a_callback_that_failed_cannot_be_tried_again(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    let before = journey.browser.copy();
    let iss = Some("https://evil.example");
    refuse(&journey, &with_parameter(&callback, "iss", iss)).await;
    // Neither by this browser nor with the cookies that it had.
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
    // Without a login under way, nothing of it is believed.
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

async fn another_state_is_refused_and_the_session_stays(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let cookies = journey.browser.cookies();
    let callback = with_parameter(
        &journey.callback_url().await,
        "state",
        Some("another-state-than-was-sent"),
    );
    let answer = journey.browser.open(callback).await;
    assert_refused(&answer);
    journey.assert_still_logged_in().await;
    assert_eq!(journey.provider.count(Endpoint::Token), 1);
    for cookie in cookies {
        assert!(
            journey.browser.cookies().contains(&cookie),
            "{} changed",
            cookie.name
        );
    }
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
    // RFC 9207 §2.4: what somebody else says is not even an error of the provider's.
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

/// Logs in against a provider that has been told to fail, and returns the page.
async fn fail(journey: &Journey) -> miracl_tests::Answer {
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

async fn a_failed_token_request_is_no_login(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for (status, error) in [
        (400, "invalid_grant"),
        (401, "invalid_client"),
        (403, "invalid_code"),
        (400, "made_up_error"),
    ] {
        journey
            .provider
            .set(Endpoint::Token, Answers::error(status, error));
        let answer = fail(&journey).await;
        assert!(
            matches!(answer.status, 400..=499 | 502),
            "{error}: {}",
            answer.status
        );
        assert!(
            answer.has_alert("danger", "Login failed!"),
            "{}",
            answer.body
        );
    }
    for (status, kind, body) in [
        (400, "text/html", "<h1>no</h1>"),
        (500, "application/json", "{\"error\":\"server_error\"}"),
        (503, "text/plain", "later"),
        (302, "text/plain", "elsewhere"),
    ] {
        journey.provider.set(
            Endpoint::Token,
            Answers::With(status, kind, body.to_owned()),
        );
        let answer = fail(&journey).await;
        assert!(
            matches!(answer.status, 400..=499 | 502..=504),
            "{status}: {}",
            answer.status
        );
        if status >= 500 {
            assert_provider_ill(&answer);
        }
    }
    assert_eq!(journey.provider.count(Endpoint::Userinfo), 0);
}

async fn an_error_under_a_status_of_success_is_that_error(adapter: Adapter) {
    for (endpoint, judges) in [
        (Endpoint::Discovery, false),
        (Endpoint::Token, true),
        (Endpoint::Jwks, false),
        (Endpoint::Userinfo, true),
    ] {
        let journey = Journey::begin(adapter);
        for (kind, body) in [
            ("application/json", r#"{"error":"made_up_error"}"#),
            (
                "application/json",
                r#"{"ok":false,"error":"made_up_error"}"#,
            ),
            (
                "application/json",
                r#"{"error":{"code":"made_up_error","message":"no"}}"#,
            ),
            ("application/x-www-form-urlencoded", "error=made_up_error"),
        ] {
            let answers = Answers::With(200, kind, body.to_owned());
            journey.provider.set(endpoint, answers);
            let answer = fail(&journey).await;
            if judges {
                assert_eq!(answer.status, 403, "{endpoint:?} {body}");
            } else {
                assert_provider_ill(&answer);
            }
        }
        journey.demo.wait_for_log("refused with `made_up_error`");
        // It locks nobody out for longer than it lasts.
        journey.provider.set(endpoint, Answers::Well);
        journey.log_in().await;
        journey.assert_still_logged_in().await;
    }
}

async fn what_the_provider_says_of_a_client_it_refuses_is_in_the_log_and_on_no_page(
    adapter: Adapter,
) {
    let journey = Journey::begin(adapter);
    let body = json!({
        "error": "invalid_client",
        "error_description": format!(
            "AADSTS7000222: The secret {} of {} has expired.",
            Provider::CLIENT_SECRET,
            Provider::EMAIL
        ),
        "error_codes": [7_000_222],
    });
    journey.provider.set(
        Endpoint::Token,
        Answers::With(401, "application/json", body.to_string()),
    );
    let page = fail(&journey).await;
    assert_eq!(page.status, 403);
    assert!(!page.body.contains("AADSTS"), "{}", page.body);
    journey.demo.wait_for_log("AADSTS7000222: The secret");
    let log = journey.demo.log();
    assert!(log.contains("error_codes 7000222"), "{log}");
    for secret in [Provider::CLIENT_SECRET, Provider::EMAIL] {
        assert!(!log.contains(secret), "{log}");
    }
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

async fn a_refused_access_token_names_the_setting_that_helps(adapter: Adapter) {
    let journey = Journey::begin_with(adapter, &[("DEVELOPMENT", "1")]);
    journey.provider.set(
        Endpoint::Userinfo,
        Answers::With(401, "text/plain", String::new()),
    );
    let page = fail(&journey).await;
    assert!(page.body.contains("USERINFO_REQUESTS"), "{}", page.body);
    journey.demo.wait_for_log("USERINFO_REQUESTS");
    // And a firewall is not taken for a wrong issuer.
    let journey = Journey::begin_with(adapter, &[("DEVELOPMENT", "1")]);
    journey.provider.set(
        Endpoint::Discovery,
        Answers::With(403, "text/html", "<h1>Forbidden</h1>".to_owned()),
    );
    let page = fail(&journey).await;
    assert!(page.body.contains("firewall"), "{}", page.body);
    assert!(!page.body.contains("ISSUER"), "{}", page.body);
}

async fn an_unreachable_token_endpoint_is_no_login(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    // The port was free a moment ago, and nobody listens on it.
    let closed = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port");
    let endpoint = json!(format!("http://{closed}/token"));
    journey.provider.set(
        Endpoint::Discovery,
        Answers::member("token_endpoint", endpoint),
    );
    assert_provider_ill(&fail(&journey).await);
}

async fn a_token_answer_that_is_none_is_no_login(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for body in ["", "{", "<h1>OK</h1>", "[]", "null", "\"token\"", "{}"] {
        journey.provider.set(
            Endpoint::Token,
            Answers::With(200, "application/json", body.to_owned()),
        );
        assert_provider_ill(&fail(&journey).await);
    }
    for (member, value) in [
        ("access_token", Value::Null),
        ("access_token", json!(7)),
        ("id_token", Value::Null),
        ("id_token", json!("")),
        ("id_token", json!("a.b.c")),
        ("token_type", json!("mac")),
    ] {
        journey
            .provider
            .set(Endpoint::Token, Answers::member(member, value.clone()));
        let answer = fail(&journey).await;
        assert!(
            matches!(answer.status, 400..=499 | 502),
            "{member} {value}: {}",
            answer.status
        );
        assert!(
            answer.has_alert("danger", "Login failed!"),
            "{member} {value}: {}",
            answer.body
        );
    }
}

async fn a_failed_userinfo_request_is_no_login(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for (status, body) in [
        (401, json!({ "error": "invalid_token" }).to_string()),
        (401, String::new()),
        (403, json!({ "error": "insufficient_scope" }).to_string()),
        (500, "broken".to_owned()),
    ] {
        journey.provider.set(
            Endpoint::Userinfo,
            Answers::With(status, "application/json", body),
        );
        let answer = fail(&journey).await;
        assert!(
            matches!(answer.status, 400..=499 | 502..=504),
            "{status}: {}",
            answer.status
        );
        assert!(
            answer.has_alert("danger", "Login failed!"),
            "{status}: {}",
            answer.body
        );
    }
}

async fn a_userinfo_answer_that_is_none_is_no_login(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for body in [
        "",
        "{",
        "<h1>OK</h1>",
        "[]",
        "null",
        "{\"error\":\"invalid_token\"}",
        "{\"sub\":7}",
    ] {
        journey.provider.set(
            Endpoint::Userinfo,
            Answers::With(200, "application/json", body.to_owned()),
        );
        let answer = fail(&journey).await;
        assert!(
            matches!(answer.status, 400..=499 | 502),
            "{body:?}: {}",
            answer.status
        );
        assert!(
            answer.has_alert("danger", "Login failed!"),
            "{body:?}: {}",
            answer.body
        );
    }
}

async fn userinfo_about_somebody_else_is_no_login(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for sub in [json!("somebody-else"), json!(""), Value::Null] {
        journey
            .provider
            .set(Endpoint::Userinfo, Answers::member("sub", sub.clone()));
        let answer = fail(&journey).await;
        assert!(
            matches!(answer.status, 400..=499 | 502),
            "{sub}: {}",
            answer.status
        );
        assert!(
            answer.has_alert("danger", "Login failed!"),
            "{sub}: {}",
            answer.body
        );
    }
}

async fn an_id_token_with_a_wrong_claim_is_no_login(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for (claim, value) in [
        ("iss", json!("https://evil.example")),
        ("iss", Value::Null),
        ("aud", json!("another-client")),
        ("aud", json!([])),
        ("aud", Value::Null),
        (
            "aud",
            json!([Provider::CLIENT_ID, "somebody-we-do-not-trust"]),
        ),
        ("azp", json!("another-client")),
        ("exp", json!(1_000_000_000)),
        ("exp", Value::Null),
        ("iat", json!(4_000_000_000_u64)),
        ("iat", Value::Null),
        ("nonce", json!("another-nonce")),
        ("nonce", Value::Null),
        ("sub", json!("")),
        ("sub", Value::Null),
        ("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")),
    ] {
        journey
            .provider
            .set(Endpoint::IdToken, Answers::member(claim, value.clone()));
        let answer = fail(&journey).await;
        assert!(
            matches!(answer.status, 400..=499 | 502),
            "{claim} {value}: {}",
            answer.status
        );
        assert!(
            answer.has_alert("danger", "Login failed!"),
            "{claim} {value}: {}",
            answer.body
        );
    }
    assert_eq!(
        journey.provider.count(Endpoint::Userinfo),
        0,
        "nothing is fetched with a token of a bad login"
    );
}

async fn an_id_token_signed_by_an_unknown_key_is_no_login(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for keys in [
        json!([]),
        json!([{ "kty": "oct", "k": "AAAA", "kid": "first", "alg": "HS256" }]),
    ] {
        journey
            .provider
            .set(Endpoint::Jwks, Answers::member("keys", keys));
        let answer = fail(&journey).await;
        assert!(
            matches!(answer.status, 400..=499 | 502),
            "{}",
            answer.status
        );
        assert!(
            answer.has_alert("danger", "Login failed!"),
            "{}",
            answer.body
        );
    }
}

async fn a_new_signing_key_is_found_within_the_login(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    journey.provider.rotate_key("second");
    journey.log_in().await;
    journey.assert_still_logged_in().await;
}

async fn a_new_signing_key_under_the_old_name_is_found_as_well(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for _ in 0..3 {
        journey.provider.rotate_key("always-the-same");
        journey.log_in().await;
        journey.assert_still_logged_in().await;
    }
}

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
    // A denial, too.
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

async fn an_id_token_with_a_bad_signature_is_no_login(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let forge: [fn(&str) -> String; 5] = [
        // Somebody else's claims under a good signature.
        |token| {
            let parts: Vec<_> = token.split('.').collect();
            let claims = URL_SAFE_NO_PAD.decode_to_vec(parts[1]).expect("base64");
            let claims = String::from_utf8_lossy(&claims).replace(Provider::SUBJECT, "mallory");
            format!(
                "{}.{}.{}",
                parts[0],
                URL_SAFE_NO_PAD.encode_to_string(claims),
                parts[2]
            )
        },
        // No signature at all, said openly and not.
        |token| {
            let claims = token.split('.').nth(1).expect("claims");
            format!(
                "{}.{claims}.",
                URL_SAFE_NO_PAD.encode_to_string("{\"alg\":\"none\"}")
            )
        },
        |token| format!("{}.", token.rsplit_once('.').expect("a signature").0),
        |token| {
            format!(
                "{}.{}",
                token.rsplit_once('.').expect("a signature").0,
                "A".repeat(86)
            )
        },
        // The public key as a shared secret.
        |token| {
            let claims = token.split('.').nth(1).expect("claims");
            let head = URL_SAFE_NO_PAD.encode_to_string("{\"alg\":\"HS256\",\"kid\":\"first\"}");
            format!("{head}.{claims}.{}", "A".repeat(43))
        },
    ];
    for (number, forge) in forge.into_iter().enumerate() {
        journey.provider.set(
            Endpoint::Token,
            Answers::Changed(Box::new(move |answer| {
                answer["id_token"] = json!(forge(answer["id_token"].as_str().expect("a token")));
            })),
        );
        let answer = fail(&journey).await;
        assert_refused(&answer);
        assert_eq!(journey.provider.count(Endpoint::Userinfo), 0, "{number}");
    }
}

async fn an_id_token_signed_otherwise_than_registered_is_no_login(adapter: Adapter) {
    let provider = Provider::start();
    let journey = Journey {
        demo: Demo::of(adapter, &provider)
            .env("ID_TOKEN_SIGNED_RESPONSE_ALG", "RS256")
            .start(),
        provider,
        browser: Browser::new(),
    };
    assert_refused(&fail(&journey).await);
}

async fn a_provider_that_never_answers_is_given_up(adapter: Adapter) {
    let hang = async |endpoint| {
        let journey = Journey::begin(adapter);
        journey.provider.set(endpoint, Answers::Never);
        let answer = journey.browser.visit(journey.url("/login/start")).await;
        assert_provider_ill(&answer);
        assert_eq!(answer.status, 504);
        journey.assert_nobody().await;
    };
    tokio::join!(
        hang(Endpoint::Token),
        hang(Endpoint::Userinfo),
        hang(Endpoint::Jwks)
    );
}

async fn user_data_that_fits_no_session_is_no_login(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    // Random, so that no compression helps.
    let mut state = 1_u64;
    let mut groups: Vec<String> = Vec::new();
    for _ in 0..1500 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        groups.push(format!("{state:x}"));
    }
    journey
        .provider
        .set(Endpoint::Userinfo, Answers::member("groups", json!(groups)));
    let answer = fail(&journey).await;
    assert_refused(&answer);
    assert!(
        answer.set_cookies().iter().all(|cookie| cookie.deleted),
        "{:?}",
        answer.set_cookies()
    );
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
