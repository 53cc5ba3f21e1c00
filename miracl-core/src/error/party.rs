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
    /// This app, or the person: from here they cannot be told apart. See to the app first.
    AppOrPerson,
    /// This app, or the provider: from here they cannot be told apart. See to the app first.
    AppOrProvider,
}

impl Party {
    /// Whether the operator of this app may have to do something.
    pub(crate) fn may_be_app(self) -> bool {
        matches!(self, Self::App | Self::AppOrPerson | Self::AppOrProvider)
    }

    /// Whether the person may have to do something.
    pub(crate) fn may_be_person(self) -> bool {
        matches!(self, Self::Person | Self::AppOrPerson)
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Person => "the person or their browser",
            Self::Provider => "the provider",
            Self::App => "this app",
            Self::Network => "the way to the provider",
            Self::AppOrPerson => "this app or the person (they cannot be told apart)",
            Self::AppOrProvider => "this app or the provider (they cannot be told apart)",
        })
    }
}
