//! Why a session cannot be read or kept.

use std::{error::Error, fmt};

use crate::error::{provider::ProviderError, store::StoreError};

/// The session cannot be read or written at the moment.
///
/// This is not the same as being anonymous: answer 503, not a login page.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SessionError {
    /// The app's own [`CredentialSource`](crate::CredentialSource) did not say which client this is.
    Credentials(ProviderError),
    /// The change makes the session too large for cookies. The old session stays.
    TooLarge(SessionTooLarge),
    /// The store of sessions or the store of marks failed. The text says which.
    Store(StoreError),
    /// Sessions are kept in cookies, so there is no list of them: see
    /// [`Config::session_store`](crate::Config::session_store).
    NotListed,
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credentials(_) => f.write_str("the session cannot be read"),
            Self::TooLarge(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::NotListed => f.write_str(
                "sessions that are kept in cookies cannot be listed; to list them, keep them in a \
                 store: `session_store`",
            ),
        }
    }
}

impl Error for SessionError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Credentials(error) => Some(error),
            Self::Store(error) => error.source(),
            Self::TooLarge(_) | Self::NotListed => None,
        }
    }
}

/// A session that does not fit into cookies, and its largest parts.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SessionTooLarge {
    /// How many bytes the cookies would take.
    pub bytes: usize,
    /// How many they may take.
    pub limit: usize,
    /// The largest parts, by name, with their bytes before sealing: largest first.
    pub parts: Vec<(String, usize)>,
}

impl fmt::Display for SessionTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the session takes {} bytes of cookies, and {} is the most that browsers and servers \
             reliably carry; the largest parts are",
            self.bytes, self.limit
        )?;
        for (place, (name, bytes)) in self.parts.iter().take(3).enumerate() {
            write!(f, "{} {name} ({bytes})", if place == 0 { "" } else { "," })?;
        }
        f.write_str(
            "; keep less of it (SESSION_KEEP_CLAIMS, SESSION_KEEP_ID_TOKEN, SESSION_KEEP_TOKENS, app data), keep \
             sessions in a store, or ask the provider for fewer scopes",
        )
    }
}
