//! What a secret is for.

use ring::digest::{SHA256, digest};

use crate::{
    hex,
    mpin::point::{G1, G2},
};

/// An M-Pin id and the public key of its browser, and the point that they map to.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    key: Option<G2>,
    point: G1,
}

impl Subject {
    /// `mpin_id` is the id as bytes. Browsers of the protocol from before public keys have none.
    pub(crate) fn new(mpin_id: &[u8], key: Option<G2>) -> Self {
        let mut name = mpin_id.to_vec();
        if let Some(key) = &key {
            name.extend_from_slice(&key.to_bytes());
        }
        Self {
            key,
            point: G1::of_digest(digest(&SHA256, &name).as_ref()),
        }
    }

    /// The subject of an M-Pin id as messages have it; `None` where that is no hexadecimal text.
    pub(crate) fn of_hex(mpin_id: &str, key: Option<G2>) -> Option<Self> {
        Some(Self::new(&hex::decode(mpin_id)?, key))
    }

    /// Whether it has a public key.
    pub(crate) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    pub(super) fn point(&self) -> &G1 {
        &self.point
    }

    /// The public key, or what stands in its place where there is none.
    pub(super) fn key(&self) -> G2 {
        self.key.clone().unwrap_or_else(G2::generator)
    }
}
