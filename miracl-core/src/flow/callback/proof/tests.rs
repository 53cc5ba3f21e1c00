//! What the ID token and userinfo must say.

use serde_json::json;

use crate::{
    Config, FailureReason, IdTokenError, LoginOptions, SigningAlgorithm, UserinfoRequests,
    flow::callback::tests::{begin, begin_with},
    probes::provider::Provider,
};

#[tokio::test]
async fn what_a_login_asked_for_is_checked_when_it_ends() {
    let options = || LoginOptions {
        max_age: Some(100),
        acr_values: Some("gold silver".to_owned()),
        ..LoginOptions::default()
    };
    let login = begin_with(Provider::start().await, options(), |_| {}).await;
    login.grant(&json!({ "acr": "gold", "auth_time": login.now() - 161 }));
    let reason = login.fails().await;
    let old = matches!(
        reason,
        FailureReason::IdToken(IdTokenError::AuthTime { .. })
    );
    assert!(old, "{reason}");

    let login = begin_with(Provider::start().await, options(), |_| {}).await;
    login.grant(&json!({ "acr": "bronze", "auth_time": login.now() }));
    let reason = login.fails().await;
    let weak = matches!(reason, FailureReason::IdToken(IdTokenError::Acr { .. }));
    assert!(weak, "{reason}");

    let login = begin_with(Provider::start().await, options(), |_| {}).await;
    login.grant(&json!({ "acr": "silver", "auth_time": login.now() - 160 }));
    assert!(login.visit().complete_login(&login.query).await.is_ok());
}

#[tokio::test]
async fn the_id_token_is_for_this_login_and_this_access_token() {
    for changes in [
        json!({ "nonce": "of-another-login" }),
        json!({ "at_hash": "of-another-token" }),
        json!({ "aud": "another-client" }),
        json!({ "aud": ["client", "another-client"], "azp": "client" }),
        json!({ "iss": "https://other.example" }),
        json!({ "exp": 1 }),
    ] {
        let login = begin().await;
        login.grant(&changes);
        let reason = login.fails().await;
        assert!(
            matches!(reason, FailureReason::IdToken(_)),
            "{changes}: {reason}"
        );
        assert_eq!(login.provider.asked("/userinfo").len(), 0);
    }
    let login = begin().await;
    let hash = ring::digest::digest(&ring::digest::SHA256, b"an-access-token");
    let half = base64_simd::URL_SAFE_NO_PAD.encode_to_string(&hash.as_ref()[..16]);
    login.grant(&json!({ "at_hash": half }));
    assert!(login.visit().complete_login(&login.query).await.is_ok());

    let trusts = |config: &mut Config| config.trusted_audiences = vec!["another-client".into()];
    let login = begin_with(Provider::start().await, LoginOptions::default(), trusts).await;
    login.grant(&json!({ "aud": ["client", "another-client"], "azp": "client" }));
    assert!(login.visit().complete_login(&login.query).await.is_ok());
}

#[tokio::test]
async fn the_registered_algorithm_is_the_only_one() {
    let registered = |config: &mut Config| {
        config.id_token_signed_response_alg = Some(SigningAlgorithm::RS256);
    };
    let login = begin_with(Provider::start().await, LoginOptions::default(), registered).await;
    let reason = login.fails().await;
    let other = matches!(
        reason,
        FailureReason::IdToken(IdTokenError::Algorithm { .. })
    );
    assert!(other, "{reason}");
    // Without one, what the metadata offers.
    let provider = Provider::start().await;
    let mut document = provider.document();
    document["id_token_signing_alg_values_supported"] = json!(["RS256", "EdDSA"]);
    provider.publish(&document);
    let login = begin_with(provider, LoginOptions::default(), |_| {}).await;
    let reason = login.fails().await;
    let other = matches!(
        reason,
        FailureReason::IdToken(IdTokenError::Algorithm { .. })
    );
    assert!(other, "{reason}");
}

#[tokio::test]
async fn a_token_response_without_an_id_token_logs_nobody_in() {
    let login = begin().await;
    login.provider.say("/token", r#"{"access_token":"a"}"#);
    let reason = login.fails().await;
    assert!(matches!(reason, FailureReason::IdTokenMissing), "{reason}");
}

#[tokio::test]
async fn a_token_of_another_form_is_told_from_one_of_another_algorithm() {
    for (raw, check) in [
        ("hello", "id_token form"),
        // {"alg":"none"}
        ("eyJhbGciOiJub25lIn0.e30.", "id_token alg"),
    ] {
        let login = begin().await;
        let tokens = json!({ "access_token": "a", "id_token": raw });
        login.provider.say("/token", &tokens.to_string());
        let failure = login
            .visit()
            .complete_login(&login.query)
            .await
            .unwrap_err();
        assert_eq!(failure.receipt().failed().unwrap().name, check);
    }
}

#[tokio::test]
async fn userinfo_is_asked_for_as_the_setting_says() {
    use UserinfoRequests::{Always, Never, WhenNeeded};
    let (email, name) = (json!("alice@example.com"), json!("Alice"));
    let of_email = json!({ "email": email, "email_verified": true });
    let of_both = json!({ "email": email, "email_verified": false, "name": name });
    for (setting, scopes, claims, requests) in [
        (Always, "openid email", &of_email, 1),
        (WhenNeeded, "openid email", &of_email, 0),
        (WhenNeeded, "openid email", &json!({ "email": email }), 1),
        (WhenNeeded, "openid offline_access", &json!({}), 0),
        (WhenNeeded, "openid email profile", &of_email, 1),
        (WhenNeeded, "openid email profile", &of_both, 0),
        (WhenNeeded, "openid phone", &of_both, 1),
        (WhenNeeded, "openid address", &of_both, 1),
        (WhenNeeded, "openid email dvs", &of_both, 1),
        (Never, "openid email profile", &json!({}), 0),
    ] {
        let change = |config: &mut Config| {
            config.userinfo_requests = setting;
            config.scopes = scopes.split(' ').map(str::to_owned).collect();
        };
        let provider = Provider::start().await;
        let login = begin_with(provider, LoginOptions::default(), change).await;
        login.grant(claims);
        let visit = login.visit();
        let success = visit.complete_login(&login.query).await.unwrap();
        let case = format!("{setting:?} {scopes} {claims}");
        assert_eq!(login.provider.asked("/userinfo").len(), requests, "{case}");
        let known = requests > 0 || claims.get("email").is_some();
        assert_eq!(success.user().email().is_some(), known, "{case}");
        // Who asks for it gets what is new, but for an app that never wants it.
        visit.confirm_login().await.unwrap();
        visit.refresh_user_data().await.unwrap();
        let more = usize::from(setting != Never);
        assert_eq!(
            login.provider.asked("/userinfo").len(),
            requests + more,
            "{case}"
        );
    }
}

#[tokio::test]
async fn userinfo_is_about_the_same_person_where_there_is_any() {
    let login = begin().await;
    login.provider.say("/userinfo", r#"{"sub":"bob"}"#);
    let reason = login.fails().await;
    assert!(matches!(reason, FailureReason::UserinfoSubject), "{reason}");

    let login = begin().await;
    login.provider.say_as("/userinfo", 401, "text/plain", "");
    let reason = login.fails().await;
    assert!(matches!(reason, FailureReason::Provider(_)), "{reason}");

    let provider = Provider::start().await;
    let mut document = provider.document();
    document
        .as_object_mut()
        .unwrap()
        .remove("userinfo_endpoint");
    provider.publish(&document);
    let login = begin_with(provider, LoginOptions::default(), |_| {}).await;
    let success = login.visit().complete_login(&login.query).await.unwrap();
    assert!(success.user_data().get("email").is_none());
    let receipt = success.receipt().to_string();
    assert!(receipt.contains("not applicable userinfo"), "{receipt}");
}
