//! The codes by which MIRACL Trust refuses.

use std::fmt;

/// The code by which MIRACL Trust refused a request. Its own clients look at nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TrustCode {
    /// `UNAUTHORIZED`, `UNAUTHORIZED_REQUEST`: the credentials are missing or wrong.
    Unauthorized,
    /// `FORBIDDEN`: the credentials are right, and do not allow this. A service account lacks the permission.
    Forbidden,
    /// `INVALID_REQUEST_PARAMETERS`: a field is missing or wrong.
    InvalidParameters,
    /// `INVALID_REQUEST_PAYLOAD`, `INVALID_REQUEST_BODY`: the body is not what the endpoint takes.
    InvalidBody,
    /// `REQUEST_TOO_LARGE`: the body is too long.
    TooLarge,
    /// `NOT_FOUND`: there is no such thing here, such as an M-Pin id.
    NotFound,
    /// `METHOD_NOT_ALLOWED`: the endpoint does not have this method.
    MethodNotAllowed,
    /// `REQUEST_BACKOFF`: too soon after the one before.
    Backoff,
    /// `INVALID_SIGNATURE`: the signature is wrong, or was made with a wrong PIN.
    InvalidSignature,
    /// `REVOKED_MPINID`, `MPINID_REVOKED`: the person's registration on that device is revoked.
    Revoked,
    /// `EXPIRED_MPINID`, `MPINID_EXPIRED`: the platform does not know the registration any more.
    Expired,
    /// `INVALID_ACTIVATION_TOKEN`: the activation token is unknown, used or too old.
    InvalidActivationToken,
    /// `UNSUCCESSFUL_VERIFICATION`: the code of a verification is unknown, used or too old.
    UnsuccessfulVerification,
    /// `UNSUCCESSFUL_AUTHENTICATION`, `INVALID_AUTH`: a wrong PIN.
    UnsuccessfulAuthentication,
    /// `INVALID_AUTHENTICATION_SESSION`, `INVALID_AUTH_SESSION`: the login at the platform is unknown, used or too old.
    InvalidSession,
    /// `NO_PUSH_TOKEN`: the person has no device that takes notifications.
    NoPushToken,
    /// Any other code, as the platform wrote it; cut to 64 printable characters.
    Other(String),
}

impl TrustCode {
    /// Every code that has a variant, by each of its names.
    pub(super) const KNOWN: [(&str, Self); 22] = [
        ("UNAUTHORIZED", Self::Unauthorized),
        ("UNAUTHORIZED_REQUEST", Self::Unauthorized),
        ("FORBIDDEN", Self::Forbidden),
        ("INVALID_REQUEST_PARAMETERS", Self::InvalidParameters),
        ("INVALID_REQUEST_PAYLOAD", Self::InvalidBody),
        ("INVALID_REQUEST_BODY", Self::InvalidBody),
        ("REQUEST_TOO_LARGE", Self::TooLarge),
        ("NOT_FOUND", Self::NotFound),
        ("METHOD_NOT_ALLOWED", Self::MethodNotAllowed),
        ("REQUEST_BACKOFF", Self::Backoff),
        ("INVALID_SIGNATURE", Self::InvalidSignature),
        ("REVOKED_MPINID", Self::Revoked),
        ("MPINID_REVOKED", Self::Revoked),
        ("EXPIRED_MPINID", Self::Expired),
        ("MPINID_EXPIRED", Self::Expired),
        ("INVALID_ACTIVATION_TOKEN", Self::InvalidActivationToken),
        ("UNSUCCESSFUL_VERIFICATION", Self::UnsuccessfulVerification),
        (
            "UNSUCCESSFUL_AUTHENTICATION",
            Self::UnsuccessfulAuthentication,
        ),
        ("INVALID_AUTH", Self::UnsuccessfulAuthentication),
        ("INVALID_AUTHENTICATION_SESSION", Self::InvalidSession),
        ("INVALID_AUTH_SESSION", Self::InvalidSession),
        ("NO_PUSH_TOKEN", Self::NoPushToken),
    ];

    /// Reads a code. `text` is printable.
    pub(crate) fn read(text: String) -> Self {
        let known = Self::KNOWN.into_iter().find(|(name, _)| *name == text);
        known.map_or(Self::Other(text), |(_, code)| code)
    }
}

impl fmt::Display for TrustCode {
    /// Writes the code as the platform does today.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Self::KNOWN.into_iter().find(|(_, code)| code == self);
        match self {
            Self::Other(text) => f.write_str(text),
            _ => f.write_str(known.map_or("", |(name, _)| name)),
        }
    }
}
