//! Secrets in files: which one counts, and what is said of one that cannot be read.

use super::*;
use crate::CookieKey;

const KEY: &str = "x4dU4BDRNZz1TzqYsvgDcnFGLAHTUvg5/N6cnZz4z0s=";
const OTHER: &str = "qOSJrMzb9Jn1gq8Nfg1yD0dB7vP2sTzXhU5kWmE3RiY=";

/// Each setting whose value may lie in a file, with a value, and the setting of the file.
const SECRETS: [(&str, &str, &str); 5] = [
    ("client_id", "an-id", "client_id_file"),
    ("client_secret", "a-secret", "client_secret_file"),
    ("cookie_keys", KEY, "cookie_keys_file"),
    ("session_store", "memory", "session_store_file"),
    ("marks_store", "memory", "marks_store_file"),
];

fn file(content: impl AsRef<[u8]>) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), content).unwrap();
    file
}

fn path(file: &tempfile::NamedTempFile) -> &str {
    file.path().to_str().unwrap()
}

fn ids(config: &Config) -> Vec<String> {
    let ids = config.cookie_keys.iter().map(CookieKey::id);
    ids.map(|id| format!("{id:?}")).collect()
}

#[test]
fn a_value_in_a_file_is_that_of_the_setting_without_what_is_around_it() {
    for around in [
        KEY.to_owned(),
        format!("{KEY}\n"),
        format!("\u{feff} {KEY}\r\n\n"),
    ] {
        let file = file(&around);
        for name in ["COOKIE_KEYS_FILE", "MIRACL_COOKIE_KEYS_FILE"] {
            let config = from_env(&[(name, path(&file))]).unwrap();
            let plain = from_env(&[("COOKIE_KEYS", KEY)]).unwrap();
            assert_eq!(ids(&config), ids(&plain), "{name}: {around:?}");
            assert_eq!(config.given_by.variable("cookie_keys"), Some(name));
        }
        let json = serde_json::json!({ "cookie_keys_file": path(&file) });
        let config = from_json(&json.to_string()).unwrap();
        assert_eq!(config.cookie_keys.len(), 1, "{around:?}");
    }
    // Several keys, over several lines.
    let file = file(format!("{KEY},\n{OTHER}\n"));
    let config = from_env(&[("COOKIE_KEYS_FILE", path(&file))]).unwrap();
    assert_eq!(config.cookie_keys.len(), 2);
}

#[test]
fn the_address_of_a_store_may_lie_in_a_file() {
    let memory = file("memory\n");
    let config = from_env(&[("SESSION_STORE_FILE", path(&memory))]).unwrap();
    let plain = from_env(&[("SESSION_STORE", "memory")]).unwrap();
    let kept_in = |config: &Config| format!("{:?}", config.session_store);
    assert_eq!(kept_in(&config), kept_in(&plain));
    assert_ne!(kept_in(&config), kept_in(&Config::default()));
    // Neither the address nor its password is in a message.
    for name in ["SESSION_STORE_FILE", "MARKS_STORE_FILE"] {
        let wrong = file("rediz://user:hunter2@host");
        let error = from_env(&[(name, path(&wrong))]).unwrap_err();
        assert_eq!(error.problems()[0].key, name);
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[test]
fn a_setting_and_its_file_given_in_the_same_way_are_an_error_that_names_both() {
    for (key, value, by_file) in SECRETS {
        let file = file(value);
        for prefix in ["", "MIRACL_"] {
            let upper = |key: &str| format!("{prefix}{}", key.to_uppercase());
            let both = [(&*upper(key), value), (&*upper(by_file), path(&file))];
            let error = from_env(&both).unwrap_err();
            let told = error.to_string();
            assert_eq!(error.problems().len(), 1, "{told}");
            assert!(
                told.contains(&format!("{}: is set", upper(by_file))),
                "{told}"
            );
            assert!(
                told.contains(&format!("and {} is set", upper(key))),
                "{told}"
            );
            assert!(key == "marks_store" || key == "session_store" || !told.contains(value));
        }
        let json = serde_json::json!({ key: value, by_file: path(&file) });
        let told = from_json(&json.to_string()).unwrap_err().to_string();
        assert!(
            told.starts_with(&format!("{by_file}: is set, and {key}")),
            "{told}"
        );
        // An empty one counts as not given.
        for (empty, given) in [(key, by_file), (by_file, key)] {
            let value = if given == key { value } else { path(&file) };
            let (empty, given) = (empty.to_uppercase(), given.to_uppercase());
            from_env(&[(&empty, " \n"), (&given, value)]).unwrap();
        }
    }
}

#[test]
fn the_environment_wins_over_the_file_of_settings_and_the_prefix_over_none() {
    let file = file(KEY);
    let json = |key: &str, value: &str| serde_json::json!({ key: value }).to_string();
    let by_file = ids(&from_env(&[("COOKIE_KEYS", KEY)]).unwrap());
    let own = ids(&from_env(&[("COOKIE_KEYS", OTHER)]).unwrap());
    let keys = |file: &str, variables: &[(&str, &str)]| ids(&from_both(file, variables).unwrap());
    let named = path(&file);
    assert_eq!(
        keys(&json("cookie_keys", OTHER), &[("COOKIE_KEYS_FILE", named)]),
        by_file
    );
    assert_eq!(
        keys(&json("cookie_keys_file", named), &[("COOKIE_KEYS", OTHER)]),
        own
    );
    let with_prefix = [("COOKIE_KEYS", OTHER), ("MIRACL_COOKIE_KEYS_FILE", named)];
    assert_eq!(keys("{}", &with_prefix), by_file);
    let with_prefix = [
        ("MIRACL_COOKIE_KEYS", OTHER),
        ("COOKIE_KEYS_FILE", "/nowhere"),
    ];
    assert_eq!(keys("{}", &with_prefix), own);
    // The secret of the portal's file, and a mounted one that replaces it.
    let config = from_both(&json("secret", "old"), &[("CLIENT_SECRET_FILE", named)]).unwrap();
    assert!(config.client_secret.expose().is_empty());
    assert_eq!(config.client_secret_file.as_deref(), Some(file.path()));
    let config = from_both(
        &json("client_secret_file", named),
        &[("CLIENT_SECRET", "new")],
    )
    .unwrap();
    assert_eq!(
        (config.client_secret.expose(), config.client_secret_file),
        ("new", None)
    );
}

#[test]
fn a_file_that_is_no_use_is_named_with_its_path_and_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let (empty, binary, quoted, wrong) = (
        file(" \n"),
        file([0xff, 0xfe]),
        file(format!("\"{KEY}\"\n")),
        file("c2hvcnQ="),
    );
    for (path, reason) in [
        (missing.as_path(), "No such file"),
        (folder.path(), "Is a directory"),
        (empty.path(), "is empty"),
        (binary.path(), "UTF-8"),
    ] {
        let path = path.to_str().unwrap();
        for name in [
            "COOKIE_KEYS_FILE",
            "MIRACL_SESSION_STORE_FILE",
            "MARKS_STORE_FILE",
        ] {
            let error = from_env(&[(name, path)]).unwrap_err();
            let told = error.to_string();
            assert_eq!(
                (error.problems().len(), &*error.problems()[0].key),
                (1, name),
                "{told}"
            );
            assert!(told.contains(path) && told.contains(reason), "{told}");
        }
        // The engine reads these two when it starts, and again later.
        for name in ["CLIENT_ID_FILE", "CLIENT_SECRET_FILE"] {
            let config = from_env(&[(name, path)]).unwrap();
            let told = config.check().unwrap_err().to_string();
            let line = told.lines().find(|line| line.contains(name)).unwrap();
            assert!(line.contains(path) && line.contains(reason), "{told}");
        }
    }
    for (file, reason) in [(&quoted, "quotes"), (&wrong, "key 1 is")] {
        let told = from_env(&[("COOKIE_KEYS_FILE", path(file))])
            .unwrap_err()
            .to_string();
        assert!(
            told.starts_with("COOKIE_KEYS_FILE: ") && told.contains(reason),
            "{told}"
        );
        assert!(!told.contains(KEY), "{told}");
    }
}
