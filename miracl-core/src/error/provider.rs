//! What a request to the provider can come to.

use std::{error::Error, fmt, sync::Arc};

/// A request to the provider that did not bring what it must bring.
///
/// `Display` names the endpoint and what happened, never a token, a secret or personal data.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ProviderError {
    /// No connection, or it broke.
    Unreachable {
        /// Which endpoint, by its name in the metadata (`token_endpoint`).
        endpoint: &'static str,
        /// What the HTTP client said.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// No whole answer within [`Config::request_timeout`](crate::Config::request_timeout).
    Timeout {
        /// Which endpoint.
        endpoint: &'static str,
    },
    /// An answer with a status that means failure. For the token endpoint, see also
    /// [`ProviderError::Refused`].
    Status {
        /// Which endpoint.
        endpoint: &'static str,
        /// The HTTP status.
        status: u16,
    },
    /// A refusal in the form of RFC 6749 §5.2: a 4xx with an `error` code.
    Refused {
        /// Which endpoint.
        endpoint: &'static str,
        /// The HTTP status.
        status: u16,
        /// The `error` code, such as `invalid_grant`; cut to 64 printable characters.
        error: String,
    },
    /// A successful answer that cannot be read: not JSON, not an object, a member missing or of the wrong type.
    Malformed {
        /// Which endpoint.
        endpoint: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// An answer of more than 1 MiB.
    TooLarge {
        /// Which endpoint.
        endpoint: &'static str,
    },
    /// A redirect. None is followed, since it could take a code or a token elsewhere.
    Redirect {
        /// Which endpoint.
        endpoint: &'static str,
    },
    /// The discovery document names another issuer than the one configured (OpenID Connect Discovery 1.0 §4.3).
    IssuerMismatch {
        /// [`Config::issuer`](crate::Config::issuer).
        configured: String,
        /// The document's `issuer`.
        found: String,
    },
    /// An endpoint of the discovery document that is not https. Only a provider that is on loopback itself may have
    /// http there.
    Insecure {
        /// Which endpoint.
        endpoint: &'static str,
    },
    /// The provider supports none of the ways this client can authenticate at the token endpoint.
    NoAuthMethod {
        /// What the provider offers.
        offered: Vec<String>,
    },
    /// Userinfo came as a JWT although the client is not registered for one, or as something else although it is
    /// (OpenID Connect Core 1.0 §5.3.2): see
    /// [`Config::userinfo_signed_response_alg`](crate::Config::userinfo_signed_response_alg).
    UserinfoForm {
        /// Whether it was a JWT.
        is_jwt: bool,
    },
    /// The app's own [`CredentialSource`](crate::CredentialSource), or the file of the client secret, failed.
    Credentials {
        /// What it said.
        source: Arc<dyn Error + Send + Sync>,
    },
}

impl ProviderError {
    /// Whether the provider refused with this `error` code.
    pub(crate) fn is_refusal(&self, code: &str) -> bool {
        matches!(self, Self::Refused { error, .. } if error == code)
    }

    /// Whether asking again might help: the provider is away, slow or ill, rather than refusing.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Timeout { .. } | Self::Credentials { .. } => true,
            Self::Status { status, .. } => *status >= 500 || *status == 429,
            _ => false,
        }
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { endpoint, .. } => {
                write!(f, "the provider's {endpoint} cannot be reached")
            }
            Self::Timeout { endpoint } => {
                write!(f, "the provider's {endpoint} did not answer in time")
            }
            Self::Status { endpoint, status } => {
                write!(f, "the provider's {endpoint} answered with status {status}")
            }
            Self::Refused {
                endpoint,
                status,
                error,
            } => {
                write!(
                    f,
                    "the provider's {endpoint} refused with `{error}` (status {status})"
                )
            }
            Self::Malformed { endpoint, detail } => {
                write!(
                    f,
                    "the provider's {endpoint} gave an unusable answer: {detail}"
                )
            }
            Self::TooLarge { endpoint } => {
                write!(f, "the provider's {endpoint} answered with more than 1 MiB")
            }
            Self::Redirect { endpoint } => write!(
                f,
                "the provider's {endpoint} answered with a redirect, which is not followed"
            ),
            Self::IssuerMismatch { configured, found } => write!(
                f,
                "the discovery document of `{configured}` is that of another issuer, `{found}`: set `issuer` to the value the provider uses"
            ),
            Self::Insecure { endpoint } => write!(
                f,
                "the provider's {endpoint} is not https, as it must be unless the provider itself is on loopback"
            ),
            Self::NoAuthMethod { offered } => write!(
                f,
                "the provider offers no way of client authentication that is supported here (it offers {offered:?}): set `token_endpoint_auth_method`"
            ),
            Self::UserinfoForm { is_jwt: true } => f.write_str(
                "the provider's userinfo_endpoint answered with a JWT: set `userinfo_signed_response_alg` if the client is registered for one",
            ),
            Self::UserinfoForm { is_jwt: false } => f.write_str(
                "the provider's userinfo_endpoint answered with no JWT, although `userinfo_signed_response_alg` is set",
            ),
            Self::Credentials { .. } => f.write_str("the client's credentials could not be had"),
        }
    }
}

impl Error for ProviderError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreachable { source, .. } | Self::Credentials { source } => {
                Some(source.as_ref())
            }
            _ => None,
        }
    }
}
