//! Why a request to the API of MIRACL Trust failed, or what it judged was refused.

mod code;
mod told;

use std::error::Error;

use crate::error::{
    description::Description, login::FailureReason, party::Party, provider::ProviderError,
    store::StoreError, token::IdTokenError,
};

pub use code::TrustCode;

/// Why a call to MIRACL Trust failed: a verification, a signature, a project JWT, the audit log.
///
/// `Display` says what happened, and `Debug` does too. Neither shows a user id, a token or a secret.
///
/// ```
/// use miracl_core::app::error::{TrustCode, TrustError};
///
/// /// What an app answers its own caller.
/// fn answer(error: &TrustError) -> (u16, String) {
///     if error.code() == Some(&TrustCode::Forbidden) {
///         // The service account lacks a permission.
///         eprintln!("{error}: {}", error.advice());
///     }
///     (error.status(), error.to_string())
/// }
/// ```
// Everything that is told about a variant stands in the one `match` in `trust/told.rs`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum TrustError {
    /// The platform refused, and said why by a code.
    Refused {
        /// Which endpoint.
        endpoint: &'static str,
        /// The HTTP status.
        status: u16,
        /// The platform's code.
        code: TrustCode,
        /// The field of the request that is at fault, where the platform names one; cut to 64 printable characters.
        field: Option<String>,
        /// The platform's own words (`info`). They may hold personal data, so they are not part of `Display` and
        /// `Debug`.
        info: Description,
    },
    /// The platform could not be reached, or did not answer as it must: not JSON, too long, too late, a redirect, or a
    /// status without a code.
    Provider(ProviderError),
    /// An argument cannot be right, and nothing was sent.
    Argument {
        /// Which one.
        name: &'static str,
        /// What it must be.
        must_be: &'static str,
    },
    /// The verification URL leads to another host than the platform's. It carries the code of a registration, so it is
    /// given to nobody.
    OtherHost {
        /// The platform's.
        expected: String,
        /// The URL's; cut to 200 printable characters.
        found: String,
    },
    /// A project JWT was refused.
    ProjectJwt(IdTokenError),
    /// A project JWT was used before: see [`Config::project_jwt_use`](crate::Config::project_jwt_use).
    Replayed,
    /// The login that a registration is to end in could not begin, or a code was refused.
    Login(FailureReason),
    /// The store of marks failed, so it is unknown whether a project JWT was used before.
    Store(StoreError),
}

impl TrustError {
    pub(crate) const fn argument(name: &'static str, must_be: &'static str) -> Self {
        Self::Argument { name, must_be }
    }

    /// An answer that cannot be read.
    pub(crate) fn malformed(endpoint: &'static str, detail: impl Into<String>) -> Self {
        Self::Provider(ProviderError::Malformed {
            endpoint,
            detail: detail.into(),
        })
    }

    /// Returns the platform's code, where it refused by one.
    pub fn code(&self) -> Option<&TrustCode> {
        match self {
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Returns the HTTP status for an answer of the app's own: a 4xx where the caller sent something wrong, and 502 to
    /// 504 where the platform is ill or this app's own credentials are. Never 500.
    pub fn status(&self) -> u16 {
        self.told().status
    }

    /// Returns who has to do something about it.
    pub fn at_fault(&self) -> Party {
        self.told().blame.party
    }

    /// Returns what to do about it, for the operator or developer.
    pub fn advice(&self) -> &'static str {
        self.told().blame.advice
    }

    /// Whether asking again may help: the platform or the store is away, slow or ill, and did not refuse.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Provider(error) | Self::Login(FailureReason::Provider(error)) => {
                error.is_transient()
            }
            Self::Refused { status, .. } => *status == 429,
            Self::Store(_) => true,
            _ => false,
        }
    }
}

impl Error for TrustError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // These print the error's own text, so the chain goes on with the error's source.
            Self::Provider(error) => error.source(),
            Self::Store(error) => error.source(),
            _ => None,
        }
    }
}

impl From<ProviderError> for TrustError {
    fn from(error: ProviderError) -> Self {
        Self::Provider(error)
    }
}

impl From<IdTokenError> for TrustError {
    fn from(error: IdTokenError) -> Self {
        Self::ProjectJwt(error)
    }
}

impl From<StoreError> for TrustError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

#[cfg(test)]
mod tests;
