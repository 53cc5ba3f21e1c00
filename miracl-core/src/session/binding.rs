//! The issuer and client that a sealed value belongs to.

use std::sync::Arc;

use ring::digest;

/// Ties a value to one issuer and client, so that another app with the same keys does not take it.
#[derive(Clone)]
pub(crate) struct Binding {
    pub(crate) hash: [u8; 12],
    /// The issuer without a slash at its end, as the hash has it: what is bound to it need not name it.
    pub(super) issuer: Arc<str>,
}

impl Binding {
    pub(crate) fn new(issuer: &str, client_id: &str) -> Self {
        let issuer = issuer.trim_end_matches('/');
        let digest = digest::digest(&digest::SHA256, format!("{issuer}\n{client_id}").as_bytes());
        let mut hash = [0; 12];
        hash.copy_from_slice(&digest.as_ref()[..12]);
        Self {
            hash,
            issuer: issuer.into(),
        }
    }
}
