//! Seals what a cookie carries: authenticated encryption under a ring of keys, one derived key per purpose.
//!
//! A sealed value is base64url of `version, parts, key id (4), nonce (12), ciphertext, tag (16)`. The cookie's name and
//! everything before the nonce are associated data (RFC 5116 §2.1), so a value opens only under the name it was
//! made for, and only whole. The nonce is random: one key may seal 2^32 values (NIST SP 800-38D §8.3).

pub(crate) mod header;

use std::{mem::MaybeUninit, ops::Deref};

use base64_simd::{AsOut, URL_SAFE_NO_PAD as BASE64};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::{
    base::{cookie_key::CookieKey, hex::hex, random::random},
    session::seal::header::{BOUND_LEN, HEADER_LEN, ID_CHARS, VERSION},
};

const TAG_LEN: usize = 16;
/// The associated data of most names is no longer than this.
const SHORT_BOUND: usize = 64;

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
    /// Renewed tokens, left in a shared store for the other replicas.
    Renewal,
    /// The address at the provider that a log-out leads on to.
    LogOut,
    /// What [`Session`](Self::Session) is for, of a session that the test kit began.
    #[cfg(feature = "testing")]
    TestSession,
    /// What [`Data`](Self::Data) is for, of a session that the test kit began.
    #[cfg(feature = "testing")]
    TestData,
    /// What [`Stored`](Self::Stored) is for, of a session that the test kit began.
    #[cfg(feature = "testing")]
    TestStored,
    /// A project JWT that the test kit made.
    #[cfg(feature = "testing")]
    TestJwt,
}

const COUNT: usize = if cfg!(feature = "testing") { 11 } else { 7 };

const PURPOSES: [(Purpose, &str); COUNT] = [
    (Purpose::Session, "session"),
    (Purpose::Data, "session data"),
    (Purpose::Login, "pending login"),
    (Purpose::Flash, "flash messages"),
    (Purpose::Stored, "stored session"),
    (Purpose::Renewal, "renewed tokens"),
    (Purpose::LogOut, "log-out"),
    #[cfg(feature = "testing")]
    (Purpose::TestSession, "session of the test kit"),
    #[cfg(feature = "testing")]
    (Purpose::TestData, "session data of the test kit"),
    #[cfg(feature = "testing")]
    (Purpose::TestStored, "stored session of the test kit"),
    #[cfg(feature = "testing")]
    (Purpose::TestJwt, "project JWT of the test kit"),
];

/// The keys in use: the first seals, every one opens.
pub(super) struct KeyRing(Vec<RingKey>);

struct RingKey {
    id: [u8; 4],
    /// Its last three bytes, as the text of a sealed value has them.
    id_chars: [u8; 4],
    purposes: [LessSafeKey; COUNT],
}

/// The result of opening a value: the opened bytes as `P`.
#[derive(Debug)]
pub(super) enum Opened<P> {
    /// The content, and whether the first key sealed it. If not, it should be sealed again.
    Plain { plain: P, first_key: bool },
    /// Sealed by a key or in a format that this process does not know, but another replica may. It must be left alone.
    Foreign,
    /// Damaged, cut short, or made for another name.
    Broken,
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
    /// Returns `None` when that takes more than 255 parts, far more than a browser keeps.
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
    pub(super) fn open_in<'a>(
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
            .entries(self.0.iter().map(|key| hex(&key.id)))
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

/// Puts the associated data together: on the stack, if the name is of usual length.
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
mod tests;
