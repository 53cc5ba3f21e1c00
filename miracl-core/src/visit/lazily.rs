//! What a visit that is made on demand tells the one that it becomes.

#[cfg(test)]
use std::sync::Arc;
use std::task::Poll;

#[cfg(test)]
use crate::exchange::Exchange;
use crate::{flow::user, session::identity::User, visit::Visit};

impl Visit {
    /// Returns who is logged in, if that is known without waiting.
    pub(crate) fn user_at_once(&self) -> Poll<Option<User>> {
        user::user_at_once(&self.exchange)
    }

    #[cfg(test)]
    pub(crate) fn exchange(&self) -> &Arc<Exchange> {
        &self.exchange
    }

    /// Makes the request one that changes nothing.
    pub(crate) fn without_changes(&self) {
        self.exchange.without_changes();
    }

    /// Records the user that the lazy visit already found.
    pub(crate) fn know(&self, user: Option<&User>) {
        self.exchange.know(user);
    }
}
