//! What an app's hooks receive: a login that succeeded, one that failed, and a log-out.

use std::{error::Error, fmt};

use crate::{
    engine::{Engine, callbacks::Ended, events::AuthEvent},
    error::{app_data::DataError, chain::Chain, login::FailureReason},
    exchange::Exchange,
    provider::{tokens::Tokens, user_data::UserData},
    receipt::{Party, Receipt, Recorder},
    session::{app_data::AppData, identity::User, proposed::CompletedLogin},
};

/// A login that passed every check, as `on_auth_success` receives it.
///
/// Only the engine makes one, so a value of this type proves a login. The new session begins when the hook returns
/// `Ok`; on `Err` it is dropped, and an earlier session stays.
///
/// ```
/// # use miracl_core::AuthSuccess;
/// /// Finds or creates the app's own account, by the only two values that identify a person for good.
/// fn account(login: &AuthSuccess) -> (String, String) {
///     (login.user().issuer().to_owned(), login.user().id().to_owned())
/// }
/// ```
#[derive(Clone)]
#[doc(alias = "on_auth_success")]
pub struct AuthSuccess {
    login: CompletedLogin,
    receipt: Receipt,
}

impl AuthSuccess {
    pub(super) fn new(login: CompletedLogin, receipt: Receipt) -> Self {
        Self { login, receipt }
    }

    pub(super) fn into_parts(self) -> (CompletedLogin, Receipt) {
        (self.login, self.receipt)
    }

    /// Returns who logged in.
    pub fn user(&self) -> &User {
        &self.login.user
    }

    /// Returns everything the provider said about the person.
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

    /// Keeps a value of the app's own in the session that begins when the hook returns `Ok`.
    ///
    /// [`Visit::set`](crate::Visit::set) would keep it in the session from before, if there is one. Values that the
    /// same person's earlier session in this browser has stay, unless this one has their name.
    ///
    /// ```
    /// # use miracl_core::{AuthSuccess, app::{error::DataError, session::AppData}};
    /// # use serde::{Deserialize, Serialize};
    /// #[derive(Serialize, Deserialize)]
    /// struct Tenant(u64);
    ///
    /// impl AppData for Tenant {
    ///     const NAME: &'static str = "tenant";
    /// }
    ///
    /// # fn tenant_of(login: &AuthSuccess) -> u64 { 7 }
    /// fn remember_tenant(login: &AuthSuccess) -> Result<(), DataError> {
    ///     login.set(&Tenant(tenant_of(login)))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`DataError::ValueTooLarge`] and [`DataError::Unwritable`] when the value cannot be kept. A session that does
    /// not fit into cookies with it is found after the hook: `on_auth_failed` then receives
    /// [`FailureReason::SessionTooLarge`](crate::FailureReason::SessionTooLarge), which names the value.
    pub fn set<T: AppData>(&self, value: &T) -> Result<(), DataError> {
        self.login.draft.set(value)
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
/// An earlier session stays, and nothing of the failed login is kept.
///
/// ```
/// # use miracl_core::AuthFailure;
/// /// A page of the app's own.
/// fn page(failure: &AuthFailure) -> (u16, String) {
///     let sentence = match failure.was_cancelled() {
///         true => "You have cancelled the login.",
///         false => failure.message(),
///     };
///     (failure.status(), format!("{sentence} (Reference: {})", failure.id()))
/// }
/// ```
#[derive(Debug, Clone)]
#[doc(alias = "on_auth_failed")]
pub struct AuthFailure {
    receipt: Receipt,
    reason: FailureReason,
    return_to: Option<Box<str>>,
    logged_in: LoggedIn,
}

/// What is known of the session of a browser whose callback belongs to no login under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LoggedIn {
    /// Nobody is logged in, or it does not matter.
    No,
    /// The same, of a failure that another callback of this login had first. The log and the app have learned of it.
    AsOther,
    /// Somebody is, and stays so.
    Still,
    /// Another site posted the callback, and a session's cookie does not come with that. This address shows it.
    SeeAt(Box<Address>),
}

/// A path with a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address(pub(super) String);

impl AuthFailure {
    /// Makes the failure and writes it to the log, with the id that the page shows.
    pub(crate) fn new(reason: FailureReason, return_to: Option<String>, receipt: Recorder) -> Self {
        Self::with(reason, return_to, receipt, LoggedIn::No)
    }

    /// The same, for a browser whose session matters.
    pub(super) fn with(
        reason: FailureReason,
        return_to: Option<String>,
        receipt: Recorder,
        logged_in: LoggedIn,
    ) -> Self {
        let failure = Self {
            receipt: receipt.finish(Some(&reason)),
            reason,
            return_to: return_to.map(Into::into),
            logged_in,
        };
        failure.log();
        failure
    }

    /// Tells those who wait for this callback that its login has failed. What is about the session of one browser alone
    /// each finds out for itself.
    pub(super) fn tell_others(&self, exchange: &Exchange) {
        let leading = exchange.lock().leading.take();
        if let Some(leading) = leading
            && self.logged_in == LoggedIn::No
        {
            leading.fail(Ended::Failed {
                reason: self.reason.clone(),
                receipt: self.receipt.clone(),
                return_to: self.return_to().map(str::to_owned),
            });
        }
    }

    /// The failure of another callback of the same login, which the log has already.
    pub(super) fn of_other(ended: Ended) -> Option<Self> {
        match ended {
            Ended::Sent { .. } => None,
            Ended::Failed {
                reason,
                receipt,
                return_to,
            } => Some(Self {
                receipt,
                reason,
                return_to: return_to.map(Into::into),
                logged_in: LoggedIn::AsOther,
            }),
        }
    }

    /// Tells the app's observers. Where nothing has failed for anybody, there is nothing to tell.
    pub(crate) fn tell_observers(&self, engine: &Engine) {
        if !matches!(self.logged_in, LoggedIn::AsOther | LoggedIn::Still) {
            engine.tell(|| AuthEvent::LoginFailed {
                id: self.id().to_owned(),
                reason: self.reason.clone(),
            });
        }
    }

    fn log(&self) {
        let (id, why, checks) = (self.id(), Chain(self), self.receipt.line());
        let at_fault = self.receipt.at_fault();
        // The provider's words to a person who is at fault are personal. Where nobody else can be, no operator has
        // anything to do.
        let personal = at_fault.is_some_and(Party::may_be_person);
        let words = self.reason.words().filter(|_| !personal);
        let for_operator = at_fault != Some(Party::Person);
        let advice = self.receipt.advice().filter(|_| for_operator);
        let replica = self.receipt.replica();
        let at_fault = at_fault.map(tracing::field::display);
        if self.still_logged_in() {
            tracing::info!(
                id,
                reason = %why,
                checks,
                "a callback of no login under way came from a browser that is logged in, and stays so"
            );
        } else if self.status() >= 500 {
            tracing::error!(id, reason = %why, words, at_fault, advice, replica, checks, "login failed");
        } else {
            tracing::warn!(id, reason = %why, words, at_fault, advice, replica, checks, "login failed");
        }
    }

    /// Returns which check failed.
    pub fn reason(&self) -> &FailureReason {
        &self.reason
    }

    /// Returns the HTTP status for the page: a 4xx, or 502 to 504 if the provider failed. Never 500.
    pub fn status(&self) -> u16 {
        self.reason.status()
    }

    /// Returns a sentence for the person at the browser. It discloses no detail of the failure.
    pub fn message(&self) -> &'static str {
        self.reason.message()
    }

    /// Returns whether the login ended because the person cancelled it at the provider. Nothing is wrong then.
    ///
    /// A provider that refuses this person may send the same error (`access_denied`, RFC 6749 §4.1.2.1).
    pub fn was_cancelled(&self) -> bool {
        self.reason.was_cancelled()
    }

    /// Returns the id of the failure's line in the log, which has every detail; show it on the page.
    pub fn id(&self) -> &str {
        self.receipt.id()
    }

    /// Returns the record of every check that was made. It contains no secret and no personal data, but is meant for
    /// operators and developers: show it on a page in development only.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// Returns the local path the login was to return to, when it is known: for a "try again" link.
    pub fn return_to(&self) -> Option<&str> {
        self.return_to.as_deref()
    }

    /// Returns whether this callback changed nothing for the person: its `state` is used or unknown, and the browser is
    /// logged in. The session stays.
    ///
    /// This happens when somebody goes back after a login, or opens a browser that restores old tabs. Redirect the
    /// person with a message that is not a warning, as [`Visit::failure_reply`](crate::Visit::failure_reply) does. It
    /// is `false`
    ///
    /// * when the callback has an `error`, the `iss` of another provider, tokens, or no `state`;
    /// * when nobody is logged in, or the session cannot be read;
    /// * where another site posted the callback ([`form_post`](crate::ResponseMode::FormPost)), and the session's
    ///   cookie did not come along: then [`see_at`](Self::see_at) has an address.
    ///
    /// ```
    /// # use miracl_core::{AuthFailure, Category, Visit};
    /// /// Returns the path to redirect to, if there is nothing to tell but that.
    /// fn nothing_failed(visit: &Visit, failure: &AuthFailure) -> Option<&'static str> {
    ///     failure.still_logged_in().then(|| {
    ///         visit.flash(Category::Info, "You are already logged in.");
    ///         "/"
    ///     })
    /// }
    /// ```
    pub fn still_logged_in(&self) -> bool {
        self.logged_in == LoggedIn::Still
    }

    /// Returns the address that shows whether somebody is logged in, where this request could not.
    ///
    /// It exists only with [`form_post`](crate::ResponseMode::FormPost), when a callback with a used or unknown `state`
    /// came without a session's cookie: browsers leave that out when another site posts a form. Send the page of the
    /// failure with the header `Refresh: 0;url=` and this address. It is this app's own callback, to which the browser
    /// then comes with its cookies, and at most once.
    pub fn see_at(&self) -> Option<&str> {
        match &self.logged_in {
            LoggedIn::SeeAt(address) => Some(&address.0),
            LoggedIn::No | LoggedIn::AsOther | LoggedIn::Still => None,
        }
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
            // The reason prints the error's own text, so the chain goes on with the error's source.
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
    /// so nobody is logged in at the visit. The sessions that ended are
    ///
    /// * with `sub` alone, every session of that person;
    /// * with `sid` alone, those that belong to that session at the provider;
    /// * with both, those of that person that belong to that session at the provider, or to none, because their
    ///   login's ID token had no `sid`.
    BackChannel {
        /// The provider's issuer.
        issuer: String,
        /// The person, as [`User::id`](crate::User::id) returns it. `sub` or `sid` or both are there.
        sub: Option<String>,
        /// The session at the provider.
        sid: Option<String>,
    },
    /// The provider's log-out page ended the session of this browser (OpenID Connect Front-Channel Logout 1.0).
    FrontChannel,
}

/// Shows the kind, but not whose session it was.
impl fmt::Debug for LogoutKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "User",
            Self::BackChannel { .. } => "BackChannel { .. }",
            Self::FrontChannel => "FrontChannel",
        })
    }
}
