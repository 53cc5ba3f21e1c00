//! How the sessions of the test kit are told from those of logins: each is sealed for a purpose of its own.
//!
//! A build without the feature `testing` has none of these purposes, so that it opens no such session, wherever it is
//! kept. A session of the kit stays one: its id says so, and whatever is sealed of it later has the kit's purpose
//! again.

use crate::session::{identity::Session, seal::Purpose};

/// What the ids of the kit's sessions begin with. The other half is random. A login gets such an id by a chance of one
/// in 2^128.
#[cfg(feature = "testing")]
const MARK: [u8; 16] = *b"miracl test user";

impl Purpose {
    /// The purpose that a value of this session is sealed for.
    #[cfg(feature = "testing")]
    pub(crate) fn of(self, session: &Session) -> Self {
        match self.of_tests() {
            Some(of_tests) if session.id.0.starts_with(&MARK) => of_tests,
            _ => self,
        }
    }

    /// The purpose that a value of this session is sealed for.
    #[cfg(not(feature = "testing"))]
    #[inline(always)]
    pub(crate) fn of(self, _: &Session) -> Self {
        self
    }

    /// The purpose of the test kit's values that are for the same. `None` where the kit makes none.
    #[cfg(feature = "testing")]
    pub(super) fn of_tests(self) -> Option<Self> {
        match self {
            Self::Session => Some(Self::TestSession),
            Self::Data => Some(Self::TestData),
            Self::Stored => Some(Self::TestStored),
            _ => None,
        }
    }
}

/// Makes the id of a session of the kit.
#[cfg(feature = "testing")]
pub(crate) fn new_id() -> crate::session::identity::SessionId {
    let mut id = crate::base::random::random::<32>();
    id[..MARK.len()].copy_from_slice(&MARK);
    crate::session::identity::SessionId(id)
}
