//! The renewals of tokens that are under way, and those that ended a moment ago.

use std::{fmt, sync::Arc, time::Duration};

use ring::digest;

use crate::{
    base::{
        expiring::{Change, Expiring},
        hex::hex,
        secret::Secret,
    },
    error::{provider::ProviderError, token::IdTokenError},
    provider::{fetched::Fetched, tokens::Tokens},
    session::identity::Session,
};

/// How long a result is kept, for requests that the browser sent before it had the new cookies.
pub(crate) const KEPT: Duration = Duration::from_secs(30);
/// How many results are kept: about 70 MB if all of them fill their cookies, and far less of usual ones.
const CAPACITY: usize = 10_000;

/// The renewals under way, and those that ended a moment ago.
pub(crate) struct Renewals(Expiring<RenewalKey, Arc<Fetched<Renewed>>>);

/// A hash of the session, its generation and its refresh token: nobody gets the result of another session.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RenewalKey(pub(crate) [u8; 32]);

/// The result of a token request that was answered.
#[derive(Debug)]
pub(crate) enum Renewed {
    Tokens(Tokens),
    /// The refresh token is no longer valid: `invalid_grant` (RFC 6749 §5.2).
    Over(ProviderError),
    /// The ID token in the response is not of this session's person.
    Foreign(IdTokenError),
}

impl Renewals {
    pub(crate) fn new() -> Self {
        Self(Expiring::new(CAPACITY))
    }

    pub(crate) fn of(&self, key: RenewalKey) -> Arc<Fetched<Renewed>> {
        self.0.change(key, |found| match found {
            Some(fetched) => (Change::Keep, fetched.clone()),
            None => {
                let new = Arc::<Fetched<Renewed>>::default();
                (Change::Put(new.clone(), KEPT), new)
            }
        })
    }
}

impl RenewalKey {
    pub(crate) fn new(session: &Session, refresh_token: &Secret) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&session.id.0);
        context.update(&session.generation.to_le_bytes());
        context.update(refresh_token.expose().as_bytes());
        let mut key = Self([0; 32]);
        key.0.copy_from_slice(context.finish().as_ref());
        key
    }

    /// The name that a result in a shared store is sealed for.
    pub(crate) fn name(&self) -> String {
        hex(&self.0)
    }
}

impl fmt::Debug for Renewals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewals").finish_non_exhaustive()
    }
}
