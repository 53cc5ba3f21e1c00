//! What a callback's parameters must be like.

use serde_json::json;

use crate::{
    Config, FailureReason, LoginOptions,
    flow::{
        answer::Answer,
        callback::tests::{HOST, begin, begin_with},
    },
    probes::provider::Provider,
    web::{request::tests::Request, route::Route},
};

#[tokio::test]
async fn each_parameter_may_be_there_once() {
    let login = begin().await;
    for name in ["state", "code", "iss", "error", "error_description"] {
        let query = format!("{}&{name}=a&{name}=a", login.with(name, None));
        let reason = login.refused(&query).await;
        let found =
            matches!(reason, FailureReason::DuplicateParameter { name: found } if found == name);
        assert!(found, "{name}: {reason}");
    }
    // What is none of ours may be there as often as it likes.
    let query = format!("{}&session_state=1&session_state=2", login.query);
    assert!(login.visit().complete_login(query).await.is_ok());
}

#[tokio::test]
async fn a_callback_of_64_kib_is_read_and_a_longer_one_is_not() {
    let login = begin().await;
    let fill = |len: usize| {
        format!(
            "{}&x={}",
            login.query,
            "x".repeat(len - login.query.len() - 3)
        )
    };
    let reason = login.refused(&fill(Route::MAX_BODY + 1)).await;
    assert!(matches!(reason, FailureReason::ResponseTooLarge));
    assert!(
        login
            .visit()
            .complete_login(fill(Route::MAX_BODY))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_body_that_could_not_be_read_completes_no_login() {
    let login = begin().await;
    let request = Request::post("/login")
        .with("host", HOST)
        .with("cookie", &login.cookies)
        .with("content-type", "application/x-www-form-urlencoded");
    let visit = login.miracl.visit(&request);
    let answer = visit.answer(Route::Callback, &request, None).await;
    let Answer::Failure(failure) = answer else {
        panic!("{answer:?}");
    };
    assert!(matches!(failure.reason(), FailureReason::ResponseTooLarge));
    assert_eq!(failure.status(), 413);
    assert!(visit.finish().no_store);
}

#[tokio::test]
async fn tokens_in_a_callback_are_refused_whichever_they_are() {
    for name in ["id_token", "access_token"] {
        let login = begin().await;
        let reason = login.refused(&login.with(name, Some("x"))).await;
        assert!(matches!(reason, FailureReason::TokenInResponse), "{name}");
    }
}

#[tokio::test]
async fn an_issuer_is_there_where_it_is_promised_and_right_wherever_it_is() {
    for (promised, iss, right) in [
        (true, None, false),
        (true, Some("https://other.example"), false),
        (false, Some("https://other.example"), false),
        (false, Some(""), false),
        (false, None, true),
    ] {
        let provider = Provider::start().await;
        let mut document = provider.document();
        document["authorization_response_iss_parameter_supported"] = json!(promised);
        provider.publish(&document);
        let login = begin_with(provider, LoginOptions::default(), |_| {}).await;
        let query = login.with("iss", iss);
        if right {
            assert!(login.visit().complete_login(query).await.is_ok());
            continue;
        }
        let reason = login.refused(&query).await;
        let missing = matches!(reason, FailureReason::ResponseIssuerMissing);
        let other = matches!(reason, FailureReason::ResponseIssuer { .. });
        assert!(
            if iss.is_none() { missing } else { other },
            "{iss:?}: {reason}"
        );
    }
}

#[tokio::test]
async fn the_answers_tenant_is_the_tokens() {
    let provider = Provider::start().await;
    let issuer = provider.issuer.clone();
    let template = format!("{issuer}/{{tenantid}}");
    let mut document = provider.document();
    document["issuer"] = json!(template);
    provider.publish(&document);
    let many = |config: &mut Config| config.issuer_template = Some(template.clone());
    let login = begin_with(provider, LoginOptions::default(), many).await;
    let of = |tenant: &str| format!("{issuer}/{tenant}");
    login.grant(&json!({ "iss": of("one"), "tid": "one" }));
    let other = login.with("iss", Some(&of("two")));
    let failure = login.visit().complete_login(other).await.unwrap_err();
    let expected = of("one");
    assert!(
        matches!(failure.reason(), FailureReason::ResponseIssuer { expected: found } if *found == expected)
    );
    assert_eq!(login.provider.asked("/userinfo").len(), 0);
}

#[tokio::test]
async fn an_error_ends_the_login_even_beside_a_code() {
    let options = LoginOptions {
        return_to: Some("/members".to_owned()),
        ..LoginOptions::default()
    };
    let login = begin_with(Provider::start().await, options, |_| {}).await;
    let query = login.with("error", Some("access_denied"));
    let query = format!("{query}&error_description=not+today");
    let failure = login.visit().complete_login(query).await.unwrap_err();
    let FailureReason::Denied { error, description } = failure.reason() else {
        panic!("{failure}");
    };
    assert_eq!(error, "access_denied");
    assert!(failure.was_cancelled());
    assert_eq!(description.text(), Some("not today"));
    assert_eq!(failure.return_to(), Some("/members"));
    assert_eq!(login.provider.asked("/token").len(), 0);
}

#[tokio::test]
async fn an_answer_without_a_code_logs_nobody_in() {
    for code in [None, Some("")] {
        let login = begin().await;
        let reason = login.refused(&login.with("code", code)).await;
        assert!(matches!(reason, FailureReason::CodeMissing), "{reason}");
    }
}

#[tokio::test]
async fn a_callback_on_another_host_name_says_which() {
    let login = begin().await;
    let elsewhere = Request::get("/login").with("host", "localhost:5000");
    let visit = login.miracl.visit(&elsewhere);
    let failure = visit.complete_login(&login.query).await.unwrap_err();
    let FailureReason::OtherHost { here, there } = failure.reason() else {
        panic!("{failure}");
    };
    assert!(here.contains("localhost") && there.contains("127.0.0.1"));
}
