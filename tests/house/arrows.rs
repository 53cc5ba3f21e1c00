//! Which file of a crate uses which other, and where it says so. Test code is left out.

use std::collections::{BTreeMap, BTreeSet};

use crate::{modules::Crate, names::Target, source::Import};

/// From a file to one that it uses, by their numbers in [`Crate::files`], with every place that says so.
pub(crate) type Arrows = BTreeMap<(usize, usize), Vec<Place>>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    /// The import or the path, as a reader finds it.
    pub(crate) says: String,
}

/// All arrows of a crate. An import counts as an arrow to the file that defines the item, wherever it was re-exported.
pub(crate) fn arrows(krate: &Crate<'_>) -> Arrows {
    let mut finder = Finder {
        krate,
        arrows: Arrows::new(),
    };
    for module in 0..krate.modules.len() {
        if !krate.modules[module].test {
            finder.imports(module);
            finder.mentions(module);
        }
    }
    finder.arrows
}

struct Finder<'c, 's> {
    krate: &'c Crate<'s>,
    arrows: Arrows,
}

impl Finder<'_, '_> {
    /// Adds an arrow, or one more place of it. A path that begins with an imported name is not one more: the import
    /// has told it.
    fn add(
        &mut self,
        from: usize,
        to: usize,
        line: usize,
        path: &[&str],
        says: impl Fn() -> String,
    ) {
        if from == to {
            return;
        }
        let places = self.arrows.entry((from, to)).or_default();
        let further = is_anchored(path) && places.iter().all(|place| place.line != line);
        if places.is_empty() || further {
            places.push(Place { line, says: says() });
        }
    }

    fn imports(&mut self, module: usize) {
        let scope = self.krate.scope(module);
        let mentioned = scope.mentions.iter().map(|mention| mention.path[0]);
        let imported = scope
            .imports
            .iter()
            .filter_map(|import| import.path.first().copied());
        let heads: BTreeSet<&str> = mentioned.chain(imported).collect();
        let from = self.krate.modules[module].file;
        let mut imports: Vec<&Import<'_>> =
            scope.imports.iter().filter(|import| !import.test).collect();
        imports.sort_by_key(|import| !is_anchored(&import.path));
        for import in imports {
            let targets = if import.glob {
                self.glob(module, import)
            } else {
                let targets = self.krate.resolve(module, &import.path);
                if !import.public && heads.contains(import.name) {
                    // An imported module is no arrow: the paths that begin with it are.
                    items(&targets)
                } else {
                    self.files(&targets)
                }
            };
            let glob = if import.glob { "::*" } else { "" };
            for to in targets {
                self.add(from, to, import.line, &import.path, || {
                    format!("use {}{glob}", import.path.join("::"))
                });
            }
        }
    }

    fn mentions(&mut self, module: usize) {
        let scope = self.krate.scope(module);
        let from = self.krate.modules[module].file;
        for mention in scope.mentions.iter().filter(|mention| !mention.test) {
            let targets = self.krate.resolve(module, &mention.path);
            for to in self.files(&targets) {
                self.add(from, to, mention.line, &mention.path, || {
                    mention.path.join("::")
                });
            }
        }
    }

    /// The files of the items, or else those of the modules.
    fn files(&self, targets: &[Target]) -> BTreeSet<usize> {
        let items = items(targets);
        if !items.is_empty() {
            return items;
        }
        let modules = targets.iter().filter_map(Target::module);
        modules
            .map(|module| self.krate.modules[module].file)
            .collect()
    }

    /// The files of what `*` brings: of the names that this module uses, or of every name where it exports them.
    fn glob(&self, module: usize, import: &Import<'_>) -> BTreeSet<usize> {
        let targets = self.krate.resolve(module, &import.path);
        let scope = self.krate.scope(module);
        let mut files = items(&targets);
        for of in targets.iter().filter_map(Target::module) {
            let mut brought = Vec::new();
            if import.public {
                self.exports(of, &mut vec![module], &mut brought);
            } else {
                let used = scope.words.iter().filter(|word| !scope.has(word));
                brought.extend(used.flat_map(|word| self.krate.lookup(of, word)));
            }
            if brought.is_empty() {
                // Traits, whose methods alone are used.
                files.insert(self.krate.modules[of].file);
            }
            files.extend(items(&brought));
        }
        files
    }

    /// Collects what a module defines and exports.
    fn exports(&self, module: usize, seen: &mut Vec<usize>, found: &mut Vec<Target>) {
        if seen.contains(&module) {
            return;
        }
        seen.push(module);
        let scope = self.krate.scope(module);
        if !scope.items.is_empty() {
            found.push(Target::Item(self.krate.modules[module].file));
        }
        for import in scope
            .imports
            .iter()
            .filter(|import| import.public && !import.test)
        {
            let targets = self.krate.resolve(module, &import.path);
            if import.glob {
                for module in targets.iter().filter_map(Target::module) {
                    self.exports(module, seen, found);
                }
            } else {
                found.extend(targets);
            }
        }
    }
}

fn items(targets: &[Target]) -> BTreeSet<usize> {
    targets.iter().filter_map(Target::item).collect()
}

/// Whether a path begins at the crate or at a module, and not with an imported name.
fn is_anchored(path: &[&str]) -> bool {
    path.first()
        .is_some_and(|first| ["crate", "self", "super"].contains(first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::samples as files;

    fn found(sources: &[(&str, &str)]) -> Vec<String> {
        let sources = files(sources);
        let krate = Crate::new("src", &sources);
        assert!(krate.faults.is_empty(), "{:?}", krate.faults);
        let name = |file: usize| {
            krate.files[file]
                .path
                .trim_start_matches("src/")
                .trim_end_matches(".rs")
        };
        let arrows = arrows(&krate).into_iter().flat_map(|((from, to), places)| {
            let line = move |place: Place| {
                format!(
                    "{}:{} -> {}: {}",
                    name(from),
                    place.line,
                    name(to),
                    place.says
                )
            };
            places.into_iter().map(line).collect::<Vec<_>>()
        });
        arrows.collect()
    }

    #[test]
    fn a_module_and_its_child_that_use_each_other_are_two_arrows() {
        let found = found(&[
            ("src/lib.rs", "mod a;"),
            ("src/a.rs", "mod b;\nuse self::b::B;\npub struct A;"),
            ("src/a/b.rs", "use super::A;\npub struct B;"),
        ]);
        assert_eq!(
            found,
            ["a:2 -> a/b: use self::b::B", "a/b:1 -> a: use super::A"]
        );
    }

    #[test]
    fn a_declaration_alone_is_no_arrow() {
        assert!(found(&[("src/lib.rs", "mod a;"), ("src/a.rs", "pub struct A;")]).is_empty());
    }

    #[test]
    fn what_is_used_through_a_module_is_an_arrow_to_the_definition_alone() {
        let found = found(&[
            ("src/lib.rs", "mod a; mod c;"),
            ("src/a.rs", "mod b; pub(crate) use b::B;"),
            ("src/a/b.rs", "pub struct B;"),
            (
                "src/c.rs",
                "use crate::a;\nfn c(b: a::B, d: crate::a::B) {}",
            ),
        ]);
        assert_eq!(found, ["a:1 -> a/b: use b::B", "c:2 -> a/b: a::B"]);
    }

    #[test]
    fn a_glob_is_an_arrow_to_what_is_used_of_it() {
        let found = found(&[
            ("src/lib.rs", "mod a; mod b; mod c; mod d;"),
            ("src/a.rs", "pub use crate::b::B; pub struct A;"),
            ("src/b.rs", "pub struct B;"),
            ("src/c.rs", "use crate::a::*;\nfn c(_: B) {}"),
            ("src/d.rs", "pub use crate::a::*;"),
        ]);
        let wanted = [
            "a:1 -> b: use crate::b::B",
            "c:1 -> b: use crate::a::*",
            "d:1 -> a: use crate::a::*",
            "d:1 -> b: use crate::a::*",
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn an_inline_path_is_an_arrow_with_its_line() {
        let found = found(&[
            ("src/lib.rs", "mod a; pub(crate) struct L;"),
            ("src/a.rs", "fn a() {\n    b(crate::L);\n}\n"),
        ]);
        assert_eq!(found, ["a:2 -> lib: crate::L"]);
    }

    #[test]
    fn test_code_has_no_arrows() {
        let found = found(&[
            ("src/lib.rs", "mod a; mod b;"),
            (
                "src/a.rs",
                "#[cfg(test)] mod tests { use crate::b::B; } fn a() { #[cfg(test)] crate::b::c(); }",
            ),
            ("src/b.rs", "pub struct B;"),
        ]);
        assert!(found.is_empty(), "{found:?}");
    }
}
