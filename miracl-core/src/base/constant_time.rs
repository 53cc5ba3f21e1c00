//! Comparison in constant time.

use ring::digest;

/// Whether two texts are the same. Their hashes are compared, so that the time it takes does not tell where they differ.
pub(crate) fn same(a: &str, b: &str) -> bool {
    let hash = |text: &str| digest::digest(&digest::SHA256, text.as_bytes());
    hash(a).as_ref() == hash(b).as_ref()
}
