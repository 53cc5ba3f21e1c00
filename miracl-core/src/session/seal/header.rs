//! The header of a sealed value, and what of it can be read from the text without opening anything.

use base64_simd::{AsOut, URL_SAFE_NO_PAD as BASE64};
use ring::aead::NONCE_LEN;

/// The version of the format, the first byte of every sealed value.
pub(super) const VERSION: u8 = 1;
/// Version, number of parts, key id, nonce: 18 bytes, which are 24 characters of base64.
pub(super) const HEADER_LEN: usize = 1 + 1 + 4 + NONCE_LEN;
/// The header before the nonce, which is associated data.
pub(super) const BOUND_LEN: usize = HEADER_LEN - NONCE_LEN;

const HEADER_CHARS: usize = HEADER_LEN / 3 * 4;
const BOUND_CHARS: usize = BOUND_LEN / 3 * 4;
/// Where the last three bytes of the key id stand in the text: bytes 3 to 5 are whole characters.
pub(super) const ID_CHARS: std::ops::Range<usize> = 4..8;

const _: () = assert!(HEADER_LEN.is_multiple_of(3) && BOUND_LEN.is_multiple_of(3));

/// What a value says of who sealed it. None of it is proven before the value opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SealedBy {
    /// The key of this id.
    Key([u8; 4]),
    /// Somebody with another format.
    OtherFormat,
    /// It is no sealed value.
    Nobody,
}

/// Half of a sealed value's nonce, as its text has it: 48 random bits, by which one value of a browser is told from
/// another.
pub(crate) type SealNonce = [u8; (HEADER_CHARS - BOUND_CHARS) / 2];

/// Reads the nonce from the first part of a value, or from a `Cookie` header where the value begins.
pub(crate) fn nonce_of(first: &[u8]) -> Option<SealNonce> {
    let header = first.get(..HEADER_CHARS)?;
    if memchr::memchr(b';', header).is_some() {
        return None;
    }
    header[BOUND_CHARS..].first_chunk().copied()
}

/// Reads the number of parts from the first part of a value; 1 when it is not of our format.
pub(crate) fn parts_of(first: &[u8]) -> usize {
    header(first)
        .filter(|header| header[0] == VERSION)
        .map_or(1, |header| usize::from(header[1]))
}

/// Reads what a value says of who sealed it.
pub(crate) fn sealed_by(text: &[u8]) -> SealedBy {
    let Some(header) = header(text) else {
        return SealedBy::Nobody;
    };
    if header[0] != VERSION {
        return SealedBy::OtherFormat;
    }
    let mut id = [0; 4];
    id.copy_from_slice(&header[2..BOUND_LEN]);
    SealedBy::Key(id)
}

/// Reads what comes before the sealed content.
fn header(first: &[u8]) -> Option<[u8; HEADER_LEN]> {
    let mut header = [0; HEADER_LEN];
    let read = BASE64.decode(first.get(..HEADER_CHARS)?, header.as_mut_slice().as_out());
    read.is_ok().then_some(header)
}
