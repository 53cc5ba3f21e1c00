//! A replica of the version before sessions had an extension: how it reads the sealed value that says who is logged in.
//!
//! It is written after the format and shares no code with the engine, so that no change of the engine changes it.

use base64_simd::{STANDARD, URL_SAFE_NO_PAD as BASE64};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    digest::{SHA256, digest},
    hkdf,
};

/// What a sealed value in a cookie is for.
pub(crate) const IN_COOKIE: &str = "session";

/// The flags of a session that this version knows.
const FORMAT: u8 = 0x20;
const EMAIL: u8 = 2;
const SID_MARK: u8 = 8;
const OTHER_ISSUER: u8 = 16;

/// A person, as this version would tell an app of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) issuer: String,
    pub(crate) id: String,
}

/// A replica of the version before.
#[derive(Debug, Clone)]
pub(crate) struct VersionBefore {
    key: Vec<u8>,
    issuer: String,
    /// What its sessions begin with.
    binding: [u8; 12],
}

struct Len(usize);

impl hkdf::KeyType for Len {
    fn len(&self) -> usize {
        self.0
    }
}

impl VersionBefore {
    pub(crate) fn new(cookie_key: &str, issuer: &str, client_id: &str) -> Option<Self> {
        let bound = digest(&SHA256, format!("{issuer}\n{client_id}").as_bytes());
        Some(Self {
            key: STANDARD.decode_to_vec(cookie_key).ok()?,
            issuer: issuer.to_owned(),
            binding: *bound.as_ref().first_chunk()?,
        })
    }

    /// Says who is logged in by a `Cookie` header.
    pub(crate) fn by_cookies(&self, header: &str, name: &str) -> Option<Person> {
        let pairs = header.split("; ").filter_map(|pair| pair.split_once('='));
        let mut values = pairs.filter(|(found, _)| *found == name);
        values.find_map(|(_, value)| self.person(&self.open(IN_COOKIE, name, value)?))
    }

    /// Opens a value that was sealed for this purpose and name.
    pub(crate) fn open(&self, purpose: &str, name: &str, sealed: &str) -> Option<Vec<u8>> {
        let mut sealed = BASE64.decode_to_vec(sealed).ok()?;
        let (header, content) = sealed.split_first_chunk_mut::<18>()?;
        let is_known = header[0] == 1 && header[2..6] == *self.derive("key id", 4)?;
        let (bound, nonce) = header.split_at(6);
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let bound = [name.as_bytes(), &[0], bound].concat();
        let key = UnboundKey::new(&AES_256_GCM, &self.derive(purpose, 32)?).ok()?;
        let key = LessSafeKey::new(key);
        let plain = key.open_in_place(nonce, Aad::from(bound), content).ok()?;
        is_known.then(|| plain.to_vec())
    }

    /// Reads who is logged in, by the rules of this version: flags that it does not know mean nothing to it.
    pub(crate) fn person(&self, session: &[u8]) -> Option<Person> {
        let rest = session.strip_prefix(&self.binding)?;
        let (&flags, rest) = rest.split_first()?;
        let has = |flag| flags & flag != 0;
        if !has(FORMAT) {
            return None;
        }
        // Id, generation, nonce, three times, and the mark of the person.
        let mut rest = rest.get(32 + 4 + 8 + 8 + 4 + 4 + 16..)?;
        if has(SID_MARK) {
            rest = rest.get(16..)?;
        }
        let email_end = if has(EMAIL) { number(&mut rest)? } else { 0 };
        let subject_end = match has(OTHER_ISSUER) {
            true => number(&mut rest)?,
            false => rest.len(),
        };
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        Some(Person {
            id: text(rest.get(email_end..subject_end)?)?,
            issuer: match has(OTHER_ISSUER) {
                true => text(rest.get(subject_end..)?)?,
                false => self.issuer.clone(),
            },
        })
    }

    fn derive(&self, info: &str, len: usize) -> Option<Vec<u8>> {
        let mut key = vec![0; len];
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"miracl cookies v1");
        let secret = salt.extract(&self.key);
        let derived = secret
            .expand(&[info.as_bytes()], Len(len))
            .ok()?
            .fill(&mut key);
        derived.ok().map(|()| key)
    }
}

/// Takes a number off the beginning: seven bits in each byte, the lowest first.
fn number(bytes: &mut &[u8]) -> Option<usize> {
    let mut number = 0;
    for place in 0..4 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}
