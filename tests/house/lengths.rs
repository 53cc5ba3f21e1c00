//! How long a file of Rust may be.

/// In lines. Most files have 100 to 300.
const LENGTH: usize = 500;

/// Files that are longer, each with the reason.
const LONGER: &[(&str, &str)] = &[];

/// What is wrong with a file's length.
pub(crate) fn too_long(path: &str, text: &str) -> Option<String> {
    let lines = text.lines().count();
    let allowed = LONGER.iter().any(|(longer, _)| *longer == path);
    (path.ends_with(".rs") && lines > LENGTH && !allowed)
        .then(|| format!("{path}: {lines} lines, and {LENGTH} is the most: part it by its nouns"))
}

/// Exceptions that are none any more, because the file is shorter or gone.
pub(crate) fn needless(files: &[(String, String)]) -> Vec<String> {
    let is_long = |path: &str| {
        files
            .iter()
            .any(|(file, text)| file == path && text.lines().count() > LENGTH)
    };
    let needless = LONGER.iter().filter(|(path, _)| !is_long(path));
    needless
        .map(|(path, _)| format!("{path} needs no exception in tests/house/lengths.rs"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_501_lines_is_too_long_and_one_of_500_is_not() {
        assert_eq!(too_long("a.rs", &"\n".repeat(500)), None);
        let found = too_long("a.rs", &"\n".repeat(501));
        assert_eq!(
            found.as_deref(),
            Some("a.rs: 501 lines, and 500 is the most: part it by its nouns")
        );
    }

    #[test]
    fn a_file_in_another_language_may_be_longer() {
        assert_eq!(too_long("a.md", &"\n".repeat(501)), None);
    }
}
