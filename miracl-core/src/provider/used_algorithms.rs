//! The algorithms that the provider's ID tokens were signed with so far.

use std::sync::atomic::{AtomicU16, Ordering};

use crate::jose::algorithm::SigningAlgorithm;

/// The algorithms of the ID tokens that were verified.
///
/// If the client is registered for no particular algorithm, logout tokens must be signed as its ID tokens are
/// (Back-Channel Logout 1.0 §2.6, step 2).
#[derive(Debug, Default)]
pub(crate) struct UsedAlgorithms(AtomicU16);

impl UsedAlgorithms {
    /// Records that an ID token was signed with this algorithm.
    pub(crate) fn record(&self, algorithm: SigningAlgorithm) {
        self.0.fetch_or(1 << algorithm as u16, Ordering::Relaxed);
    }

    /// Restricts a list to the algorithms that were used. While none has been used, the list stays as it is.
    pub(crate) fn restrict(&self, offered: Vec<SigningAlgorithm>) -> Vec<SigningAlgorithm> {
        let used = self.0.load(Ordering::Relaxed);
        let mut offered = offered;
        offered.retain(|algorithm| used == 0 || used & 1 << *algorithm as u16 != 0);
        offered
    }
}
