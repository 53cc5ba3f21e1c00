//! Each mistake in a configuration is named by the key of its setting.

use std::time::Duration;

use super::{values::MAX_DURATION, *};
use crate::{
    CookieKey,
    config::{
        options::ClientAuthMethod,
        session_claims::{KeepClaims, SessionClaims},
    },
};

fn good() -> Config {
    Config {
        issuer: "https://issuer.example".into(),
        client_id: "id".into(),
        client_secret: "secret".into(),
        redirect_uri: "https://app.example/login".into(),
        post_logout_redirect_uri: Some("https://app.example/signed-out".into()),
        cookie_keys: vec![CookieKey::generate()],
        ..Config::default()
    }
}

fn problems(config: Config) -> Vec<String> {
    match config.parse() {
        Ok(_) => Vec::new(),
        Err(error) => error.problems().iter().map(|p| p.key.clone()).collect(),
    }
}

#[test]
fn a_good_configuration_is_taken_apart() {
    let checked = good().parse().unwrap();
    assert_eq!(checked.callback_path, "/login");
    assert_eq!(checked.signed_out_path.as_deref(), Some("/signed-out"));
    assert_eq!(checked.allowed_origins, ["https://app.example"]);
    assert!(checked.secure && !checked.development);
}

#[test]
fn an_empty_configuration_names_everything_that_is_missing() {
    assert_eq!(
        problems(Config::default()),
        [
            "issuer",
            "client_id",
            "client_secret",
            "cookie_keys",
            "redirect_uri"
        ]
    );
}

#[test]
fn the_untouched_template_counts_as_missing() {
    let config = Config {
        client_id: "CLIENT_ID".into(),
        client_secret: "CLIENT_SECRET".into(),
        ..good()
    };
    assert_eq!(problems(config), ["client_id", "client_secret"]);
}

#[test]
fn the_pasted_address_of_the_discovery_document_is_trimmed_to_the_issuer() {
    let config = Config {
        issuer: "https://issuer.example/x/.well-known/openid-configuration".into(),
        ..good()
    };
    assert_eq!(
        config.parse().unwrap().config.issuer,
        "https://issuer.example/x"
    );
}

#[test]
fn with_an_address_of_the_metadata_the_issuer_is_whatever_tokens_carry() {
    for (issuer, metadata_url) in [
        (
            "acme.com",
            "https://i.example/.well-known/openid-configuration",
        ),
        ("https://i.example/", "https://other.example/x?p=signin"),
        ("http://i.example", "https://i.example/metadata"),
        ("https://i.example/?q", "http://127.0.0.1:8080/metadata"),
    ] {
        let config = Config {
            issuer: issuer.into(),
            metadata_url: Some(format!(" {metadata_url}\n")),
            ..good()
        };
        let checked = config.parse().unwrap().config;
        assert_eq!(checked.issuer, issuer);
        assert_eq!(checked.metadata_url.as_deref(), Some(metadata_url));
    }
    // Without an address of the metadata, the error names that setting.
    let config = Config {
        issuer: "acme.com".into(),
        ..good()
    };
    let told = config.parse().unwrap_err().to_string();
    assert!(told.contains("metadata_url"), "{told}");
    // A network without https.
    let mut config = Config {
        metadata_url: Some("http://keycloak:8080/metadata".into()),
        ..good()
    };
    let told = config.clone().parse().unwrap_err().to_string();
    assert!(told.contains("danger_allow_http"), "{told}");
    config.danger.allow_http = true;
    assert!(problems(config).is_empty());
}

#[test]
fn http_is_for_loopback_unless_the_danger_is_accepted() {
    let http = |uri: &str| Config {
        redirect_uri: uri.into(),
        post_logout_redirect_uri: None,
        ..good()
    };
    assert!(problems(http("http://127.0.0.1:5000/login")).is_empty());
    assert!(problems(http("http://localhost/login")).is_empty());
    assert_eq!(problems(http("http://app.example/login")), ["redirect_uri"]);
    let mut config = http("http://app.example/login");
    config.danger.allow_http = true;
    assert!(problems(config).is_empty());
    let config = Config {
        issuer: "http://issuer.example".into(),
        ..good()
    };
    assert_eq!(problems(config), ["issuer"]);
}

#[test]
fn each_wrong_value_is_named_by_its_key() {
    let key = CookieKey::generate();
    let wrong: Vec<(&str, Config)> = vec![
        (
            "issuer",
            Config {
                issuer: "not a url".into(),
                ..good()
            },
        ),
        (
            "issuer",
            Config {
                issuer: "https://i.example/?q".into(),
                ..good()
            },
        ),
        (
            "metadata_url",
            Config {
                metadata_url: Some("/metadata".into()),
                ..good()
            },
        ),
        (
            "metadata_url",
            Config {
                metadata_url: Some("http://keycloak:8080/metadata".into()),
                ..good()
            },
        ),
        (
            "metadata_url",
            Config {
                metadata_url: Some("https://u:p@i.example/metadata".into()),
                ..good()
            },
        ),
        (
            "issuer",
            Config {
                issuer: "two words".into(),
                metadata_url: Some("https://i.example/metadata".into()),
                ..good()
            },
        ),
        (
            "end_session_parameters",
            Config {
                end_session_parameters: vec![("id_token_hint".into(), "x".into())],
                ..good()
            },
        ),
        (
            "end_session_parameters",
            Config {
                end_session_parameters: vec![("Client_ID".into(), "x".into())],
                ..good()
            },
        ),
        (
            "end_session_parameters",
            Config {
                end_session_parameters: vec![("POST_LOGOUT_REDIRECT_URI".into(), "x".into())],
                ..good()
            },
        ),
        (
            "end_session_parameters",
            Config {
                end_session_parameters: vec![("a".into(), "1".into()), ("a".into(), "2".into())],
                ..good()
            },
        ),
        (
            "redirect_uri",
            Config {
                redirect_uri: "/login".into(),
                ..good()
            },
        ),
        (
            "redirect_uri",
            Config {
                redirect_uri: "https://a.example/login#x".into(),
                ..good()
            },
        ),
        (
            "redirect_uri",
            Config {
                redirect_uri: "https://u:p@a.example/login".into(),
                ..good()
            },
        ),
        (
            "redirect_uri",
            Config {
                redirect_uri: "https://app.example/logout".into(),
                ..good()
            },
        ),
        (
            "post_logout_redirect_uri",
            Config {
                post_logout_redirect_uri: Some("https://app.example/login".into()),
                ..good()
            },
        ),
        (
            "scopes",
            Config {
                scopes: vec!["email".into()],
                ..good()
            },
        ),
        (
            "scopes",
            Config {
                scopes: vec!["openid".into(), "a b".into()],
                ..good()
            },
        ),
        (
            "cookie_keys",
            Config {
                cookie_keys: vec![key.clone(), key],
                ..good()
            },
        ),
        (
            "cookie_prefix",
            Config {
                cookie_prefix: "a=b".into(),
                ..good()
            },
        ),
        (
            "home_path",
            Config {
                home_path: "//evil.example".into(),
                ..good()
            },
        ),
        (
            "trusted_origins",
            Config {
                trusted_origins: vec!["https://a.example/path".into()],
                ..good()
            },
        ),
        (
            "login_timeout",
            Config {
                login_timeout: Duration::ZERO,
                ..good()
            },
        ),
        (
            "session_idle_timeout",
            Config {
                session_idle_timeout: Duration::from_secs(10_000_000),
                ..good()
            },
        ),
        (
            "session_check_interval",
            Config {
                session_check_interval: Duration::from_millis(999),
                ..good()
            },
        ),
        (
            "session_check_interval",
            Config {
                session_check_interval: Duration::from_secs(3601),
                ..good()
            },
        ),
        (
            "client_key",
            Config {
                token_endpoint_auth_method: Some(ClientAuthMethod::PrivateKeyJwt),
                ..good()
            },
        ),
        (
            "client_secret",
            Config {
                token_endpoint_auth_method: Some(ClientAuthMethod::ClientSecretJwt),
                ..good()
            },
        ),
        (
            "client_secret_file",
            Config {
                client_secret_file: Some("/nowhere/secret".into()),
                ..good()
            },
        ),
    ];
    for (key, config) in wrong {
        assert_eq!(problems(config), [key]);
    }
}

#[test]
fn a_time_that_no_sum_could_hold_is_refused() {
    type Set = fn(&mut Config, Duration);
    let set: [(&str, Set); 5] = [
        ("session_idle_timeout", |config, time| {
            config.session_idle_timeout = time;
            config.session_absolute_timeout = MAX_DURATION;
        }),
        ("session_absolute_timeout", |config, time| {
            config.session_absolute_timeout = time;
        }),
        ("login_timeout", |config, time| config.login_timeout = time),
        ("request_timeout", |config, time| {
            config.request_timeout = time;
        }),
        ("clock_skew", |config, time| config.clock_skew = time),
    ];
    for (key, set) in set {
        for (time, is_refused) in [
            (MAX_DURATION, false),
            (MAX_DURATION + Duration::from_nanos(1), true),
            (Duration::from_secs(u64::MAX), true),
            (Duration::MAX, true),
        ] {
            let mut config = good();
            set(&mut config, time);
            let problems = problems(config);
            assert_eq!(
                problems.iter().any(|problem| problem == key),
                is_refused,
                "{key}"
            );
            assert_eq!(problems.is_empty(), !is_refused, "{problems:?}");
        }
    }
}

#[test]
fn what_an_app_read_by_itself_is_trimmed_too() {
    let config = Config {
        client_id: "id\n".into(),
        client_secret: " secret\r\n".into(),
        redirect_uri: "https://app.example/login\n".into(),
        post_logout_redirect_uri: Some(" https://app.example/signed-out".into()),
        ..good()
    };
    let config = config.parse().unwrap().config;
    assert_eq!(
        (&*config.client_id, config.client_secret.expose()),
        ("id", "secret")
    );
    assert_eq!(config.redirect_uri, "https://app.example/login");
    assert_eq!(
        config.post_logout_redirect_uri.as_deref(),
        Some("https://app.example/signed-out")
    );
    // A URL's parser would drop this, and the provider would not.
    let config = Config {
        redirect_uri: "https://app.example/lo\ngin".into(),
        post_logout_redirect_uri: Some("https://app.example/signed\tout".into()),
        ..good()
    };
    assert_eq!(problems(config), ["redirect_uri"]);
    let config = Config {
        post_logout_redirect_uri: Some("https://app.example/signed\tout".into()),
        ..good()
    };
    assert_eq!(problems(config), ["post_logout_redirect_uri"]);
}

#[test]
fn a_cookie_key_may_be_missing_on_loopback_alone() {
    let without = |redirect_uri: &str| Config {
        redirect_uri: redirect_uri.to_owned(),
        cookie_keys: Vec::new(),
        ..good()
    };
    for local in [
        "http://127.0.0.1:5000/login",
        "http://localhost/login",
        "http://[::1]:1/login",
        "https://localhost/login",
    ] {
        without(local).check().unwrap();
    }
    for open in [
        "https://app.example/login",
        "https://localhost.example/login",
        "https://10.0.0.1/login",
    ] {
        let error = without(open).check().unwrap_err();
        assert_eq!(error.problems().len(), 1, "{error}");
        let told = error.to_string();
        assert!(
            told.starts_with("cookie_keys: is missing") && told.contains("openssl rand"),
            "{told}"
        );
    }
}

#[test]
fn the_names_of_claims_are_checked() {
    let with = |quick: &[&str], keep: &[&str]| {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        problems(Config {
            session_claims: SessionClaims {
                quick: names(quick),
                keep: KeepClaims::Only(names(keep)),
                ..SessionClaims::default()
            },
            ..good()
        })
    };
    let none: [&str; 0] = [];
    let fine = [
        "roles",
        "/realm_access/roles",
        "https://app.example/roles",
        "acr",
    ];
    assert_eq!(with(&fine, &["groups", "cognito:groups"]), none);
    assert_eq!(with(&[], &[]), none);
    for mistake in ["", "/", "roles,groups", "rôles", "a b", "iat", "nonce"] {
        assert_eq!(with(&[mistake], &[]), ["session_claims.quick"], "{mistake}");
        assert_eq!(with(&[], &[mistake])[0], "session_claims.keep", "{mistake}");
    }
    assert_eq!(with(&["roles", "roles"], &[]), ["session_claims.quick"]);
    assert_eq!(with(&[], &["/realm_access/roles"]), ["session_claims.keep"]);
    let many: Vec<String> = (0..9).map(|place| format!("c{place}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(with(&many, &[]), ["session_claims.quick"]);
}
