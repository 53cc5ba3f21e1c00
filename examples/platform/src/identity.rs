//! E-mail addresses, and who is signed in at the platform.

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{clock, hex, random};

/// Who is signed in at the platform on a browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) email: String,
    pub(crate) mpin_id: String,
    pub(crate) auth_time: u64,
    pub(crate) sid: String,
}

impl Session {
    /// Makes a session without an identity.
    pub(crate) fn new(email: &str) -> Self {
        Self {
            email: email.to_owned(),
            mpin_id: new_mpin_id(email),
            auth_time: clock::now(),
            sid: random::token(),
        }
    }
}

fn new_mpin_id(email: &str) -> String {
    let plain = json!({
        "iat": clock::now(),
        "salt": hex::encode(&random::bytes::<16>()),
        "userID": email,
        "v": 5,
    });
    hex::encode(plain.to_string().as_bytes())
}

/// Returns the `hash_mpin_id` of an `mpin_id`: the SHA-256 of the bytes that it spells.
pub(crate) fn hash_mpin_id(mpin_id: &str) -> String {
    let bytes = hex::decode(mpin_id).unwrap_or_default();
    hex::encode(digest(&SHA256, &bytes).as_ref())
}

/// Returns `text` as the platform keeps e-mail addresses, in lower case, or `None` if it is not one.
///
/// The check finds a typing error; it does not cover all of RFC 5321.
pub(crate) fn parse_email(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let (local, domain) = text.split_once('@')?;
    let shaped = text.len() <= 254
        && !local.is_empty()
        && !domain.is_empty()
        && !domain.contains('@')
        && !text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || "<>\"\\,;".contains(c));
    shaped.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_in_an_address_are_caught() {
        assert_eq!(
            parse_email(" Alice@Example.com "),
            Some("alice@example.com".to_owned())
        );
        for bad in ["", "alice", "@b", "a@", "a@b@c", "a b@c", "a@b\r\nBcc: c"] {
            assert_eq!(parse_email(bad), None, "{bad:?}");
        }
    }
}
