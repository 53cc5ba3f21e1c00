//! JSON Object Signing and Encryption, as far as a relying party needs it: signatures, keys, algorithms.
//!
//! Nothing here knows what a token is used for.

pub(crate) mod algorithm;
pub(crate) mod client_key;
pub(crate) mod jws;
pub(crate) mod key;
pub(crate) mod keys;
