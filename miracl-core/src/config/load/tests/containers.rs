//! Settings as containers give them: line breaks, quotes, two names, and variables of others.

use super::*;
use crate::CookieKey;

/// A good value of each setting, as text.
const GOOD: [(&str, &str); 52] = [
    ("ISSUER", "https://i.example"),
    ("METADATA_URL", "https://i.example/metadata"),
    ("ISSUER_TEMPLATE", "https://i.example/{tenantid}"),
    ("ALLOWED_TENANTS", "one two"),
    ("CLIENT_ID", "id"),
    ("CLIENT_ID_FILE", "id.txt"),
    ("CLIENT_SECRET", "in\"side's"),
    ("CLIENT_SECRET_FILE", "secret.txt"),
    ("CLIENT_JWK_FILE", "/nowhere/key.json"),
    ("REDIRECT_URL", "https://app.example/app/login"),
    (
        "POST_LOGOUT_REDIRECT_URL",
        "https://app.example/app/signed-out",
    ),
    ("END_SESSION_PARAMETERS", "a=b"),
    ("SCOPES", "openid email dvs"),
    ("PKCE", "off"),
    ("RESPONSE_MODE", "form_post"),
    ("TOKEN_ENDPOINT_AUTH_METHOD", "client_secret_post"),
    ("ID_TOKEN_SIGNED_RESPONSE_ALG", "RS256"),
    ("USERINFO_SIGNED_RESPONSE_ALG", "ES256"),
    ("USERINFO_REQUESTS", "never"),
    ("LOGOUT_TOKEN_RULES", "strict"),
    ("ASKS_EVERY_TIME", "1"),
    ("TRUSTED_AUDIENCES", "a b"),
    ("TRUSTED_ORIGINS", "https://admin.example"),
    ("CA_CERT", "ca.pem"),
    ("PROXY_HOST", "proxy.example"),
    ("PROXY_PORT", "8080"),
    ("SESSION_STORE", "memory"),
    ("SESSION_STORE_FILE", "/nowhere/sessions.txt"),
    ("MARKS_STORE", "memory"),
    ("MARKS_STORE_FILE", "/nowhere/marks.txt"),
    ("REDIS_TIMEOUT", "3"),
    ("SESSION_UNAVAILABLE", "anonymous"),
    ("RENEWAL", "eager"),
    ("SESSION_IDLE_TIMEOUT", "60"),
    ("SESSION_ABSOLUTE_TIMEOUT", "120"),
    ("SESSION_CHECK_INTERVAL", "60"),
    ("SESSION_REMEMBER", "0"),
    ("SESSION_QUICK_CLAIMS", "roles acr"),
    ("SESSION_KEEP_CLAIMS", "name roles"),
    ("SESSION_KEEP_ID_TOKEN", "0"),
    ("SESSION_KEEP_TOKENS", "0"),
    ("LOGIN_TIMEOUT", "600"),
    (
        "COOKIE_KEYS",
        "x4dU4BDRNZz1TzqYsvgDcnFGLAHTUvg5/N6cnZz4z0s=",
    ),
    ("COOKIE_KEYS_FILE", "/nowhere/keys.txt"),
    ("COOKIE_PREFIX", "shop"),
    ("HOME_PATH", "/start"),
    ("PUBLIC_PATH", "/app"),
    ("PROJECT_ID", "0e4a3b52-7f10-4c1d-9a55-0123456789ab"),
    ("PROJECT_JWT_USE", "until_expiry"),
    ("MPAD_URL", "https://i.example/mpad.js"),
    ("DEVELOPMENT", "1"),
    ("DANGER_ALLOW_HTTP", "1"),
];

/// What a configuration says, as far as a text shows it.
fn all_of(config: &Config) -> String {
    format!(
        "{config:?} {:?}",
        (
            config.client_secret.expose(),
            [
                &config.issuer_template,
                &config.post_logout_redirect_uri,
                &config.proxy,
                &config.project_id,
                &config.mpad_url
            ],
            [
                &config.allowed_tenants,
                &config.trusted_audiences,
                &config.trusted_origins
            ],
            [&config.client_id_file, &config.client_secret_file],
            (
                &config.ca_certs,
                &config.end_session_parameters,
                config.pkce,
                config.response_mode
            ),
            (
                config.token_endpoint_auth_method,
                config.id_token_signed_response_alg
            ),
            (
                config.userinfo_signed_response_alg,
                config.userinfo_requests
            ),
            (
                config.logout_token_rules,
                config.session_unavailable,
                config.renewal,
                config.project_jwt_use
            ),
            (
                config.session_idle_timeout,
                config.session_absolute_timeout,
                config.session_check_interval,
                config.login_timeout
            ),
            (
                &config.session_claims,
                config.session_remember,
                config.asks_every_time
            ),
            (
                &config.home_path,
                &config.public_path,
                config.development,
                config.danger
            ),
            config.session_store.kept_in().is_some(),
        )
    )
}

#[test]
fn what_containers_leave_around_a_value_is_taken_off_every_setting_or_refused_alike() {
    let names: Vec<_> = GOOD.iter().map(|(name, _)| *name).collect();
    let known: Vec<_> = SETTINGS.iter().map(|(_, variable)| *variable).collect();
    assert_eq!(names, known, "each setting has its value here");
    // No file of a key or of a store can be read here; what is said of it shows how its name was read.
    let said = |result: Result<Config, ConfigError>| match result {
        Ok(config) => all_of(&config),
        Err(error) => error.to_string(),
    };
    for (place, (name, value)) in GOOD.into_iter().enumerate() {
        let beside = |value: &str| match name {
            "PROXY_HOST" => vec![(name, value.to_owned()), ("PROXY_PORT", "1".to_owned())],
            "PROXY_PORT" => vec![(name, value.to_owned()), ("PROXY_HOST", "p".to_owned())],
            _ => vec![(name, value.to_owned())],
        };
        let read = |value: &str| {
            let variables = beside(value);
            let variables: Vec<_> = variables.iter().map(|(n, v)| (*n, v.as_str())).collect();
            from_env(&variables)
        };
        let in_file = |value: &str| {
            let pairs = beside(value).into_iter().map(|(name, value)| {
                let setting = SETTINGS.iter().find(|(_, variable)| *variable == name);
                (setting.unwrap().0.to_owned(), Value::from(value))
            });
            let values: BTreeMap<String, Value> = pairs.collect();
            read_with(
                &Figment::from(Serialized::defaults(values)),
                "file",
                &|_| None,
            )
        };
        let (plain, plain_file) = (said(read(value)), said(in_file(value)));
        // Marks are in memory anyway, and no Redis is named here.
        let has_effect = plain != said(from_env(&[]));
        let cannot = matches!(name, "MARKS_STORE" | "REDIS_TIMEOUT");
        assert!(has_effect || cannot, "{name} has no effect");
        for around in [
            format!("{value}\n"),
            format!("{value}\r\n"),
            format!(" {value}\t"),
            format!("\u{feff}{value}\n\n"),
        ] {
            assert_eq!(said(read(&around)), plain, "{name}={around:?}");
            assert_eq!(
                said(in_file(&around)),
                plain_file,
                "{name}: {around:?} in the file"
            );
        }
        for quoted in [
            format!("\"{value}\""),
            format!("'{value}'\n"),
            "\"\"".to_owned(),
        ] {
            for (key, result) in [(name, read(&quoted)), (SETTINGS[place].0, in_file(&quoted))] {
                let error = result.unwrap_err();
                let problem = &error.problems()[0];
                assert_eq!(problem.key, key, "{quoted}: {error}");
                assert!(problem.message.contains("quotes around it"), "{error}");
                assert!(
                    value.len() < 9 || !error.to_string().contains(value),
                    "{error}"
                );
            }
        }
        let is_list = [
            "ALLOWED_TENANTS",
            "SCOPES",
            "TRUSTED_AUDIENCES",
            "TRUSTED_ORIGINS",
            "COOKIE_KEYS",
            "SESSION_QUICK_CLAIMS",
            "SESSION_KEEP_CLAIMS",
        ];
        if !is_list.contains(&name) {
            let error = read(&format!("{value}\n{value}")).unwrap_err();
            assert!(error.to_string().contains("line break"), "{name}: {error}");
        }
        assert_eq!(
            said(read(" \r\n")),
            said(read("")),
            "{name}: nothing but white space"
        );
    }
    // A list may be written over several lines.
    let config = from_env(&[("SCOPES", "openid\n  email\n")]).unwrap();
    assert_eq!(config.scopes, ["openid", "email"]);
    let listed = from_json(r#"{"scopes":["openid\n"," email"]}"#).unwrap();
    assert_eq!(listed.scopes, ["openid", "email"]);
    for wrong in [
        r#"{"scopes":["'openid'"]}"#,
        r#"{"end_session_parameters":{"a":"\"b\""}}"#,
    ] {
        assert!(
            from_json(wrong).unwrap_err().to_string().contains("quotes"),
            "{wrong}"
        );
    }
}

#[test]
fn a_file_of_one_value_is_read_by_the_same_rule_and_the_error_does_not_repeat_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    let read = |text: &str| {
        std::fs::write(&file, text).unwrap();
        credentials::read(&file).map_err(|error| error.to_string())
    };
    assert_eq!(
        read(" a \"secret\" of mine \r\n").unwrap(),
        "a \"secret\" of mine"
    );
    for wrong in ["\"hunter2\"\n", "'hunter2'", "hunter2\nhunter2\n", "\n", ""] {
        let error = read(wrong).unwrap_err();
        assert!(
            error.contains("secret ") && !error.contains("hunter2"),
            "{error}"
        );
    }
    let key = folder.path().join("cookie.key");
    std::fs::write(
        &key,
        "\u{feff}x4dU4BDRNZz1TzqYsvgDcnFGLAHTUvg5/N6cnZz4z0s=\r\n",
    )
    .unwrap();
    assert!(!CookieKey::load_or_create(&key).unwrap().1);
    std::fs::write(&key, "\"x4dU4BDRNZz1TzqYsvgDcnFGLAHTUvg5/N6cnZz4z0s=\"").unwrap();
    let error = CookieKey::load_or_create(&key).unwrap_err();
    assert!(error.to_string().contains("quotes"), "{error}");
}

#[test]
fn a_setting_with_two_names_needs_one_and_two_that_differ_are_a_mistake() {
    let here = "https://app.example/login";
    for (one, other, read) in [
        (
            "REDIRECT_URL",
            "REDIRECT_URI",
            (|config| Some(config.redirect_uri)) as fn(Config) -> _,
        ),
        (
            "POST_LOGOUT_REDIRECT_URL",
            "POST_LOGOUT_REDIRECT_URI",
            |config| config.post_logout_redirect_uri,
        ),
    ] {
        for variables in [
            &[(one, here)][..],
            &[(other, here)],
            &[(one, here), (other, "https://app.example/login\n")],
            &[(one, ""), (other, here)],
            &[(one, here), (other, " ")],
        ] {
            let config = from_both(r#"{"redirect_uri":"https://file.example/x"}"#, variables);
            assert_eq!(
                read(config.unwrap()).as_deref(),
                Some(here),
                "{variables:?}"
            );
        }
        let error = from_env(&[(one, here), (other, "https://other.example/login")]).unwrap_err();
        let told = error.to_string();
        assert!(
            told.contains(one) && told.contains(other) && told.contains("differs"),
            "{told}"
        );
        // A mistake in a value is named as it was set.
        let error = from_env(&[(other, "\"x\"")]).unwrap_err();
        assert_eq!(error.problems()[0].key, other);
    }
    for (key, other) in OTHER_KEYS {
        let file = |one: &str, two: &str| {
            from_json(&serde_json::json!({ key: one, other: two }).to_string())
        };
        for (one, two) in [
            ("https://a.example", ""),
            ("", "https://a.example\n"),
            ("https://a.example", " https://a.example"),
        ] {
            let config = file(one, two).unwrap();
            let given = [
                config.client_secret.expose(),
                &config.redirect_uri,
                config
                    .post_logout_redirect_uri
                    .as_deref()
                    .unwrap_or_default(),
            ];
            assert!(given.contains(&"https://a.example"), "{key}: {given:?}");
        }
        let told = file("hunter2", "hunter3").unwrap_err().to_string();
        assert!(
            told.contains(key) && told.contains(other) && !told.contains("hunter"),
            "{told}"
        );
    }
}

#[test]
fn a_port_that_kubernetes_sets_for_a_service_is_not_the_operators() {
    for link in [
        "tcp://10.0.0.1:8080",
        "udp://10.0.0.1:53\n",
        "sctp://[fd00::1]:1",
    ] {
        assert_eq!(
            from_env(&[("PROXY_PORT", link)]).unwrap().proxy,
            None,
            "{link}"
        );
        // The file's counts.
        let file = r#"{"proxy_host":"p.example","proxy_port":3128}"#;
        let config = from_both(file, &[("PROXY_PORT", link)]).unwrap();
        assert_eq!(config.proxy.as_deref(), Some("http://p.example:3128"));
        let error = from_env(&[("PROXY_HOST", "p.example"), ("PROXY_PORT", link)]).unwrap_err();
        assert_eq!(error.problems().len(), 1, "{error}");
        assert_eq!(error.problems()[0].key, "PROXY_PORT");
        assert!(error.to_string().contains("Kubernetes"), "{error}");
    }
    let error = from_env(&[("PROXY_HOST", "p"), ("PROXY_PORT", "http://p:1")]).unwrap_err();
    assert!(error.to_string().contains("is not a port"), "{error}");
}

#[test]
fn a_project_of_another_cloud_is_not_the_project_of_miracl() {
    let uuid = "0e4a3b52-7f10-4c1d-9a55-0123456789ab";
    let project = |variables: &[(&str, &str)]| from_env(variables).unwrap().project_id;
    assert_eq!(project(&[("PROJECT_ID", uuid)]).as_deref(), Some(uuid));
    for theirs in ["my-cloud-1234", "123456789012"] {
        assert_eq!(project(&[("PROJECT_ID", theirs)]), None, "{theirs}");
        // The file's counts, and so does the variable that can only be meant for us.
        let file = format!("{{\"project_id\":\"{uuid}\"}}");
        let config = from_both(&file, &[("PROJECT_ID", theirs)]).unwrap();
        assert_eq!(config.project_id.as_deref(), Some(uuid));
        let ours = project(&[("PROJECT_ID", theirs), ("MIRACL_PROJECT_ID", uuid)]);
        assert_eq!(ours.as_deref(), Some(uuid));
        let given = project(&[("MIRACL_PROJECT_ID", theirs)]);
        assert_eq!(given.as_deref(), Some(theirs));
    }
}

#[test]
fn every_variable_may_have_the_prefix_and_so_may_every_key_of_a_file() {
    // The same but for the names in messages, and for which of them gave a value.
    let said = |result: Result<Config, ConfigError>, prefix: &str| match result {
        Ok(mut config) => {
            config.given_by = Default::default();
            all_of(&config)
        }
        Err(error) => error.to_string().replace(prefix, ""),
    };
    for (name, value) in GOOD {
        let (key, _) = SETTINGS.into_iter().find(|(_, n)| *n == name).unwrap();
        let prefixed = format!("MIRACL_{name}");
        let plain = said(from_env(&[(name, value)]), "MIRACL_");
        assert_eq!(
            said(from_env(&[(&prefixed, value)]), "MIRACL_"),
            plain,
            "{name}"
        );
        // It wins, whatever the other is, and an empty one counts as not given.
        let both = [(name, "'not this'"), (&*prefixed, value)];
        assert_eq!(said(from_env(&both), "MIRACL_"), plain, "{name}");
        let empty = [(name, value), (&*prefixed, " \n")];
        assert_eq!(said(from_env(&empty), "MIRACL_"), plain, "{name}");
        // A mistake is named as it was given.
        let error = from_env(&[(&prefixed, "'quoted'")]).unwrap_err();
        assert_eq!(error.problems()[0].key, prefixed);

        let file = |values: &[(&str, &str)]| {
            let values: BTreeMap<&str, &str> = values.iter().copied().collect();
            Config::from_serde(&values)
        };
        let lower = format!("miracl_{key}");
        let plain = said(file(&[(key, value)]), "miracl_");
        assert_eq!(said(file(&[(&lower, value)]), "miracl_"), plain, "{key}");
        let both = file(&[(key, "'not this'"), (&lower, value)]);
        assert_eq!(said(both, "miracl_"), plain, "{key}");
        let empty = file(&[(key, value), (&lower, "")]);
        assert_eq!(said(empty, "miracl_"), plain, "{key}");
        let error = file(&[(&lower, "'quoted'")]).unwrap_err();
        assert_eq!(error.problems()[0].key, lower);
    }
}

#[test]
fn the_prefix_wins_over_every_name_without_it() {
    let (here, there) = ("https://app.example/login", "https://other.example/login");
    for (one, other) in [
        ("MIRACL_REDIRECT_URI", "REDIRECT_URL"),
        ("MIRACL_REDIRECT_URL", "REDIRECT_URI"),
    ] {
        let config = from_env(&[(one, here), (other, there)]).unwrap();
        assert_eq!(config.redirect_uri, here);
    }
    let twice = [
        ("MIRACL_REDIRECT_URI", here),
        ("MIRACL_REDIRECT_URL", there),
    ];
    let told = from_env(&twice).unwrap_err().to_string();
    assert!(
        told.starts_with("MIRACL_REDIRECT_URI: differs from MIRACL_REDIRECT_URL"),
        "{told}"
    );
    // A setting that is missing beside another is named in the other's way.
    let told = from_env(&[("MIRACL_PROXY_HOST", "p")])
        .unwrap_err()
        .to_string();
    assert!(told.starts_with("MIRACL_PROXY_PORT: "), "{told}");
    // A Service named `miracl-proxy`.
    let link = [
        ("MIRACL_PROXY_PORT", "tcp://10.0.0.1:1"),
        ("PROXY_HOST", "p"),
        ("PROXY_PORT", "2"),
    ];
    let config = from_env(&link).unwrap();
    assert_eq!(config.proxy.as_deref(), Some("http://p:2"));
}

#[test]
fn what_the_checks_find_names_the_variable_that_gave_the_value() {
    for name in ["ISSUER", "MIRACL_ISSUER"] {
        let config = from_env(&[(name, "http://provider.example")]).unwrap();
        let error = config.check().unwrap_err();
        let problem = &error.problems()[0];
        assert_eq!(
            (&*problem.key, problem.variable.as_deref()),
            ("issuer", Some(name))
        );
        assert!(
            error
                .to_string()
                .starts_with(&format!("issuer (variable {name}): ")),
            "{error}"
        );
        let missing = error
            .problems()
            .iter()
            .find(|problem| problem.key == "client_id");
        assert_eq!(missing.unwrap().variable, None);
    }
}
