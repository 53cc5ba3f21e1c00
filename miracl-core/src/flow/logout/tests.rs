//! Where a browser is sent to after log-out.

use serde_json::json;
use url::Url;

use super::*;
use crate::{
    Config, LoginOptions, Visit,
    flow::callback::tests::{Login, begin_with, cookies, request},
    probes::provider::Provider,
};

const CALLBACK: &str = "http://127.0.0.1:5000/signed-out";

async fn logged_in(change: impl FnOnce(&mut Config), claim: &str) -> (Login, Visit) {
    let provider = Provider::start().await;
    let mut document = provider.document();
    document["end_session_endpoint"] = json!(format!("{}/end?kept=1", provider.issuer));
    provider.publish(&document);
    let change = |config: &mut Config| {
        config.post_logout_redirect_uri = Some(CALLBACK.to_owned());
        change(config);
    };
    let login = begin_with(provider, LoginOptions::default(), change).await;
    login.grant(&json!({ "long": claim }));
    let visit = login.visit();
    visit.complete_login(&login.query).await.unwrap();
    visit.confirm_login().await.unwrap();
    (login, visit)
}

async fn parameters(visit: &Visit) -> (usize, Vec<(String, String)>) {
    let url = visit.logout().await.unwrap().unwrap();
    let parsed = Url::parse(&url).unwrap();
    (url.len(), parsed.query_pairs().into_owned().collect())
}

fn value<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut found = parameters.iter().filter(|(found, _)| found == name);
    let value = found.next().map(|(_, value)| value.as_str());
    assert_eq!(found.next(), None, "{name} twice");
    value
}

#[tokio::test]
async fn an_id_token_goes_along_while_the_address_stays_short_and_the_rest_always_does() {
    for (len, with) in [
        (100, true),
        (2000, true),
        (2600, true),
        (2800, false),
        (3500, false),
    ] {
        let (_login, visit) = logged_in(|_| {}, &"x".repeat(len)).await;
        let (bytes, parameters) = parameters(&visit).await;
        assert!(bytes <= MAX_ADDRESS, "{bytes}");
        assert_eq!(
            value(&parameters, "id_token_hint").is_some(),
            with,
            "{len}: {bytes}"
        );
        assert_eq!(value(&parameters, "client_id"), Some("client"));
        assert_eq!(
            value(&parameters, "post_logout_redirect_uri"),
            Some(CALLBACK)
        );
        assert!(value(&parameters, "state").is_some());
        assert_eq!(value(&parameters, "kept"), Some("1"));
    }
}

#[tokio::test]
async fn parameters_of_the_apps_own_go_along() {
    let change = |config: &mut Config| {
        config.end_session_parameters = vec![
            (
                "logout_uri".to_owned(),
                "https://app.example/?a=1&b=2".to_owned(),
            ),
            ("federated".to_owned(), String::new()),
        ];
    };
    let (_login, visit) = logged_in(change, "").await;
    let (_, parameters) = parameters(&visit).await;
    assert_eq!(
        value(&parameters, "logout_uri"),
        Some("https://app.example/?a=1&b=2")
    );
    assert_eq!(value(&parameters, "federated"), Some(""));
    assert!(value(&parameters, "id_token_hint").is_some());
}

#[tokio::test]
async fn a_session_that_is_over_for_more_than_a_day_gives_no_hint() {
    let (login, visit) = logged_in(|_| {}, "x").await;
    let cookies = cookies(&visit);
    let absolute = login.miracl.config().session_absolute_timeout;
    let hour = Duration::from_secs(60 * 60);
    for (wait, with) in [
        (absolute + hour, true),
        (22 * hour, true),
        (2 * hour, false),
        (1000 * hour, false),
    ] {
        login.wait(wait);
        let later = login.miracl.visit(&request("/logout", &cookies));
        let (_, parameters) = parameters(&later).await;
        let hint = value(&parameters, "id_token_hint");
        assert_eq!(hint.is_some(), with, "{wait:?}");
        assert!(value(&parameters, "client_id").is_some());
    }
}
