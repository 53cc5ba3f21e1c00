//! What an app's two hooks receive, and `on_logout`.

use std::{error::Error, fmt};

use crate::{
    error::{chain::Chain, login::FailureReason},
    provider::{tokens::Tokens, user_data::UserData},
    receipt::{Party, Receipt, Recorder},
    session::identity::User,
};

/// A login that passed every check, as `on_auth_success` receives it.
///
/// Only the engine makes one: to hold it is the proof. The new session begins when the hook returns `Ok`; on `Err` it
/// is dropped, and the session that was there before stays.
#[derive(Clone)]
#[doc(alias = "on_auth_success")]
pub struct AuthSuccess {
    login: CompletedLogin,
    receipt: Receipt,
}

/// What the hook learns of a login, besides its receipt.
#[derive(Clone)]
pub(super) struct CompletedLogin {
    pub(super) user: User,
    pub(super) user_data: UserData,
    pub(super) tokens: Tokens,
    pub(super) return_to: String,
}

impl AuthSuccess {
    pub(super) fn new(login: CompletedLogin, receipt: Receipt) -> Self {
        Self { login, receipt }
    }

    /// Returns who logged in.
    pub fn user(&self) -> &User {
        &self.login.user
    }

    /// Returns everything the provider said about them.
    pub fn user_data(&self) -> &UserData {
        &self.login.user_data
    }

    /// Returns the tokens.
    pub fn tokens(&self) -> &Tokens {
        &self.login.tokens
    }

    /// Returns the record of every check that was made.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// Returns the local path to go to now: where the person was when they were asked to log in, or the home path.
    pub fn return_to(&self) -> &str {
        &self.login.return_to
    }
}

impl fmt::Debug for AuthSuccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthSuccess")
            .field("return_to", &self.login.return_to)
            .finish_non_exhaustive()
    }
}

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

/// What ended a session, as `on_logout` receives it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogoutKind {
    /// The person used the log-out route.
    User,
    /// The provider ended sessions by a logout token (OpenID Connect Back-Channel Logout 1.0). No browser takes part,
    /// so the visit is nobody's. They are
    ///
    /// * with `sub` alone, every one of that person;
    /// * with `sid` alone, those of that session at the provider;
    /// * with both, those of that person that are of that session at the provider, or of none: where a login's ID token
    ///   had no `sid`.
    BackChannel {
        /// The provider's issuer.
        issuer: String,
        /// Whose sessions, as [`User::id`](crate::User::id) has it. One of both is always there.
        sub: Option<String>,
        /// Which session at the provider.
        sid: Option<String>,
    },
    /// The provider's log-out page ended the session of this browser (OpenID Connect Front-Channel Logout 1.0).
    FrontChannel,
}

/// Shows the kind and not whose session it was.
impl fmt::Debug for LogoutKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "User",
            Self::BackChannel { .. } => "BackChannel { .. }",
            Self::FrontChannel => "FrontChannel",
        })
    }
}
