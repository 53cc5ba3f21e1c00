//! The runtime that the app was put together on.

use std::{
    panic::resume_unwind,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::{AbortHandle, JoinError, JoinHandle},
};

/// The runtime that the app was built on, if there was one. Connections live there, and so does work that must finish.
///
/// actix-web has a runtime for each worker, and ends them one by one: a connection that one worker opened may be in use
/// by a login on another.
#[derive(Debug, Clone)]
pub(crate) struct Runtime(Option<Home>);

#[derive(Debug, Clone)]
struct Home {
    runtime: Handle,
    /// Closed when the runtime has ended.
    alive: mpsc::Sender<()>,
}

impl Runtime {
    /// Returns the caller's runtime.
    pub(crate) fn current() -> Self {
        Self(Handle::try_current().ok().map(Home::new))
    }

    /// Whether there is a runtime to run anything on: this one or the caller's.
    pub(crate) fn is_there(&self) -> bool {
        self.home().is_some() || Handle::try_current().is_ok()
    }

    /// Runs a future to its end, even if nobody waits for it.
    pub(crate) fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        match self.home() {
            Some(home) => home.runtime.spawn(future),
            None => tokio::spawn(future),
        }
    }

    /// Runs work to its end, even if the caller stops waiting, and returns its result. A panic continues in the caller.
    /// Fails when the runtime ends first.
    pub(crate) async fn to_its_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, JoinError> {
        result_of(self.spawn(work)).await
    }

    /// Runs work as [`to_its_end`](Self::to_its_end) does, where one of `few` is free when the caller stops waiting. It
    /// holds that until the work has ended. Where none is free, the work is dropped with its caller.
    pub(crate) async fn to_its_end_if_few<T: Send + 'static>(
        &self,
        few: &Arc<Semaphore>,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, JoinError> {
        let permit = Arc::new(Mutex::new(None));
        let held = Arc::clone(&permit);
        let task = self.spawn(async move {
            let done = work.await;
            drop(held);
            done
        });
        let _caller = Caller {
            few,
            permit,
            task: task.abort_handle(),
        };
        result_of(task).await
    }

    /// Polls a future as if on this runtime, so that what it opens and spawns belongs there. Without a runtime, polls
    /// it on the caller's.
    pub(crate) async fn poll<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        std::future::poll_fn(|context| {
            let _entered = self.home().map(|home| home.runtime.enter());
            future.as_mut().poll(context)
        })
        .await
    }

    /// Returns the runtime, unless it has ended.
    fn home(&self) -> Option<&Home> {
        self.0.as_ref().filter(|home| !home.alive.is_closed())
    }
}

impl Home {
    fn new(runtime: Handle) -> Self {
        let (alive, mut all_gone) = mpsc::channel(1);
        // This task ends with the last clone of the sender, or else with the runtime.
        runtime.spawn(async move { all_gone.recv().await });
        Self { runtime, alive }
    }
}

/// Waits for a task, and returns its result. A panic continues in the caller.
async fn result_of<T>(task: JoinHandle<T>) -> Result<T, JoinError> {
    task.await.map_err(|error| match error.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        Err(error) => error,
    })
}

/// A caller that waits for work in a task.
struct Caller<'a> {
    few: &'a Arc<Semaphore>,
    permit: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
    task: AbortHandle,
}

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        if self.task.is_finished() {
            return;
        }
        match Arc::clone(self.few).try_acquire_owned() {
            Ok(permit) => {
                *self.permit.lock().unwrap_or_else(PoisonError::into_inner) = Some(permit);
            }
            Err(_) => self.task.abort(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    }

    /// Which runtime a future is polled on.
    async fn here() -> tokio::runtime::Id {
        Handle::current().id()
    }

    #[test]
    fn connections_live_on_the_first_runtime_while_there_is_one() {
        let (first, second) = (started(), started());
        let home = first.block_on(async { Runtime::current() });
        let (one, two) = (first.handle().id(), second.handle().id());
        assert_eq!(second.block_on(home.poll(here())), one);
        drop(first);
        assert_eq!(second.block_on(home.poll(here())), two);
    }

    #[test]
    fn the_last_client_leaves_nothing_behind_on_the_runtime() {
        let runtime = started();
        runtime.block_on(async {
            let home = Runtime::current();
            let tasks = || Handle::current().metrics().num_alive_tasks();
            assert_eq!(tasks(), 1);
            drop(home.clone());
            tokio::task::yield_now().await;
            assert_eq!(tasks(), 1);
            drop(home);
            tokio::task::yield_now().await;
            assert_eq!(tasks(), 0);
        });
    }
}
