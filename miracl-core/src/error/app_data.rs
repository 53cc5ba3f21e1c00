//! Why the app's own data in a session cannot be read or kept.

use std::{error::Error, fmt};

use crate::error::session::SessionError;

/// Why a value of the app's own cannot be read from a session, or kept in it.
///
/// No text of it shows a value.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum DataError {
    /// Nobody is logged in, so there is no session to keep the value in.
    NotLoggedIn,
    /// The session has a value of this name that is not of the type: probably one from before an upgrade of the app.
    /// [`Visit::remove`](crate::Visit::remove) drops it, and [`Visit::set`](crate::Visit::set) replaces it.
    Unreadable {
        /// The name of the value.
        name: &'static str,
        /// What is missing, or was expected in its place.
        detail: String,
    },
    /// The value cannot be written as JSON.
    Unwritable {
        /// The name of the value.
        name: &'static str,
        /// Why not.
        detail: String,
    },
    /// The value is longer than a session keeps. The one before stays.
    ValueTooLarge {
        /// The name of the value.
        name: &'static str,
        /// How many bytes it takes as JSON.
        bytes: usize,
        /// How many it may take.
        limit: usize,
    },
    /// The session cannot be read or written. [`SessionError::TooLarge`] says that it does not fit into cookies with
    /// this value, and names the largest parts. What was there before stays.
    Session(SessionError),
}

impl DataError {
    pub(crate) fn unreadable(name: &'static str, error: &serde_json::Error) -> Self {
        let detail = detail(&error.to_string());
        Self::Unreadable { name, detail }
    }

    pub(crate) fn unwritable(name: &'static str, error: &serde_json::Error) -> Self {
        let detail = detail(&error.to_string());
        Self::Unwritable { name, detail }
    }
}

/// What an error of serde says, without the value that it is about: "missing field `a`", "expected a string".
fn detail(text: &str) -> String {
    const EXPECTED: &str = ", expected ";
    match text.rfind(EXPECTED) {
        Some(at) => text[at + 2..].to_owned(),
        None if text.starts_with("missing field") || text.starts_with("key must be") => {
            text.to_owned()
        }
        None => "a type's own rule".to_owned(),
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLoggedIn => f.write_str("nobody is logged in, so no session can keep data"),
            Self::Unreadable { name, detail } => write!(
                f,
                "the session's app data `{name}` is not of the type that the app asks for ({detail})"
            ),
            Self::Unwritable { name, detail } => {
                write!(
                    f,
                    "the app data `{name}` cannot be written as JSON ({detail})"
                )
            }
            Self::ValueTooLarge { name, bytes, limit } => write!(
                f,
                "the app data `{name}` takes {bytes} bytes, and a session keeps at most {limit} of one value"
            ),
            Self::Session(error) => error.fmt(f),
        }
    }
}

impl Error for DataError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Session(error) => error.source(),
            _ => None,
        }
    }
}

impl From<SessionError> for DataError {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}
