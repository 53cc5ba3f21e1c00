//! When the metadata is fetched, and where from.

use serde_json::json;

use super::*;
use crate::{probes::provider::Provider, provider::issuers::Issuers};

const PATH: &str = "/.well-known/openid-configuration";

fn discovery(provider: &Provider) -> (Arc<Discovery>, HttpClient) {
    let config = Config {
        // With the slash that people add.
        issuer: format!("{}/", provider.issuer),
        ..Config::default()
    };
    (Discovery::new(&config), HttpClient::new(&config).unwrap())
}

#[tokio::test]
async fn metadata_is_fetched_once_and_known_from_then_on() {
    let provider = Provider::start().await;
    let (discovery, http) = discovery(&provider);
    assert!(discovery.known().is_none());
    for _ in 0..3 {
        let metadata = discovery.metadata(&http).await.unwrap();
        assert_eq!(metadata.issuer, provider.issuer);
        discovery.metadata_for_login(&http).await.unwrap();
    }
    assert_eq!(discovery.known().unwrap().issuer, provider.issuer);
    assert_eq!(provider.asked(PATH).len(), 1);
}

#[tokio::test]
async fn a_provider_that_is_ill_is_asked_three_times_and_one_that_has_no_metadata_once() {
    for (status, times) in [(503, 3), (404, 1), (204, 1)] {
        let provider = Provider::start().await;
        let (discovery, http) = discovery(&provider);
        provider.say_as(PATH, status, "text/plain", "");
        let error = discovery.metadata(&http).await.unwrap_err();
        let found = matches!(error, ProviderError::Status { status: found, .. } if found == status);
        assert!(found, "{error}");
        assert_eq!(provider.asked(PATH).len(), times, "{status}");
        assert!(discovery.known().is_none());
    }
}

#[tokio::test]
async fn what_the_provider_says_of_another_issuer_is_not_kept() {
    let provider = Provider::start().await;
    let mut document = provider.document();
    document["issuer"] = json!("https://other.example");
    provider.publish(&document);
    let (discovery, http) = discovery(&provider);
    let error = discovery.metadata(&http).await.unwrap_err();
    assert!(
        matches!(error, ProviderError::IssuerMismatch { .. }),
        "{error}"
    );
    assert!(discovery.known().is_none());
}

#[tokio::test]
async fn the_probe_before_a_login_survives_a_reset_of_the_connection_it_uses_again() {
    let provider = Provider::start().await;
    let (discovery, http) = discovery(&provider);
    discovery.ask(&http).await.unwrap();
    provider.reset_what_is_used_again();
    discovery.ask(&http).await.unwrap();
    assert_eq!((provider.asked(PATH).len(), provider.connections()), (2, 2));
}

#[tokio::test]
async fn a_connection_that_breaks_and_was_new_is_no_reason_to_ask_at_once_again() {
    let provider = Provider::start().await;
    let (discovery, http) = discovery(&provider);
    provider.say_as(PATH, 0, "", "");
    for times in 1..=2 {
        assert!(discovery.ask(&http).await.is_err());
        assert_eq!(provider.asked(PATH).len(), times);
    }
}

#[tokio::test]
async fn a_document_that_is_elsewhere_is_found_there_and_the_issuer_is_what_tokens_carry() {
    for (issuer, found) in [
        // Oracle, Azure AD B2C and FusionAuth: another address than the issuer's, which may be none at all.
        ("https://identity.example/", "https://identity.example/"),
        ("acme.example", "acme.example"),
        // Apple, for a while: the document had a new name, and the tokens the old one.
        ("https://old.example", "https://new.example"),
    ] {
        let provider = Provider::start().await;
        let mut document = provider.document();
        document["issuer"] = json!(found);
        provider.publish(&json!({}));
        provider.say("/a/policy/metadata?p=1", &document.to_string());
        let config = Config {
            issuer: issuer.to_owned(),
            metadata_url: Some(format!("{}/a/policy/metadata?p=1", provider.issuer)),
            ..Config::default()
        };
        let discovery = Discovery::new(&config);
        let http = HttpClient::new(&config).unwrap();
        let metadata = discovery.metadata(&http).await.unwrap();
        let issuers = Issuers::new(&config, &metadata);
        assert_eq!(issuers.written(), issuer);
        assert!(issuers.contains(issuer) && !issuers.contains(&format!("{issuer}/")));
        assert_eq!(issuers.contains(found), issuer == found);
        assert_eq!(provider.asked(PATH).len(), 0);
    }
}

#[tokio::test]
async fn a_template_goes_with_a_document_that_is_elsewhere() {
    let provider = Provider::start().await;
    let mut document = provider.document();
    document["issuer"] = json!("https://i.example/{tenantid}/v2.0");
    provider.say("/elsewhere", &document.to_string());
    let config = Config {
        issuer: "https://i.example/common/v2.0".to_owned(),
        metadata_url: Some(format!("{}/elsewhere", provider.issuer)),
        issuer_template: Some("https://i.example/{tenantid}/v2.0".to_owned()),
        ..Config::default()
    };
    let http = HttpClient::new(&config).unwrap();
    let metadata = Discovery::new(&config).metadata(&http).await.unwrap();
    let issuers = Issuers::new(&config, &metadata);
    assert!(issuers.contains("https://i.example/abc/v2.0"));
    assert!(!issuers.contains("https://i.example/v2.0"));
}
