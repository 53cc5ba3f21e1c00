//! Settings are read from a file, and each mistake is named.

mod containers;
mod secrets;

use super::*;
use crate::{
    config::{credentials, options::Pkce},
    jose::algorithm::SigningAlgorithm,
};

fn from_json(text: &str) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("miracl.json");
    std::fs::write(&path, text).unwrap();
    Config::from_file(&path)
}

/// Reads a file's settings and variables.
fn from_both(file: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variable = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| OsString::from(value))
    };
    read_with(&Figment::from(Json::string(file)), "miracl.json", &variable)
}

fn from_env(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    from_both("{}", variables)
}

#[test]
fn the_tornado_sdks_file_is_read() {
    let config = from_json(
        r#"{"client_id":"id","secret":"s","redirect_uri":"http://127.0.0.1:5000/c2id","issuer":"https://i.example"}"#,
    )
    .unwrap();
    assert_eq!(config.client_id, "id");
    assert_eq!(config.client_secret.expose(), "s");
    assert!(config.client_secret.is_from_clear_text());
    assert_eq!(config.redirect_uri, "http://127.0.0.1:5000/c2id");
    assert_eq!(config.issuer, "https://i.example");
    assert_eq!(config.scopes, ["openid", "email"]);
}

#[test]
fn client_secret_is_another_name_for_secret_and_scopes_may_be_a_list() {
    let config =
        from_json(r#"{"client_secret":"s","scopes":["openid","dvs"],"pkce":"off"}"#).unwrap();
    assert_eq!(config.client_secret.expose(), "s");
    assert_eq!(config.scopes, ["openid", "dvs"]);
    assert_eq!(config.pkce, Pkce::Off);
}

#[test]
fn every_mistake_is_named_at_once() {
    let error = from_json(
        r#"{"pkce":"maybe","session_store":"redis://:hunter2@","cookie_keys":"short","proxy_host":"p","development":"x",
            "token_endpoint_auth_method":"tls_client_auth","response_mode":"fragment","client_jwk_file":"k"}"#,
    )
    .unwrap_err();
    let keys: Vec<&str> = error.problems().iter().map(|p| p.key.as_str()).collect();
    for key in [
        "pkce",
        "session_store",
        "cookie_keys",
        "proxy_port",
        "development",
        "token_endpoint_auth_method",
        "response_mode",
        "client_jwk_file",
    ] {
        assert!(keys.contains(&key), "{key} is missing in {keys:?}");
    }
    assert!(!error.to_string().contains("hunter2"));
    assert!(error.to_string().contains("openssl rand -base64 32"));
}

#[test]
fn an_algorithm_is_known_by_each_of_its_names_and_a_shared_key_is_refused_on_purpose() {
    for key in [
        "id_token_signed_response_alg",
        "userinfo_signed_response_alg",
    ] {
        let config = |name: &str| from_json(&format!(r#"{{"{key}":"{name}"}}"#));
        for (name, algorithm) in [
            ("EdDSA", SigningAlgorithm::EdDSA),
            ("Ed25519", SigningAlgorithm::EdDSA),
            ("ESP256", SigningAlgorithm::ES256),
        ] {
            let config = config(name).unwrap();
            let found = config
                .id_token_signed_response_alg
                .or(config.userinfo_signed_response_alg);
            assert_eq!(found, Some(algorithm), "{name}");
        }
        for (name, why) in [
            (
                "HS256",
                "`HS256` is not accepted here: shared-key signature",
            ),
            ("none", "`none` is not accepted here: no signature"),
            ("ES512", "`ES512` is not known"),
        ] {
            let error = config(name).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("RS256"), "{error}");
        }
    }
}

#[test]
fn a_session_store_that_is_not_known_is_named_without_its_password() {
    for (value, shown) in [
        ("postgres://:hunter2@h", "`postgres` is not known"),
        ("memory:hunter2", "`memory` is not known"),
        ("cookies", "`cookies` is not known"),
    ] {
        let json = serde_json::json!({ "session_store": value });
        let error = from_json(&json.to_string()).unwrap_err().to_string();
        assert!(error.contains(shown), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[cfg(feature = "redis")]
#[test]
fn redis_is_taken_by_its_url_and_a_wrong_one_is_named_as_it_was_set() {
    let config = from_json(r#"{"session_store":"redis://:hunter2@h","cookie_prefix":"app"}"#);
    let config = config.unwrap();
    assert_eq!(config.session_store.kept_in().unwrap().place(), "Redis");
    for url in [
        "redis+sentinel://:hunter2@h,i/main/3?sentinel_password=hunter2",
        "Redis+Cluster://:hunter2@h,i",
    ] {
        let config = from_json(&format!(r#"{{"session_store":"{url}"}}"#)).unwrap();
        assert_eq!(config.session_store.kept_in().unwrap().place(), "Redis");
    }
    for url in ["rediss://h", "rediss+sentinel://h/main"] {
        let error = from_json(&format!(
            r#"{{"session_store":"{url}","ca_cert":"/nowhere"}}"#
        ));
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with("ca_cert: "), "{error}");
    }
    for (url, says) in [
        (
            "redis+sentinel://:hunter2@h",
            "redis+sentinel://[user:password@]",
        ),
        ("rediss+cluster://:hunter2@h", "a cluster behind TLS"),
        ("redis+unix:///hunter2", "`redis+unix` is not known"),
    ] {
        let error = from_json(&format!(r#"{{"session_store":"{url}"}}"#));
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with("session_store: "), "{error}");
        assert!(error.contains(says), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[cfg(not(feature = "redis"))]
#[test]
fn redis_without_its_feature_is_refused_with_the_features_name() {
    let error = from_json(r#"{"session_store":"redis://:hunter2@h"}"#).unwrap_err();
    assert!(error.to_string().contains("feature `redis`"), "{error}");
    assert!(!error.to_string().contains("hunter2"));
}

#[test]
fn a_file_that_is_no_object_or_not_there_is_named() {
    assert!(
        from_json("[]")
            .unwrap_err()
            .to_string()
            .contains("miracl.json")
    );
    assert!(
        from_json("{")
            .unwrap_err()
            .to_string()
            .contains("miracl.json")
    );
    let error = Config::from_file("/nowhere/miracl.json").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("/nowhere/miracl.json: cannot be read")
    );
}

#[test]
fn the_table_in_the_documentation_names_every_setting() {
    let source = include_str!("../load.rs");
    assert!(source.contains("`redirect_uri`, `redirect_url` | `REDIRECT_URL`, `REDIRECT_URI`"));
    for (key, variable) in SETTINGS {
        let documented = source
            .lines()
            .filter(|line| line.trim_start().starts_with("/// |"))
            .any(|line| {
                line.contains(&format!("`{key}`")) && line.contains(&format!("`{variable}`"))
            });
        assert!(documented, "{key} is not documented");
    }
}

#[test]
fn parameters_of_the_log_out_are_an_object_or_a_query() {
    let wanted = [(
        "logout_uri".to_owned(),
        "https://app.example/?a=1".to_owned(),
    )];
    for text in [
        r#"{"end_session_parameters":{"logout_uri":"https://app.example/?a=1"}}"#,
        r#"{"end_session_parameters":"logout_uri=https%3A%2F%2Fapp.example%2F%3Fa%3D1"}"#,
    ] {
        assert_eq!(
            from_json(text).unwrap().end_session_parameters,
            wanted,
            "{text}"
        );
    }
    for wrong in [r#"{"logout_uri":1}"#, r#"["logout_uri"]"#] {
        let error = from_json(&format!(r#"{{"end_session_parameters":{wrong}}}"#)).unwrap_err();
        assert_eq!(error.problems()[0].key, "end_session_parameters", "{wrong}");
    }
}

#[test]
fn the_danger_is_off_and_can_be_set() {
    assert!(!from_json("{}").unwrap().danger.allow_http);
    for (value, allowed) in [("true", true), ("\"1\"", true), ("false", false)] {
        let config = from_json(&format!(r#"{{"danger_allow_http":{value}}}"#)).unwrap();
        assert_eq!(config.danger.allow_http, allowed, "{value}");
    }
    assert!(from_json(r#"{"danger_allow_http":"yes"}"#).is_err());
}

#[test]
fn a_byte_order_mark_before_a_file_is_taken_off() {
    let config = from_json("\u{feff}{\"client_id\":\"id\"}").unwrap();
    assert_eq!(config.client_id, "id");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "\u{feff}a secret\r\n").unwrap();
    assert_eq!(credentials::read(file.path()).unwrap(), "a secret");
}
