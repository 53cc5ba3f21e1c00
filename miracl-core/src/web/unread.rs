//! What is left of the body of a request that was refused.

use std::{
    future::poll_fn,
    task::{Context, Poll},
    time::Duration,
};

/// The most bytes that are read of it.
const MAX_BYTES: usize = 1024 * 1024;

/// The longest time that this may take.
const MAX_TIME: Duration = Duration::from_secs(2);

/// Reads what is left of the body of a request that was refused, and drops it, so that the answer arrives. Adapters do
/// it where an [`Outcome`](crate::adapter::Outcome) asks for it, and where
/// [`Miracl::check_origin`](crate::Miracl::check_origin) refuses.
///
/// A server that closes a connection on which data is still coming in resets it (RFC 9112 §9.6). The client, or the
/// proxy in between, then may report an error in place of the answer.
///
/// It stops after 1 MiB, after 2 seconds, or at the end of the body, whichever comes first, and returns whether it came
/// to the end. If not, the answer must close its connection where that is HTTP/1 (`Connection: close`), so that the
/// server does not wait for the rest. `next` waits for the next part of the body, and returns its length in bytes, or
/// `None` where the body ends or breaks off.
///
/// ```
/// use std::{collections::VecDeque, task::Poll};
///
/// use miracl_core::adapter::drop_body;
///
/// # async fn refuse() {
/// let mut parts = VecDeque::from([vec![0; 4_000], vec![0; 200]]);
/// drop_body(|_| Poll::Ready(parts.pop_front().map(|part| part.len()))).await;
/// # }
/// ```
///
/// # Panics
///
/// Outside of a Tokio runtime with timers.
pub async fn drop_body(next: impl FnMut(&mut Context<'_>) -> Poll<Option<usize>>) -> bool {
    drop_within(MAX_TIME, next).await
}

async fn drop_within(
    time: Duration,
    mut next: impl FnMut(&mut Context<'_>) -> Poll<Option<usize>>,
) -> bool {
    let read = async {
        let mut left = MAX_BYTES;
        while left > 0 {
            let Some(length) = poll_fn(&mut next).await else {
                return true;
            };
            left = left.saturating_sub(length);
        }
        false
    };
    tokio::time::timeout(time, read).await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// Drops an endless body of parts of this length, and returns how many parts were read.
    async fn parts_read(length: usize) -> usize {
        let mut parts = 0;
        let ended = drop_body(|_| {
            parts += 1;
            Poll::Ready(Some(length))
        });
        assert!(!ended.await);
        parts
    }

    #[tokio::test]
    async fn at_most_a_mebibyte_is_read() {
        assert_eq!(parts_read(MAX_BYTES).await, 1);
        assert_eq!(parts_read(1024).await, 1024);
        assert_eq!(parts_read(MAX_BYTES + 1).await, 1);
    }

    #[tokio::test]
    async fn a_body_that_ends_is_read_to_its_end() {
        let mut left = 3;
        let ended = drop_body(|_| {
            let part = (left > 0).then_some(10);
            left -= i32::from(left > 0);
            Poll::Ready(part)
        });
        assert!(ended.await);
        assert_eq!(left, 0);
    }

    #[tokio::test]
    async fn a_body_that_never_comes_is_waited_for_no_longer_than_that() {
        let time = Duration::from_millis(20);
        let began = Instant::now();
        assert!(!drop_within(time, |_| Poll::Pending).await);
        assert!(began.elapsed() >= time, "{:?}", began.elapsed());
    }
}
