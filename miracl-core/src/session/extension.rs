//! What only some sessions have: claims that requirements read often, and that it ends with the browser.
//!
//! A session that has nothing of it is written without it, byte for byte as versions wrote it that do not know it. The
//! first byte has one bit for each choice; claims in their flat form follow.

use serde_json::{Map, Value};

use crate::{
    base::{claim_name, wire::Writer},
    config::session_claims::SessionClaims,
    provider::{login_claims::LOGIN_CLAIMS, user_data::UserData},
    session::flat::{self, Flat},
};

/// The browser forgets the session when it is closed.
const ENDS_WITH_BROWSER: u8 = 1;

/// What a session has besides what all have: as it was written, and empty where there is nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Extension<'a>(pub(super) &'a [u8]);

/// The claims that can be quick.
pub(crate) struct Claims<'a> {
    pub(crate) person: &'a UserData,
    /// What the ID token of the login said about the login.
    pub(crate) login: &'a Map<String, Value>,
}

impl<'a> Extension<'a> {
    /// Reads what stands in a session. `None` for what this version does not know: it might say who it is.
    #[cold]
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let choices = *bytes.first()?;
        (choices & !ENDS_WITH_BROWSER == 0).then_some(Self(bytes))
    }

    #[cfg(test)]
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether the browser forgets the session when it is closed.
    pub(crate) fn ends_with_browser(self) -> bool {
        let choices = self.0.first().copied().unwrap_or_default();
        choices & ENDS_WITH_BROWSER != 0
    }

    /// Finds a claim. `None` where only the large part can tell.
    #[inline]
    pub(crate) fn claim(self, name: &str) -> Option<Flat<'a>> {
        let (_, written) = self.0.split_first()?;
        flat::find(written, name).filter(|found| !matches!(found, Flat::Elsewhere))
    }
}

/// Makes what a session has besides what all have: nothing, where it is like all.
pub(crate) fn extension(
    ends_with_browser: bool,
    settings: &SessionClaims,
    claims: &Claims<'_>,
) -> Vec<u8> {
    if !ends_with_browser && settings.quick.is_empty() {
        return Vec::new();
    }
    let choices = if ends_with_browser {
        ENDS_WITH_BROWSER
    } else {
        0
    };
    let find = |name: &str| {
        let claims = match LOGIN_CLAIMS.contains(&name) {
            true => claims.login,
            false => claims.person.claims(),
        };
        claim_name::find(claims, name).cloned()
    };
    let writer = Writer::default().u8(choices);
    flat::write(writer, &settings.quick, find).finish()
}
