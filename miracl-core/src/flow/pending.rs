//! A pending login: what is kept sealed in the browser from the start of a login to its callback.

pub(crate) mod cookies;

use std::time::Duration;

use base64_simd::URL_SAFE_NO_PAD as BASE64;
use ring::digest;

use crate::{
    base::{
        constant_time::same,
        hex::hex,
        random::random,
        wire::{Reader, Writer},
    },
    flow::options::LoginOptions,
    session::{binding::Binding, identity::SessionId, marked_by::LoginMark},
};

/// The characters of a `state`: 32 bytes in base64url.
pub(crate) const STATE_LEN: usize = 43;

/// A login under way.
pub(crate) struct PendingLogin {
    /// The `state` parameter before base64url.
    state: [u8; 32],
    nonce: [u8; 32],
    verifier: [u8; 32],
    /// When the login began, in milliseconds since 1970, so that the oldest of several can be found.
    pub(crate) created_ms: u64,
    pub(crate) max_age: Option<u64>,
    pub(crate) acr_values: Option<String>,
    pub(crate) return_to: String,
    /// The session that there was, for a callback that comes without its cookies.
    pub(crate) replaces: Option<SessionId>,
}

impl PendingLogin {
    pub(crate) fn new(
        options: &LoginOptions,
        return_to: String,
        replaces: Option<SessionId>,
        now_ms: u64,
    ) -> Self {
        Self {
            replaces,
            state: random(),
            nonce: random(),
            verifier: random(),
            created_ms: now_ms,
            max_age: options.max_age,
            acr_values: options.acr_values.clone(),
            return_to,
        }
    }

    pub(crate) fn state(&self) -> String {
        BASE64.encode_to_string(self.state)
    }

    pub(crate) fn nonce(&self) -> String {
        BASE64.encode_to_string(self.nonce)
    }

    /// Returns the PKCE verifier: 43 characters of base64url (RFC 7636 §4.1).
    pub(crate) fn verifier(&self) -> String {
        BASE64.encode_to_string(self.verifier)
    }

    /// Returns for how long it has been under way.
    pub(crate) fn age(&self, now_ms: u64) -> Duration {
        Duration::from_millis(now_ms.saturating_sub(self.created_ms))
    }

    pub(crate) fn has_state(&self, state: &str) -> bool {
        same(&self.state(), state)
    }

    pub(crate) fn encode(&self, binding: &Binding) -> Vec<u8> {
        Writer::default()
            .bytes(&binding.hash)
            .bytes(&self.state)
            .bytes(&self.nonce)
            .bytes(&self.verifier)
            .u64(self.created_ms)
            .maybe_u64(self.max_age)
            .maybe_text(self.acr_values.as_deref())
            .text(&self.return_to)
            .bytes(self.replaces.as_ref().map_or(&[], |id| &id.0[..]))
            .finish()
    }

    pub(crate) fn decode(bytes: &[u8], binding: &Binding) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        if reader.array()? != binding.hash {
            return None;
        }
        let login = Self {
            state: reader.array()?,
            nonce: reader.array()?,
            verifier: reader.array()?,
            created_ms: reader.u64()?,
            max_age: reader.maybe_u64()?,
            acr_values: reader.maybe_text()?.map(str::to_owned),
            return_to: reader.text()?.to_owned(),
            replaces: match reader.rest() {
                [] => None,
                rest => Some(SessionId(rest.try_into().ok()?)),
            },
        };
        Some(login)
    }
}

/// Returns the hash of a `state`: a login is marked as used by it, and its first bytes are in the cookie's name.
pub(crate) fn mark(state: &str) -> LoginMark {
    let mut mark = LoginMark::default();
    mark.0
        .copy_from_slice(digest::digest(&digest::SHA256, state.as_bytes()).as_ref());
    mark
}

/// Returns the name of the cookie of the login with this mark.
pub(crate) fn cookie_name(prefix: &str, mark: &LoginMark) -> String {
    format!("{prefix}{}", hex(&mark.0[..4]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pending_login_is_read_as_it_was_written_and_for_its_client_only() {
        let options = LoginOptions {
            max_age: Some(60),
            acr_values: Some("gold".to_owned()),
            ..LoginOptions::default()
        };
        let login = PendingLogin::new(
            &options,
            "/members".to_owned(),
            Some(SessionId([7; 32])),
            1000,
        );
        let bound = |client| Binding::new("https://issuer.example", client);
        let written = login.encode(&bound("one"));
        let read = PendingLogin::decode(&written, &bound("one")).unwrap();
        assert_eq!(read.encode(&bound("one")), written);
        assert_eq!(
            (read.max_age, read.acr_values.as_deref()),
            (Some(60), Some("gold"))
        );
        assert_eq!(
            (&*read.return_to, read.replaces),
            ("/members", Some(SessionId([7; 32])))
        );
        assert!(PendingLogin::decode(&written, &bound("two")).is_none());
        assert!(PendingLogin::decode(&written[..40], &bound("one")).is_none());
        assert!(read.has_state(&login.state()) && !read.has_state(&login.nonce()));
        assert_eq!(read.age(3500), Duration::from_millis(2500));
        assert_eq!(read.age(0), Duration::ZERO);
        assert_eq!(read.verifier().len(), 43);
        let different = [read.state(), read.nonce(), read.verifier()];
        assert!(different[0] != different[1] && different[1] != different[2]);
        assert_ne!(mark(&login.state()), mark(&login.nonce()));
    }
}
