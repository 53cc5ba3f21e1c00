//! An app that logs people in at the platform, without being one.

use std::collections::HashMap;

use miracl_platform::{Client, Platform, PlatformConfig};
use serde_json::Value;
use url::Url;

use crate::http::{self, Answer};

pub(crate) const CALLBACK: &str = "http://127.0.0.1:5000/login";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const EMAIL: &str = "alice@example.com";
pub(crate) const PIN: &str = "1234";

/// Starts a platform with one app and one person.
pub(crate) async fn start() -> Platform {
    start_with_groups([]).await
}

/// Starts a platform with one app and one person, and with people in groups.
pub(crate) async fn start_with_groups<const N: usize>(
    groups: [(String, Vec<String>); N],
) -> Platform {
    let mut client = Client::new("app", "s3cret", CALLBACK);
    client.name = "Demo".to_owned();
    client.post_logout_redirect_uris = vec!["http://127.0.0.1:5000/signed-out".to_owned()];
    let config = PlatformConfig {
        clients: vec![client],
        groups: groups.into(),
        ..PlatformConfig::default()
    };
    let platform = Platform::start(config).await.unwrap();
    platform.register_identity(EMAIL, PIN).unwrap();
    platform
}

/// A correct authorization URL, apart from `changes`.
pub(crate) fn authorize_url(platform: &Platform, changes: &[(&str, &str)]) -> String {
    let mut params = HashMap::from([
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid email something-else"),
        ("state", "st&te"),
        ("nonce", "n0nce"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    params.extend(changes.iter().copied());
    let url = format!("{}/authorize", platform.issuer());
    Url::parse_with_params(&url, params).unwrap().into()
}

pub(crate) fn params(callback: &str) -> HashMap<String, String> {
    assert!(callback.starts_with(&format!("{CALLBACK}?")), "{callback}");
    Url::parse(callback)
        .unwrap()
        .query_pairs()
        .into_owned()
        .collect()
}

pub(crate) async fn exchange(
    platform: &Platform,
    callback: &str,
    changes: &[(&str, &str)],
) -> Answer {
    let code = params(callback)["code"].clone();
    let mut form = HashMap::from([
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("client_id", "app"),
        ("client_secret", "s3cret"),
        ("code_verifier", VERIFIER),
    ]);
    form.extend(changes.iter().copied());
    let form: Vec<_> = form
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect();
    http::post(&format!("{}/oidc/token", platform.issuer()), &[], &form).await
}

pub(crate) async fn userinfo(platform: &Platform, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    http::get(
        &format!("{}/oidc/userinfo", platform.issuer()),
        &[("authorization", &bearer)],
    )
    .await
}

pub(crate) async fn log_in(platform: &Platform) -> String {
    platform
        .log_in(&authorize_url(platform, &[]), EMAIL, PIN)
        .await
        .unwrap()
}

pub(crate) fn claims(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64_simd::URL_SAFE_NO_PAD.decode_to_vec(claims).unwrap()).unwrap()
}

/// Returns the key set.
pub(crate) async fn certs(platform: &Platform) -> Value {
    let url = format!("{}/oidc/certs", platform.issuer());
    http::get(&url, &[]).await.json()
}
