//! The modules of a crate: which file or which part of a file each is, and which of them are for tests alone.

use crate::source::{Scope, Source};

/// A crate, all of its files read.
#[derive(Debug)]
pub(crate) struct Crate<'s> {
    pub(crate) files: Vec<File<'s>>,
    pub(crate) modules: Vec<Node<'s>>,
    /// What is wrong with the tree itself.
    pub(crate) faults: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct File<'s> {
    /// From the root of the repository.
    pub(crate) path: &'s str,
    pub(crate) source: Source<'s>,
    /// Whether ordinary code reaches it by `mod`.
    pub(crate) ordinary: bool,
    reached: bool,
}

/// One module: a file, or a `mod name { .. }` in one.
#[derive(Debug)]
pub(crate) struct Node<'s> {
    pub(crate) file: usize,
    pub(crate) scope: usize,
    pub(crate) test: bool,
    pub(crate) parent: usize,
    pub(crate) children: Vec<(&'s str, usize)>,
}

impl<'s> Crate<'s> {
    /// Reads the crate whose sources are below `folder`: paths and texts.
    pub(crate) fn new(folder: &str, sources: &'s [(String, String)]) -> Self {
        let files = sources.iter().map(|(path, text)| File {
            path,
            source: Source::new(text),
            ordinary: false,
            reached: false,
        });
        let mut this = Self {
            files: files.collect(),
            modules: Vec::new(),
            faults: Vec::new(),
        };
        match this.file(&format!("{folder}/lib.rs")) {
            Some(root) => {
                this.module(root, 0, 0, false, folder);
            }
            None => this.faults.push(format!("{folder}: there is no lib.rs")),
        }
        for file in this.files.iter().filter(|file| !file.reached) {
            this.faults
                .push(format!("{}: no `mod` declares it", file.path));
        }
        this
    }

    fn file(&self, path: &str) -> Option<usize> {
        self.files.iter().position(|file| file.path == path)
    }

    /// Adds a module and what is below it, whose files are in `folder`.
    fn module(
        &mut self,
        file: usize,
        scope: usize,
        parent: usize,
        test: bool,
        folder: &str,
    ) -> usize {
        let this = self.modules.len();
        self.files[file].reached = true;
        self.files[file].ordinary |= !test;
        self.modules.push(Node {
            file,
            scope,
            test,
            parent,
            children: Vec::new(),
        });
        for at in 0..self.files[file].source.scopes[scope].modules.len() {
            let declared = &self.files[file].source.scopes[scope].modules[at];
            let (name, line, inline, test) = (
                declared.name,
                declared.line,
                declared.inline,
                test || declared.test,
            );
            let folder = format!("{folder}/{name}");
            let place = match inline {
                Some(scope) => Some((file, scope)),
                None => {
                    let found = self
                        .file(&format!("{folder}.rs"))
                        .or_else(|| self.file(&format!("{folder}/mod.rs")));
                    found.map(|file| (file, 0))
                }
            };
            if let Some((file, scope)) = place {
                let child = self.module(file, scope, this, test, &folder);
                self.modules[this].children.push((name, child));
            } else {
                let path = self.files[file].path;
                self.faults
                    .push(format!("{path}:{line}: no file for `mod {name}`"));
            }
        }
        this
    }

    pub(crate) fn scope(&self, module: usize) -> &Scope<'s> {
        let Node { file, scope, .. } = self.modules[module];
        &self.files[file].source.scopes[scope]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::samples as files;

    #[test]
    fn a_file_without_mod_and_a_mod_without_file_are_faults() {
        let sources = files(&[("src/lib.rs", "\nmod gone;"), ("src/lost.rs", "")]);
        let krate = Crate::new("src", &sources);
        assert_eq!(
            krate.faults,
            [
                "src/lib.rs:2: no file for `mod gone`",
                "src/lost.rs: no `mod` declares it"
            ]
        );
    }

    #[test]
    fn a_file_that_tests_alone_reach_is_test_code() {
        let sources = files(&[
            ("src/lib.rs", "#[cfg(test)] mod a;"),
            ("src/a.rs", "mod b;"),
            ("src/a/b.rs", ""),
        ]);
        let krate = Crate::new("src", &sources);
        let ordinary: Vec<bool> = krate.files.iter().map(|file| file.ordinary).collect();
        assert_eq!(ordinary, [true, false, false]);
    }
}
