//! By what a log-out from outside names a session: the person, and the session at the provider.

use crate::store::marks::MarkKey;
use ring::digest;

/// What a login is marked by: a hash of its `state`.
pub(crate) type LoginMark = [u8; 32];

pub(crate) fn mark_key(name: NameMark) -> MarkKey {
    let mut key = MarkKey([0; 32]);
    key.0[..name.len()].copy_from_slice(&name);
    key
}

/// The hash of an issuer and a name that is the issuer's.
pub(crate) type NameMark = [u8; 16];

/// By what log-outs from outside name a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MarkedBy {
    pub(crate) subject: NameMark,
    pub(crate) sid: Option<NameMark>,
}

impl MarkedBy {
    pub(crate) fn new(issuer: &str, subject: &str, sid: Option<&str>) -> Self {
        Self {
            subject: name_mark("sub", issuer, subject),
            sid: sid.map(|sid| name_mark("sid", issuer, sid)),
        }
    }
}

/// Hashes a name of an issuer's: two kinds of names are two marks, whatever they are.
pub(crate) fn name_mark(kind: &str, issuer: &str, name: &str) -> NameMark {
    let text = format!("{kind}\n{}\n{issuer}{name}", issuer.len());
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    let mut mark = NameMark::default();
    mark.copy_from_slice(&hash.as_ref()[..16]);
    mark
}
