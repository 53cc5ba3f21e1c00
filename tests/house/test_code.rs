//! Which tokens are test code: what `#[cfg(..)]` compiles for tests, fuzzing and benches only.

use std::ops::Range;

use crate::tokens::{Kind, Token};

/// For every opening bracket, where it closes.
pub(crate) fn closings(tokens: &[Token<'_>]) -> Vec<usize> {
    let mut closings = vec![tokens.len(); tokens.len()];
    let mut open = Vec::new();
    for (at, token) in tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| token.kind == Kind::Mark)
    {
        match token.text {
            "(" | "[" | "{" => open.push(at),
            ")" | "]" | "}" => {
                if let Some(opening) = open.pop() {
                    closings[opening] = at;
                }
            }
            _ => {}
        }
    }
    closings
}

/// For every token, whether it is test code.
pub(crate) fn test_code(tokens: &[Token<'_>], closings: &[usize]) -> Vec<bool> {
    let mut test = vec![false; tokens.len()];
    let mut enclosing = vec![tokens.len()];
    for at in 0..tokens.len() {
        while enclosing.len() > 1 && enclosing.last().is_some_and(|end| *end <= at) {
            enclosing.pop();
        }
        let end = enclosing.last().copied().unwrap_or(tokens.len());
        if let Some(attribute) = attribute(tokens, closings, at)
            && is_for_tests(&tokens[attribute.inside.clone()])
        {
            let after = attribute.inside.end + 1;
            let end = if attribute.inner {
                end
            } else {
                end_of_annotated(tokens, closings, after, end)
            };
            test[at..end].fill(true);
        }
        if tokens[at].kind == Kind::Mark && matches!(tokens[at].text, "(" | "[" | "{") {
            enclosing.push(closings[at]);
        }
    }
    test
}

/// An outer attribute `#[..]`, or an inner one `#![..]`.
pub(crate) struct Attribute {
    pub(crate) inside: Range<usize>,
    inner: bool,
}

/// The attribute that begins at this token.
pub(crate) fn attribute(tokens: &[Token<'_>], closings: &[usize], at: usize) -> Option<Attribute> {
    let is = |at: usize, text: &str| tokens.get(at).is_some_and(|token| token.is(text));
    let inner = is(at + 1, "!");
    let open = at + 1 + usize::from(inner);
    (is(at, "#") && is(open, "[")).then(|| Attribute {
        inside: open + 1..closings[open],
        inner,
    })
}

fn is_for_tests(attribute: &[Token<'_>]) -> bool {
    let [cfg, open, condition @ .., _] = attribute else {
        return false;
    };
    cfg.is("cfg") && open.is("(") && holds(condition) == Some(false)
}

/// Whether a condition holds in an ordinary build. `None` where that depends on the build.
fn holds(condition: &[Token<'_>]) -> Option<bool> {
    let (name, rest) = condition.split_first()?;
    let inner = || {
        let inside = &rest[1.min(rest.len())..rest.len().saturating_sub(1)];
        parts(inside).map(holds).collect::<Vec<_>>()
    };
    match name.text {
        "test" | "fuzzing" => Some(false),
        "feature" if rest.last().is_some_and(|value| value.text == "bench") => Some(false),
        "not" => inner().first().copied().flatten().map(|holds| !holds),
        "all" if inner().contains(&Some(false)) => Some(false),
        "all" if inner().iter().all(|part| *part == Some(true)) => Some(true),
        "any" if inner().contains(&Some(true)) => Some(true),
        "any" if inner().iter().all(|part| *part == Some(false)) => Some(false),
        _ => None,
    }
}

/// The parts between the commas that stand outside of brackets.
fn parts<'t, 's>(tokens: &'t [Token<'s>]) -> impl Iterator<Item = &'t [Token<'s>]> {
    let mut depth = 0;
    let parts = tokens.split(move |token| {
        depth += i32::from(token.is("(")) - i32::from(token.is(")"));
        depth == 0 && token.is(",")
    });
    parts.filter(|part| !part.is_empty())
}

/// The keywords that begin an item. A comma does not end an item.
#[rustfmt::skip]
const ITEMS: &[&str] = &[
    "async", "const", "enum", "extern", "fn", "impl", "macro_rules", "mod", "static", "struct", "trait", "type",
    "union", "unsafe", "use",
];

/// Where the item, statement, field or match arm behind an attribute ends. Its block ends at `end`.
fn end_of_annotated(tokens: &[Token<'_>], closings: &[usize], mut at: usize, end: usize) -> usize {
    while let Some(attribute) = attribute(tokens, closings, at) {
        at = attribute.inside.end + 1;
    }
    at = after_visibility(tokens, closings, at);
    let first = tokens.get(at).map_or("", |token| token.text);
    if ITEMS.contains(&first) {
        return item_end(tokens, closings, at, end);
    }
    let statement = first == "let";
    let mut angles = 0;
    while at < end {
        let token = &tokens[at];
        match token.text {
            _ if token.kind != Kind::Mark => {}
            ";" => return at + 1,
            "," if !statement && angles == 0 => return at + 1,
            "<" => angles += 1,
            ">" if at > 0 && !tokens[at - 1].is("-") && !tokens[at - 1].is("=") => {
                angles = (angles - 1).max(0)
            }
            "(" | "[" => at = closings[at],
            "{" => {
                at = closings[at];
                let goes_on = |text: &str| [".", "?", ",", ";", "else"].contains(&text);
                if !statement && !tokens.get(at + 1).is_some_and(|next| goes_on(next.text)) {
                    return (at + 1).min(end);
                }
            }
            _ => {}
        }
        at += 1;
    }
    end
}

/// Where an item ends: after its `;`, or after its braces.
pub(crate) fn item_end(tokens: &[Token<'_>], closings: &[usize], from: usize, end: usize) -> usize {
    let value = ["const", "static", "type", "use"].contains(&tokens[from].text)
        && !tokens
            .get(from + 1)
            .is_some_and(|next| ["fn", "unsafe", "async", "extern"].contains(&next.text));
    let mut at = from;
    while at < end {
        match tokens[at].text {
            _ if tokens[at].kind != Kind::Mark => {}
            ";" => return at + 1,
            "{" if !value => return (closings[at] + 1).min(end),
            "(" | "[" | "{" => at = closings[at],
            _ => {}
        }
        at += 1;
    }
    end
}

/// The token after `pub`, `pub(crate)` or `pub(in path)`, or `at` where none of them is.
pub(crate) fn after_visibility(tokens: &[Token<'_>], closings: &[usize], at: usize) -> usize {
    if !tokens
        .get(at)
        .is_some_and(|token| token.is_word() && token.is("pub"))
    {
        return at;
    }
    let is = |at: usize, texts: &[&str]| {
        tokens
            .get(at)
            .is_some_and(|token| texts.contains(&token.text))
    };
    let restricted = is(at + 1, &["("])
        && (is(at + 2, &["in"]) || (is(at + 2, &["crate", "super", "self"]) && is(at + 3, &[")"])));
    if restricted {
        closings[at + 1] + 1
    } else {
        at + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::tokens;

    /// The words that are no test code.
    fn ordinary(source: &str) -> Vec<&str> {
        let tokens = tokens(source);
        let test = test_code(&tokens, &closings(&tokens));
        let ordinary = tokens
            .iter()
            .zip(test)
            .filter(|(token, test)| token.is_word() && !test);
        ordinary.map(|(token, _)| token.text).collect()
    }

    #[test]
    fn an_item_for_tests_is_test_code_to_its_end() {
        assert_eq!(
            ordinary("#[cfg(test)] pub(crate) fn a(b: (C, D)) -> E<F, G> { h; } i"),
            ["i"]
        );
        assert_eq!(ordinary("#[cfg(test)] use a::{b, c}; d"), ["d"]);
        assert_eq!(
            ordinary("#[cfg(test)] #[path(b)] mod c { mod d {} } e"),
            ["e"]
        );
        assert_eq!(
            ordinary("#[cfg(test)] const A: [B; 2] = [C {}, D {}]; e"),
            ["e"]
        );
    }

    #[test]
    fn a_field_an_arm_and_a_statement_for_tests_are_test_code() {
        assert_eq!(
            ordinary("struct A { #[cfg(test)] b: C<D, E>, f: G }"),
            ["struct", "A", "f", "G"]
        );
        assert_eq!(ordinary("A { #[cfg(test)] b: C { d }, e }"), ["A", "e"]);
        assert_eq!(ordinary("{ #[cfg(test)] let a = b(c, d); e; }"), ["e"]);
        assert_eq!(ordinary("{ #[cfg(test)] if a { b } else { c } d }"), ["d"]);
        assert_eq!(ordinary("{ #[cfg(test)] a(b, c) } d"), ["d"]);
    }

    #[test]
    fn a_whole_file_can_be_test_code() {
        assert!(ordinary("#![cfg(test)] use a::b; fn c() {}").is_empty());
    }

    #[test]
    fn fuzzing_and_benches_count_as_tests_and_features_do_not() {
        assert!(ordinary("#[cfg(any(test, fuzzing))] mod a;").is_empty());
        assert!(ordinary("#[cfg(feature = \"bench\")] mod a;").is_empty());
        assert!(ordinary("#[cfg(all(unix, test))] mod a;").is_empty());
        assert_eq!(
            ordinary("#[cfg(feature = \"redis\")] a;"),
            ["cfg", "feature", "a"]
        );
        assert_eq!(
            ordinary("#[cfg(not(test))] a;"),
            ["cfg", "not", "test", "a"]
        );
        assert_eq!(
            ordinary("#[cfg(any(test, unix))] a;"),
            ["cfg", "any", "test", "unix", "a"]
        );
    }
}
