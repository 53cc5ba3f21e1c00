//! A provider's own description of an error.

use std::fmt;

/// The provider's own description of an error. It is text from outside and may hold personal data: escape it where you
/// show it. `Debug` prints its length only. The engine's own log contains it without words that look like an e-mail
/// address or a token, and leaves it out where the error concerns the person alone.
#[derive(Clone, Default)]
pub struct Description(pub(crate) Option<String>);

impl Description {
    /// Returns the text, cut to 200 printable characters; `None` when the provider gave none.
    pub fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Returns the text without the words that may name a person or be a secret.
    pub(crate) fn for_log(&self) -> Option<String> {
        let sensitive = |word: &str| word.contains(['@', '%']) || word.len() > MAX_LOGGED_WORD;
        let words = self.0.as_deref()?.split(' ');
        let words = words.map(|word| if sensitive(word) { "[...]" } else { word });
        Some(words.collect::<Vec<_>>().join(" "))
    }

    /// Removes these secrets from the text.
    pub(crate) fn leave_out(&mut self, secrets: &[&str]) {
        if let Some(text) = &mut self.0 {
            for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
                *text = text.replace(secret, "[...]");
                // The end of the text may have been cut off in the middle of one.
                let cut = (4..secret.len()).rev().filter_map(|len| secret.get(..len));
                let cut = cut
                    .filter(|begin| text.ends_with(begin))
                    .map(str::len)
                    .next();
                if let Some(cut) = cut {
                    text.truncate(text.len() - cut);
                    text.push_str("[...]");
                }
            }
        }
    }
}

impl fmt::Debug for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(text) => write!(f, "[{} bytes]", text.len()),
            None => f.write_str("[none]"),
        }
    }
}

/// The longest word of a description that is logged. The number of an error fits; a token or a person's id does not.
const MAX_LOGGED_WORD: usize = 32;
