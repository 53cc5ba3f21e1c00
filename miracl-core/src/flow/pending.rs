//! A login under way, as it is kept in the browser until the callback.

use std::time::Duration;

use base64_simd::URL_SAFE_NO_PAD as BASE64;
use ring::digest;

use crate::{
    base::{
        hex::hex,
        random::random,
        secret::same,
        wire::{Reader, Writer},
    },
    flow::options::LoginOptions,
    session::{binding::Binding, identity::SessionId, marked_by::LoginMark},
};

/// The characters of a `state`: 32 bytes in base64url.
pub(crate) const STATE_LEN: usize = 43;

/// A login under way, as it lies sealed in the browser.
pub(crate) struct PendingLogin {
    /// The `state` parameter before base64url.
    state: [u8; 32],
    nonce: [u8; 32],
    verifier: [u8; 32],
    /// In milliseconds, so that the oldest of several can be told.
    pub(crate) created_ms: u64,
    pub(crate) max_age: Option<u64>,
    pub(crate) acr_values: Option<String>,
    pub(crate) return_to: String,
    /// The session there was, where the callback comes without its cookies.
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

    /// 43 characters of base64url (RFC 7636 §4.1).
    pub(crate) fn verifier(&self) -> String {
        BASE64.encode_to_string(self.verifier)
    }

    /// For how long it has been under way.
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

/// The hash by which a login is marked as used, and whose beginning names its cookie.
pub(crate) fn mark(state: &str) -> LoginMark {
    let mut mark = LoginMark::default();
    mark.0
        .copy_from_slice(digest::digest(&digest::SHA256, state.as_bytes()).as_ref());
    mark
}

/// The name of the cookie of the login with this mark.
pub(crate) fn cookie_name(prefix: &str, mark: &LoginMark) -> String {
    format!("{prefix}{}", hex(&mark.0[..4]))
}
