//! What one file of Rust says: the modules that it declares, the names that it defines and imports, and the paths in
//! its code.

use std::collections::BTreeSet;

/// One file, read.
#[derive(Debug)]
pub(crate) struct Source<'s> {
    pub(crate) lines: usize,
    /// The file itself, and then every `mod name { .. }` in it.
    pub(crate) scopes: Vec<Scope<'s>>,
}

/// One module's names. An import inside of a function counts as its module's.
#[derive(Debug, Default)]
pub(crate) struct Scope<'s> {
    pub(crate) items: BTreeSet<&'s str>,
    pub(crate) modules: Vec<Module<'s>>,
    pub(crate) imports: Vec<Import<'s>>,
    pub(crate) mentions: Vec<Mention<'s>>,
    /// Every word of ordinary code that may be an imported name.
    pub(crate) words: BTreeSet<&'s str>,
}

/// `mod name;` or `mod name { .. }`.
#[derive(Debug)]
pub(crate) struct Module<'s> {
    pub(crate) name: &'s str,
    pub(crate) line: usize,
    pub(crate) test: bool,
    /// The scope of `mod name { .. }`.
    pub(crate) inline: Option<usize>,
}

/// One name that a `use` brings, or one `*`.
#[derive(Debug)]
pub(crate) struct Import<'s> {
    /// As written: with an empty segment for a leading `::`, without the `*`.
    pub(crate) path: Vec<&'s str>,
    /// What it is called here.
    pub(crate) name: &'s str,
    pub(crate) glob: bool,
    pub(crate) public: bool,
    pub(crate) test: bool,
    pub(crate) line: usize,
}

/// A path in code, of two segments or more.
#[derive(Debug)]
pub(crate) struct Mention<'s> {
    pub(crate) path: Vec<&'s str>,
    pub(crate) test: bool,
    pub(crate) line: usize,
}

impl<'s> Scope<'s> {
    /// Whether the name is defined, declared or imported here, other than by `*`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.items.contains(name)
            || self.modules.iter().any(|module| module.name == name)
            || self
                .imports
                .iter()
                .any(|import| !import.glob && import.name == name)
    }
}
