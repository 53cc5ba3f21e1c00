//! A store that did not do what it was asked to.

use std::{error::Error, fmt, sync::Arc};

/// A store did not do what it was asked to: it is away, or full.
///
/// That is something else than a session that is not there.
#[derive(Debug, Clone)]
pub struct StoreError {
    store: Store,
    source: Arc<dyn Error + Send + Sync>,
}

/// Which store it was. One that keeps both does not know what it was asked for.
#[derive(Debug, Clone, Copy)]
enum Store {
    Sessions,
    Marks,
}

impl StoreError {
    /// Makes an error of whatever went wrong. Its text goes to the log, and must hold no secret.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            store: Store::Sessions,
            source: error.into().into(),
        }
    }

    /// The same of the store of marks, whoever made it.
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
