//! What stands at the top of the repository.

/// Every file and folder there. A further one needs a reason: what belongs to one crate, to the examples, to the tests
/// or to the book stands in its folder.
const ENTRIES: &[&str] = &[
    ".ci",
    ".devcontainer",
    ".editorconfig",
    ".github",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "clippy.toml",
    "deny.toml",
    "docs",
    "examples",
    "miracl-actix",
    "miracl-axum",
    "miracl-core",
    "miracl-rocket",
    "rustfmt.toml",
    "tests",
];

/// What differs between these tracked files and the list.
pub(crate) fn findings<'a>(files: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut found: Vec<&str> = files
        .into_iter()
        .map(|path| path.split('/').next().unwrap_or(path))
        .collect();
    found.sort_unstable();
    found.dedup();
    let further = found.iter().filter(|entry| !ENTRIES.contains(entry));
    let missing = ENTRIES.iter().filter(|entry| !found.contains(entry));
    further
        .map(|entry| format!("{entry} is new at the top: put it into a folder, or on the list"))
        .chain(missing.map(|entry| format!("{entry} is on the list and not at the top")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_further_entry_and_a_missing_one_are_named() {
        let mut files: Vec<String> = ENTRIES
            .iter()
            .map(|entry| format!("{entry}/file"))
            .collect();
        assert!(findings(files.iter().map(String::as_str)).is_empty());
        files[0] = "compose.yaml".to_owned();
        let found = findings(files.iter().map(String::as_str));
        assert_eq!(
            found,
            [
                "compose.yaml is new at the top: put it into a folder, or on the list",
                ".ci is on the list and not at the top"
            ]
        );
    }
}
