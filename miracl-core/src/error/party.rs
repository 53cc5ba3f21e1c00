//! Who has to do something about a failed login.

use std::fmt;

/// Who has to do something about a failed login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Party {
    /// The person, or their browser: too slow, in another browser, cancelled. Trying again helps.
    Person,
    /// The provider: it answered wrongly, or is ill.
    Provider,
    /// This app: its configuration, or its registration at the provider.
    App,
    /// The way between this app and the provider.
    Network,
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Person => "the person or their browser",
            Self::Provider => "the provider",
            Self::App => "this app",
            Self::Network => "the way to the provider",
        })
    }
}
