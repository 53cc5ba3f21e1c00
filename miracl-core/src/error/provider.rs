//! What a request to the provider can come to.

mod told;

use std::{error::Error, sync::Arc};

use crate::error::{description::Description, tls_trouble::TlsTrouble};

/// What is wrong with a token response that has no access token.
pub(crate) const NO_ACCESS_TOKEN: &str = "`access_token` is missing";

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
    /// A refusal with an `error` code (RFC 6749 §5.2): with a 4xx, or with a status of success and nothing of what was
    /// asked for.
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
    /// The token request cannot be sent, or nobody knows what became of it.
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

    /// Whether the provider refused because it is ill (RFC 6749 §4.1.2.1 has the codes), and not for what was asked.
    pub(crate) fn is_illness(&self) -> bool {
        self.is_refusal("server_error") || self.is_refusal("temporarily_unavailable")
    }

    /// Whether it says that a grant is worth nothing any more (RFC 6749 §5.2). GitHub and Slack have names of their
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

    /// The provider's own words, for the log.
    pub(crate) fn words(&self) -> Option<String> {
        match self {
            Self::Refused { description, .. } => description.for_log(),
            _ => None,
        }
    }

    /// The same, with nothing of this in the provider's words.
    pub(crate) fn without(mut self, secrets: &[&str]) -> Self {
        if let Self::Refused { description, .. } = &mut self {
            description.leave_out(secrets);
        }
        self
    }

    /// What is wrong with TLS, where that is why the provider cannot be reached.
    pub(crate) fn tls_trouble(&self) -> Option<TlsTrouble> {
        match self {
            Self::Unreachable { source, .. } => TlsTrouble::of(source.as_ref()),
            _ => None,
        }
    }

    /// Whether asking again might help: the provider is away, slow or ill, rather than refusing.
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
