//! Who is logged in: what a session is, how it is sealed into cookies or a store, and how it ends.
//!
//! Nothing here knows a request or a flow. What one request does with its session is in `exchange`.

pub(crate) mod answers;
pub(crate) mod app_data;
pub(crate) mod asked;
pub(crate) mod binding;
pub(crate) mod cookies;
pub(crate) mod data;
pub(crate) mod end;
pub(crate) mod ended;
pub(crate) mod extension;
pub(crate) mod flat;
pub(crate) mod identity;
pub(crate) mod kept;
pub(crate) mod loops;
pub(crate) mod marked_by;
pub(crate) mod marks;
pub(crate) mod person;
pub(crate) mod proposed;
pub(crate) mod renewals;
pub(crate) mod seal;
pub(crate) mod sessions;
pub(crate) mod sids;
pub(crate) mod test_kit;
pub(crate) mod token_codec;
pub(crate) mod waiting;
