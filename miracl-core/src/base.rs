//! The foundation of every other room: time, randomness, secrets, bounded tables, formats, TLS, the runtime.
//!
//! Nothing here makes a request or knows a session, and nothing here uses another room.

pub(crate) mod claim_name;
pub(crate) mod clock;
pub(crate) mod constant_time;
pub(crate) mod cookie_key;
pub(crate) mod expiring;
pub(crate) mod file;
pub(crate) mod hex;
pub(crate) mod issuer_template;
pub(crate) mod joined;
pub(crate) mod json;
pub(crate) mod key_hash;
pub(crate) mod loopback;
pub(crate) mod once_each;
pub(crate) mod random;
pub(crate) mod replica;
pub(crate) mod runtime;
pub(crate) mod secret;
pub(crate) mod text;
pub(crate) mod tls;
pub(crate) mod wire;
