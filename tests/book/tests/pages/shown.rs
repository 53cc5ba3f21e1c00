//! Each page "How do I …", and the Tornado guide, ends in an app that runs: `tests/apps` and `tests/postgres.rs` log in
//! to it.

use std::{env, fs};

use crate::{page, pages, read, root};

/// The pages, and the apps in which they end, in their order.
const APPS: &[(&str, &[&str])] = &[
    ("how/call-api.md", &["call_api"]),
    ("how/customise.md", &["customise"]),
    ("how/kubernetes.md", &["kubernetes"]),
    ("how/log-out-everywhere.md", &["log_out_everywhere"]),
    (
        "how/open-connections.md",
        &[
            "open_connections_axum",
            "open_connections_actix",
            "open_connections_rocket",
        ],
    ),
    ("how/postgres.md", &["postgres"]),
    ("how/proxy.md", &["proxy"]),
    (
        "how/require-login.md",
        &[
            "require_login_axum",
            "require_login_actix",
            "require_login_rocket",
        ],
    ),
    (
        "how/roles.md",
        &["roles_axum", "roles_actix", "roles_rocket"],
    ),
    ("how/scripts.md", &["scripts"]),
    ("how/secrets.md", &["secrets"]),
    (
        "how/session-data.md",
        &[
            "session_data_axum",
            "session_data_actix",
            "session_data_rocket",
        ],
    ),
    ("how/session-lifetime.md", &["session_lifetime"]),
    ("how/sub-path.md", &["sub_path"]),
    ("how/test.md", &["test_axum", "test_actix", "test_rocket"]),
    ("how/tower.md", &["tower_service"]),
    ("how/two-apps.md", &["two_apps"]),
    ("how/websocket.md", &["websocket"]),
    (
        "tornado-guide.md",
        &["tornado_axum", "tornado_actix", "tornado_rocket"],
    ),
];

/// Pages about what goes around an app. Their app is a demo.
const WITHOUT_APP: &[&str] = &["how/docker.md", "how/keys.md"];

/// How the code of an app begins.
const FENCE: &str = "```rust,no_run\n";

/// An app as its page shows it: without the head of its file.
fn source(app: &str) -> String {
    let source = read(&format!("tests/book/apps/{app}.rs"));
    let at = source.find("\nuse ").expect("imports after the head");
    source[at + 1..].to_owned()
}

/// A page with these apps in its last code blocks.
fn with(text: &str, apps: &[&str]) -> String {
    let parts: Vec<&str> = text.split(FENCE).collect();
    let first = parts.len().checked_sub(apps.len());
    let first = first.filter(|first| *first > 0);
    let first = first.expect("a code block for each app");
    let mut made = parts[..first].join(FENCE);
    for (part, app) in parts[first..].iter().zip(apps) {
        let end = part.find("```\n").expect("the end of a code block");
        made += FENCE;
        made += &source(app);
        made += &part[end..];
    }
    made
}

/// With `BOOK_BLESS=1` it writes the apps into their pages.
#[test]
fn each_page_ends_in_the_app_that_runs() {
    let mut stale = Vec::new();
    for (name, apps) in APPS {
        let text = page(name);
        let wanted = with(&text, apps);
        assert!(wanted.ends_with("```\n"), "{name} does not end in its app");
        if text == wanted {
            continue;
        }
        if env::var_os("BOOK_BLESS").is_some() {
            fs::write(root().join("docs/src").join(name), wanted).expect("a page to write");
        } else {
            stale.push(*name);
        }
    }
    assert!(
        stale.is_empty(),
        "the apps of these pages have changed, write them with BOOK_BLESS=1: {stale:?}"
    );
}

#[test]
fn every_page_how_do_i_has_an_app() {
    for name in pages() {
        let has_app = APPS.iter().any(|(page, _)| *page == name);
        let needs_app = name.starts_with("how/") && !WITHOUT_APP.contains(&name.as_str());
        assert!(has_app || !needs_app, "{name}");
    }
}

#[test]
fn every_app_is_in_a_page_and_is_run() {
    let modules = read("tests/book/tests/apps/apps.rs");
    let folder = root().join("tests/book/apps");
    for entry in fs::read_dir(folder).expect("the apps").flatten() {
        let file = entry.file_name();
        let file = file.to_string_lossy();
        let app = file.trim_end_matches(".rs");
        let shown = APPS.iter().any(|(_, apps)| apps.contains(&app));
        let is_run = app == "postgres" || modules.contains(&format!("apps/{app}.rs"));
        assert!(shown && is_run, "{app}");
    }
}

#[test]
fn an_app_is_put_into_the_last_code_block() {
    let text = format!("# A page\n\n{FENCE}fn other() {{}}\n```\n\n{FENCE}```\n");
    let made = with(&text, &["proxy"]);
    assert!(made.contains("fn other() {}"), "{made}");
    assert!(made.ends_with(&format!("\n\n{FENCE}{}```\n", source("proxy"))));
}

/// The crates that the pages of Start bring.
const OF_START: &[&str] = &[
    "std",
    "axum",
    "tokio",
    "actix_web",
    "rocket",
    "miracl_axum",
    "miracl_actix",
    "miracl_rocket",
];

/// Who follows a page from an empty folder needs to know what to add.
#[test]
fn each_page_names_the_crates_that_its_app_needs_besides_those_of_start() {
    for (name, apps) in APPS {
        let text = page(name);
        let before = text.split("```rust,no_run").next().unwrap_or_default();
        for app in *apps {
            let source = source(app);
            let used = source
                .lines()
                .filter_map(|line| line.trim_start().strip_prefix("use "));
            let used = used.filter_map(|path| path.split([':', ';', ' ']).next());
            let further = used.filter(|used| !OF_START.contains(used) && *used != "super");
            for used in further {
                let package = used.replace('_', "-");
                let named = [used, &package].map(|name| before.contains(&format!("`{name}`")));
                let in_table = before.contains(&format!("\n{package} = "));
                let by_command =
                    [used, &package].map(|name| before.contains(&format!("`cargo add {name}`")));
                assert!(
                    named[0] || named[1] || in_table || by_command[0] || by_command[1],
                    "{name}: {app} uses {used}"
                );
            }
        }
    }
}
