//! Private functions that `tests/bench` measures. Only a build with the feature `bench` contains them.

use std::time::Duration;

use crate::{
    jose::{algorithm::SigningAlgorithm, jws::Unverified, keys::KeySet},
    provider::{
        id_token::{IdToken, expected::ExpectedIdToken},
        issuers::Issuers,
    },
    receipt::Recorder,
};

/// The verification of an ID token as a callback does it: parsing, signature, and every claim.
#[derive(Debug)]
pub struct Verifier {
    keys: KeySet,
    allowed: [SigningAlgorithm; 1],
    issuer: String,
    client_id: String,
    nonce: String,
    access_token: String,
    now: u64,
}

impl Verifier {
    /// Makes one from a provider's key set and from what a login expects in its token. `now` is in seconds since 1970.
    ///
    /// # Errors
    ///
    /// A message if the key set cannot be read.
    pub fn new(
        key_set: &[u8],
        algorithm: SigningAlgorithm,
        [issuer, client_id, nonce, access_token]: [&str; 4],
        now: u64,
    ) -> Result<Self, String> {
        Ok(Self {
            keys: KeySet::parse(key_set)?,
            allowed: [algorithm],
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            nonce: nonce.to_owned(),
            access_token: access_token.to_owned(),
            now,
        })
    }

    /// Returns whether a token passes every check.
    #[must_use]
    pub fn verify(&self, raw: &str) -> bool {
        let Ok(token) = Unverified::parse(raw, &self.allowed) else {
            return false;
        };
        let signature = token.check_signature(&self.keys);
        let expected = ExpectedIdToken {
            issuers: Issuers::One(&self.issuer),
            client_id: &self.client_id,
            trusted_audiences: &[],
            nonce: Some(&self.nonce),
            access_token: &self.access_token,
            max_age: None,
            acr_values: None,
            asks_every_time: false,
            now: self.now,
            skew: Duration::from_secs(60),
        };
        IdToken::verify(&token, signature, &expected, &mut Recorder::new()).is_ok()
    }
}
