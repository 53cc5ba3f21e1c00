//! Stores in the memory of this process.

pub(crate) mod marks;
pub(crate) mod sessions;
pub(crate) mod table;
