//! What a store of marks must do.

use std::time::Duration;

use crate::error::store::StoreError;

/// What is marked: a hash that gives away nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MarkKey(pub [u8; 32]);

/// Who holds a lease: random bytes of one attempt, or bytes that stand for what is leased and that every replica uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseOwner(pub [u8; 16]);

/// Which list of notes a note stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a store that knows no third list could not keep it"
)]
pub enum NoteList {
    /// Notes that the provider or the user proved. A store keeps at least the last 100,000.
    Proven,
    /// Notes of requests that prove nothing: front-channel log-outs of a `sid` that no known login had. A store keeps
    /// the last 10,000, and they push out no proven ones. An engine that knows this many makes no more until some have
    /// expired.
    Unproven,
}

impl NoteList {
    /// Both lists.
    pub const ALL: [Self; 2] = [Self::Proven, Self::Unproven];

    /// How many notes of this list a store keeps at least. The oldest go first.
    pub const fn capacity(self) -> usize {
        match self {
            Self::Proven => 100_000,
            Self::Unproven => 10_000,
        }
    }
}

/// The notes that were made since some position.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notes {
    /// The notes, oldest first. One may come twice.
    pub notes: Vec<Vec<u8>>,
    /// Where the next call goes on. Only the store knows what it means.
    pub position: Vec<u8>,
}

impl Notes {
    /// Makes the answer of [`MarkStore::notes_since`].
    pub fn new(notes: Vec<Vec<u8>>, position: Vec<u8>) -> Self {
        Self { notes, position }
    }
}

/// The answer to a request for a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a lease is one of these three, and nobody may overlook one"
)]
pub enum Lease {
    /// It is the owner's now, for the time asked for.
    Taken,
    /// Another owner has it.
    Held,
    /// It was settled, with this value.
    Settled(Vec<u8>),
}

/// Keeps marks for a fleet: which logins and logout tokens were used, which sessions were ended, who renews which
/// tokens, and which of the provider's sessions have had a login here.
///
/// Write the methods as plain `async fn`. Every store must do what [`mark_store_contract`](crate::mark_store_contract)
/// tests. A store must answer or fail in bounded time, because logins and log-outs wait for it.
pub trait MarkStore: Send + Sync + 'static {
    /// Where marks are kept, for the line that is logged at start: "remembered in …". By default `a store`.
    const PLACE: &'static str = "a store";

    /// Marks something as used, for as long as `ttl`. Returns whether it was unused before: of many concurrent calls,
    /// exactly one gets `true`.
    ///
    /// # Errors
    ///
    /// When the store cannot answer.
    fn use_once(
        &self,
        key: &MarkKey,
        ttl: Duration,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Removes the mark that something was used. A mark that is not there is no error.
    ///
    /// # Errors
    ///
    /// When it may still be marked.
    fn forget(&self, key: &MarkKey) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Adds a note, a few dozen bytes, to a list for as long as `ttl`.
    ///
    /// # Errors
    ///
    /// When it may not be there.
    fn note(
        &self,
        list: NoteList,
        note: &[u8],
        ttl: Duration,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Returns the notes of a list that were made since a position; without one, or when the store no longer knows it,
    /// all there are.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    fn notes_since(
        &self,
        list: NoteList,
        position: Option<&[u8]>,
    ) -> impl Future<Output = Result<Notes, StoreError>> + Send;

    /// Leases a piece of work to an owner for as long as `ttl`. An owner that asks again gets a new `ttl`.
    ///
    /// # Errors
    ///
    /// When the store cannot answer.
    fn lease(
        &self,
        key: &MarkKey,
        owner: &LeaseOwner,
        ttl: Duration,
    ) -> impl Future<Output = Result<Lease, StoreError>> + Send;

    /// Replaces a lease by the result of the work, for as long as `ttl`. Returns whether the owner still had the lease;
    /// if not, nothing changes.
    ///
    /// # Errors
    ///
    /// When it may not be there.
    fn settle(
        &self,
        key: &MarkKey,
        owner: &LeaseOwner,
        value: &[u8],
        ttl: Duration,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Gives up a lease. One that another owner has, or that was settled, stays.
    ///
    /// # Errors
    ///
    /// When it may still be held; it ends with its time.
    fn release(
        &self,
        key: &MarkKey,
        owner: &LeaseOwner,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}
