//! Reads a file of Rust, with as much of the grammar as items, imports and paths need.
//!
//! One thing is not seen: a macro of another file that is used without a path, by `#[macro_use]`.

use crate::{
    source::{Import, Mention, Module, Scope, Source},
    test_code::{after_visibility, attribute, closings, item_end, test_code},
    tokens::{Token, tokens},
};

impl<'s> Source<'s> {
    pub(crate) fn new(source: &'s str) -> Self {
        let tokens = tokens(source);
        let closings = closings(&tokens);
        let mut parser = Parser {
            test: test_code(&tokens, &closings),
            end: tokens.len(),
            tokens,
            closings,
            scopes: vec![Scope::default()],
        };
        parser.module(0, 0, parser.end);
        Self {
            lines: source.lines().count(),
            scopes: parser.scopes,
        }
    }
}

struct Parser<'s> {
    tokens: Vec<Token<'s>>,
    closings: Vec<usize>,
    test: Vec<bool>,
    end: usize,
    scopes: Vec<Scope<'s>>,
}

impl<'s> Parser<'s> {
    fn is(&self, at: usize, text: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(text))
    }

    fn is_word(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(Token::is_word)
    }

    fn text(&self, at: usize) -> &'s str {
        self.tokens.get(at).map_or("", |token| token.text)
    }

    /// Reads the items of a module, from `at` to `end`.
    fn module(&mut self, scope: usize, mut at: usize, end: usize) {
        while at < end {
            if let Some(attribute) = attribute(&self.tokens, &self.closings, at) {
                self.code(scope, attribute.inside.start, attribute.inside.end);
                at = attribute.inside.end + 1;
                continue;
            }
            let first = after_visibility(&self.tokens, &self.closings, at);
            at = if self.is(first, "mod") && self.is_word(first + 1) {
                self.declaration(scope, first + 1)
            } else if self.is(first, "use") {
                self.import(scope, first + 1, first > at)
            } else {
                if let Some(name) = self.item_name(first) {
                    self.scopes[scope].items.insert(name);
                }
                let after = item_end(&self.tokens, &self.closings, first.min(end - 1), end);
                self.code(scope, first, after);
                after.max(first + 1)
            };
        }
    }

    /// Reads a module whose name is at `at`. Returns where the next item begins.
    fn declaration(&mut self, scope: usize, at: usize) -> usize {
        let inline = self.is(at + 1, "{").then_some(self.scopes.len());
        let module = Module {
            name: self.text(at),
            line: self.tokens[at].line,
            test: self.test[at],
            inline,
        };
        self.scopes[scope].modules.push(module);
        let Some(inline) = inline else {
            return at + 2;
        };
        self.scopes.push(Scope::default());
        let close = self.closings[at + 1];
        self.module(inline, at + 2, close);
        close + 1
    }

    fn item_name(&self, mut at: usize) -> Option<&'s str> {
        loop {
            match self.text(at) {
                "fn" | "struct" | "enum" | "union" | "trait" | "type" => break,
                "static" => {
                    at += usize::from(self.is(at + 1, "mut"));
                    break;
                }
                "macro_rules" if self.is(at + 1, "!") => {
                    at += 1;
                    break;
                }
                "const" if !["fn", "async", "unsafe", "extern"].contains(&self.text(at + 1)) => {
                    break;
                }
                "const" | "async" | "unsafe" | "extern" => at += 1,
                _ if self.text(at.wrapping_sub(1)) == "extern" => at += 1,
                _ => return None,
            }
        }
        self.is_word(at + 1).then(|| self.text(at + 1))
    }

    /// Reads the paths and words of code, and the imports inside of it.
    fn code(&mut self, scope: usize, mut at: usize, end: usize) {
        while at < end {
            if !self.is_word(at) {
                at += 1;
            } else if self.is(at, "pub") {
                at = after_visibility(&self.tokens, &self.closings, at);
            } else if self.is(at, "use") && !self.is(at + 1, "<") {
                at = self.import(scope, at + 1, false);
            } else {
                at = self.path(scope, at);
            }
        }
    }

    /// Reads the path that begins at `at`, unless that is a field, a method, or the rest of another path.
    fn path(&mut self, scope: usize, mut at: usize) -> usize {
        let before = |back: usize, text: &str| at >= back && self.is(at - back, text);
        if before(1, "::")
            || (before(1, ".") && !before(2, "."))
            || (before(1, "$") && !self.is(at, "crate"))
        {
            return at + 1;
        }
        let (line, test) = (self.tokens[at].line, self.test[at]);
        let mut path = vec![self.text(at)];
        while self.is(at + 1, "::") && self.is_word(at + 2) {
            path.push(self.text(at + 2));
            at += 2;
        }
        if !test {
            self.scopes[scope].words.insert(path[0]);
        }
        if path.len() > 1 {
            self.scopes[scope]
                .mentions
                .push(Mention { path, test, line });
        }
        at + 1
    }

    /// Reads the tree of a `use`, which begins at `at`. Returns what follows the `;`.
    fn import(&mut self, scope: usize, at: usize, public: bool) -> usize {
        let mut prefix = Vec::new();
        if self.is(at, "::") {
            prefix.push("");
        }
        let tree = at + prefix.len();
        self.tree(scope, &mut prefix, tree, public) + 1
    }

    fn tree(
        &mut self,
        scope: usize,
        prefix: &mut Vec<&'s str>,
        mut at: usize,
        public: bool,
    ) -> usize {
        let depth = prefix.len();
        while self.is_word(at) && self.is(at + 1, "::") {
            prefix.push(self.text(at));
            at += 2;
        }
        if self.is(at, "{") {
            let close = self.closings[at];
            at += 1;
            while at < close {
                at = self.tree(scope, prefix, at, public).max(at + 1);
                at += usize::from(self.is(at, ","));
            }
            at = close;
        } else if at < self.end {
            self.leaf(scope, prefix, at, public);
            at += 2 * usize::from(self.is(at + 1, "as"));
        }
        prefix.truncate(depth);
        at + 1
    }

    fn leaf(&mut self, scope: usize, prefix: &[&'s str], at: usize, public: bool) {
        let glob = self.is(at, "*");
        let mut path = prefix.to_vec();
        let of_prefix = self.is(at, "self") && !prefix.is_empty();
        if !glob && !of_prefix {
            path.push(self.text(at));
        }
        let alias = self.is(at + 1, "as").then(|| self.text(at + 2));
        let import = Import {
            name: alias.or(path.last().copied()).unwrap_or(""),
            path,
            glob,
            public,
            test: self.test[at],
            line: self.tokens[at].line,
        };
        self.scopes[scope].imports.push(import);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(source: &str) -> Vec<String> {
        let source = Source::new(source);
        let imports = source.scopes.iter().flat_map(|scope| &scope.imports);
        imports
            .map(|import| {
                let public = if import.public { "pub " } else { "" };
                let glob = if import.glob { "::*" } else { "" };
                format!(
                    "{public}{}{glob} as {}:{}",
                    import.path.join("::"),
                    import.name,
                    import.line
                )
            })
            .collect()
    }

    fn mentions(source: &str) -> Vec<String> {
        let source = Source::new(source);
        let mentions = source.scopes[0]
            .mentions
            .iter()
            .filter(|mention| !mention.test);
        mentions
            .map(|mention| format!("{}:{}", mention.path.join("::"), mention.line))
            .collect()
    }

    #[test]
    fn a_use_in_nested_braces_gives_each_name_with_its_line() {
        let source = "use crate::{\n    a::{self, B},\n    c::D as E,\n};\nuse super::f;\n";
        assert_eq!(
            imports(source),
            [
                "crate::a as a:2",
                "crate::a::B as B:2",
                "crate::c::D as E:3",
                "super::f as f:5"
            ]
        );
    }

    #[test]
    fn a_re_export_a_glob_and_an_outer_path_are_told_apart() {
        assert_eq!(
            imports("pub use app::*; pub(crate) use self::a::B as _; use ::c::{d::*, E};"),
            [
                "pub app::* as app:1",
                "pub self::a::B as _:1",
                "::c::d::* as d:1",
                "::c::E as E:1"
            ]
        );
    }

    #[test]
    fn an_import_inside_of_a_function_counts() {
        assert_eq!(
            imports("fn a() { if b { use crate::c::D; } }"),
            ["crate::c::D as D:1"]
        );
        assert!(imports("fn a<'b>() -> impl C + use<'b> { }").is_empty());
    }

    #[test]
    fn an_inline_path_is_found_in_bodies_signatures_and_macros() {
        let source = "fn a(b: &crate::c::D) -> super::E {\n    f!(\"{}\", x.g::<crate::h::I>(), ..j::K)\n}\n";
        assert_eq!(
            mentions(source),
            ["crate::c::D:1", "super::E:1", "crate::h::I:2", "j::K:2"]
        );
        assert_eq!(
            mentions("impl A { const B: c::D = <e::F as G>::h(); }"),
            ["c::D:1", "e::F:1"]
        );
    }

    #[test]
    fn a_comment_a_string_and_a_visibility_are_no_paths() {
        let source = "/// [`crate::a::B`]\nfn c() { d(\"crate::e\"); } // crate::f::G\n\
            struct H { pub(in crate::i) j: u8 }";
        assert!(mentions(source).is_empty());
    }

    #[test]
    fn test_code_is_marked_as_such() {
        let source = Source::new(
            "#[cfg(test)] mod tests { use super::*; }\nuse a::b; fn c() { #[cfg(test)] d::e(); }",
        );
        assert!(source.scopes[0].modules[0].test && source.scopes[1].imports[0].test);
        assert!(!source.scopes[0].imports[0].test && source.scopes[0].mentions[0].test);
    }

    #[test]
    fn every_kind_of_item_has_its_name() {
        let source = "pub struct A(B); pub(crate) enum C { D } union E {} trait F { fn no(); } type G = H;\n\
            const I: u8 = { 1 }; static mut J: K = K {}; pub const unsafe fn l() {} extern \"C\" fn m() {}\n\
            macro_rules! n { () => {} } impl A { fn no() {} } async fn o() {} thread_local! { static NO: u8 }";
        let source = Source::new(source);
        let items: Vec<&str> = source.scopes[0].items.iter().copied().collect();
        assert_eq!(
            items,
            ["A", "C", "E", "F", "G", "I", "J", "l", "m", "n", "o"]
        );
    }
}
