//! What counts as userinfo, and what is known of a person from it.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::flow::confirm;
use crate::provider::user_data::CONFIRMED_CLAIMS;
use crate::provider::user_data::UserData;
use crate::provider::user_data::is_confirmed;
use crate::{
    LoginOptions, SigningAlgorithm,
    flow::callback::tests::{Login, begin, begin_with, cookies, request},
    probes::provider::Provider,
    session::identity::{Session, SessionId},
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
    let provider = login.miracl.engine().provider();
    let metadata = provider.metadata().await.unwrap();
    let asked = provider.userinfo(&metadata, "an-access-token", "alice");
    asked.await
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
        r#"{"sub":null}"#,
        "{}",
    ] {
        login.provider.say("/userinfo", body);
        assert!(
            matches!(ask(&login).await, Err(UserinfoError::Subject)),
            "{body}"
        );
    }
    // What stands there twice and says the same says it once.
    let twice = r#"{"sub":"alice","email":"a@b","sub":"alice","email":"a@b"}"#;
    login.provider.say("/userinfo", twice);
    assert_eq!(ask(&login).await.unwrap().unwrap()["email"], "a@b");
    for body in [
        "",
        "[]",
        "<html>",
        r#"{"sub":"alice","sub":"bob"}"#,
        r#"{"sub":"alice","email":"a@b","email":"c@d"}"#,
    ] {
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
fn an_address_and_its_confirmation_come_from_one_source() {
    let (alice, victim) = (json!("alice@a.example"), json!("victim@v.example"));
    // Address and statement of the ID token, of userinfo, and what is known then.
    let cases = [
        // Userinfo has an address: its own statement counts.
        (
            [&alice, &json!(true)],
            [&victim, &json!(null)],
            [&victim, &json!(null)],
        ),
        (
            [&alice, &json!(true)],
            [&victim, &json!(false)],
            [&victim, &json!(false)],
        ),
        (
            [&alice, &json!(true)],
            [&victim, &json!(true)],
            [&victim, &json!(true)],
        ),
        (
            [&alice, &json!(false)],
            [&alice, &json!(true)],
            [&alice, &json!(true)],
        ),
        (
            [&alice, &json!(true)],
            [&alice, &json!(false)],
            [&alice, &json!(false)],
        ),
        (
            [&json!(null), &json!(true)],
            [&victim, &json!(null)],
            [&victim, &json!(null)],
        ),
        // The very same address: what the ID token says of it stands.
        (
            [&alice, &json!(true)],
            [&alice, &json!(null)],
            [&alice, &json!(true)],
        ),
        (
            [&alice, &json!("true")],
            [&alice, &json!(null)],
            [&alice, &json!("true")],
        ),
        (
            [&alice, &json!(true)],
            [&json!("Alice@a.example"), &json!(null)],
            [&json!("Alice@a.example"), &json!(null)],
        ),
        (
            [&alice, &json!(true)],
            [&json!("alice@a.example "), &json!(null)],
            [&json!("alice@a.example "), &json!(null)],
        ),
        // Userinfo has none, and says of nothing that it is confirmed.
        (
            [&victim, &json!(null)],
            [&json!(null), &json!(true)],
            [&victim, &json!(null)],
        ),
        (
            [&victim, &json!(false)],
            [&json!(null), &json!(true)],
            [&victim, &json!(false)],
        ),
        (
            [&json!(null), &json!(null)],
            [&json!(null), &json!(true)],
            [&json!(null); 2],
        ),
        (
            [&json!(null), &json!(true)],
            [&json!(null), &json!(null)],
            [&json!(null); 2],
        ),
        // But it can take a confirmation back.
        (
            [&alice, &json!(true)],
            [&json!(null), &json!(false)],
            [&alice, &json!(false)],
        ),
        (
            [&alice, &json!(true)],
            [&json!(null), &json!(null)],
            [&alice, &json!(true)],
        ),
        // No address at all.
        (
            [&alice, &json!(true)],
            [&json!(""), &json!(null)],
            [&json!(""), &json!(null)],
        ),
        (
            [&alice, &json!(true)],
            [&json!([victim]), &json!(null)],
            [&json!([victim]), &json!(null)],
        ),
    ];
    for (claim, confirmed) in CONFIRMED_CLAIMS {
        for (id_token, userinfo, expected) in &cases {
            let source = |[value, said]: &[&Value; 2]| json!({ claim: value, confirmed: said });
            let known = data(source(id_token), source(userinfo));
            let case = format!("{claim} {id_token:?} {userinfo:?}");
            let found = [claim, confirmed].map(|name| known.get(name).unwrap_or(&Value::Null));
            assert_eq!(&found, expected, "{case}");
            if claim == "email" {
                let verified = is_confirmed(expected[1]);
                assert_eq!(known.email_verified(), verified, "{case}");
            }
        }
    }
}

#[test]
fn a_claim_that_is_null_is_absent_in_either_source() {
    let known = data(
        json!({ "name": "Alice", "locale": null }),
        json!({ "name": null, "email": null }),
    );
    let names: Vec<&String> = known.claims().keys().collect();
    assert_eq!(names, ["name"]);
    assert_eq!(known.get("name").unwrap(), "Alice");
}

/// A login of somebody whose ID token has a confirmed address, and whose userinfo says this.
async fn confirmed_elsewhere(userinfo: Value) -> Login {
    let login = begin().await;
    login.grant(&json!({ "email": "alice@a.example", "email_verified": true }));
    login.provider.say("/userinfo", &userinfo.to_string());
    login
}

#[tokio::test]
async fn another_address_is_not_confirmed_by_the_id_token_at_login_or_later() {
    let victim = json!({ "sub": "alice", "email": "victim@v.example" });
    let login = confirmed_elsewhere(victim.clone()).await;
    let visit = login.visit();
    let success = visit.complete_login(&login.query).await.unwrap();
    let user = success.user();
    assert_eq!(user.email(), Some("victim@v.example"));
    assert!(!user.email_verified());
    assert!(success.user_data().get("email_verified").is_none());
    visit.confirm_login().await.unwrap();

    // Confirmed, and then another one.
    let same = json!({ "sub": "alice", "email": "alice@a.example" });
    let login = confirmed_elsewhere(same).await;
    let visit = login.visit();
    visit.complete_login(&login.query).await.unwrap();
    visit.confirm_login().await.unwrap();
    assert!(visit.user().await.unwrap().unwrap().email_verified());
    login.provider.say("/userinfo", &victim.to_string());
    let data = visit.refresh_user_data().await.unwrap();
    assert_eq!(data.get("email").unwrap(), "victim@v.example");
    assert!(data.get("email_verified").is_none());
    let user = visit.user().await.unwrap().unwrap();
    assert_eq!(user.email(), Some("victim@v.example"));
    assert!(!user.email_verified());
    let data = visit.user_data().await.unwrap().unwrap();
    assert!(data.get("email_verified").is_none());
}

#[tokio::test]
async fn what_an_earlier_version_took_for_confirmed_is_looked_at_again() {
    let stores = [
        crate::SessionStorage::default(),
        crate::SessionStorage::store(crate::MemoryStore::new(8)),
    ];
    for store in stores {
        for (address, verified) in [("victim@v.example", false), ("alice@a.example", true)] {
            let change = |config: &mut crate::Config| config.session_store = store.clone();
            let login = begin_with(Provider::start().await, LoginOptions::default(), change).await;
            login.grant(&json!({ "email": "alice@a.example", "email_verified": true }));
            let userinfo = json!({ "sub": "alice", "email": address });
            login.provider.say("/userinfo", &userinfo.to_string());
            let visit = login.visit();
            visit.complete_login(&login.query).await.unwrap();
            visit.confirm_login().await.unwrap();
            let current = visit.exchange().current().await.unwrap().unwrap();
            let data = visit.exchange().data().await.unwrap().unwrap();
            // As that version wrote it.
            let written = Session {
                id: SessionId(crate::base::random::random()),
                email_verified: true,
                is_doubtful: true,
                ..(*current.session).clone()
            };
            let visit = login.miracl.visit(&request("/login", ""));
            let proposed = confirm::propose(visit.exchange(), Arc::new(written), data, None);
            proposed.await.unwrap();
            visit.confirm_login().await.unwrap();
            let mut cookies = cookies(&visit);
            for time in ["first", "second"] {
                let visit = login.miracl.visit(&request("/", &cookies));
                let user = visit.user().await.unwrap().unwrap();
                assert_eq!(user.email(), Some(address));
                assert_eq!(
                    user.email_verified(),
                    verified,
                    "{address}, the {time} time"
                );
                let data = visit.user_data().await.unwrap().unwrap();
                assert_eq!(
                    data.email_verified(),
                    verified,
                    "{address}, the {time} time"
                );
                let set = visit.finish().set_cookies;
                // It is written anew once.
                assert_eq!(set.is_empty(), time == "second", "{set:?}");
                let written = set.first().and_then(|line| line.split(';').next());
                if let Some((name, _)) = written.and_then(|pair| pair.split_once('=')) {
                    let is_other = |pair: &&str| pair.split('=').next() != Some(name);
                    let others = cookies.split("; ").filter(is_other);
                    let all: Vec<&str> = others.chain(written).collect();
                    cookies = all.join("; ");
                }
            }
        }
    }
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
