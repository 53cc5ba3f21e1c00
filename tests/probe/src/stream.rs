//! A stream that is open until its session ends.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{Stream, StreamExt as _, stream::once};
use miracl_core::Visit;

/// How many streams are open.
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// Counts as an open stream.
struct Counted;

impl Counted {
    fn new() -> Self {
        OPEN.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The events of a stream: `open` at once, and how the session has ended when it has.
pub async fn stream(visit: &Visit) -> impl Stream<Item = String> + Send + use<> {
    let _ = visit.optional_user().await;
    let (ended, counted) = (visit.ended(), Counted::new());
    let first = once(async { "open".to_owned() });
    let last = once(async move {
        let end = ended.await;
        drop(counted);
        format!("{end:?}")
    });
    first.chain(last)
}

/// How many streams are open by now.
pub fn open() -> String {
    OPEN.load(Ordering::Relaxed).to_string()
}
