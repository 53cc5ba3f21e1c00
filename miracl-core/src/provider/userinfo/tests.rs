//! What counts as userinfo, and what a session holds of it.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::{
    Config, LoginOptions, MemoryStore, SessionStorage, SigningAlgorithm,
    base::random::random,
    flow::{
        callback::tests::{Login, begin, begin_with, cookies, request},
        confirm,
    },
    probes::{
        provider::Provider,
        signer::{ES256, NOW, Signer},
    },
    session::identity::{Session, SessionId},
};

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
    let wrong_form = |found: Result<_, UserinfoError>, was_jwt| {
        let Err(UserinfoError::Provider(error)) = found else {
            return false;
        };
        matches!(error, ProviderError::UserinfoForm { is_jwt } if is_jwt == was_jwt)
    };
    let login = begin().await;
    let signed = login.provider.signer.token(&json!({ "sub": "alice" }));
    login
        .provider
        .say_as("/userinfo", 200, "application/jwt", &signed);
    assert!(wrong_form(ask(&login).await, true));

    let registered = |config: &mut Config| {
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

/// Begins a login of a person whose ID token has a confirmed address, and whose userinfo is this.
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
        SessionStorage::default(),
        SessionStorage::store(MemoryStore::new(8)),
    ];
    for store in stores {
        for (address, verified) in [("victim@v.example", false), ("alice@a.example", true)] {
            let change = |config: &mut Config| config.session_store = store.clone();
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
                id: SessionId(random()),
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
fn signed_userinfo_is_from_this_issuer_for_this_client_where_it_says_so() {
    let provider = Signer::new();
    let read = |claims: Value| {
        let raw = provider.token(&claims);
        let token = Unverified::parse(&raw, ES256).map_err(|error| error.to_string())?;
        let checked = token.check_signature(&provider.keys);
        signed_claims(
            &token,
            checked,
            Issuers::One("https://issuer.example"),
            "client",
            NOW,
        )
        .map_err(|error| error.to_string())
    };
    let full = json!({"iss": "https://issuer.example", "aud": ["client"], "sub": "alice"});
    assert_eq!(read(full).unwrap()["sub"], "alice");
    assert!(read(json!({"sub": "alice"})).is_ok());
    for claims in [
        json!({"iss": "https://other.example", "sub": "alice"}),
        json!({"iss": 1, "sub": "alice"}),
        json!({"aud": "other", "sub": "alice"}),
        json!({"aud": [], "sub": "alice"}),
        json!({"aud": 1, "sub": "alice"}),
        json!({"exp": "x", "sub": "alice"}),
    ] {
        assert!(read(claims.clone()).is_err(), "{claims}");
    }
    assert!(read(json!({"exp": NOW + 1, "sub": "alice"})).is_ok());
    for ago in [0, 90] {
        let error = read(json!({"exp": NOW - ago, "sub": "alice"})).unwrap_err();
        assert_eq!(error, format!("it expired {ago} s ago"));
    }
    let raw = Signer::new().token(&json!({"sub": "alice"}));
    let Ok(token) = Unverified::parse(&raw, ES256) else {
        panic!("not taken apart");
    };
    let checked = token.check_signature(&provider.keys);
    let error = signed_claims(
        &token,
        checked,
        Issuers::One("https://issuer.example"),
        "client",
        NOW,
    );
    assert_eq!(error.unwrap_err(), IdTokenError::Signature);
}
