//! Up to which moment a log-out from outside ends sessions.

use crate::session::identity::Session;

/// The time up to which the sessions of a subject, or of a session at the provider, are ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Until {
    /// A logout token's `iat`, on the provider's clock as the `iat` of the session's ID token is, and when it arrived
    /// here.
    pub(super) token: Option<(u64, u64)>,
    /// Our own clock, in milliseconds: somebody logged out everywhere.
    pub(super) ours_ms: Option<u64>,
}

impl Until {
    /// Up to a logout token, issued at `iat` on the provider's clock and arrived at `arrived_ms` on ours.
    pub(crate) fn by_token(iat: u64, arrived_ms: u64) -> Self {
        Self {
            token: Some((iat, arrived_ms)),
            ours_ms: None,
        }
    }

    /// Up to now, on our own clock.
    pub(crate) fn by_clock(now_ms: u64) -> Self {
        Self {
            token: None,
            ours_ms: Some(now_ms),
        }
    }

    /// Whether a session had begun by then: its tokens were requested before the log-out arrived, even if the login was
    /// still under way. A login that requests its tokens later comes after the log-out, and lives.
    pub(crate) fn covers(&self, session: &Session) -> bool {
        let by_token = self.token.is_some_and(|(iat, arrived_ms)| {
            // Within one second of the provider's clock, our own tells which was first.
            session.issued_at < iat || session.issued_at == iat && session.created_ms <= arrived_ms
        });
        by_token || self.ours_ms.is_some_and(|ms| session.created_ms <= ms)
    }

    /// The later of the two, for each clock.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            token: self.token.max(other.token),
            ours_ms: self.ours_ms.max(other.ours_ms),
        }
    }
}
