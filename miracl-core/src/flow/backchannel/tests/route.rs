//! What the back channel does with a logout token.

use serde_json::Value;

use super::*;
use crate::{
    LoginOptions,
    flow::callback::tests::{Login, begin_with, cookies, request},
    jose::algorithm::SigningAlgorithm,
    probes::provider::Provider,
    web::{request::tests::Request, route::Route},
};

/// Somebody who is logged in, with the cookies that show it.
async fn logged_in(change: impl FnOnce(&mut crate::Config)) -> (Login, String) {
    let login = begin_with(Provider::start().await, LoginOptions::default(), change).await;
    login.grant(&json!({ "sid": "session-1" }));
    let visit = login.visit();
    visit.complete_login(&login.query).await.unwrap();
    visit.confirm_login().await.unwrap();
    let cookies = cookies(&visit);
    (login, cookies)
}

/// A good token of the provider's for this client, with one claim changed.
fn token(login: &Login, claim: &str, value: Value) -> Value {
    let mut claims = with(claim, value);
    let issuer = claims["iss"] == "https://issuer.example";
    if issuer {
        claims["iss"] = json!(login.provider.issuer);
    }
    for (name, ahead) in [("iat", 0), ("exp", 120)] {
        claims[name] = json!(login.now() + ahead);
    }
    claims
}

/// Posts a token, and returns the status of the answer and who was logged out.
async fn post(login: &Login, claims: &Value) -> (u16, Option<LogoutKind>) {
    let raw = login.provider.signer.sign(&header(), &claims.to_string());
    post_form(login, Some(format!("logout_token={raw}").as_bytes())).await
}

async fn post_form(login: &Login, form: Option<&[u8]>) -> (u16, Option<LogoutKind>) {
    let request = Request::post("/backchannel-logout")
        .with("content-type", "application/x-www-form-urlencoded");
    let visit = login.miracl.visit(&request);
    let (reply, kind) = match visit.answer(Route::BackChannelLogout, &request, form).await {
        Answer::Reply(reply) => (reply, None),
        Answer::LoggedOut(kind, reply) => (reply, Some(kind)),
        other => panic!("{other:?}"),
    };
    let no_store = ("cache-control", "no-store".to_owned());
    assert!(reply.headers.contains(&no_store), "{reply:?}");
    (reply.status, kind)
}

async fn is_in(login: &Login, cookies: &str) -> bool {
    let visit = login.miracl.visit(&request("/", cookies));
    visit.is_authenticated().await.unwrap()
}

#[tokio::test]
async fn a_token_ends_the_session_it_names_and_is_used_once() {
    let (login, cookies) = logged_in(|_| {}).await;
    assert!(is_in(&login, &cookies).await);
    let claims = token(&login, "more", json!(1));
    let (status, kind) = post(&login, &claims).await;
    let named = matches!(
        kind,
        Some(LogoutKind::BackChannel { issuer, sub, sid })
            if issuer == login.provider.issuer
                && sub.as_deref() == Some("alice")
                && sid.as_deref() == Some("session-1")
    );
    assert!(status == 200 && named);
    assert!(!is_in(&login, &cookies).await);
    let (status, kind) = post(&login, &claims).await;
    assert!(status == 400 && kind.is_none());
}

#[tokio::test]
async fn a_token_without_a_session_ends_all_of_the_person() {
    let (login, cookies) = logged_in(|_| {}).await;
    let other = token(&login, "sid", json!("session-2"));
    assert_eq!(post(&login, &other).await.0, 200);
    assert!(is_in(&login, &cookies).await, "another session was ended");
    let mut of_person = token(&login, "sid", Value::Null);
    of_person["jti"] = json!("token-2");
    assert_eq!(post(&login, &of_person).await.0, 200);
    assert!(!is_in(&login, &cookies).await);
}

#[tokio::test]
async fn a_token_that_is_refused_ends_nothing() {
    let (login, cookies) = logged_in(|_| {}).await;
    for claims in [
        token(&login, "aud", json!("another-client")),
        token(&login, "iss", json!("https://other.example")),
        token(&login, "nonce", json!("n")),
        token(&login, "events", json!({})),
    ] {
        assert_eq!(post(&login, &claims).await.0, 400, "{claims}");
    }
    let good = token(&login, "more", json!(1)).to_string();
    let stranger = Provider::start().await.signer.sign(&header(), &good);
    let forms = [
        Some(format!("logout_token={stranger}").into_bytes()),
        Some(b"logout_token=hello".to_vec()),
        Some(Vec::new()),
        None,
    ];
    for form in forms {
        assert_eq!(post_form(&login, form.as_deref()).await.0, 400);
    }
    assert!(is_in(&login, &cookies).await);
}

#[tokio::test]
async fn a_token_is_signed_with_the_registered_algorithm() {
    let registered = |config: &mut crate::Config| {
        config.id_token_signed_response_alg = Some(SigningAlgorithm::RS256);
    };
    let login = begin_with(Provider::start().await, LoginOptions::default(), registered).await;
    assert_eq!(post(&login, &token(&login, "more", json!(1))).await.0, 400);
    let same = |config: &mut crate::Config| {
        config.id_token_signed_response_alg = Some(SigningAlgorithm::ES256);
    };
    let login = begin_with(Provider::start().await, LoginOptions::default(), same).await;
    assert_eq!(post(&login, &token(&login, "more", json!(1))).await.0, 200);
}

#[tokio::test]
async fn a_client_that_saw_one_algorithm_takes_no_other() {
    let provider = Provider::start().await;
    let mut document = provider.document();
    document["id_token_signing_alg_values_supported"] = json!(["RS256", "ES256"]);
    provider.publish(&document);
    let login = begin_with(provider, LoginOptions::default(), |_| {}).await;
    let first = token(&login, "more", json!(1));
    assert_eq!(post(&login, &first).await.0, 200);
    let provider = login.miracl.engine().provider();
    provider.record_algorithm(SigningAlgorithm::RS256);
    let mut second = first;
    second["jti"] = json!("token-2");
    assert_eq!(post(&login, &second).await.0, 400);
    provider.record_algorithm(SigningAlgorithm::ES256);
    assert_eq!(post(&login, &second).await.0, 200);
}

#[tokio::test]
async fn a_login_shows_with_which_algorithm_the_provider_signs() {
    let (login, _) = logged_in(|_| {}).await;
    let provider = login.miracl.engine().provider();
    let mut metadata = (*provider.metadata().await.unwrap()).clone();
    metadata.id_token_signing_alg_values_supported = vec!["RS256".into(), "ES256".into()];
    let allowed = provider.logout_token_algorithms(&metadata);
    assert_eq!(allowed, [SigningAlgorithm::ES256]);
}

#[tokio::test]
async fn a_token_ends_the_session_whose_name_is_a_number() {
    let login = begin_with(Provider::start().await, LoginOptions::default(), |_| {}).await;
    login.grant(&json!({ "sid": 4711 }));
    let visit = login.visit();
    visit.complete_login(&login.query).await.unwrap();
    visit.confirm_login().await.unwrap();
    let cookies = cookies(&visit);
    let mut other = token(&login, "sid", json!(4712));
    other["jti"] = json!("token-2");
    for claims in [&mut other, &mut token(&login, "sid", json!(4711))] {
        claims.as_object_mut().unwrap().remove("sub");
        assert!(is_in(&login, &cookies).await);
        assert_eq!(post(&login, claims).await.0, 200);
    }
    assert!(!is_in(&login, &cookies).await);
}
