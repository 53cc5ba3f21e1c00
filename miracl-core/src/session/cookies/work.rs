//! Counts, in tests, the work that is done on the cookies of requests. It must grow no faster than what a stranger
//! sends.

use std::cell::Cell;

/// What was done on this thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    /// How many cookies were walked over.
    pub(crate) cookies: usize,
    /// How many bytes they were.
    pub(crate) bytes: usize,
    /// How many values were decoded, and opened if they could be.
    pub(crate) opened: usize,
    /// How many characters those were.
    pub(crate) opened_bytes: usize,
}

thread_local! {
    static WORK: Cell<Work> = Cell::default();
}

/// Notes a step of a walk over a header.
pub(super) fn walked(bytes: usize) {
    let mut work = WORK.get();
    work.cookies += 1;
    work.bytes += bytes + 1;
    WORK.set(work);
}

/// Notes that a value is about to be opened.
pub(in crate::session) fn opened(bytes: usize) {
    let mut work = WORK.get();
    work.opened += 1;
    work.opened_bytes += bytes;
    WORK.set(work);
}

/// Returns what was done since it was last asked for.
pub(super) fn take() -> Work {
    WORK.take()
}
