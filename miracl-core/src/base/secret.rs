//! Texts that must not be shown.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A string that is a secret: a client secret or a token.
///
/// `Debug` prints `[redacted]`, there is no `Display` and no `PartialEq`, and the memory is overwritten when it is
/// dropped. Reading it takes a call that is easy to find in a review: [`Secret::expose`].
///
/// ```
/// let secret = miracl_core::Secret::from("s3cr3t");
/// assert_eq!(format!("{secret:?}"), "[redacted]");
/// assert_eq!(secret.expose(), "s3cr3t");
/// ```
#[derive(Clone, Default)]
pub struct Secret {
    text: SecretString,
    from_clear_text: bool,
}

impl Secret {
    /// Makes a secret that stood in a settings file in clear text, so that a warning can be logged at start.
    pub(crate) fn from_clear_text(text: String) -> Self {
        Self {
            text: text.into(),
            from_clear_text: true,
        }
    }

    pub(crate) fn is_from_clear_text(&self) -> bool {
        self.from_clear_text
    }

    /// Takes white space at both ends off, such as a line break.
    pub(crate) fn trimmed(self) -> Self {
        match self.expose().trim() {
            whole if whole.len() == self.expose().len() => self,
            inner => Self {
                text: inner.to_owned().into(),
                ..self
            },
        }
    }

    /// Returns the secret itself.
    ///
    /// # Security
    ///
    /// Do not log it, and do not send it anywhere but to the provider.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// Whether the secret is empty, as in a configuration that was not filled in.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self {
            text: value.into(),
            from_clear_text: false,
        }
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self::from(value.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
