//! What every store must do, as functions that test one.

pub(crate) mod marks;
pub(crate) mod sessions;
