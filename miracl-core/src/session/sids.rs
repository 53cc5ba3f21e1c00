//! Which sids have a session here: a front-channel log-out of one of them counts as proven.
//!
//! The requests of the front channel prove nothing, and anybody can make up sids. So each login's sid is remembered,
//! and a request that names one of them always ends its session, no matter how many made-up ones came before. With a
//! shared store of marks the whole fleet knows the sids, as leases: they are the only entries of a store that a check
//! can look for without leaving one behind.

use std::time::Duration;

use crate::{
    base::{
        expiring::{Change, Expiring},
        hex::hex,
    },
    error::store::StoreError,
    session::marked_by::{index_key, mark_key},
    store::{
        erased::ErasedMarkStore,
        marks::{Lease, LeaseOwner, NoteList},
        sessions::IndexKey,
    },
};

/// The owner of the lease of a sid that has a session, and the owner that only checks whether there is one.
const KNOWN: LeaseOwner = LeaseOwner(*b"a login has this");
const LOOKING: LeaseOwner = LeaseOwner(*b"somebody looks!!");
/// How long a check may hold the lease if its release does not reach the store.
const LOOK: Duration = Duration::from_secs(1);
/// How often a login tries to take a lease that a check holds.
const TRIES: usize = 5;

pub(super) struct Sids {
    known: Expiring<IndexKey, ()>,
    keep: Duration,
}

impl Sids {
    /// Remembers each sid for as long as a session of it may live.
    pub(super) fn new(keep: Duration) -> Self {
        Self {
            known: Expiring::new(NoteList::Proven.capacity()),
            keep,
        }
    }

    /// Remembers a login's sid, in the fleet as well where there is one.
    pub(super) async fn add(
        &self,
        sid: IndexKey,
        fleet: Option<&dyn ErasedMarkStore>,
    ) -> Result<(), StoreError> {
        self.add_here(sid);
        let Some(fleet) = fleet else {
            return Ok(());
        };
        let key = mark_key(lease_of(sid));
        for _ in 0..TRIES {
            // A later login of the same sid prolongs the lease.
            if fleet.lease(&key, &KNOWN, self.keep).await? == Lease::Taken {
                return Ok(());
            }
            fleet.release(&key, &LOOKING).await?;
        }
        tracing::debug!("other replicas don't know the sid of a login");
        Ok(())
    }

    /// Remembers a sid in this process alone.
    pub(super) fn add_here(&self, sid: IndexKey) {
        self.known.insert(sid, (), self.keep);
    }

    /// Removes a sid, and returns whether it was there. Its sessions are about to be ended; the next login adds it
    /// again.
    pub(super) async fn take(
        &self,
        sid: IndexKey,
        fleet: Option<&dyn ErasedMarkStore>,
    ) -> Result<bool, StoreError> {
        let here = self.known.change(sid, |found| match found {
            Some(()) => (Change::Remove, true),
            None => (Change::Keep, false),
        });
        let Some(fleet) = fleet else {
            return Ok(here);
        };
        let key = mark_key(lease_of(sid));
        let known = fleet.lease(&key, &LOOKING, LOOK).await? == Lease::Held;
        let owner = if known { KNOWN } else { LOOKING };
        fleet.release(&key, &owner).await?;
        Ok(here || known)
    }
}

/// The lease's name, which differs from those of renewals.
fn lease_of(sid: IndexKey) -> IndexKey {
    index_key("sid with a session", "", &hex(&sid.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::marks::MemoryMarkStore;

    const LONG: Duration = Duration::from_secs(600);

    #[tokio::test]
    async fn a_sid_is_known_from_its_login_until_it_is_taken() {
        let sids = Sids::new(LONG);
        assert!(!sids.take(IndexKey([1; 16]), None).await.unwrap());
        sids.add(IndexKey([1; 16]), None).await.unwrap();
        assert!(!sids.take(IndexKey([2; 16]), None).await.unwrap());
        assert!(sids.take(IndexKey([1; 16]), None).await.unwrap());
        assert!(!sids.take(IndexKey([1; 16]), None).await.unwrap());
        sids.add(IndexKey([1; 16]), None).await.unwrap();
        assert!(sids.take(IndexKey([1; 16]), None).await.unwrap());
    }

    #[tokio::test]
    async fn what_one_replica_knows_every_other_does_until_one_takes_it() {
        let fleet = MemoryMarkStore::default();
        let fleet: Option<&dyn ErasedMarkStore> = Some(&fleet);
        let (here, there) = (Sids::new(LONG), Sids::new(LONG));
        for _ in 0..2 {
            assert!(!there.take(IndexKey([1; 16]), fleet).await.unwrap());
            here.add(IndexKey([1; 16]), fleet).await.unwrap();
            here.add(IndexKey([1; 16]), fleet).await.unwrap();
            assert!(there.take(IndexKey([1; 16]), fleet).await.unwrap());
            assert!(!there.take(IndexKey([1; 16]), fleet).await.unwrap());
            // At the replica of the login it is known once more, and no longer after that.
            assert!(here.take(IndexKey([1; 16]), fleet).await.unwrap());
            assert!(!here.take(IndexKey([1; 16]), fleet).await.unwrap());
        }
    }

    #[tokio::test]
    async fn to_look_for_a_sid_makes_it_known_to_nobody() {
        let store = MemoryMarkStore::default();
        let (here, there) = (Sids::new(LONG), Sids::new(LONG));
        // A check whose release did not reach the store.
        let look = ErasedMarkStore::lease(
            &store,
            &mark_key(lease_of(IndexKey([1; 16]))),
            &LOOKING,
            LONG,
        )
        .await;
        assert_eq!(look.unwrap(), Lease::Taken);
        assert!(!there.take(IndexKey([1; 16]), Some(&store)).await.unwrap());
        let look = ErasedMarkStore::lease(
            &store,
            &mark_key(lease_of(IndexKey([1; 16]))),
            &LOOKING,
            LONG,
        )
        .await;
        assert_eq!(look.unwrap(), Lease::Taken);
        here.add(IndexKey([1; 16]), Some(&store)).await.unwrap();
        assert!(there.take(IndexKey([1; 16]), Some(&store)).await.unwrap());
    }
}
