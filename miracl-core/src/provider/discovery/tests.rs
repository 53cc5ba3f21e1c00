//! Which metadata counts, and when it is fetched.

use serde_json::{Value, json};

use super::*;
use crate::base::issuer_template::is_tenant;
use crate::jose::algorithm::SigningAlgorithm;
use crate::probes::provider::Provider;
use crate::provider::issuers::Issuers;

fn check(configured: &str, document: &str) -> Result<ProviderMetadata, ProviderError> {
    let answer = Response {
        status: 200,
        media_type: "application/json".to_owned(),
        body: document.as_bytes().to_vec(),
    };
    let config = Config {
        issuer: configured.to_owned(),
        ..Config::default()
    };
    Discovery::new(&config).check(&answer, false)
}

fn document(issuer: &str, more: &str) -> String {
    format!(
        r#"{{"issuer":"{issuer}","authorization_endpoint":"https://i/a","token_endpoint":"https://i/t","jwks_uri":"https://i/j"{more}}}"#
    )
}

#[test]
fn the_issuer_must_be_the_configured_one_up_to_the_slash_at_its_end() {
    for issuer in ["https://i", "https://i/"] {
        let metadata = check("https://i", &document(issuer, "")).unwrap();
        assert_eq!(metadata.issuer, issuer);
    }
    for issuer in ["https://evil", "https://i/x", "https://I", "http://i"] {
        let error = check("https://i", &document(issuer, "")).unwrap_err();
        assert!(matches!(error, ProviderError::IssuerMismatch { .. }));
    }
}

#[test]
fn a_template_stands_for_its_tenants_and_nobody_else() {
    let allowed = ["abc-1".to_owned()];
    let issuers = |allowed| Issuers::Tenants {
        template: "https://i/{tenantid}/v2.0",
        allowed,
    };
    let any = issuers(&[]);
    assert_eq!(
        any.of_tenant(Some("x")).as_deref(),
        Some("https://i/x/v2.0")
    );
    assert_eq!(any.of_tenant(None), None);
    assert!(any.contains("https://i/abc-2/v2.0"));
    for odd in [
        "https://i//v2.0",
        "https://i/a/b/v2.0",
        "https://i/{tenantid}/v2.0",
        "https://i/a/v2.0/",
        "https://evil/a/v2.0",
        "https://i/v2.0",
    ] {
        assert!(!any.contains(odd), "{odd}");
    }
    assert!(issuers(&allowed).contains("https://i/abc-1/v2.0"));
    assert!(!issuers(&allowed).contains("https://i/abc-2/v2.0"));
    let one = Issuers::One("https://i");
    assert!(one.contains("https://i") && !one.contains("https://i/"));
}

#[test]
fn a_document_without_an_endpoint_says_which() {
    let error = check("https://i", r#"{"issuer":"https://i"}"#).unwrap_err();
    assert!(
        error.to_string().contains("authorization_endpoint"),
        "{error}"
    );
}

#[test]
fn what_is_wrong_with_a_document_names_the_member() {
    let good = document("https://i", "");
    for (name, value, said) in [
        ("issuer", json!(null), "`issuer` is missing"),
        ("issuer", json!(7), "`issuer` is a JSON number"),
        ("issuer", json!(["https://i"]), "`issuer` is a JSON array"),
        ("token_endpoint", json!(null), "`token_endpoint` is missing"),
        (
            "token_endpoint",
            json!({}),
            "`token_endpoint` is a JSON object",
        ),
        (
            "authorization_endpoint",
            json!(true),
            "`authorization_endpoint` is a JSON boolean",
        ),
        (
            "jwks_uri",
            json!(["https://i/j"]),
            "`jwks_uri` is a JSON array",
        ),
        ("jwks_uri", json!(""), "`jwks_uri` is no URL"),
        (
            "userinfo_endpoint",
            json!(7),
            "`userinfo_endpoint` is a JSON number",
        ),
        (
            "userinfo_endpoint",
            json!("/userinfo"),
            "`userinfo_endpoint` is no URL",
        ),
    ] {
        let mut changed: Value = serde_json::from_str(&good).unwrap();
        changed[name] = value;
        let error = check("https://i", &changed.to_string()).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
    let twice = document("https://i", r#","token_endpoint":"https://evil/t""#);
    let error = check("https://i", &twice).unwrap_err();
    let said = "the member `token_endpoint` twice";
    assert!(error.to_string().contains(said), "{error}");
    let twice = document(
        "https://i",
        r#","token_endpoint":"https://i/t","claims_supported":[],"claims_supported":["sub"]"#,
    );
    assert!(check("https://i", &twice).is_ok());
}

#[test]
fn members_that_are_null_or_of_another_type_lock_nobody_out() {
    let read = |name: &str, value: Value| {
        let more = json!({ name: value }).to_string();
        let more = format!(",{}", &more[1..more.len() - 1]);
        check("https://i", &document("https://i", &more)).unwrap()
    };
    for name in [
        "userinfo_endpoint",
        "end_session_endpoint",
        "token_endpoint_auth_methods_supported",
        "id_token_signing_alg_values_supported",
        "authorization_response_iss_parameter_supported",
        "scopes_supported",
    ] {
        let metadata = read(name, Value::Null);
        assert_eq!(metadata.userinfo_endpoint, None);
        assert_eq!(metadata.end_session_endpoint, None);
        assert_eq!(metadata.token_endpoint_auth_methods_supported, None);
        assert_eq!(metadata.signing_algorithms(), [SigningAlgorithm::RS256]);
        assert!(!metadata.authorization_response_iss_parameter_supported);
    }
    assert_eq!(read("userinfo_endpoint", json!("")).userinfo_endpoint, None);
    for (value, expected) in [
        (json!(true), true),
        (json!("true"), true),
        (json!("True"), true),
        (json!(1), true),
        (json!("1"), true),
        (json!(false), false),
        (json!("false"), false),
        (json!(0), false),
        (json!("yes"), false),
        (json!([]), false),
    ] {
        let metadata = read("authorization_response_iss_parameter_supported", value);
        let found = metadata.authorization_response_iss_parameter_supported;
        assert_eq!(found, expected);
    }
    for (value, expected) in [
        (json!("ES256"), &[SigningAlgorithm::ES256][..]),
        (
            json!("ES256 RS256"),
            &[SigningAlgorithm::ES256, SigningAlgorithm::RS256],
        ),
        (json!(["ES256", 7, null, {}]), &[SigningAlgorithm::ES256]),
        (json!({ "ES256": true }), &[SigningAlgorithm::RS256]),
        (json!(256), &[SigningAlgorithm::RS256]),
        (json!([]), &[SigningAlgorithm::RS256]),
        (
            json!(["Ed25519", "ESP384"]),
            &[SigningAlgorithm::EdDSA, SigningAlgorithm::ES384],
        ),
    ] {
        let metadata = read("id_token_signing_alg_values_supported", value);
        assert_eq!(metadata.signing_algorithms(), expected);
    }
    for (value, expected) in [
        (json!("client_secret_post"), Some("client_secret_post")),
        (json!(["client_secret_post", 7]), Some("client_secret_post")),
        (json!(7), None),
        (json!({}), None),
    ] {
        let metadata = read("token_endpoint_auth_methods_supported", value);
        let found = metadata.token_endpoint_auth_methods_supported;
        let expected = expected.map(|method| vec![method.to_owned()]);
        assert_eq!(found, expected);
    }
    for name in [
        "scopes_supported",
        "response_types_supported",
        "service_documentation",
    ] {
        read(name, json!({ "odd": [1] }));
    }
}

#[test]
fn an_address_for_log_out_that_cannot_be_used_counts_as_none() {
    for (value, usable) in [
        (json!("https://i/out"), true),
        (json!(""), false),
        (json!("/out"), false),
        (json!("not a url"), false),
        (json!("http://i/out"), false),
        (json!("http://127.0.0.1/out"), false),
        (json!("javascript:alert(1)"), false),
        (json!(["https://i/out"]), false),
        (json!(7), false),
    ] {
        let config = Config {
            issuer: "https://i".to_owned(),
            ..Config::default()
        };
        let discovery = Discovery::new(&config);
        let more = format!(r#","end_session_endpoint":{value}"#);
        let answer = Response {
            status: 200,
            media_type: "application/json".to_owned(),
            body: document("https://i", &more).into_bytes(),
        };
        let metadata = discovery.check(&answer, false).unwrap();
        assert_eq!(metadata.end_session_endpoint.is_some(), usable, "{value}");
        let has_warned = discovery.has_warned.load(Ordering::Relaxed);
        assert_eq!(has_warned, !usable, "{value}");
    }
}

#[test]
fn http_on_loopback_is_for_a_provider_that_is_there_itself() {
    let endpoints = [
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "userinfo_endpoint",
    ];
    let loopback = [
        "http://127.0.0.1:1/x",
        "http://127.8.8.8/x",
        "http://localhost/x",
        "http://a.localhost/x",
        "http://[::1]/x",
    ];
    for (issuer, allowed) in [
        ("https://i", false),
        ("https://localhost.example", false),
        ("http://127.0.0.1:1", true),
        ("http://localhost:1", true),
        ("http://[::1]:1", true),
        ("https://localhost", true),
    ] {
        for endpoint in endpoints {
            for url in loopback {
                let mut changed: Value = serde_json::from_str(&document(issuer, "")).unwrap();
                changed[endpoint] = json!(url);
                match check(issuer, &changed.to_string()) {
                    Ok(_) => assert!(allowed, "{issuer} {endpoint} {url}"),
                    Err(ProviderError::Insecure { endpoint: found }) => {
                        assert!(!allowed && found == endpoint, "{issuer} {endpoint} {url}");
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            // On https it is as good as any other.
            let mut changed: Value = serde_json::from_str(&document(issuer, "")).unwrap();
            changed[endpoint] = json!("https://127.0.0.1/x");
            assert!(check(issuer, &changed.to_string()).is_ok());
        }
    }
}

#[test]
fn no_danger_makes_another_scheme_an_endpoint() {
    let config = Config {
        issuer: "https://i".to_owned(),
        ..Config::default()
    };
    for (url, taken) in [
        ("http://i/u", true),
        ("ftp://i/u", false),
        ("file:///u", false),
    ] {
        let more = format!(r#","userinfo_endpoint":"{url}""#);
        let answer = Response {
            status: 200,
            media_type: "application/json".to_owned(),
            body: document("https://i", &more).into_bytes(),
        };
        let checked = Discovery::new(&config).check(&answer, true);
        assert_eq!(checked.is_ok(), taken, "{url}");
    }
}

#[test]
fn a_document_with_an_unusable_endpoint_is_not_kept() {
    let userinfo = |url: &str| {
        let more = format!(r#","userinfo_endpoint":"{url}""#);
        check("https://i", &document("https://i", &more))
    };
    assert!(userinfo("https://i/u").is_ok());
    let error = userinfo("not a url").unwrap_err();
    assert!(matches!(error, ProviderError::Malformed { .. }));
    let error = userinfo("http://i/u").unwrap_err();
    assert!(
        matches!(error, ProviderError::Insecure { endpoint } if endpoint == "userinfo_endpoint")
    );
}

#[test]
fn offered_algorithms_are_cut_down_to_asymmetric_ones_and_default_to_rs256() {
    let algorithms = |list: &str| {
        let more = format!(r#","id_token_signing_alg_values_supported":{list}"#);
        check("https://i", &document("https://i", &more))
            .unwrap()
            .signing_algorithms()
    };
    assert_eq!(
        algorithms(r#"["none","HS256","ES256","RS256","XX1"]"#),
        [SigningAlgorithm::ES256, SigningAlgorithm::RS256]
    );
    assert_eq!(algorithms(r#"["none","HS256"]"#), [SigningAlgorithm::RS256]);
}

#[test]
fn a_tenants_id_is_a_short_word() {
    for (text, right) in [
        ("a", true),
        ("9188040d-6c67-4c5b-b112-36a304b66dad", true),
        (&*"x".repeat(64), true),
        (&*"x".repeat(65), false),
        ("", false),
        ("a.b", false),
        ("a/b", false),
        ("a b", false),
        ("a%2f", false),
        ("é", false),
    ] {
        assert_eq!(is_tenant(text), right, "{text}");
    }
}

#[test]
fn http_off_loopback_is_for_those_who_allowed_it() {
    let document = document("https://i", r#","userinfo_endpoint":"http://i/u""#);
    let answer = Response {
        status: 200,
        media_type: "application/json".to_owned(),
        body: document.into_bytes(),
    };
    let config = Config {
        issuer: "https://i".to_owned(),
        ..Config::default()
    };
    let discovery = Discovery::new(&config);
    assert!(discovery.check(&answer, true).is_ok());
    assert!(discovery.check(&answer, false).is_err());
}

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

#[tokio::test]
async fn the_document_of_another_issuer_names_both_settings() {
    let error = check("https://i", &document("https://other", "")).unwrap_err();
    let text = error.to_string();
    for part in [
        "`https://i`",
        "`https://other`",
        "`issuer`",
        "`metadata_url`",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
