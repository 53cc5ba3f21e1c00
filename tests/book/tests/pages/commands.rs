//! Commands and the settings of other programs in the book: a test runs them, or the page says that none does.

use crate::{page, pages, read};

/// What stands before a block that no test runs.
const MARK: &str = "*Not run by our tests";

/// What a page has for others than Rust to read.
const LANGUAGES: &[&str] = &["caddyfile", "dockerfile", "nginx", "sh", "yaml"];

/// The blocks that a test runs: page, language, and which test.
const RUN: &[(&str, &str, &str)] = &[
    (
        "how/proxy.md",
        "nginx",
        "contract::nginx, by tests/src/nginx.rs",
    ),
    (
        "how/proxy.md",
        "caddyfile",
        "contract::caddy, by tests/src/caddy.rs",
    ),
    (
        "how/sub-path.md",
        "nginx",
        "contract::nginx, by tests/src/nginx.rs",
    ),
    (
        "how/sub-path.md",
        "caddyfile",
        "contract::caddy, by tests/src/caddy.rs",
    ),
    ("speed.md", "sh", "tests/run and cargo test: the benches"),
    (
        "start/actix.md",
        "sh",
        "readme: the same steps and settings",
    ),
    ("start/axum.md", "sh", "packages: walk"),
    (
        "start/rocket.md",
        "sh",
        "readme: the same steps and settings",
    ),
];

/// How many blocks of each page no test runs.
const NOT_RUN: &[(&str, usize)] = &[
    ("how/docker.md", 4),
    ("how/keys.md", 1),
    ("how/kubernetes.md", 2),
    ("how/proxy.md", 4),
    ("miracl.md", 2),
    ("providers.md", 1),
];

/// The blocks of a page that others than Rust read: the language, and whether the line before says that no test runs
/// it.
fn blocks(text: &str) -> Vec<(&str, bool)> {
    let mut blocks = Vec::new();
    let mut before = "";
    let mut inside = false;
    for line in text.lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            inside = !inside;
            if inside && LANGUAGES.contains(&language) {
                blocks.push((language, before.contains(MARK)));
            }
        } else if !inside && !line.trim().is_empty() {
            before = line;
        }
    }
    blocks
}

#[test]
fn every_command_is_run_or_marked() {
    let mut marked = Vec::new();
    for name in pages() {
        let text = page(&name);
        let blocks = blocks(&text);
        for (language, is_marked) in &blocks {
            let is_run = RUN
                .iter()
                .any(|(page, run, _)| (*page, *run) == (&name, language));
            assert!(
                is_marked | is_run,
                "{name} has {language} that no test runs, and does not say so"
            );
        }
        let count = blocks.iter().filter(|(_, is_marked)| *is_marked).count();
        if count > 0 {
            marked.push((name, count));
        }
    }
    let marked: Vec<(&str, usize)> = marked
        .iter()
        .map(|(name, count)| (name.as_str(), *count))
        .collect();
    assert_eq!(marked, NOT_RUN);
}

#[test]
fn a_block_is_marked_by_the_line_before_it() {
    let text = "Text.\n\n```sh\ncargo run\n```\n\nAnother. *Not run by our tests:*\n\n\
                ```yaml\na: 1\n```\n\n```rust\n```\n";
    assert_eq!(blocks(text), [("sh", false), ("yaml", true)]);
}

/// The location of a proxy on the page about sub-paths is that of the page about proxies, which a test runs below a
/// path.
#[test]
fn the_proxies_below_a_path_are_those_that_run() {
    let (whole, below) = (page("how/proxy.md"), page("how/sub-path.md"));
    let lines = |text: &str, from: &str| -> Vec<String> {
        let rest = text.lines().skip_while(|line| line.trim() != from).skip(1);
        let inside = rest.take_while(|line| line.trim() != "}");
        let code = inside.map(|line| line.split(" #").next().unwrap_or_default());
        code.map(|line| line.trim().to_owned()).collect()
    };
    let location = lines(&below, "location /app/ {");
    assert_eq!(location.len(), 2);
    assert_eq!(location, lines(&whole, "location / {"));
    let handled = lines(&below, "handle_path /app/* {");
    assert_eq!(handled, lines(&whole, "app.example {"));
    assert_eq!(handled, ["reverse_proxy 127.0.0.1:5000"]);
}

/// The commands of a text, in their order.
fn commands(text: &str) -> Vec<&str> {
    let blocks = text.split("```sh\n").skip(1);
    blocks
        .filter_map(|block| block.split("```").next())
        .collect()
}

#[test]
fn the_first_steps_are_the_same_in_the_readme_and_in_the_book() {
    let readme = read("README.md");
    let section = readme
        .split("\n## ")
        .find(|section| section.starts_with("Your own app in five minutes"));
    let steps = commands(section.expect("the first steps")).concat();
    assert!(steps.contains("cargo new my-app"), "{steps}");
    assert_eq!(steps, commands(&page("start/axum.md")).concat());
    // The siblings differ in their crates, and Rocket in the port.
    let platform = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.contains("miracl-platform"));
        lines.map(str::to_owned).collect()
    };
    for sibling in ["actix", "rocket"] {
        let text = page(&format!("start/{sibling}.md"));
        assert_eq!(platform(&commands(&text).concat()), platform(&steps));
    }
}
