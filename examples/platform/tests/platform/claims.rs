//! What the platform says about itself and about a person: metadata, scopes and claims.

use serde_json::json;

use crate::app::{EMAIL, PIN, authorize_url, claims, exchange, start, start_with_groups, userinfo};
use crate::http;

#[tokio::test]
async fn discovery_describes_this_platform() {
    let platform = start().await;
    let issuer = platform.issuer();
    let answer = http::get(&format!("{issuer}/.well-known/openid-configuration"), &[]).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let metadata = answer.json();
    for (name, path) in [
        ("issuer", ""),
        ("authorization_endpoint", "/authorize"),
        ("token_endpoint", "/oidc/token"),
        ("userinfo_endpoint", "/oidc/userinfo"),
        ("jwks_uri", "/oidc/certs"),
        ("end_session_endpoint", "/oidc/logout"),
    ] {
        assert_eq!(metadata[name], format!("{issuer}{path}"), "{name}");
    }
    for (name, value) in [
        ("response_modes_supported", "query form_post"),
        ("grant_types_supported", "authorization_code refresh_token"),
        (
            "token_endpoint_auth_methods_supported",
            "client_secret_post client_secret_basic client_secret_jwt private_key_jwt",
        ),
        (
            "id_token_signing_alg_values_supported",
            "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA",
        ),
        (
            "scopes_supported",
            "openid email profile address phone dvs mpin_id hash_mpin_id offline_access",
        ),
    ] {
        let values: Vec<_> = value.split(' ').collect();
        assert_eq!(metadata[name], serde_json::json!(values), "{name}");
    }
    assert_eq!(
        metadata["code_challenge_methods_supported"],
        serde_json::json!(["S256"])
    );
    for name in [
        "authorization_response_iss_parameter_supported",
        "backchannel_logout_supported",
        "backchannel_logout_session_supported",
        "frontchannel_logout_supported",
        "frontchannel_logout_session_supported",
    ] {
        assert_eq!(metadata[name], true, "{name}");
    }
}

#[tokio::test]
async fn scopes_of_miracl_bring_its_claims() {
    let platform = start().await;
    let url = authorize_url(&platform, &[("scope", "openid mpin_id hash_mpin_id dvs")]);
    let callback = platform.log_in(&url, EMAIL, PIN).await.unwrap();
    let tokens = exchange(&platform, &callback, &[]).await.json();
    let user = userinfo(&platform, tokens["access_token"].as_str().unwrap())
        .await
        .json();
    assert_eq!(user["sub"], EMAIL);
    assert!(user.get("email").is_none());
    assert_eq!(user["hash_mpin_id"].as_str().unwrap().len(), 64);
    assert!(user["mpin_id"].is_string() && user["dvs_keys"].is_array());
    assert_eq!(
        claims(tokens["id_token"].as_str().unwrap())["mpin_id"],
        user["mpin_id"]
    );
}

#[tokio::test]
async fn standard_scopes_bring_standard_claims() {
    let platform = start().await;
    for (scope, claims) in [
        (
            "profile",
            "family_name given_name locale name preferred_username updated_at zoneinfo",
        ),
        ("email", "email email_verified"),
        ("address", "address"),
        ("phone", "phone_number phone_number_verified"),
    ] {
        let scope = format!("openid {scope}");
        let url = authorize_url(&platform, &[("scope", &scope)]);
        let callback = platform.log_in(&url, EMAIL, PIN).await.unwrap();
        let tokens = exchange(&platform, &callback, &[]).await.json();
        let user = userinfo(&platform, tokens["access_token"].as_str().unwrap()).await;
        let mut names: Vec<_> = user.json().as_object().unwrap().keys().cloned().collect();
        names.retain(|name| name != "sub");
        names.sort_unstable();
        assert_eq!(names.join(" "), claims);
    }
}

#[tokio::test]
async fn the_first_way_of_proving_who_one_is_is_the_one_taken() {
    let platform = start().await;
    for (asked, told) in [
        ("", None),
        ("gold", Some("gold")),
        ("gold silver", Some("gold")),
    ] {
        let url = authorize_url(&platform, &[("acr_values", asked)]);
        let callback = platform.log_in(&url, EMAIL, PIN).await.unwrap();
        let tokens = exchange(&platform, &callback, &[]).await.json();
        let id_token = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id_token["acr"].as_str(), told);
    }
}

#[tokio::test]
async fn a_person_has_the_groups_of_the_settings() {
    let platform = start_with_groups([(EMAIL.to_uppercase(), vec!["admins".to_owned()])]).await;
    platform.register_identity("bob@example.com", PIN).unwrap();
    for (email, groups) in [(EMAIL, json!(["admins"])), ("bob@example.com", json!(null))] {
        let url = authorize_url(&platform, &[("scope", "openid")]);
        let callback = platform.log_in(&url, email, PIN).await.unwrap();
        let tokens = exchange(&platform, &callback, &[]).await.json();
        let token = tokens["access_token"].as_str().unwrap();
        assert_eq!(userinfo(&platform, token).await.json()["groups"], groups);
    }
}
