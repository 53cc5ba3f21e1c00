//! The words and marks of Rust source, each with its line. Comments, doc comments and lifetimes are left out, and a
//! string is one token: a path that is only mentioned in a text is no import.

/// One token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'s> {
    pub(crate) kind: Kind,
    /// As in the source, but `type` for `r#type`, a string without its quotes, and nothing for any other literal.
    pub(crate) text: &'s str,
    pub(crate) line: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A keyword or an identifier.
    Word,
    /// One character of punctuation, or `::`.
    Mark,
    /// A string, a character or a number.
    Literal,
}

impl Token<'_> {
    pub(crate) fn is_word(&self) -> bool {
        self.kind == Kind::Word
    }

    pub(crate) fn is(&self, text: &str) -> bool {
        self.kind != Kind::Literal && self.text == text
    }
}

/// Takes source apart. The source has to compile: no syntax is checked here.
pub(crate) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut reader = Reader {
        source,
        bytes: source.as_bytes(),
        at: 0,
        line: 1,
        tokens: Vec::with_capacity(source.len() / 6),
    };
    while reader.at < reader.bytes.len() {
        reader.step();
    }
    reader.tokens
}

struct Reader<'s> {
    source: &'s str,
    bytes: &'s [u8],
    at: usize,
    line: usize,
    tokens: Vec<Token<'s>>,
}

impl Reader<'_> {
    fn step(&mut self) {
        let (byte, next) = (self.bytes[self.at], self.peek(1));
        match byte {
            b'\n' => {
                self.line += 1;
                self.at += 1;
            }
            b' ' | b'\t' | b'\r' => self.at += 1,
            b'/' if next == b'/' => self.at = self.find(self.at, b'\n'),
            b'/' if next == b'*' => self.block_comment(),
            b'"' => self.string(self.at),
            b'\'' => self.quote(),
            b'0'..=b'9' => self.number(),
            b'_' | b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => self.word(),
            b':' if next == b':' => self.push(Kind::Mark, self.at, self.at + 2),
            _ => self.push(Kind::Mark, self.at, self.at + 1),
        }
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Where `byte` comes next, or the end.
    fn find(&self, from: usize, byte: u8) -> usize {
        let found = self.bytes[from..].iter().position(|at| *at == byte);
        found.map_or(self.bytes.len(), |found| from + found)
    }

    fn push(&mut self, kind: Kind, from: usize, to: usize) {
        self.tokens.push(Token {
            kind,
            text: &self.source[from..to],
            line: self.line,
        });
        self.at = to;
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.bytes.len() {
            match (self.bytes[self.at], self.peek(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return;
                    }
                }
                (byte, _) => {
                    self.line += usize::from(byte == b'\n');
                    self.at += 1;
                }
            }
        }
    }

    /// A string with escapes, whose opening quote is at `quote`.
    fn string(&mut self, quote: usize) {
        let mut end = quote + 1;
        while end < self.bytes.len() && self.bytes[end] != b'"' {
            end += 1 + usize::from(self.bytes[end] == b'\\');
        }
        self.literal(quote + 1, end, end + 1);
    }

    /// Reads a raw string, whose hashes begin at `hashes`. Reads nothing if it is none, such as `r#type`.
    fn raw_string(&mut self, hashes: usize) -> bool {
        let quote = self.find(hashes, b'"');
        let fence = &self.bytes[hashes..quote.min(self.bytes.len())];
        if quote == self.bytes.len() || fence.iter().any(|byte| *byte != b'#') {
            return false;
        }
        let mut end = self.find(quote + 1, b'"');
        while end < self.bytes.len() && !self.bytes[end + 1..].starts_with(fence) {
            end = self.find(end + 1, b'"');
        }
        self.literal(quote + 1, end, end + 1 + fence.len());
        true
    }

    fn literal(&mut self, from: usize, to: usize, after: usize) {
        let (to, after) = (to.min(self.bytes.len()), after.min(self.bytes.len()));
        let lines = self.bytes[self.at..after]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        self.push(Kind::Literal, from, to);
        self.line += lines;
        self.at = after;
    }

    /// A character, which is a literal, or a lifetime, which is nothing.
    fn quote(&mut self) {
        let from = self.at + 1;
        let char = self.source[from..].chars().next().unwrap_or('\'');
        if char == '\\' {
            let end = self.find(from + 2, b'\'');
            self.literal(from, from, end + 1);
        } else if self.bytes.get(from + char.len_utf8()) == Some(&b'\'') {
            self.literal(from, from, from + char.len_utf8() + 1);
        } else {
            self.at = self.word_end(from);
        }
    }

    fn number(&mut self) {
        let mut end = self.word_end(self.at);
        let fraction = self.bytes.get(end) == Some(&b'.')
            && self.bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        if fraction {
            end = self.word_end(end + 1);
        }
        self.literal(self.at, self.at, end);
    }

    fn word(&mut self) {
        let end = self.word_end(self.at);
        let prefix = &self.source[self.at..end];
        let next = self.bytes.get(end).copied().unwrap_or(0);
        let raw = matches!(prefix, "r" | "br" | "cr") && matches!(next, b'"' | b'#');
        if raw && self.raw_string(end) {
            return;
        }
        if prefix == "r" && next == b'#' {
            self.push(Kind::Word, end + 1, self.word_end(end + 1));
        } else if matches!(prefix, "b" | "c") && next == b'"' {
            self.string(end);
        } else if prefix == "b" && next == b'\'' {
            self.at = end;
            self.quote();
        } else {
            self.push(Kind::Word, self.at, end);
        }
    }

    fn word_end(&self, from: usize) -> usize {
        let rest = &self.bytes[from.min(self.bytes.len())..];
        let length = rest
            .iter()
            .position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80));
        length.map_or(self.bytes.len(), |length| from + length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<&str> {
        let tokens = tokens(source).into_iter();
        tokens
            .filter(Token::is_word)
            .map(|token| token.text)
            .collect()
    }

    #[test]
    fn a_comment_that_mentions_a_path_gives_no_word() {
        assert_eq!(
            words("a // crate::b\n/* c /* crate::d */ e */ f"),
            ["a", "f"]
        );
        assert_eq!(
            words("//! crate::a\n/// [`crate::b`]\nfn c() {}"),
            ["fn", "c"]
        );
    }

    #[test]
    fn a_string_that_mentions_a_path_gives_no_word() {
        assert_eq!(
            words(r#"a("crate::b \" crate::c", b"d", c"e") f"#),
            ["a", "f"]
        );
    }

    #[test]
    fn a_raw_string_ends_at_its_own_hashes() {
        assert_eq!(
            words(r####"a r"\" b r#"c " d"# e br##"f "# g"## h"####),
            ["a", "b", "e", "h"]
        );
    }

    #[test]
    fn a_raw_identifier_is_a_word_without_its_prefix() {
        assert_eq!(words("r#type :: r"), ["type", "r"]);
    }

    #[test]
    fn a_lifetime_is_told_from_a_character() {
        assert_eq!(words(r"a<'b> 'c' '\'' '\u{64}' b'e' 'é' f"), ["a", "f"]);
    }

    #[test]
    fn a_number_is_no_word_and_a_range_of_numbers_keeps_its_dots() {
        let found: Vec<Token<'_>> = tokens("0xff_u8 1.5e3 0..2");
        assert_eq!(
            found
                .iter()
                .filter(|token| token.kind == Kind::Literal)
                .count(),
            4
        );
        assert_eq!(found.iter().filter(|token| token.is(".")).count(), 2);
    }

    #[test]
    fn lines_are_counted_through_strings_and_comments() {
        let source = "a\n\"b\n\\\"\n\" c\n/*\n*/ r#\"\n\"# d\n";
        let lines: Vec<(&str, usize)> = tokens(source)
            .into_iter()
            .filter(Token::is_word)
            .map(|token| (token.text, token.line))
            .collect();
        assert_eq!(lines, [("a", 1), ("c", 4), ("d", 7)]);
    }
}
