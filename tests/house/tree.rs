//! The project's files: which there are, and their texts.

use std::{fs, path::Path, process::Command};

/// The root of the project.
pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// What is not the project's own, where git cannot be asked.
const SKIPPED: &[&str] = &[".git", "node_modules", "target"];

/// The files that git tracks, or every file below `root` where it is no clone. Paths from `root`.
pub(crate) fn tracked(root: &Path) -> Vec<String> {
    let mut files = listed(root).unwrap_or_else(|| walked(root));
    files.sort();
    files
}

fn listed(root: &Path) -> Option<Vec<String>> {
    if !root.join(".git").exists() {
        return None;
    }
    let output = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root)
        .output()
        .ok()?;
    let list = String::from_utf8(output.stdout)
        .ok()
        .filter(|list| !list.is_empty())?;
    // A file that was removed, but not yet for git, is not there to be read.
    let there = |path: &&str| root.join(path).is_file();
    Some(
        list.split_terminator('\0')
            .filter(there)
            .map(str::to_owned)
            .collect(),
    )
}

/// Every file below `root`.
pub(crate) fn walked(root: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(root.join(&folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
        for entry in entries {
            let entry = entry.expect("an entry of a folder");
            let name = entry.file_name().into_string().expect("a name in UTF-8");
            let kind = entry.file_type().expect("the kind of a file");
            let path = if folder.is_empty() {
                name.clone()
            } else {
                format!("{folder}/{name}")
            };
            if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
                folders.push(path);
            } else if kind.is_file() {
                files.push(path);
            }
        }
    }
    files
}

/// A file's text. `None` for what is no text.
pub(crate) fn text(root: &Path, path: &str) -> Option<String> {
    let bytes = fs::read(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('\0'))
}

/// The Rust sources below a folder: paths from `root`, and texts.
pub(crate) fn sources(root: &Path, folder: &str) -> Vec<(String, String)> {
    let mut paths = walked(&root.join(folder));
    paths.retain(|path| path.ends_with(".rs"));
    paths.sort();
    let source = |path: String| {
        let path = format!("{folder}/{path}");
        let text = text(root, &path).unwrap_or_else(|| panic!("{path} is no text"));
        (path, text)
    };
    paths.into_iter().map(source).collect()
}

/// Made-up sources for the tests of the rules.
#[cfg(test)]
pub(crate) fn samples(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_walked_where_git_cannot_be_asked() {
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/house");
        let files = tracked(Path::new(here));
        assert!(files.contains(&"tree.rs".to_owned()), "{files:?}");
    }

    #[test]
    fn the_projects_files_are_found_without_what_is_built() {
        let files = tracked(Path::new(ROOT));
        assert!(
            files.contains(&"Cargo.toml".to_owned())
                && files.contains(&"miracl-core/src/lib.rs".to_owned())
        );
        assert!(
            !files
                .iter()
                .any(|file| file.starts_with("target/") || file.contains("node_modules/"))
        );
    }
}
