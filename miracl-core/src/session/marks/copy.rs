//! How this process's copy of a shared store's marks is kept up to date: up to when it counts, and who reads the store.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use tokio::{sync::Mutex, time::timeout};

use crate::{
    error::store::StoreError,
    session::ended::{Ended, note::Note},
    store::{erased::ErasedMarkStore, marks::NoteList},
};

/// How old the copy may be.
pub(super) const FRESH: Duration = Duration::from_secs(1);
/// How long a look into the store may take. A store has a limit of its own; this is for one that has none.
const LOOK: Duration = Duration::from_secs(5);

/// How far the copy is. Its marks are in [`Ended`].
pub(super) struct CopyState {
    began: Instant,
    /// Up to when the copy counts, in milliseconds since `began`.
    pub(super) fresh_until: AtomicU64,
    /// The number of the look that was begun last.
    looks_begun: AtomicU64,
    /// How many looks have ended.
    looks_ended: AtomicU64,
    look: Mutex<Look>,
    /// Whether a follower looks all the time.
    pub(super) has_follower: AtomicBool,
}

#[derive(Default)]
struct Look {
    /// Where to go on in each list.
    positions: [Option<Vec<u8>>; NoteList::ALL.len()],
    /// The error of the last look, if it failed.
    failed: Option<StoreError>,
}

impl CopyState {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            fresh_until: AtomicU64::new(0),
            looks_begun: AtomicU64::new(0),
            looks_ended: AtomicU64::new(0),
            look: Mutex::default(),
            has_follower: AtomicBool::new(false),
        }
    }

    fn age(&self) -> Duration {
        self.began.elapsed()
    }

    pub(super) fn is_fresh(&self) -> bool {
        self.age().as_millis() < u128::from(self.fresh_until.load(Ordering::Acquire))
    }

    /// The number of the look that was begun last.
    pub(super) fn looks_begun(&self) -> u64 {
        self.looks_begun.load(Ordering::SeqCst)
    }

    /// Reads what other replicas have ended. Of many callers at the same time one reads, and the others take its
    /// result: that of any look that ends while they wait, or with `after` that of one that began after that look.
    pub(super) async fn look(
        &self,
        store: &dyn ErasedMarkStore,
        ended: &Ended,
        after: Option<u64>,
    ) -> Result<(), StoreError> {
        let after = after.unwrap_or_else(|| self.looks_ended.load(Ordering::SeqCst));
        let mut look = self.look.lock().await;
        let last = self.looks_ended.load(Ordering::SeqCst);
        if last > after {
            return look.failed.clone().map_or(Ok(()), Err);
        }
        // The caller may stop waiting in the middle. The next look then has the same number.
        self.looks_begun.store(last + 1, Ordering::SeqCst);
        let began = self.age();
        let read = timeout(LOOK, read(store, ended, &mut look.positions)).await;
        let read = read.unwrap_or_else(|_| {
            Err(
                StoreError::new(format!("the store of marks did not answer within {LOOK:?}"))
                    .of_marks(),
            )
        });
        if read.is_ok() {
            let until = (began + FRESH).as_millis();
            let until = u64::try_from(until).unwrap_or(u64::MAX);
            self.fresh_until.store(until, Ordering::Release);
        }
        look.failed = read.as_ref().err().cloned();
        self.looks_ended.store(last + 1, Ordering::SeqCst);
        read
    }
}

/// Adds the notes since these positions to the copy, and moves the positions.
async fn read(
    store: &dyn ErasedMarkStore,
    ended: &Ended,
    positions: &mut [Option<Vec<u8>>; NoteList::ALL.len()],
) -> Result<(), StoreError> {
    for (list, position) in NoteList::ALL.into_iter().zip(positions) {
        let new = store.notes_since(list, position.as_deref()).await?;
        for note in &new.notes {
            match Note::decode(note) {
                Some(note) if note.list() == list => ended.add(&note),
                _ => tracing::warn!("a mark in the store cannot be read; a newer version's?"),
            }
        }
        *position = Some(new.position);
    }
    Ok(())
}
