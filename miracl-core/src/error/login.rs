//! Why a login failed: one variant for each check.

mod told;

use crate::error::{
    description::Description,
    difference::{Difference, LostSession},
    provider::ProviderError,
    session::{SessionError, SessionTooLarge},
    token::IdTokenError,
};

/// Why a login failed: one variant for each check.
///
/// `Display` is for the log and the developer. The browser is shown
/// [`AuthFailure::message`](crate::AuthFailure::message) only.
// To add a variant, name it here with the section of the specification that asks for the check. The one `match` in
// `login/told.rs` then fails to compile until it has everything that is told about the variant.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum FailureReason {
    /// The request carries a parameter twice (RFC 6749 §3.1).
    DuplicateParameter {
        /// The parameter's name.
        name: &'static str,
    },
    /// A parameter of the request for a login is too long: see [`LoginOptions`](crate::LoginOptions).
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
    /// No login under way in this browser has this `state`: it is over and its address was opened again, it was started
    /// in another browser or by another address of this app, its cookie was lost or blocked, or it was dropped because
    /// too many others were started after it.
    StateUnknown,
    /// The cookie of the login under way was made by a replica of this app that is set differently.
    SettingsDiffer(Difference),
    /// The cookie of the login under way was changed or cut on its way.
    LoginDamaged,
    /// The login was started longer than [`Config::login_timeout`](crate::Config::login_timeout) ago.
    LoginExpired,
    /// The callback came to another host name than the redirect URI's, and no login under way in this browser has its
    /// `state` there: cookies don't cross from one host to another.
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
    /// The provider ended the login with an `error` (OpenID Connect Core 1.0 §3.1.2.6), such as `access_denied` when
    /// the person cancelled.
    Denied {
        /// The `error` code, cut to 64 printable characters.
        error: String,
        /// The provider's own words. They may hold personal data, so they are not part of `Display` and `Debug`.
        description: Description,
    },
    /// The callback has neither `code` nor `error`.
    CodeMissing,
    /// The provider could not be reached or gave no usable answer. The error names the endpoint.
    Provider(ProviderError),
    /// The token response has no ID token, so nobody is logged in (OpenID Connect Core 1.0 §3.1.3.3).
    IdTokenMissing,
    /// The ID token failed a check.
    IdToken(IdTokenError),
    /// The userinfo's `sub` is not the ID token's, or is missing (OpenID Connect Core 1.0 §5.3.2).
    UserinfoSubject,
    /// The userinfo is a JWT that failed a check, or the wrong kind of JWT.
    UserinfoToken(IdTokenError),
    /// The project JWT that was to begin a session failed a check.
    ProjectJwt(IdTokenError),
    /// The project JWT that was to begin a session was used before: it counts once.
    ProjectJwtReplayed,
    /// The session does not fit into cookies.
    SessionTooLarge(SessionTooLarge),
    /// The session could not be kept.
    Session(SessionError),
    /// A log-out of this person, or of their session at the provider, arrived while the login was under way.
    LoggedOut,
    /// A third party asked for a login at another provider than this app's, or at none (OpenID Connect Core 1.0 §4).
    InitiationIssuer {
        /// [`Config::issuer`](crate::Config::issuer).
        expected: String,
    },
    /// A third party asked for a login that leads to another site than this one (OpenID Connect Core 1.0 §4).
    InitiationTarget,
    /// The browser was logged in three times within a minute, and was anonymous again each time: its session is lost on
    /// the way.
    LoginLoop(LostSession),
}

impl FailureReason {
    /// Returns the HTTP status of the error page.
    pub(crate) fn status(&self) -> u16 {
        self.told().status
    }

    /// Returns the fixed sentence for the person.
    pub(crate) fn message(&self) -> &'static str {
        self.told().message
    }

    /// Returns the provider's own words, for the log.
    pub(crate) fn words(&self) -> Option<String> {
        match self {
            Self::Denied { description, .. } => description.for_log(),
            Self::Provider(error) => error.words(),
            _ => None,
        }
    }
}

impl From<ProviderError> for FailureReason {
    fn from(error: ProviderError) -> Self {
        Self::Provider(error)
    }
}

/// A session that is too large is a reason of its own: the app can do something about it.
impl From<SessionError> for FailureReason {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::TooLarge(error) => Self::SessionTooLarge(error),
            error => Self::Session(error),
        }
    }
}

impl From<IdTokenError> for FailureReason {
    fn from(error: IdTokenError) -> Self {
        Self::IdToken(error)
    }
}
