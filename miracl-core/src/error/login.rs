//! Why a login failed: one variant for each check.

use std::fmt;

use crate::error::{
    description::Description,
    provider::ProviderError,
    session::{SessionError, SessionTooLarge},
    token::IdTokenError,
};

/// Why a login failed: one variant for each check.
///
/// `Display` is for the log and the developer. The browser is shown [`AuthFailure::message`] only.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum FailureReason {
    /// The request carries a parameter twice (RFC 6749 §3.1).
    DuplicateParameter {
        /// The parameter's name.
        name: &'static str,
    },
    /// A parameter of the request for a login is longer than what it is for: see [`LoginOptions`](crate::LoginOptions).
    ParameterTooLong {
        /// The parameter's name.
        name: &'static str,
    },
    /// The login under way does not fit into a cookie beside those of the session.
    LoginTooLarge {
        /// How many bytes its cookie would take.
        bytes: usize,
        /// How many it may take.
        limit: usize,
    },
    /// The callback carries tokens, which a code-flow client never asked to have in its URL.
    TokenInResponse,
    /// The callback is longer than 64 KiB.
    ResponseTooLarge,
    /// The callback has no `state`, or an empty one.
    StateMissing,
    /// No login under way in this browser has this `state`: it was started in another browser, its cookie was lost or
    /// blocked, or it was dropped because too many others were started after it.
    StateUnknown,
    /// The login was started longer than [`Config::login_timeout`](crate::Config::login_timeout) ago.
    LoginExpired,
    /// The callback came to another host name than the redirect URI's, and no login under way in this browser has its `state`
    /// there: cookies don't cross from one host to another.
    OtherHost {
        /// The host name of this request.
        here: String,
        /// The host name of [`Config::redirect_uri`](crate::Config::redirect_uri).
        there: String,
    },
    /// This login was completed, or failed, before: its `state` is single-use.
    LoginReplayed,
    /// The callback's `iss` is not the provider's issuer (RFC 9207 §2.4).
    ResponseIssuer {
        /// The issuer the login was started with.
        expected: String,
    },
    /// The callback has no `iss` although the provider's metadata promises one (RFC 9207 §2.4).
    ResponseIssuerMissing,
    /// The provider ended the login with an `error` (OpenID Connect Core 1.0 §3.1.2.6), such as `access_denied` when the
    /// person cancelled.
    Denied {
        /// The `error` code, cut to 64 printable characters.
        error: String,
        /// The provider's own words. They may hold personal data, so they are not part of `Display` and `Debug`.
        description: Description,
    },
    /// The callback has neither `code` nor `error`.
    CodeMissing,
    /// The provider could not be reached or gave no usable answer, at whichever endpoint the error names.
    Provider(ProviderError),
    /// The token response has no ID token, so nobody is logged in (OpenID Connect Core 1.0 §3.1.3.3).
    IdTokenMissing,
    /// The ID token failed a check.
    IdToken(IdTokenError),
    /// The userinfo's `sub` is not the ID token's, or is missing (OpenID Connect Core 1.0 §5.3.2).
    UserinfoSubject,
    /// The userinfo is a JWT that failed a check, or the wrong kind of JWT.
    UserinfoToken(IdTokenError),
    /// The session does not fit into cookies.
    SessionTooLarge(SessionTooLarge),
    /// The session could not be kept.
    Session(SessionError),
    /// A log-out of this person, or of their session at the provider, arrived while the login was under way.
    LoggedOut,
    /// A third party asked for a login at another provider than ours, or at none (OpenID Connect Core 1.0 §4).
    InitiationIssuer {
        /// [`Config::issuer`](crate::Config::issuer).
        expected: String,
    },
    /// A third party asked for a login that leads to another site than this one (OpenID Connect Core 1.0 §4).
    InitiationTarget,
    /// This browser was logged in three times within a minute, and was anonymous again each time: its session gets lost on the way.
    LoginLoop,
}

impl FailureReason {
    /// The HTTP status of the page that tells of it: 502 to 504 only where the provider itself is ill.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::DuplicateParameter { .. }
            | Self::ParameterTooLong { .. }
            | Self::TokenInResponse
            | Self::StateMissing
            | Self::StateUnknown
            | Self::OtherHost { .. }
            | Self::InitiationIssuer { .. }
            | Self::InitiationTarget
            | Self::LoginLoop
            | Self::LoginExpired
            | Self::LoginReplayed
            | Self::CodeMissing => 400,
            Self::ResponseTooLarge => 413,
            Self::ResponseIssuer { .. }
            | Self::ResponseIssuerMissing
            | Self::IdTokenMissing
            | Self::IdToken(_)
            | Self::UserinfoSubject
            | Self::LoggedOut
            | Self::UserinfoToken(_) => 403,
            Self::Denied { error, .. } => match error.as_str() {
                "temporarily_unavailable" => 503,
                "server_error" => 502,
                _ => 403,
            },
            Self::Provider(error) => match error {
                ProviderError::Unreachable { .. } | ProviderError::Credentials { .. } => 503,
                ProviderError::Timeout { .. } => 504,
                ill if ill.is_illness() => 503,
                // Only these two judge the login; a document that cannot be read is the provider's own trouble.
                ProviderError::Refused {
                    endpoint, status, ..
                }
                | ProviderError::Status { endpoint, status }
                    if matches!(*endpoint, "token_endpoint" | "userinfo_endpoint")
                        && *status != 429
                        && (matches!(error, ProviderError::Refused { .. })
                            || (400..500).contains(status)) =>
                {
                    403
                }
                _ => 502,
            },
            Self::SessionTooLarge(_) | Self::LoginTooLarge { .. } => 431,
            Self::Session(_) => 503,
        }
    }

    /// The provider's own words, for the log.
    pub(crate) fn words(&self) -> Option<String> {
        match self {
            Self::Denied { description, .. } => description.for_log(),
            Self::Provider(error) => error.words(),
            _ => None,
        }
    }

    /// The fixed sentence for the browser.
    pub(crate) fn message(&self) -> &'static str {
        match self {
            Self::StateMissing
            | Self::StateUnknown
            | Self::OtherHost { .. }
            | Self::LoginExpired
            | Self::LoginReplayed => {
                "This login is no longer valid. It may have taken too long, been used before, or been started in another browser. Please log in again."
            }
            Self::Denied { error, .. } if error == "access_denied" => "The login was cancelled.",
            Self::Provider(_) | Self::Denied { .. } if self.status() >= 500 => {
                "The login service cannot be reached at the moment. Please try again in a few minutes."
            }
            Self::InitiationIssuer { .. }
            | Self::InitiationTarget
            | Self::ParameterTooLong { .. }
            | Self::LoginTooLarge { .. } => {
                "The link that brought you here does not lead to a login of this site. Please log in from here."
            }
            Self::LoggedOut => {
                "You were logged out while this login was under way. Please log in again."
            }
            Self::LoginLoop => {
                "You were logged in several times in a row, but your browser came back without being recognised. See that cookies are allowed for this site, and try again. If it happens again, please tell the operator of this site."
            }
            Self::Session(_) => {
                "Your session cannot be kept at the moment. Please try again in a few minutes."
            }
            Self::SessionTooLarge(_) => {
                "Your account carries more data than can be kept. Please tell the operator of this site."
            }
            _ => "The login could not be completed. Please try again.",
        }
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateParameter { name } => write!(f, "the request has the parameter `{name}` twice"),
            Self::ParameterTooLong { name } => write!(f, "the parameter `{name}` of the request for a login is too long"),
            Self::LoginTooLarge { bytes, limit } => write!(
                f,
                "the login under way takes {bytes} bytes of cookies, and {limit} is what is left beside the session"
            ),
            Self::TokenInResponse => f.write_str("the callback carries tokens in its parameters, which were never asked for"),
            Self::ResponseTooLarge => f.write_str("the callback is longer than 64 KiB"),
            Self::StateMissing => f.write_str("the callback has no `state`"),
            Self::StateUnknown => f.write_str(
                "no login under way in this browser has this `state`: it was started in another browser or on another host name, or its cookie was lost or blocked",
            ),
            Self::OtherHost { here, there } => write!(
                f,
                "no login under way in this browser has this `state` on the host `{here}`; the redirect URI's host is `{there}`, and cookies do not cross",
            ),
            Self::LoginExpired => f.write_str("the login was started too long ago"),
            Self::LoginReplayed => f.write_str("this login was completed or refused before, and its `state` is single-use"),
            Self::ResponseIssuer { expected } => write!(f, "the callback's `iss` is not `{expected}`, where this login was started"),
            Self::ResponseIssuerMissing => f.write_str("the callback has no `iss` although the provider's metadata promises one"),
            Self::Denied { error, .. } => write!(f, "the provider ended the login with `{error}`"),
            Self::CodeMissing => f.write_str("the callback has neither `code` nor `error`"),
            Self::Provider(error) => error.fmt(f),
            Self::IdTokenMissing => f.write_str("the token response has no ID token"),
            Self::IdToken(error) => write!(f, "the ID token was refused: {error}"),
            Self::UserinfoSubject => f.write_str("the userinfo is about another subject than the ID token, or about none"),
            Self::UserinfoToken(error) => write!(f, "the signed userinfo was refused: {error}"),
            Self::SessionTooLarge(error) => error.fmt(f),
            Self::Session(error) => error.fmt(f),
            Self::LoggedOut => f.write_str("a log-out of this person, or of their session at the provider, arrived while the login was under way"),
            Self::InitiationIssuer { expected } => write!(f, "a third party asked for a login at another provider than `{expected}`"),
            Self::InitiationTarget => f.write_str("a third party asked for a login that leads to another site"),
            Self::LoginLoop => f.write_str("three logins of this browser within a minute succeeded, and none of their sessions came back"),
        }
    }
}

impl From<ProviderError> for FailureReason {
    fn from(error: ProviderError) -> Self {
        Self::Provider(error)
    }
}

impl From<IdTokenError> for FailureReason {
    fn from(error: IdTokenError) -> Self {
        Self::IdToken(error)
    }
}
