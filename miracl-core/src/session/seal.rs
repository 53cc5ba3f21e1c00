//! Seals what a cookie carries: authenticated encryption under a ring of keys, one derived key per purpose.
//!
//! A sealed value is base64url of `version, parts, key id (4), nonce (12), ciphertext, tag (16)`. The cookie's name and
//! everything before the nonce are associated data (RFC 5116 §2.1), so a value opens only under the name it was
//! made for, and only whole. The nonce is random: one key may seal 2^32 values (NIST SP 800-38D §8.3).

use std::{mem::MaybeUninit, ops::Deref};

use base64_simd::{AsOut, URL_SAFE_NO_PAD as BASE64};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::base::{cookie_key::CookieKey, random::random};

/// The version of the format, the first byte of every sealed value.
const VERSION: u8 = 1;
/// Version, number of parts, key id, nonce: 18 bytes, which are 24 characters of base64.
const HEADER_LEN: usize = 1 + 1 + 4 + NONCE_LEN;
const HEADER_CHARS: usize = HEADER_LEN / 3 * 4;
/// The header before the nonce, which is associated data.
const BOUND_LEN: usize = HEADER_LEN - NONCE_LEN;
const TAG_LEN: usize = 16;
/// The associated data of most names is no longer than this.
const SHORT_BOUND: usize = 64;

const BOUND_CHARS: usize = BOUND_LEN / 3 * 4;
/// Where the last three bytes of the key id stand in the text: bytes 3 to 5 are whole characters.
const ID_CHARS: std::ops::Range<usize> = 4..8;

const _: () = assert!(HEADER_LEN.is_multiple_of(3) && BOUND_LEN.is_multiple_of(3));

/// What a value is for. Each purpose has a key of its own, so no value can stand in for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Who is logged in, and until when.
    Session,
    /// Tokens and user data of the session.
    Data,
    /// A login under way.
    Login,
    /// Flash messages.
    Flash,
    /// A session in a store outside of this process.
    Stored,
    /// Renewed tokens, for the replicas that come late.
    Renewal,
}

const PURPOSES: [(Purpose, &str); 6] = [
    (Purpose::Session, "session"),
    (Purpose::Data, "session data"),
    (Purpose::Login, "pending login"),
    (Purpose::Flash, "flash messages"),
    (Purpose::Stored, "stored session"),
    (Purpose::Renewal, "renewed tokens"),
];

/// The keys in use: the first seals, every one opens.
pub(crate) struct KeyRing(Vec<RingKey>);

struct RingKey {
    id: [u8; 4],
    /// Its last three bytes, as the text of a sealed value has them.
    id_chars: [u8; 4],
    purposes: [LessSafeKey; PURPOSES.len()],
}

/// The result of opening a value: the opened bytes as `P`.
#[derive(Debug)]
pub(crate) enum Opened<P> {
    /// The content, and whether the first key sealed it (otherwise it is to be sealed again).
    Plain { plain: P, first_key: bool },
    /// Sealed by a key or in a format that this process does not know: another replica may. To be left alone.
    Foreign,
    /// Damaged, cut short, or made for another name.
    Broken,
}

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

/// The opened bytes, in the buffer they were opened in.
pub(crate) struct Plain {
    buffer: Vec<u8>,
    len: usize,
}

impl std::fmt::Debug for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Plain([redacted; {}])", self.len)
    }
}

impl Deref for Plain {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.buffer[HEADER_LEN..HEADER_LEN + self.len]
    }
}

impl KeyRing {
    pub(crate) fn new(keys: &[CookieKey]) -> Self {
        Self(keys.iter().map(RingKey::new).collect())
    }

    /// Seals `plain` for a cookie of this name. The result is to be cut into parts of `part_len` characters.
    ///
    /// None when that takes more than 255 parts, which is far beyond what a browser keeps.
    pub(crate) fn seal(
        &self,
        purpose: Purpose,
        name: &str,
        plain: &[u8],
        part_len: usize,
    ) -> Option<String> {
        let key = self.0.first()?;
        let mut buffer = Vec::with_capacity(HEADER_LEN + plain.len() + TAG_LEN);
        let chars = BASE64.encoded_length(HEADER_LEN + plain.len() + TAG_LEN);
        let parts = u8::try_from(chars.div_ceil(part_len)).ok()?;
        let nonce: [u8; NONCE_LEN] = random();
        buffer.push(VERSION);
        buffer.push(parts);
        buffer.extend_from_slice(&key.id);
        buffer.extend_from_slice(&nonce);
        buffer.extend_from_slice(plain);
        let (header, content) = buffer.split_at_mut(HEADER_LEN);
        let seal = |bound: &[u8]| {
            key.purposes[purpose as usize].seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(bound),
                content,
            )
        };
        let tag = with_bound(name, &header[..BOUND_LEN], seal).ok()?;
        buffer.extend_from_slice(tag.as_ref());
        Some(BASE64.encode_to_string(&buffer))
    }

    /// The ids of the keys.
    pub(crate) fn ids(&self) -> impl Iterator<Item = [u8; 4]> {
        self.0.iter().map(|key| key.id)
    }

    /// Whether a text may be a value that one of these keys sealed. It opens nothing, and looks at four characters.
    pub(crate) fn know(&self, text: &[u8]) -> bool {
        let id = text.get(ID_CHARS).and_then(|id| id.first_chunk::<4>());
        id.is_some_and(|id| self.0.iter().any(|key| key.id_chars == *id))
    }

    /// Opens the value of the cookie called `name`.
    pub(crate) fn open(&self, purpose: Purpose, name: &str, text: &[u8]) -> Opened<Plain> {
        #[cfg(test)]
        crate::session::cookies::work::opened(text.len());
        let Ok(mut buffer) = BASE64.decode_to_vec(text) else {
            return Opened::Broken;
        };
        match self.open_in_place(purpose, name, &mut buffer) {
            Opened::Plain { plain, first_key } => Opened::Plain {
                plain: Plain {
                    len: plain.len(),
                    buffer,
                },
                first_key,
            },
            Opened::Foreign => Opened::Foreign,
            Opened::Broken => Opened::Broken,
        }
    }

    /// Opens a value as [`open`](Self::open) does, in memory that is there already: three bytes for every four
    /// characters.
    pub(crate) fn open_in<'a>(
        &self,
        purpose: Purpose,
        name: &str,
        text: &[u8],
        room: &'a mut [MaybeUninit<u8>],
    ) -> Opened<&'a [u8]> {
        #[cfg(test)]
        crate::session::cookies::work::opened(text.len());
        match BASE64.decode(text, room.as_out()) {
            Ok(sealed) => self.open_in_place(purpose, name, sealed),
            Err(_) => Opened::Broken,
        }
    }

    fn open_in_place<'a>(
        &self,
        purpose: Purpose,
        name: &str,
        sealed: &'a mut [u8],
    ) -> Opened<&'a [u8]> {
        let Some((header, content)) = sealed.split_first_chunk_mut::<HEADER_LEN>() else {
            return Opened::Broken;
        };
        if content.len() < TAG_LEN {
            return Opened::Broken;
        }
        if header[0] != VERSION {
            return Opened::Foreign;
        }
        let Some(place) = self.0.iter().position(|key| key.id == header[2..BOUND_LEN]) else {
            return Opened::Foreign;
        };
        let (bound, nonce) = header.split_at(BOUND_LEN);
        let Ok(nonce) = Nonce::try_assume_unique_for_key(nonce) else {
            return Opened::Broken;
        };
        let key = &self.0[place].purposes[purpose as usize];
        let open = |bound: &[u8]| key.open_in_place(nonce, Aad::from(bound), content);
        match with_bound(name, bound, open) {
            Ok(plain) => Opened::Plain {
                plain,
                first_key: place == 0,
            },
            Err(ring::error::Unspecified) => Opened::Broken,
        }
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|key| crate::base::hex::hex(&key.id)))
            .finish()
    }
}

impl RingKey {
    fn new(key: &CookieKey) -> Self {
        let id = key.id();
        let mut id_chars = [0; 4];
        let _ = BASE64.encode(&id[1..], id_chars.as_mut_slice().as_out());
        Self {
            id,
            id_chars,
            purposes: PURPOSES.map(|(_, info)| {
                let bytes: [u8; 32] = key.derive(info);
                LessSafeKey::new(
                    UnboundKey::new(&AES_256_GCM, &bytes).expect("AES-256 takes 32 bytes"),
                )
            }),
        }
    }
}

/// Half of a sealed value's nonce, as its text has it: 48 random bits, by which one value of a browser is told from
/// another.
pub(crate) type SealNonce = [u8; (HEADER_CHARS - BOUND_CHARS) / 2];

/// Reads the nonce from the first part of a value, or from a `Cookie` header where the value begins.
pub(crate) fn nonce(first: &[u8]) -> Option<SealNonce> {
    let header = first.get(..HEADER_CHARS)?;
    if memchr::memchr(b';', header).is_some() {
        return None;
    }
    header[BOUND_CHARS..].first_chunk().copied()
}

/// Reads the number of parts from the first part of a value; 1 when it is not of our format.
pub(crate) fn parts(first: &[u8]) -> usize {
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

/// Puts the associated data together: in the stack, where the name is of usual length.
#[inline(always)]
fn with_bound<T>(name: &str, header: &[u8], run: impl FnOnce(&[u8]) -> T) -> T {
    let mut short = [0; SHORT_BOUND];
    let (name, len) = (name.as_bytes(), name.len() + 1 + header.len());
    match short.get_mut(..len) {
        Some(bound) => {
            bound[..name.len()].copy_from_slice(name);
            bound[name.len() + 1..].copy_from_slice(header);
            run(bound)
        }
        None => run(&[name, &[0], header].concat()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LEN: usize = 3800;

    fn ring(keys: &[&CookieKey]) -> KeyRing {
        KeyRing::new(&keys.iter().copied().cloned().collect::<Vec<_>>())
    }

    fn plain(opened: &Opened<Plain>) -> (&[u8], bool) {
        match opened {
            Opened::Plain { plain, first_key } => (plain, *first_key),
            other => panic!("not opened: {other:?}"),
        }
    }

    #[test]
    fn a_sealed_value_opens_under_its_name_and_purpose_only() {
        let keys = ring(&[&CookieKey::generate()]);
        let text = keys.seal(Purpose::Session, "a", b"hello", LEN).unwrap();
        assert_eq!(
            plain(&keys.open(Purpose::Session, "a", text.as_bytes())),
            (&b"hello"[..], true)
        );
        assert!(matches!(
            keys.open(Purpose::Session, "b", text.as_bytes()),
            Opened::Broken
        ));
        for purpose in [Purpose::Data, Purpose::Login, Purpose::Flash] {
            assert!(matches!(
                keys.open(purpose, "a", text.as_bytes()),
                Opened::Broken
            ));
        }
    }

    #[test]
    fn the_first_key_seals_and_every_key_opens() {
        let (old, new) = (CookieKey::generate(), CookieKey::generate());
        let text = ring(&[&old]).seal(Purpose::Login, "a", b"x", LEN).unwrap();
        let both = ring(&[&new, &old]);
        assert_eq!(
            plain(&both.open(Purpose::Login, "a", text.as_bytes())),
            (&b"x"[..], false)
        );
        let resealed = both.seal(Purpose::Login, "a", b"x", LEN).unwrap();
        assert_eq!(
            plain(&ring(&[&new]).open(Purpose::Login, "a", resealed.as_bytes())),
            (&b"x"[..], true)
        );
    }

    #[test]
    fn a_value_of_an_unknown_key_or_version_is_foreign_not_broken() {
        let keys = ring(&[&CookieKey::generate()]);
        let other = ring(&[&CookieKey::generate()]);
        let text = other.seal(Purpose::Flash, "a", b"x", LEN).unwrap();
        assert!(matches!(
            keys.open(Purpose::Flash, "a", text.as_bytes()),
            Opened::Foreign
        ));
        let mut bytes = BASE64.decode_to_vec(text.as_bytes()).unwrap();
        bytes[0] = VERSION + 1;
        let newer = BASE64.encode_to_string(&bytes);
        assert!(matches!(
            other.open(Purpose::Flash, "a", newer.as_bytes()),
            Opened::Foreign
        ));
    }

    #[test]
    fn a_key_knows_what_it_sealed_and_nothing_else_is_worth_a_try() {
        let (old, new) = (CookieKey::generate(), CookieKey::generate());
        let both = ring(&[&new, &old]);
        for (key, known) in [(&old, true), (&new, true), (&CookieKey::generate(), false)] {
            for parts in [10, 4000] {
                let text = ring(&[key]).seal(Purpose::Data, "a", &vec![1; parts], LEN);
                assert_eq!(both.know(text.unwrap().as_bytes()), known);
            }
        }
        for odd in ["", "x", "1234567", "a value of another app"] {
            assert!(!both.know(odd.as_bytes()), "{odd}");
        }
    }

    #[test]
    fn the_same_content_never_seals_to_the_same_text() {
        let keys = ring(&[&CookieKey::generate()]);
        let seal = || keys.seal(Purpose::Data, "a", b"same", LEN).unwrap();
        assert_ne!(seal(), seal());
    }

    #[test]
    fn the_number_of_parts_is_read_from_the_first_part() {
        let keys = ring(&[&CookieKey::generate()]);
        let text = keys.seal(Purpose::Data, "a", &[7; 10_000], 3000).unwrap();
        assert_eq!(parts(&text.as_bytes()[..3000]), text.len().div_ceil(3000));
        assert_eq!(parts(b"x"), 1);
        assert_eq!(parts(b"not sealed by us at all, surely"), 1);
    }

    proptest! {
        #[test]
        fn no_changed_bit_opens(
            content in prop::collection::vec(any::<u8>(), 0..200),
            place in any::<prop::sample::Index>(),
            bit in 0u8..8,
        ) {
            let keys = ring(&[&CookieKey::generate()]);
            let text = keys.seal(Purpose::Session, "a", &content, LEN).unwrap();
            let mut bytes = BASE64.decode_to_vec(text.as_bytes()).unwrap();
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
            let changed = BASE64.encode_to_string(&bytes);
            let opened = matches!(keys.open(Purpose::Session, "a", changed.as_bytes()), Opened::Plain { .. });
            prop_assert!(!opened);
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,300}") {
            let keys = ring(&[&CookieKey::generate()]);
            let opened = matches!(keys.open(Purpose::Session, "a", text.as_bytes()), Opened::Plain { .. });
            prop_assert!(!opened);
            parts(text.as_bytes());
        }
    }
}
