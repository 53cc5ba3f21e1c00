//! What counts as userinfo, and what is known of a person from it.

use serde_json::json;

use super::*;
use crate::{
    LoginOptions, SigningAlgorithm,
    callback::tests::{Login, begin, begin_with},
    provider::Provider,
};

fn data(id_token: Value, userinfo: Value) -> UserData {
    let object = |value: Value| value.as_object().unwrap().clone();
    UserData::new(&object(id_token), &object(userinfo))
}

#[test]
fn both_sources_are_put_together_and_claims_about_the_token_are_left_out() {
    let token =
        json!({ "iss": "i", "aud": "c", "exp": 1, "nonce": "n", "sub": "alice", "name": "Old" });
    let data = data(
        token,
        json!({ "sub": "alice", "name": "New", "exp": 2, "email": "a@b" }),
    );
    let names: Vec<&String> = data.claims().keys().collect();
    assert_eq!(names, ["email", "name", "sub"]);
    assert_eq!(data.get("name").unwrap(), "New");
    assert!(data.get("nonce").is_none());
    let printed = format!("{data:?}");
    assert!(
        printed.contains("email") && !printed.contains("a@b"),
        "{printed}"
    );
}

async fn ask(login: &Login) -> Result<Option<Map<String, Value>>, UserinfoError> {
    let engine = login.miracl.engine();
    let metadata = engine.discovery.metadata(&engine.http).await.unwrap();
    fetch(engine, &metadata, "an-access-token", "alice").await
}

#[tokio::test]
async fn an_answer_counts_when_it_is_about_the_one_who_was_asked_for() {
    let login = begin().await;
    let found = ask(&login).await.unwrap().unwrap();
    assert_eq!(found["email"], "alice@example.com");
    for body in [
        r#"{"sub":"bob"}"#,
        r#"{"sub":["alice"]}"#,
        r#"{"email":"a@b"}"#,
        "{}",
    ] {
        login.provider.say("/userinfo", body);
        assert!(
            matches!(ask(&login).await, Err(UserinfoError::Subject)),
            "{body}"
        );
    }
    for body in ["", "[]", "<html>", r#"{"sub":"alice","sub":"bob"}"#] {
        login.provider.say("/userinfo", body);
        let found = ask(&login).await;
        let malformed = matches!(
            found,
            Err(UserinfoError::Provider(ProviderError::Malformed { .. }))
        );
        assert!(malformed, "{body}: {found:?}");
    }
}

#[tokio::test]
async fn a_token_that_is_not_accepted_is_told_from_an_endpoint_that_is_ill() {
    let login = begin().await;
    let userinfo = r#"{"sub":"alice","error":"invalid_token"}"#;
    login
        .provider
        .say_as("/userinfo", 401, "application/json", userinfo);
    assert!(matches!(
        ask(&login).await,
        Err(UserinfoError::Unauthorized(_))
    ));
    for status in [204, 206, 400, 403, 500] {
        login
            .provider
            .say_as("/userinfo", status, "application/json", userinfo);
        assert!(
            matches!(ask(&login).await, Err(UserinfoError::Provider(_))),
            "{status}"
        );
    }
}

#[tokio::test]
async fn a_jwt_counts_when_and_only_when_the_client_is_registered_for_one() {
    let wrong_form = |found: Result<_, UserinfoError>, was_jwt| matches!(found, Err(UserinfoError::Provider(ProviderError::UserinfoForm { is_jwt })) if is_jwt == was_jwt);
    let login = begin().await;
    let signed = login.provider.signer.token(&json!({ "sub": "alice" }));
    login
        .provider
        .say_as("/userinfo", 200, "application/jwt", &signed);
    assert!(wrong_form(ask(&login).await, true));

    let registered = |config: &mut crate::Config| {
        config.userinfo_signed_response_alg = Some(SigningAlgorithm::ES256);
    };
    let login = begin_with(Provider::start().await, LoginOptions::default(), registered).await;
    assert!(wrong_form(ask(&login).await, false));
    let sign = |claims: Value| login.provider.signer.token(&claims);
    let say = |token: &str| {
        login
            .provider
            .say_as("/userinfo", 200, "application/jwt; charset=utf-8", token)
    };
    say(&format!(
        "{}\n",
        sign(json!({ "sub": "alice", "aud": "client" }))
    ));
    assert_eq!(ask(&login).await.unwrap().unwrap()["sub"], "alice");
    for (claims, what) in [
        (json!({ "sub": "alice", "aud": "another-client" }), "aud"),
        (
            json!({ "sub": "alice", "iss": "https://other.example" }),
            "iss",
        ),
    ] {
        say(&sign(claims));
        assert!(
            matches!(ask(&login).await, Err(UserinfoError::Token(_))),
            "{what}"
        );
    }
    say(&sign(json!({ "sub": "bob" })));
    assert!(matches!(ask(&login).await, Err(UserinfoError::Subject)));
    say(&Provider::start()
        .await
        .signer
        .token(&json!({ "sub": "alice" })));
    let found = ask(&login).await;
    assert!(
        matches!(found, Err(UserinfoError::Token(IdTokenError::Signature))),
        "{found:?}"
    );
    say(r#"{"sub":"alice"}"#);
    assert!(matches!(ask(&login).await, Err(UserinfoError::Token(_))));
}

#[tokio::test]
async fn what_a_session_holds_is_what_both_sources_said() {
    let login = begin().await;
    let visit = login.visit();
    visit.complete_login(&login.query).await.unwrap();
    visit.confirm_login().await.unwrap();
    let data = visit.user_data().await.unwrap().unwrap();
    assert_eq!(data.get("email").unwrap(), "alice@example.com");
    assert_eq!(data.get("sub").unwrap(), "alice");
}

#[test]
fn an_email_address_is_believed_only_where_the_provider_says_so() {
    for (said, verified) in [
        (json!(true), true),
        (json!("true"), true),
        (json!(false), false),
        (json!("false"), false),
        (json!("TRUE"), false),
        (json!("1"), false),
        (json!(1), false),
        (json!([true]), false),
        (json!(null), false),
    ] {
        let known = data(json!({}), json!({"email": "a@b", "email_verified": said}));
        assert_eq!(known.email_verified(), verified, "{said}");
    }
    assert!(!data(json!({}), json!({"email": "a@b"})).email_verified());
    for odd in [json!(""), json!(7), json!(["a@b"]), json!(null)] {
        assert_eq!(data(json!({}), json!({"email": odd})).email(), None);
    }
}
