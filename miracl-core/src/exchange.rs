//! One request and its response: what it asks, its cookies, and what it changes.

pub(crate) mod session;
