//! The algorithms that the provider's tokens were signed with so far.

use std::sync::atomic::{AtomicU16, Ordering};

use crate::jose::algorithm::SigningAlgorithm;

/// The algorithms of the ID tokens that were verified. Where the client is registered for none in particular, logout tokens
/// must be signed as its ID tokens are (§2.6, step 2).
#[derive(Debug, Default)]
pub(crate) struct UsedAlgorithms(AtomicU16);

impl UsedAlgorithms {
    pub(crate) fn record(&self, algorithm: SigningAlgorithm) {
        self.0.fetch_or(1 << algorithm as u16, Ordering::Relaxed);
    }

    /// Cuts a list down to those that were seen; as long as none was, all of them count.
    pub(crate) fn restrict(&self, offered: Vec<SigningAlgorithm>) -> Vec<SigningAlgorithm> {
        let seen = self.0.load(Ordering::Relaxed);
        let mut offered = offered;
        offered.retain(|algorithm| seen == 0 || seen & 1 << *algorithm as u16 != 0);
        offered
    }
}
