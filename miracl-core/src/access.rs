//! What a request must have besides a login: requirements, and whether a session meets them.

pub(crate) mod caller;
pub(crate) mod claim;
pub(crate) mod decision;
pub(crate) mod policy;
pub(crate) mod request;
pub(crate) mod requirement;
pub(crate) mod step_up;
