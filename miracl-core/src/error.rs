//! What can go wrong, as types: in the configuration, at the provider, in a login, in a session.

mod provider;

use std::{error::Error, fmt};

pub use provider::ProviderError;
pub(crate) use provider::TlsTrouble;

use crate::{
    id_token::IdTokenError,
    receipt::{Party, Receipt, Recorder},
    store::StoreError,
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
    fn status(&self) -> u16 {
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
    fn words(&self) -> Option<String> {
        match self {
            Self::Denied { description, .. } => description.for_log(),
            Self::Provider(error) => error.words(),
            _ => None,
        }
    }

    /// The fixed sentence for the browser.
    fn message(&self) -> &'static str {
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

/// The provider's own description of an error. It is text from outside and may hold personal data: escape it where you
/// show it. `Debug` prints its length only. The engine's own log has it without words that look like an e-mail address
/// or a token, and not where the person alone is concerned.
#[derive(Clone, Default)]
pub struct Description(pub(crate) Option<String>);

impl Description {
    /// Returns the text, cut to 200 printable characters; `None` when the provider gave none.
    pub fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The text without the words in it that may name a person or be a secret.
    pub(crate) fn for_log(&self) -> Option<String> {
        let sensitive = |word: &str| word.contains(['@', '%']) || word.len() > MAX_LOGGED_WORD;
        let words = self.0.as_deref()?.split(' ');
        let words = words.map(|word| if sensitive(word) { "[...]" } else { word });
        Some(words.collect::<Vec<_>>().join(" "))
    }

    /// Takes these out of the text, wherever they stand.
    pub(crate) fn leave_out(&mut self, secrets: &[&str]) {
        if let Some(text) = &mut self.0 {
            for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
                *text = text.replace(secret, "[...]");
                // The end of the text may have been cut off in the middle of one.
                let cut = (4..secret.len()).rev().filter_map(|len| secret.get(..len));
                let cut = cut
                    .filter(|begin| text.ends_with(begin))
                    .map(str::len)
                    .next();
                if let Some(cut) = cut {
                    text.truncate(text.len() - cut);
                    text.push_str("[...]");
                }
            }
        }
    }
}

impl fmt::Debug for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(text) => write!(f, "[{} bytes]", text.len()),
            None => f.write_str("[none]"),
        }
    }
}

/// The longest word of a provider's that a log repeats: the number of an error, and no token or id of a person.
const MAX_LOGGED_WORD: usize = 32;

/// A login that failed, as `on_auth_failed` receives it.
///
/// Whatever session there was before is untouched, and nothing of the failed login is kept.
#[derive(Debug, Clone)]
#[doc(alias = "on_auth_failed")]
pub struct AuthFailure {
    receipt: Receipt,
    reason: FailureReason,
    return_to: Option<String>,
}

impl AuthFailure {
    /// Makes the failure and writes it to the log, with the id that the page shows.
    pub(crate) fn new(reason: FailureReason, return_to: Option<String>, receipt: Recorder) -> Self {
        let failure = Self {
            receipt: receipt.finish(Some(&reason)),
            reason,
            return_to,
        };
        let (id, why, checks) = (failure.id(), Chain(&failure), failure.receipt.line());
        let at_fault = failure.receipt.at_fault();
        // What a provider says to a person is the person's, and there is nothing to do for anybody else.
        let is_ours = at_fault != Some(Party::Person);
        let words = failure.reason.words().filter(|_| is_ours);
        let advice = failure.receipt.advice().filter(|_| is_ours);
        let at_fault = at_fault.map(tracing::field::display);
        if failure.status() >= 500 {
            tracing::error!(id, reason = %why, words, at_fault, advice, checks, "login failed");
        } else {
            tracing::warn!(id, reason = %why, words, at_fault, advice, checks, "login failed");
        }
        failure
    }

    /// Which check failed.
    pub fn reason(&self) -> &FailureReason {
        &self.reason
    }

    /// The HTTP status for the page: a 4xx, or 502 to 504 where the provider itself is ill. Never 500.
    pub fn status(&self) -> u16 {
        self.reason.status()
    }

    /// A sentence for the person at the browser. It gives nothing away.
    pub fn message(&self) -> &'static str {
        self.reason.message()
    }

    /// The id under which the log has the whole story; show it on the page.
    pub fn id(&self) -> &str {
        self.receipt.id()
    }

    /// Returns the record of every check that was made. It holds no secret and no personal data, but is for operators and
    /// developers: show it on a page in development only.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// The local path the login was to return to, when it is known: for a "try again" link.
    pub fn return_to(&self) -> Option<&str> {
        self.return_to.as_deref()
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

impl From<AuthFailure> for FailureReason {
    fn from(failure: AuthFailure) -> Self {
        failure.reason
    }
}

impl fmt::Display for AuthFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl Error for AuthFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.reason {
            // The reason prints the error's own text, so the chain goes on with what lies behind it.
            FailureReason::Provider(error) => error.source(),
            FailureReason::Session(error) => error.source(),
            _ => None,
        }
    }
}

/// Prints an error and everything behind it, separated by colons.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

/// The session cannot be read or written at the moment.
///
/// That is something else than being anonymous: answer 503, not a login page.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SessionError {
    /// The app's own [`CredentialSource`](crate::CredentialSource) did not say which client this is.
    Credentials(ProviderError),
    /// The change makes the session too large for cookies. The old session stays.
    TooLarge(SessionTooLarge),
    /// The store of sessions, or that of marks, did not do what it was asked to. The text says which.
    Store(StoreError),
    /// Sessions are in cookies, so that nobody has a list of them: see [`Config::session_store`](crate::Config::session_store).
    NotListed,
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credentials(_) => f.write_str("the session cannot be read"),
            Self::TooLarge(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::NotListed => f.write_str(
                "sessions that are kept in cookies cannot be listed; to list them, keep them in a store: `session_store`",
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

/// A session that does not fit into cookies, with what takes the room in it.
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
            "the session takes {} bytes of cookies, and {} is the most that browsers and servers reliably carry; the largest parts are",
            self.bytes, self.limit
        )?;
        for (place, (name, bytes)) in self.parts.iter().take(3).enumerate() {
            write!(f, "{} {name} ({bytes})", if place == 0 { "" } else { "," })?;
        }
        f.write_str("; ask the provider for fewer scopes or smaller tokens")
    }
}

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
    /// The ID token that came with refreshed tokens is not this session's (OpenID Connect Core 1.0 §12.2). The session has been
    /// ended.
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

/// Keeps the printable ASCII of a text from outside, at most `max` characters of it.
pub(crate) fn printable(text: &str, max: usize) -> String {
    text.chars()
        .filter(|c| matches!(c, ' '..='~'))
        .take(max)
        .collect()
}
