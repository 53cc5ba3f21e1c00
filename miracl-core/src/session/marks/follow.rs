//! The follower: a task that reads again and again what other replicas have ended, so that requests need not.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use tokio::time::sleep;

use crate::{base::runtime::Runtime, session::marks::Marks};

/// How long the follower waits from one look to the next.
const PAUSE: Duration = Duration::from_millis(300);

/// Follows the marks of a shared store, if there is one and nobody follows it yet: on a task of its own, for as long as
/// the owner of the marks lives. Without a runtime it does nothing: the first request that needs the marks tries again.
pub(crate) fn follow<O>(owner: &Arc<O>, marks: fn(&O) -> &Marks, runtime: &Runtime)
where
    O: Send + Sync + 'static,
{
    if !runtime.is_there() || !marks(owner).claim_follower() {
        return;
    }
    let following = Following {
        owner: Arc::downgrade(owner),
        marks,
    };
    runtime.spawn(async move {
        while let Some(owner) = following.owner.upgrade() {
            marks(&owner).look_again().await;
            drop(owner);
            sleep(PAUSE).await;
        }
    });
}

/// The place of the follower. It is free again when the task ends, also when its runtime ends it.
struct Following<O> {
    owner: Weak<O>,
    marks: fn(&O) -> &Marks,
}

impl<O> Drop for Following<O> {
    fn drop(&mut self) {
        if let Some(owner) = self.owner.upgrade()
            && let Some(copy) = &(self.marks)(&owner).copy
        {
            copy.has_follower.store(false, Ordering::Release);
        }
    }
}

impl Marks {
    /// Takes the place of the follower, if there is something to follow and nobody does yet.
    pub(super) fn claim_follower(&self) -> bool {
        let followed = self.copy.as_ref().filter(|_| self.live_here);
        followed.is_some_and(|copy| !copy.has_follower.swap(true, Ordering::AcqRel))
    }
}
