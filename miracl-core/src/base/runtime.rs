//! The runtime that the app was put together on.

use std::pin::pin;

use tokio::{runtime::Handle, sync::mpsc};

/// The runtime that the app was put together on. Connections live there.
///
/// actix-web has a runtime for each worker, and ends them one by one: a connection opened by one worker may be in use by a
/// login on another.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    pub(crate) runtime: Handle,
    /// Closed when the runtime has ended.
    pub(crate) alive: mpsc::Sender<()>,
}

impl Home {
    /// This runtime, where there is one.
    pub(crate) fn here() -> Option<Self> {
        Handle::try_current().ok().map(Self::new)
    }

    pub(crate) fn new(runtime: Handle) -> Self {
        let (alive, mut all_gone) = mpsc::channel(1);
        // Ends with the last clone of the client, or else with the runtime.
        runtime.spawn(async move { all_gone.recv().await });
        Self { runtime, alive }
    }

    /// Polls a future as if on this runtime, so that what it opens and spawns belongs there; without it, where it is.
    pub(crate) async fn poll<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        std::future::poll_fn(|context| {
            let _entered = (!self.alive.is_closed()).then(|| self.runtime.enter());
            future.as_mut().poll(context)
        })
        .await
    }
}
