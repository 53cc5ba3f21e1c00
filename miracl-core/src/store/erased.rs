//! The two traits of stores once more, in a form that can be behind a pointer: the engine holds any store this way.

use std::{
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};

use crate::{
    error::store::StoreError,
    store::{
        marks::{Lease, LeaseOwner, MarkKey, MarkStore, NoteList, Notes},
        sessions::{IndexKey, SessionKey, SessionStore, StoredSession},
    },
};

/// What a method of a store returns behind a pointer.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// [`SessionStore`] in a form that can be behind a pointer.
pub(crate) trait ErasedStore: Send + Sync {
    fn in_process(&self) -> bool;
    fn place(&self) -> &'static str;
    fn create<'a>(
        &'a self,
        key: &'a SessionKey,
        session: StoredSession,
        ttl: Duration,
    ) -> Boxed<'a, ()>;
    fn load<'a>(&'a self, key: &'a SessionKey) -> Boxed<'a, Option<StoredSession>>;
    /// Loads from a store in the memory of this process without a future on the heap. `Pending` if the store has to
    /// wait, or is outside of this process: then call [`load`](Self::load).
    fn load_now(&self, key: &SessionKey) -> Poll<Result<Option<StoredSession>, StoreError>>;
    fn update<'a>(
        &'a self,
        key: &'a SessionKey,
        expected: u64,
        session: StoredSession,
        ttl: Duration,
    ) -> Boxed<'a, bool>;
    fn delete<'a>(&'a self, key: &'a SessionKey) -> Boxed<'a, ()>;
    fn delete_by_sid<'a>(&'a self, sid: &'a IndexKey) -> Boxed<'a, u64>;
    fn delete_by_subject<'a>(&'a self, subject: &'a IndexKey) -> Boxed<'a, u64>;
    fn list_by_subject<'a>(
        &'a self,
        subject: &'a IndexKey,
    ) -> Boxed<'a, Vec<(SessionKey, StoredSession)>>;
}

impl<S: SessionStore> ErasedStore for S {
    fn in_process(&self) -> bool {
        S::IN_PROCESS
    }

    fn place(&self) -> &'static str {
        S::PLACE
    }

    fn create<'a>(
        &'a self,
        key: &'a SessionKey,
        session: StoredSession,
        ttl: Duration,
    ) -> Boxed<'a, ()> {
        Box::pin(SessionStore::create(self, key, session, ttl))
    }

    fn load<'a>(&'a self, key: &'a SessionKey) -> Boxed<'a, Option<StoredSession>> {
        Box::pin(SessionStore::load(self, key))
    }

    fn load_now(&self, key: &SessionKey) -> Poll<Result<Option<StoredSession>, StoreError>> {
        if !S::IN_PROCESS {
            return Poll::Pending;
        }
        let load = pin!(SessionStore::load(self, key));
        load.poll(&mut Context::from_waker(Waker::noop()))
    }

    fn update<'a>(
        &'a self,
        key: &'a SessionKey,
        expected: u64,
        session: StoredSession,
        ttl: Duration,
    ) -> Boxed<'a, bool> {
        Box::pin(SessionStore::update(self, key, expected, session, ttl))
    }

    fn delete<'a>(&'a self, key: &'a SessionKey) -> Boxed<'a, ()> {
        Box::pin(SessionStore::delete(self, key))
    }

    fn delete_by_sid<'a>(&'a self, sid: &'a IndexKey) -> Boxed<'a, u64> {
        Box::pin(SessionStore::delete_by_sid(self, sid))
    }

    fn delete_by_subject<'a>(&'a self, subject: &'a IndexKey) -> Boxed<'a, u64> {
        Box::pin(SessionStore::delete_by_subject(self, subject))
    }

    fn list_by_subject<'a>(
        &'a self,
        subject: &'a IndexKey,
    ) -> Boxed<'a, Vec<(SessionKey, StoredSession)>> {
        Box::pin(SessionStore::list_by_subject(self, subject))
    }
}

/// [`MarkStore`] in a form that can be behind a pointer.
pub(crate) trait ErasedMarkStore: Send + Sync {
    fn place(&self) -> &'static str;
    fn use_once<'a>(&'a self, key: &'a MarkKey, ttl: Duration) -> Boxed<'a, bool>;
    fn forget<'a>(&'a self, key: &'a MarkKey) -> Boxed<'a, ()>;
    fn note<'a>(&'a self, list: NoteList, note: &'a [u8], ttl: Duration) -> Boxed<'a, ()>;
    fn notes_since<'a>(&'a self, list: NoteList, position: Option<&'a [u8]>) -> Boxed<'a, Notes>;
    fn lease<'a>(
        &'a self,
        key: &'a MarkKey,
        owner: &'a LeaseOwner,
        ttl: Duration,
    ) -> Boxed<'a, Lease>;
    fn settle<'a>(
        &'a self,
        key: &'a MarkKey,
        owner: &'a LeaseOwner,
        value: &'a [u8],
        ttl: Duration,
    ) -> Boxed<'a, bool>;
    fn release<'a>(&'a self, key: &'a MarkKey, owner: &'a LeaseOwner) -> Boxed<'a, ()>;
}

impl<S: MarkStore> ErasedMarkStore for S {
    fn place(&self) -> &'static str {
        S::PLACE
    }

    fn use_once<'a>(&'a self, key: &'a MarkKey, ttl: Duration) -> Boxed<'a, bool> {
        of_marks(MarkStore::use_once(self, key, ttl))
    }

    fn forget<'a>(&'a self, key: &'a MarkKey) -> Boxed<'a, ()> {
        of_marks(MarkStore::forget(self, key))
    }

    fn note<'a>(&'a self, list: NoteList, note: &'a [u8], ttl: Duration) -> Boxed<'a, ()> {
        of_marks(MarkStore::note(self, list, note, ttl))
    }

    fn notes_since<'a>(&'a self, list: NoteList, position: Option<&'a [u8]>) -> Boxed<'a, Notes> {
        of_marks(MarkStore::notes_since(self, list, position))
    }

    fn lease<'a>(
        &'a self,
        key: &'a MarkKey,
        owner: &'a LeaseOwner,
        ttl: Duration,
    ) -> Boxed<'a, Lease> {
        of_marks(MarkStore::lease(self, key, owner, ttl))
    }

    fn settle<'a>(
        &'a self,
        key: &'a MarkKey,
        owner: &'a LeaseOwner,
        value: &'a [u8],
        ttl: Duration,
    ) -> Boxed<'a, bool> {
        of_marks(MarkStore::settle(self, key, owner, value, ttl))
    }

    fn release<'a>(&'a self, key: &'a MarkKey, owner: &'a LeaseOwner) -> Boxed<'a, ()> {
        of_marks(MarkStore::release(self, key, owner))
    }
}

/// Marks errors as those of the store of marks. A store that keeps sessions as well cannot tell which it was asked for.
fn of_marks<'a, T>(asked: impl Future<Output = Result<T, StoreError>> + Send + 'a) -> Boxed<'a, T> {
    Box::pin(async { asked.await.map_err(StoreError::of_marks) })
}
