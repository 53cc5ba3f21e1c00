//! Providers that refuse, fail, do not answer, or answer with something other than tokens and user data.

use std::net::TcpListener;

use miracl_tests::{Adapter, Answers, Endpoint, Provider, scenarios};
use serde_json::{Value, json};

use crate::journey::{Journey, assert_provider_ill, assert_refused, fail};

scenarios![
    a_failed_token_request_is_no_login,
    an_error_with_a_status_of_success_is_still_that_error,
    why_the_provider_refuses_the_client_is_in_the_log_and_on_no_page,
    a_refused_access_token_names_the_setting_that_helps,
    an_unreachable_token_endpoint_is_no_login,
    a_malformed_token_response_is_no_login,
    a_failed_userinfo_request_is_no_login,
    a_malformed_userinfo_response_is_no_login,
    userinfo_about_somebody_else_is_no_login,
    a_provider_that_never_answers_is_given_up,
    user_data_that_fits_no_session_is_no_login,
];

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

async fn an_error_with_a_status_of_success_is_still_that_error(adapter: Adapter) {
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
        // Once the error is over, logins work again.
        journey.provider.set(endpoint, Answers::Well);
        journey.log_in().await;
        journey.assert_still_logged_in().await;
    }
}

async fn why_the_provider_refuses_the_client_is_in_the_log_and_on_no_page(adapter: Adapter) {
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
    // The port was free a moment ago, so nobody listens on it.
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

async fn a_malformed_token_response_is_no_login(adapter: Adapter) {
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

async fn a_malformed_userinfo_response_is_no_login(adapter: Adapter) {
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
