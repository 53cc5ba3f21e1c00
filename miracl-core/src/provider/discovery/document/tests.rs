//! Which documents are accepted, and what is read from them.

use serde_json::{Value, json};

use super::*;
use crate::jose::algorithm::SigningAlgorithm;

fn check(configured: &str, document: &str) -> Result<ProviderMetadata, ProviderError> {
    let response = Response {
        status: 200,
        media_type: "application/json".to_owned(),
        body: document.as_bytes().to_vec(),
    };
    let config = Config {
        issuer: configured.to_owned(),
        ..Config::default()
    };
    MetadataDocument::new(&config).read(&response, false)
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
        let read_by = MetadataDocument::new(&config);
        let more = format!(r#","end_session_endpoint":{value}"#);
        let response = Response {
            status: 200,
            media_type: "application/json".to_owned(),
            body: document("https://i", &more).into_bytes(),
        };
        let metadata = read_by.read(&response, false).unwrap();
        assert_eq!(metadata.end_session_endpoint.is_some(), usable, "{value}");
        let has_warned = read_by.has_warned_of_logout.load(Ordering::Relaxed);
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
        let response = Response {
            status: 200,
            media_type: "application/json".to_owned(),
            body: document("https://i", &more).into_bytes(),
        };
        let checked = MetadataDocument::new(&config).read(&response, true);
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
fn http_off_loopback_is_for_those_who_allowed_it() {
    let text = document("https://i", r#","userinfo_endpoint":"http://i/u""#);
    let response = Response {
        status: 200,
        media_type: "application/json".to_owned(),
        body: text.into_bytes(),
    };
    let config = Config {
        issuer: "https://i".to_owned(),
        ..Config::default()
    };
    let document = MetadataDocument::new(&config);
    assert!(document.read(&response, true).is_ok());
    assert!(document.read(&response, false).is_err());
}

#[test]
fn the_document_of_another_issuer_names_both_settings() {
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
