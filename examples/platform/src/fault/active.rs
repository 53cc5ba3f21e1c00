//! The faults that are switched on.

use std::sync::Arc;

use super::Fault;

/// What the platform does wrong at present, which may be several things at once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    pub(super) active: Arc<[Fault]>,
    /// Whether keys have been changed since the faults were set.
    pub(super) rotated: bool,
}

impl Faults {
    pub(crate) fn new(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self {
            active: faults.into_iter().collect(),
            rotated: false,
        }
    }

    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.active.contains(&fault)
    }

    pub(super) fn has_any(&self, faults: &[Fault]) -> bool {
        self.active.iter().any(|fault| faults.contains(fault))
    }

    /// Records that a token was requested.
    pub(crate) fn token_requested(&mut self) {
        self.rotated = self.has(Fault::CertsRotatedBeforeSigning);
    }
}
