//! How wide a line may be, in code, docs and Markdown alike.

use std::fmt;

/// In characters.
const WIDTH: usize = 120;

/// What a tool or another program writes or reads as it is, by the path's beginning and its end, with the reason.
const FIXTURES: &[(&str, &str, &str)] = &[
    ("", "Cargo.lock", "cargo writes it"),
    ("", "package-lock.json", "npm writes it"),
    (
        "examples/platform/assets/",
        "test-keys.txt",
        "keys for tests, each a line as an identity's key is stored",
    ),
    (
        "miracl-core/tests/receipts/",
        ".txt",
        "receipts as the engine writes them, compared byte for byte",
    ),
    (
        "miracl-core/tests/versions/",
        ".json",
        "sessions as the version before sealed them",
    ),
    (
        "tests/browser/",
        "_vectors.json",
        "known answers of M-Pin, each number as messages have it",
    ),
    (
        "tests/fuzz/seeds/",
        "",
        "inputs of the fuzz targets, as a browser or a provider sends them",
    ),
];

/// A line that is too wide.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wide<'p> {
    path: &'p str,
    line: usize,
    width: usize,
}

impl fmt::Display for Wide<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, width } = self;
        write!(
            f,
            "{path}:{line}: {width} characters, and {WIDTH} is the most"
        )
    }
}

/// Whether lines of this file may have any width.
pub(crate) fn is_fixture(path: &str) -> bool {
    FIXTURES
        .iter()
        .any(|(start, end, _)| path.starts_with(start) && path.ends_with(end))
}

/// The lines of a file that are too wide.
pub(crate) fn too_wide<'p>(path: &'p str, text: &str) -> Vec<Wide<'p>> {
    // Rows of a table cannot be wrapped. README is what people read in a terminal, so its tables are kept narrow.
    let tables = path.ends_with(".md") && path.rsplit('/').next() != Some("README.md");
    let mut wide = Vec::new();
    for (number, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.len() > WIDTH)
    {
        let width = line.chars().count();
        let row = tables && line.trim_start().starts_with('|');
        if width > WIDTH && !row && !is_of_its_url(line) {
            wide.push(Wide {
                path,
                line: number + 1,
                width,
            });
        }
    }
    wide
}

/// Whether no wrapping would help, because a word with a URL in it is too wide alone, behind its indentation.
fn is_of_its_url(line: &str) -> bool {
    let is_first = |char: char| char.is_alphanumeric() || "\"'`<[(".contains(char);
    let (lead, words) = line.split_at(line.find(is_first).unwrap_or(0));
    let lead = lead.chars().count();
    let mut urls = words.split_whitespace().filter(|word| word.contains("://"));
    urls.any(|word| lead + word.chars().count() > WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        too_wide(path, text).iter().map(|wide| wide.line).collect()
    }

    fn wide(start: &str) -> String {
        format!("{start}{}", " word".repeat(30))
    }

    #[test]
    fn a_wide_line_is_named_with_its_number_and_its_width() {
        let text = format!("{}\n{}\n", "ä".repeat(120), "ä".repeat(121));
        let found = too_wide("a.rs", &text);
        assert_eq!(
            found[0].to_string(),
            "a.rs:2: 121 characters, and 120 is the most"
        );
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn a_row_of_a_table_may_be_wide_outside_of_readme() {
        assert!(lines("CONTRIBUTING.md", &wide("| a |")).is_empty());
        assert!(lines("docs/a.md", &wide("   | a |")).is_empty());
        assert_eq!(lines("README.md", &wide("| a |")), [1]);
        assert_eq!(lines("tests/README.md", &wide("| a |")), [1]);
        assert_eq!(lines("a.rs", &wide("| a |")), [1]);
    }

    #[test]
    fn a_line_may_be_wide_for_a_url_that_is_wide_alone() {
        let url = format!("https://example.com/{}", "a".repeat(100));
        assert!(lines("a.rs", &format!("    /// See <{url}>.")).is_empty());
        assert!(lines("a.md", &format!("* [a]({url}) and more")).is_empty());
    }

    #[test]
    fn a_line_that_could_be_wrapped_is_not_excepted_for_its_url() {
        assert_eq!(lines("a.md", &wide("See <https://example.com>.")), [1]);
    }

    #[test]
    fn a_fixture_may_have_any_width() {
        assert!(is_fixture("Cargo.lock") && is_fixture("tests/fuzz/Cargo.lock"));
        assert!(is_fixture(
            "miracl-core/tests/receipts/id-token-nonce-null.txt"
        ));
        assert!(is_fixture("tests/fuzz/seeds/jwks/p256"));
        assert!(!is_fixture("tests/fuzz/README.md") && !is_fixture("a.txt"));
    }
}
