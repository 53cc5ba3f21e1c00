//! What sessions and logins are marked by: the hashes by which a log-out from outside names a session, and by which a
//! login is used once.

use std::fmt;

use ring::digest;

use crate::store::{marks::MarkKey, sessions::IndexKey};

/// What a login is marked by: a hash of its `state`. `Debug` does not show it.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LoginMark(pub(crate) [u8; 32]);

impl fmt::Debug for LoginMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginMark([redacted])")
    }
}

/// The hashes by which log-outs from outside name a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MarkedBy {
    pub(crate) subject: IndexKey,
    pub(crate) sid: Option<IndexKey>,
}

impl MarkedBy {
    pub(crate) fn new(issuer: &str, subject: &str, sid: Option<&str>) -> Self {
        Self {
            subject: index_key("sub", issuer, subject),
            sid: sid.map(|sid| index_key("sid", issuer, sid)),
        }
    }
}

/// Hashes a name that an issuer gave. The kind of the name is part of the hash, so a subject and a `sid` of the same
/// text have different hashes.
pub(crate) fn index_key(kind: &str, issuer: &str, name: &str) -> IndexKey {
    let text = format!("{kind}\n{}\n{issuer}{name}", issuer.len());
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    let mut key = IndexKey([0; 16]);
    key.0.copy_from_slice(&hash.as_ref()[..16]);
    key
}

/// Returns what a name is marked under in a store of marks.
pub(super) fn mark_key(name: IndexKey) -> MarkKey {
    let mut key = MarkKey([0; 32]);
    key.0[..name.0.len()].copy_from_slice(&name.0);
    key
}
