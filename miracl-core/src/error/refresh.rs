//! Why tokens or user data cannot be renewed.

use std::{error::Error, fmt};

use crate::error::{provider::ProviderError, session::SessionError, token::IdTokenError};

/// Why user data could not be fetched again.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RefreshError {
    /// Nobody is logged in.
    NotLoggedIn,
    /// The access token has run out or was revoked. The session has been ended; log in again.
    Expired,
    /// The provider is ill or gave an unusable answer. The old data stays, and so does the session.
    Provider(ProviderError),
    /// The provider answered with another person's data. It was dropped; the old data stays.
    Subject,
    /// The answer is a JWT that failed a check. It was dropped; the old data stays.
    Token(IdTokenError),
    /// The ID token that came with refreshed tokens is not this session's (OpenID Connect Core 1.0 §12.2). The session
    /// has been ended.
    RefreshedIdToken(IdTokenError),
    /// The session cannot be read or written.
    Session(SessionError),
}

impl fmt::Display for RefreshError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLoggedIn => f.write_str("nobody is logged in"),
            Self::Expired => f.write_str("the access token has run out; the session was ended"),
            Self::Provider(error) => error.fmt(f),
            Self::Subject => f.write_str("the userinfo is about another subject than the session"),
            Self::Token(error) => write!(f, "the signed userinfo was refused: {error}"),
            Self::RefreshedIdToken(error) => write!(
                f,
                "the refreshed ID token was refused, and the session was ended: {error}"
            ),
            Self::Session(error) => error.fmt(f),
        }
    }
}

impl Error for RefreshError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Provider(error) => error.source(),
            Self::Session(error) => error.source(),
            _ => None,
        }
    }
}

impl From<SessionError> for RefreshError {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}
