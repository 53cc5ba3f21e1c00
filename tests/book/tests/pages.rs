//! The book says what the code does: every setting, every reason, every link.

#[path = "pages/commands.rs"]
mod commands;
#[path = "pages/migration.rs"]
mod migration;
#[path = "pages/search.rs"]
mod search;
#[path = "pages/shown.rs"]
mod shown;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The pages of the book, by their paths below `docs/src`.
fn pages() -> Vec<String> {
    fn visit(folder: &Path, below: &str, pages: &mut Vec<String>) {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let name = format!("{below}{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                visit(&entry.path(), &format!("{name}/"), pages);
            } else if name.ends_with(".md") {
                pages.push(name);
            }
        }
    }
    let mut pages = Vec::new();
    visit(&root().join("docs/src"), "", &mut pages);
    pages.sort();
    pages
}

fn page(name: &str) -> String {
    read(&format!("docs/src/{name}"))
}

/// The cells of each row of the tables of a text, without the header and the rule below it.
fn rows(text: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    for (number, line) in lines.iter().enumerate() {
        let is_header = lines
            .get(number + 1)
            .is_some_and(|next| next.starts_with("|--"));
        if line.starts_with("| ") && !is_header {
            let cells = line.trim_matches('|').split('|');
            rows.push(cells.map(|cell| cell.trim().to_owned()).collect());
        }
    }
    rows
}

/// The words of a text that stand in back quotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_settings_page_has_every_setting_of_the_code_and_no_other() {
    let code = read("miracl-core/src/config/load/settings.rs");
    let list = code
        .split("SETTINGS: ")
        .nth(1)
        .and_then(|rest| rest.split("\n];").next());
    let list = list.expect("the list of settings");
    let names: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    let code: BTreeSet<(&str, &str)> = names.chunks(2).map(|pair| (pair[0], pair[1])).collect();
    assert!(code.len() > 30, "the list of settings was not read");

    let text = page("settings.md");
    let rows = rows(&text);
    let mut book = BTreeSet::new();
    for row in &rows {
        let keys = quoted(&row[0]);
        let variables = quoted(&row[1]);
        book.insert((keys[0], variables[0]));
        assert!(!row[2].is_empty() && !row[3].is_empty(), "{row:?}");
    }
    assert_eq!(book, code);
}

/// The variants of a public enum, as its source has them.
fn variants(path: &str, name: &str) -> BTreeSet<String> {
    let source = read(path);
    let head = format!("pub enum {name} {{\n");
    let begin = source
        .find(&head)
        .unwrap_or_else(|| panic!("{path} has no {name}"));
    let body = &source[begin + head.len()..];
    let body = &body[..body.find("\n}").expect("the end of the enum")];
    body.lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()))
        .map(|line| {
            let end = line.find(|part: char| !part.is_alphanumeric());
            line[..end.unwrap_or(line.len())].to_owned()
        })
        .collect()
}

#[test]
fn the_page_of_errors_has_every_reason_of_the_code_and_no_other() {
    let text = page("errors.md");
    for (heading, path, name) in [
        (
            "Why a login failed",
            "miracl-core/src/error/login.rs",
            "FailureReason",
        ),
        (
            "Why a request to the provider failed",
            "miracl-core/src/error/provider.rs",
            "ProviderError",
        ),
        (
            "Why an ID token was refused",
            "miracl-core/src/error/token.rs",
            "IdTokenError",
        ),
        (
            "Why a call to MIRACL Trust failed",
            "miracl-core/src/error/trust.rs",
            "TrustError",
        ),
        (
            "What the codes of MIRACL Trust mean",
            "miracl-core/src/error/trust/code.rs",
            "TrustCode",
        ),
        (
            "Why a session cannot be read",
            "miracl-core/src/error/session.rs",
            "SessionError",
        ),
        (
            "Why user data cannot be fetched again",
            "miracl-core/src/error/refresh.rs",
            "RefreshError",
        ),
    ] {
        let section = text
            .split("\n## ")
            .find(|section| section.starts_with(heading))
            .unwrap_or_else(|| panic!("no section {heading}"));
        let book: BTreeSet<String> = rows(section)
            .iter()
            .map(|row| quoted(&row[0])[0].to_owned())
            .collect();
        assert_eq!(book, variants(path, name), "{name}");
    }
}

/// The targets of the links of a text that lead to a place in the repository.
fn links(text: &str) -> Vec<&str> {
    let mut links = Vec::new();
    for (begin, _) in text.match_indices("](") {
        let target = &text[begin + 2..];
        let target = &target[..target.find(')').unwrap_or(0)];
        if !target.is_empty() && !target.contains("://") && !target.contains(' ') {
            links.push(target);
        }
    }
    links
}

/// The anchor of a heading, as mdBook and GitHub make it.
fn anchor(heading: &str) -> String {
    heading
        .chars()
        .filter_map(|part| match part {
            ' ' => Some('-'),
            '-' | '_' => Some(part),
            _ if part.is_alphanumeric() => Some(part.to_ascii_lowercase()),
            _ => None,
        })
        .collect()
}

fn has_anchor(text: &str, wanted: &str) -> bool {
    text.lines()
        .filter_map(|line| {
            line.trim_start_matches('#')
                .strip_prefix(' ')
                .filter(|_| line.starts_with('#'))
        })
        .any(|heading| anchor(heading.trim()) == wanted)
}

#[test]
fn every_link_of_the_book_and_the_readme_leads_somewhere() {
    let mut texts: Vec<(String, bool)> = vec![
        ("README.md".to_owned(), false),
        ("CONTRIBUTING.md".to_owned(), false),
        ("SECURITY.md".to_owned(), false),
    ];
    texts.extend(
        pages()
            .into_iter()
            .map(|page| (format!("docs/src/{page}"), true)),
    );
    let mut dead = Vec::new();
    let mut alive = 0;
    for (path, is_page) in texts {
        let text = read(&path);
        let folder = root().join(&path).parent().expect("a folder").to_owned();
        for link in links(&text) {
            let (file, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                root().join(&path)
            } else {
                folder.join(file)
            };
            // The book is read on its own: a page may link to pages only.
            let stays =
                !is_page || file.is_empty() || file.ends_with(".md") && !file.contains("../../");
            let found = target.exists()
                && (fragment.is_empty()
                    || fs::read_to_string(&target).is_ok_and(|text| has_anchor(&text, fragment)));
            if stays && found {
                alive += 1;
            } else {
                dead.push(format!("{path}: {link}"));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
    assert!(alive > 20, "only {alive} links were found");
}

#[test]
fn every_page_is_in_the_summary_once() {
    let summary = page("SUMMARY.md");
    let mut listed: Vec<&str> = links(&summary);
    listed.sort_unstable();
    let pages: Vec<String> = pages()
        .into_iter()
        .filter(|page| page != "SUMMARY.md")
        .collect();
    assert_eq!(listed, pages);
}

#[test]
fn every_page_with_code_is_compiled() {
    let compiled = read("tests/book/src/lib.rs");
    for name in pages() {
        let has_code = page(&name).contains("```rust");
        let line = format!("include_str!(\"../../../docs/src/{name}\")");
        assert_eq!(has_code, compiled.contains(&line), "{name}");
        assert!(
            !page(&name).contains("rust,ignore"),
            "{name} has code that nobody compiles"
        );
    }
}
