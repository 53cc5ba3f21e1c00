//! Why a request to the provider failed.

mod told;

use std::{error::Error, sync::Arc};

use crate::error::{description::Description, tls_trouble::TlsTrouble};

/// What is wrong with a token response that has no access token.
pub(crate) const NO_ACCESS_TOKEN: &str = "`access_token` is missing";

/// Why a request to the provider failed.
///
/// `Display` names the endpoint and what happened, never a token, a secret or personal data.
// Everything that is told about a variant stands in the one `match` in `provider/told.rs`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ProviderError {
    /// No connection, or it broke.
    Unreachable {
        /// Which endpoint, by its name in the metadata (`token_endpoint`).
        endpoint: &'static str,
        /// The HTTP client's error.
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
    /// A refusal with an `error` code (RFC 6749 §5.2): with a 4xx status, or with a successful status and without what
    /// was asked for.
    Refused {
        /// Which endpoint.
        endpoint: &'static str,
        /// The HTTP status.
        status: u16,
        /// The `error` code, such as `invalid_grant`; cut to 64 printable characters.
        error: String,
        /// The provider's own words, and its numbers (`error_codes`) behind them. They may hold personal data, so they
        /// are not part of `Display` and `Debug`.
        description: Description,
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
    /// A redirect. Redirects are not followed, since they could take a code or a token elsewhere.
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
        /// The error that it returned.
        source: Arc<dyn Error + Send + Sync>,
    },
}

impl ProviderError {
    /// Makes the error of a token request that cannot be sent, or whose outcome is unknown.
    pub(crate) fn of_token_request(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Unreachable {
            endpoint: "token_endpoint",
            source: Arc::new(error),
        }
    }

    /// Whether the provider refused with this `error` code.
    pub(crate) fn is_refusal(&self, code: &str) -> bool {
        matches!(self, Self::Refused { error, .. } if error == code)
    }

    /// Whether the provider refused because it is ill (RFC 6749 §4.1.2.1 lists the codes), and not because of what was
    /// asked.
    fn is_illness(&self) -> bool {
        self.is_refusal("server_error") || self.is_refusal("temporarily_unavailable")
    }

    /// Whether the error says that a grant is no longer valid (RFC 6749 §5.2). GitHub and Slack have codes of their
    /// own.
    pub(crate) fn ends_the_grant(&self) -> bool {
        [
            "invalid_grant",
            "bad_refresh_token",
            "invalid_refresh_token",
        ]
        .iter()
        .any(|code| self.is_refusal(code))
    }

    /// Returns the provider's own words, for the log.
    pub(crate) fn words(&self) -> Option<String> {
        match self {
            Self::Refused { description, .. } => description.for_log(),
            _ => None,
        }
    }

    /// Removes these secrets from the provider's own words.
    pub(crate) fn without(mut self, secrets: &[&str]) -> Self {
        if let Self::Refused { description, .. } = &mut self {
            description.leave_out(secrets);
        }
        self
    }

    /// Returns what is wrong with TLS, if that is why the provider cannot be reached.
    fn tls_trouble(&self) -> Option<TlsTrouble> {
        match self {
            Self::Unreachable { source, .. } => TlsTrouble::of(source.as_ref()),
            _ => None,
        }
    }

    /// Whether asking again may help: the provider is away, slow or ill, and did not refuse.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Timeout { .. } | Self::Credentials { .. } => true,
            Self::Status { status, .. } => *status >= 500 || *status == 429,
            Self::Refused { status, .. } => *status == 429 || self.is_illness(),
            _ => false,
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
