//! The page of settings says what the code does: each key and variable is read, and each default is the code's.

use std::collections::BTreeMap;

use miracl_axum::Config;

fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/settings.md");
    std::fs::read_to_string(path).expect("the page")
}

/// The rows of the tables: the words in back quotes of the first two columns, and the third column.
fn rows(page: &str) -> Vec<(Vec<String>, Vec<String>, String)> {
    let quoted = |cell: &str| -> Vec<String> {
        let words = cell.split('`').skip(1).step_by(2);
        words.map(str::to_owned).collect()
    };
    page.lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
            (
                quoted(cells[0]),
                quoted(cells[1]),
                cells[2].trim().to_owned(),
            )
        })
        .collect()
}

#[test]
fn every_key_of_the_page_is_read_with_the_prefix_and_without() {
    let rows = rows(&page());
    assert!(rows.len() > 30, "{} rows", rows.len());
    for (keys, _, _) in &rows {
        for key in keys {
            for given in [key.clone(), format!("miracl_{key}")] {
                // A value that every setting refuses, by its name as it was given.
                let settings = BTreeMap::from([(&*given, "'quoted'")]);
                let Err(error) = Config::from_serde(&settings) else {
                    panic!("nothing reads {given}");
                };
                let problem = &error.problems()[0];
                let names = [given.trim_start_matches("miracl_"), &keys[0], &given];
                assert!(names.contains(&&*problem.key), "{given}: {error}");
            }
        }
    }
}

#[test]
fn the_defaults_of_the_page_are_those_of_the_code() {
    let page = page();
    let rows = rows(&page);
    let default = Config::default();
    let seconds = |duration: std::time::Duration| duration.as_secs().to_string();
    for (key, value) in [
        ("scopes", default.scopes.join(" ")),
        ("home_path", default.home_path.clone()),
        ("cookie_prefix", default.cookie_prefix.clone()),
        ("login_timeout", seconds(default.login_timeout)),
        (
            "session_idle_timeout",
            seconds(default.session_idle_timeout),
        ),
        (
            "session_absolute_timeout",
            seconds(default.session_absolute_timeout),
        ),
        (
            "session_check_interval",
            seconds(default.session_check_interval),
        ),
    ] {
        let row = rows.iter().find(|(keys, _, _)| keys[0] == key);
        let (_, _, said) = row.unwrap_or_else(|| panic!("no row {key}"));
        assert!(said.starts_with(&format!("`{value}`")), "{key}: {said}");
    }
    for text in [
        format!(
            "`request_timeout` ({} seconds)",
            seconds(default.request_timeout)
        ),
        format!("`clock_skew` ({}\nseconds)", seconds(default.clock_skew)),
    ] {
        assert!(page.contains(&text), "{text}");
    }
    // Choices: what the page calls the default changes nothing.
    for (key, value) in [
        ("pkce", "on"),
        ("response_mode", "query"),
        ("userinfo_requests", "always"),
        ("session_unavailable", "error"),
        ("renewal", "lazy"),
        ("logout_token_rules", "final"),
        ("project_jwt_use", "once"),
        ("danger_allow_http", "0"),
    ] {
        let row = rows.iter().find(|(keys, _, _)| keys[0] == key);
        let (_, _, said) = row.unwrap_or_else(|| panic!("no row {key}"));
        assert!(said.starts_with(&format!("`{value}`")), "{key}: {said}");
        let set = Config::from_serde(&BTreeMap::from([(key, value)])).expect(key);
        let choices = |config: &Config| {
            format!(
                "{:?}",
                (
                    (config.pkce, config.response_mode, config.userinfo_requests),
                    (config.session_unavailable, config.renewal),
                    (config.logout_token_rules, config.danger),
                    config.project_jwt_use,
                )
            )
        };
        assert_eq!(choices(&set), choices(&default), "{key}");
    }
}

#[test]
fn the_file_of_the_cookie_key_is_where_the_page_says() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../miracl-core/src/base/cookie_key/file.rs"
    );
    let code = std::fs::read_to_string(path).expect("the code");
    let constant = |name: &str| {
        let rest = code.split(&format!("const {name}: &str = \"")).nth(1);
        let value = rest.and_then(|rest| rest.split('"').next());
        value.expect("a constant").to_owned()
    };
    let file = format!("`{}/{}`", constant("FOLDER"), constant("NAME"));
    assert!(page().contains(&file), "{file}");
}
