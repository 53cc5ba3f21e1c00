//! A failure of a store.

use std::{error::Error, fmt, sync::Arc};

/// A store failed: it cannot be reached, or it is full.
///
/// This is not the same as a session that does not exist.
#[derive(Debug, Clone)]
pub struct StoreError {
    store: Store,
    source: Arc<dyn Error + Send + Sync>,
}

/// Which store failed. A store that keeps both sessions and marks cannot tell which of them a call is about.
#[derive(Debug, Clone, Copy)]
enum Store {
    Sessions,
    Marks,
}

impl StoreError {
    /// Makes an error from the one that the store met. Its text goes to the log, and must contain no secret.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            store: Store::Sessions,
            source: error.into().into(),
        }
    }

    /// Marks this as an error of the store of marks.
    pub(crate) fn of_marks(self) -> Self {
        Self {
            store: Store::Marks,
            ..self
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.store {
            Store::Sessions => "the session store does not answer",
            Store::Marks => "the store of marks does not answer",
        })
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
