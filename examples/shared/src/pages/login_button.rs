//! The login button: what a click does, with the login script and without.

use std::fmt::{self, Write};

use askama::filters::HtmlSafe;

/// The script of the login button: MIRACL's `mpad.js`, or one that works like it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginScript {
    /// The local platform's. It is given the demo's own `/login/start`, so that showing a page needs no provider.
    Platform(String),
    /// One from elsewhere. It is given the provider's authorize URL itself, as in the Tornado sample.
    ThirdParty(String),
}

impl LoginScript {
    pub(super) fn url(&self) -> &str {
        match self {
            Self::Platform(url) | Self::ThirdParty(url) => url,
        }
    }
}

/// What a click on the login button does.
#[derive(Debug, Clone)]
pub struct LoginButton {
    pub(super) script: Option<String>,
    pub(super) auth_url: Attribute,
    pub(super) start_url: Attribute,
}

/// A URL that escapes itself, as `&amp;`: askama would write `&#38;`, which not every script that reads pages
/// understands.
#[derive(Debug, Clone)]
pub(super) struct Attribute(pub(super) String);

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => f.write_char(c),
        })
    }
}

impl HtmlSafe for Attribute {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_cannot_leave_its_attribute() {
        let url = Attribute(r#"/"><script>'&"#.into());
        assert_eq!(url.to_string(), "/&quot;&gt;&lt;script&gt;&#39;&amp;");
    }
}
