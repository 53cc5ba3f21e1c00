//! What a login that passes its checks leads to, with PKCE and without.

mod gone;
mod login;
mod provider;

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::{Config, LoginOptions, Miracl, probes::provider::Provider};

pub(crate) use login::{HOST, Login, begin, begin_with, cookies, request};

#[tokio::test]
async fn a_login_that_went_well_tells_who_it_is_and_where_to_go() {
    let options = LoginOptions {
        return_to: Some("/members?page=2".to_owned()),
        ..LoginOptions::default()
    };
    let login = begin_with(Provider::start().await, options, |_| {}).await;
    let visit = login.visit();
    let success = visit.complete_login(&login.query).await.unwrap();
    assert_eq!(success.user().id(), "alice");
    assert_eq!(success.user().issuer(), login.provider.issuer);
    assert_eq!(
        success.user_data().get("email").unwrap(),
        "alice@example.com"
    );
    assert_eq!(success.tokens().access_token().expose(), "an-access-token");
    assert_eq!(success.return_to(), "/members?page=2");
    let printed = format!("{success:?}");
    assert!(
        printed.contains("/members") && !printed.contains("alice"),
        "{printed}"
    );
    let receipt = success.receipt().to_string();
    assert!(receipt.contains("userinfo sub"), "{receipt}");

    let asked = &login.provider.asked("/token")[0].body;
    for part in [
        "grant_type=authorization_code",
        "code=a-code",
        "code_verifier=",
    ] {
        assert!(asked.contains(part), "{asked}");
    }
    let asked = &login.provider.asked("/userinfo")[0].head;
    assert!(
        asked.contains("authorization: bearer an-access-token"),
        "{asked}"
    );
}

#[tokio::test]
async fn a_session_begins_when_it_is_confirmed_and_ends_when_nobody_comes() {
    let login = begin().await;
    let visit = login.visit();
    visit.complete_login(&login.query).await.unwrap();
    assert!(!visit.is_authenticated().await.unwrap());
    visit.confirm_login().await.unwrap();
    let cookies = cookies(&visit);
    let idle = login.miracl.config().session_idle_timeout;
    for (wait, alive) in [
        (idle - Duration::from_secs(1), true),
        (Duration::from_secs(1), false),
    ] {
        login.wait(wait);
        let later = login.miracl.visit(&request("/", &cookies));
        assert_eq!(later.is_authenticated().await.unwrap(), alive, "{wait:?}");
    }
}

#[tokio::test]
async fn without_pkce_no_verifier_is_sent() {
    let off = |config: &mut Config| config.pkce = Pkce::Off;
    let login = begin_with(Provider::start().await, LoginOptions::default(), off).await;
    login.visit().complete_login(&login.query).await.unwrap();
    let asked = &login.provider.asked("/token")[0].body;
    assert!(!asked.contains("code_verifier"), "{asked}");
}

#[tokio::test]
async fn a_session_that_fits_no_cookies_is_no_login() {
    let login = begin().await;
    let much: Vec<u64> = (0..20_000).collect();
    let userinfo = json!({ "sub": "alice", "groups": much });
    login.provider.say("/userinfo", &userinfo.to_string());
    let reason = login.fails().await;
    assert!(
        matches!(reason, FailureReason::SessionTooLarge(_)),
        "{reason}"
    );
}
