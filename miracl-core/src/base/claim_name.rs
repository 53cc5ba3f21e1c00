//! The names of claims, and what each of them names.

use serde_json::{Map, Value};

/// Claims that are about a token and not about the person.
pub(crate) const PROTOCOL_CLAIMS: [&str; 10] = [
    "iss", "aud", "exp", "iat", "nbf", "nonce", "azp", "at_hash", "c_hash", "jti",
];

/// Finds a claim by its name, or by a JSON pointer (RFC 6901) where the name begins with `/` and no claim has that
/// name.
pub(crate) fn find<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    let rest = name
        .strip_prefix('/')?
        .find('/')
        .map_or("", |at| &name[at + 1..]);
    claims.get(&first_member(name)?)?.pointer(rest)
}

/// The claim that a JSON pointer begins with.
pub(crate) fn first_member(pointer: &str) -> Option<String> {
    let first = pointer.strip_prefix('/')?.split('/').next()?;
    Some(first.replace("~1", "/").replace("~0", "~"))
}
