//! How a session ends, for those who want to know.

/// How the session of a request has ended, as [`Visit::ended`](crate::Visit::ended) says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionEnd {
    /// There was no session: nobody is logged in at this request.
    Nobody,
    /// One of its two deadlines has passed: [`Config::session_idle_timeout`](crate::Config::session_idle_timeout) or
    /// [`Config::session_absolute_timeout`](crate::Config::session_absolute_timeout).
    Expired,
    /// It was ended before its time.
    Ended(EndedBy),
}

/// What has ended a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndedBy {
    /// The person, at this browser: the log-out route, or [`Visit::logout`](crate::Visit::logout).
    LogOut,
    /// The person, for all of their sessions: [`Visit::logout_everywhere`](crate::Visit::logout_everywhere).
    LogOutEverywhere,
    /// The person, at another browser: [`Visit::end_other_session`](crate::Visit::end_other_session) and
    /// [`Visit::end_other_sessions`](crate::Visit::end_other_sessions).
    OtherSession,
    /// The provider, by a logout token (OpenID Connect Back-Channel Logout 1.0).
    BackChannel,
    /// The provider's log-out page (OpenID Connect Front-Channel Logout 1.0).
    FrontChannel,
    /// The provider no longer accepts the session's tokens.
    Provider,
    /// Another login in this browser, of the same person or of another one.
    NewLogin,
    /// Something at another replica or browser, which this process has noticed.
    Elsewhere,
}
