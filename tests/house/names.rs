//! Where a name is defined: through every `use`, `pub use` and `*` on the way.

use crate::modules::Crate;

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    Module(usize),
    /// Anything else, by the file that defines it.
    Item(usize),
}

/// The imports that are being followed, by module and number.
type Followed = Vec<(usize, usize)>;

impl<'s> Crate<'s> {
    /// What a path in this module leads to: nothing for another crate's. A name that is not found counts as its
    /// module's.
    pub(crate) fn resolve(&self, module: usize, path: &[&str]) -> Vec<Target> {
        self.follow(module, path, &mut Followed::new())
    }

    /// What a name of this module is, with what `*` brings.
    pub(crate) fn lookup(&self, module: usize, name: &str) -> Vec<Target> {
        self.named(module, name, &mut Followed::new())
    }

    fn follow(&self, module: usize, path: &[&str], followed: &mut Followed) -> Vec<Target> {
        let (mut module, mut rest) = (module, path);
        let mut anchored = false;
        while let [first, after @ ..] = rest {
            module = match *first {
                "crate" => 0,
                "self" => module,
                "super" => self.modules[module].parent,
                _ => break,
            };
            anchored = true;
            rest = after;
        }
        let [first, rest @ ..] = rest else {
            return vec![Target::Module(module)];
        };
        let mut found = self.named(module, first, followed);
        if found.is_empty() && anchored {
            // A macro makes it, or it is another crate's and re-exported here.
            return vec![Target::Item(self.modules[module].file)];
        }
        for segment in rest {
            let modules: Vec<usize> = found.iter().filter_map(Target::module).collect();
            if modules.is_empty() {
                // A variant, or another associated item.
                break;
            }
            found = modules
                .iter()
                .flat_map(|module| self.named(*module, segment, followed))
                .collect();
            if found.is_empty() {
                found = modules
                    .iter()
                    .map(|module| Target::Item(self.modules[*module].file))
                    .collect();
                break;
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn named(&self, module: usize, name: &str, followed: &mut Followed) -> Vec<Target> {
        let scope = self.scope(module);
        let node = &self.modules[module];
        let child = node.children.iter().find(|(child, _)| *child == name);
        let mut found: Vec<Target> = child
            .map(|(_, child)| Target::Module(*child))
            .into_iter()
            .collect();
        if scope.items.contains(name) {
            found.push(Target::Item(node.file));
        }
        let imports = || scope.imports.iter().enumerate();
        for (at, import) in imports().filter(|(_, import)| !import.glob && import.name == name) {
            found.extend(once(followed, (module, at), |followed| {
                self.follow(module, &import.path, followed)
            }));
        }
        if !found.is_empty() {
            return found;
        }
        for (at, import) in imports().filter(|(_, import)| import.glob) {
            found.extend(once(followed, (module, at), |followed| {
                let modules = self.follow(module, &import.path, followed);
                let modules = modules.iter().filter_map(Target::module);
                modules
                    .flat_map(|module| self.named(module, name, followed))
                    .collect()
            }));
        }
        found
    }
}

/// Follows an import, unless it is being followed already.
fn once(
    followed: &mut Followed,
    import: (usize, usize),
    follow: impl FnOnce(&mut Followed) -> Vec<Target>,
) -> Vec<Target> {
    if followed.contains(&import) {
        return Vec::new();
    }
    followed.push(import);
    let targets = follow(followed);
    followed.pop();
    targets
}

impl Target {
    pub(crate) fn item(&self) -> Option<usize> {
        match self {
            Self::Item(file) => Some(*file),
            Self::Module(_) => None,
        }
    }

    pub(crate) fn module(&self) -> Option<usize> {
        match self {
            Self::Module(module) => Some(*module),
            Self::Item(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::samples as files;

    const SAMPLE: &[(&str, &str)] = &[
        (
            "src/lib.rs",
            "mod a; mod b; pub use app::*; pub mod app { pub use crate::a::{Deep, Outer}; }",
        ),
        (
            "src/a.rs",
            "mod deep; pub(crate) use deep::*; pub struct Outer; mod twin; pub(crate) use twin::twin;",
        ),
        (
            "src/a/deep.rs",
            "pub struct Deep; made!(); pub use other::Foreign;",
        ),
        (
            "src/a/twin.rs",
            "pub fn twin() {} mod tests { use super::*; }",
        ),
        (
            "src/b.rs",
            "use crate::a; use a::Deep as Renamed; enum E { V }",
        ),
    ];

    /// The files that define what a path in `src/b.rs` names.
    fn leads_to(path: &str) -> Vec<String> {
        let sources = files(SAMPLE);
        let krate = Crate::new("src", &sources);
        assert!(krate.faults.is_empty(), "{:?}", krate.faults);
        let module = krate
            .modules
            .iter()
            .position(|node| krate.files[node.file].path == "src/b.rs")
            .expect("b");
        let path: Vec<&str> = path.split("::").collect();
        let targets = krate
            .resolve(module, &path)
            .into_iter()
            .map(|target| match target {
                Target::Item(file) => krate.files[file].path.to_owned(),
                Target::Module(module) => {
                    format!("module {}", krate.files[krate.modules[module].file].path)
                }
            });
        targets.collect()
    }

    #[test]
    fn a_path_leads_to_the_file_that_defines_the_item() {
        assert_eq!(leads_to("crate::a::Outer"), ["src/a.rs"]);
        assert_eq!(leads_to("super::a::deep::Deep"), ["src/a/deep.rs"]);
        assert_eq!(leads_to("crate::a"), ["module src/a.rs"]);
    }

    #[test]
    fn a_re_export_is_followed_to_the_definition() {
        assert_eq!(leads_to("crate::app::Outer"), ["src/a.rs"]);
        assert_eq!(leads_to("a::Outer"), ["src/a.rs"]);
    }

    #[test]
    fn a_glob_and_a_renaming_are_followed_as_well() {
        assert_eq!(leads_to("crate::Deep"), ["src/a/deep.rs"]);
        assert_eq!(leads_to("crate::a::Deep::new"), ["src/a/deep.rs"]);
        assert_eq!(leads_to("Renamed"), ["src/a/deep.rs"]);
    }

    #[test]
    fn a_function_that_is_named_as_its_module_is_found() {
        assert_eq!(
            leads_to("crate::a::twin"),
            ["module src/a/twin.rs", "src/a/twin.rs"]
        );
        assert_eq!(leads_to("crate::a::twin::twin"), ["src/a/twin.rs"]);
    }

    #[test]
    fn a_name_that_a_macro_makes_or_another_crate_gives_is_its_modules() {
        assert_eq!(leads_to("crate::a::deep::Made"), ["src/a/deep.rs"]);
        assert_eq!(leads_to("crate::a::deep::Foreign"), ["src/a/deep.rs"]);
    }

    #[test]
    fn another_crates_path_and_an_own_variant_lead_nowhere_else() {
        assert!(leads_to("std::fmt::Debug").is_empty());
        assert!(leads_to("::a::Outer").is_empty());
        assert_eq!(leads_to("E::V"), ["src/b.rs"]);
    }
}
