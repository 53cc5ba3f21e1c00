//! A provider's key set (RFC 7517 §5), and which of its keys made a signature.

use serde_json::Value;

use crate::{
    base::json,
    jose::{
        algorithm::SigningAlgorithm,
        key::{Key, KeyCheck},
    },
};

/// How many keys are tried for a token that does not say which one signed it.
const MAX_CANDIDATES: usize = 8;

/// The public keys of a provider, parsed once for each fetch.
#[derive(Debug, Default)]
pub(crate) struct KeySet(pub(crate) Vec<Key>);

/// What came of checking a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignatureCheck {
    Valid,
    Invalid,
    /// No key fits the token's `kid` and algorithm.
    NoKey,
    /// The only keys that fit are too short to be trusted.
    WeakKey,
    /// A key that fits cannot be read, so that nobody can tell whether it made the signature.
    UnreadableKey,
    /// The only keys that fit are published for tokens of another issuer.
    OtherIssuer,
}

impl KeySet {
    /// Reads a key set, leaving out keys that are of no use here.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        let mut object = json::object(text)?;
        let keys = match object.remove("keys") {
            Some(Value::Array(keys)) => keys,
            Some(other) => {
                let kind = json::kind(&other);
                return Err(format!("`keys` is a JSON {kind} instead of an array"));
            }
            None => return Err("`keys` is missing".to_owned()),
        };
        Ok(Self(keys.into_iter().filter_map(Key::parse).collect()))
    }

    /// Checks a signature with the key of this `kid`; without one, with every key that fits the algorithm.
    ///
    /// Keys are chosen by `kid`, key type, `use` and `alg` together, so a decoy that shares the `kid` does not count.
    /// One that names an issuer counts if the token is of that issuer, which `is_of` tells.
    pub(crate) fn verify(
        &self,
        kid: Option<&str>,
        algorithm: SigningAlgorithm,
        message: &[u8],
        signature: &[u8],
        is_of: &dyn Fn(&str) -> bool,
    ) -> SignatureCheck {
        let (mut weak, mut bad, mut unreadable, mut foreign) = (false, false, false, false);
        let mut candidates = MAX_CANDIDATES;
        for key in self.0.iter().filter(|key| key.fits(kid, algorithm)) {
            if key.is_unreadable() {
                unreadable = true;
                continue;
            }
            if key.issuer().is_some_and(|issuer| !is_of(issuer)) {
                foreign = true;
                continue;
            }
            if candidates == 0 {
                break;
            }
            candidates -= 1;
            match key.check(algorithm, message, signature) {
                KeyCheck::Valid => return SignatureCheck::Valid,
                KeyCheck::Invalid => bad = true,
                KeyCheck::Weak => weak = true,
                KeyCheck::Unreadable => unreadable = true,
            }
        }
        match (unreadable, bad, weak, foreign) {
            (true, ..) => SignatureCheck::UnreadableKey,
            (_, true, ..) => SignatureCheck::Invalid,
            (_, _, true, _) => SignatureCheck::WeakKey,
            (.., true) => SignatureCheck::OtherIssuer,
            _ => SignatureCheck::NoKey,
        }
    }
}

#[cfg(test)]
mod tests;
