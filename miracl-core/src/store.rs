//! Where sessions and marks are kept: what a store must do, the stores that come with the engine, and the contracts
//! that every store is tested by. A store of another kind goes here, beside `memory` and `redis`.

pub(crate) mod contract;
pub(crate) mod erased;
pub(crate) mod marks;
pub(crate) mod memory;
#[cfg(feature = "redis")]
pub(crate) mod redis;
pub(crate) mod sessions;
pub(crate) mod storage;
