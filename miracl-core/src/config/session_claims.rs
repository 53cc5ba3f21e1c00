//! Which claims and tokens a session keeps.

use crate::base::claim_name::first_member;

/// What a session keeps of what the provider said at its login. By default everything, and no claim is quick.
///
/// It is for apps with large claims or tokens, which do not fit into cookies, and for requirements on claims
/// ([`Requirement::claim`](crate::app::access::Requirement::claim)) that are checked often. `on_auth_success` always
/// receives everything.
///
/// ```
/// use miracl_core::Config;
/// use miracl_core::app::config::{KeepClaims, SessionClaims};
///
/// // Of three hundred groups and two tokens nothing is kept but the person's name and roles.
/// let config = Config {
///     session_claims: SessionClaims {
///         quick: vec!["roles".into()],
///         keep: KeepClaims::Only(vec!["name".into()]),
///         id_token: false,
///         tokens: false,
///     },
///     ..Config::default()
/// };
/// ```
///
/// A session is written by the settings of its login, and anew when its tokens or user data change: what is kept then
/// is what the settings say then. What was not kept comes back with the next login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionClaims {
    /// Claims that requirements read often. They are in the small part of a session, which each request of a logged-in
    /// person opens anyway; requirements find all others in the large part, which takes twenty times as long. By
    /// default none, at most eight.
    ///
    /// A name may be a JSON pointer, as in [`Requirement::claim`](crate::app::access::Requirement::claim):
    /// `/realm_access/roles`. Texts, numbers, booleans and lists of them can be quick. An object, and what is longer
    /// than 512 bytes, stays in the large part. Quick claims are also kept there, whatever [`keep`](Self::keep) says.
    ///
    /// With several replicas, deploy a version that knows this setting everywhere first, and then set it. People whose
    /// session has quick claims are not logged in at replicas of older versions; they are never taken for somebody
    /// else.
    pub quick: Vec<String>,
    /// Which claims of the ID token and of userinfo are kept. By default [`KeepClaims::All`].
    pub keep: KeepClaims,
    /// Whether the ID token itself is kept, for the provider's log-out (`id_token_hint`) and for
    /// [`Tokens::id_token`](crate::Tokens::id_token). By default `true`.
    ///
    /// It contains all of its claims: with `true`, [`keep`](Self::keep) makes only those of userinfo fewer. Without it,
    /// the provider may ask the person whether they want to log out.
    pub id_token: bool,
    /// Whether the access token and the refresh token are kept. By default `true`.
    ///
    /// Without them [`Visit::tokens`](crate::Visit::tokens) returns none, nothing is renewed, and
    /// [`Visit::refresh_user_data`](crate::Visit::refresh_user_data) returns what is known.
    pub tokens: bool,
}

/// Which claims a session keeps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum KeepClaims {
    /// All of them.
    #[default]
    All,
    /// Those of these names, and with them `sub`, `email`, `email_verified`, `acr`, `auth_time` and `amr`, which the
    /// engine needs. A claim is kept as a whole: `realm_access`, never a part of it.
    ///
    /// A requirement on a claim that is not kept is answered with 500, and the log names claim, policy and setting.
    Only(Vec<String>),
}

impl Default for SessionClaims {
    fn default() -> Self {
        Self {
            quick: Vec::new(),
            keep: KeepClaims::All,
            id_token: true,
            tokens: true,
        }
    }
}

/// The claims that the engine itself needs, which are always kept.
pub(crate) const ALWAYS: [&str; 7] = [
    "sub",
    "email",
    "email_verified",
    "acr",
    "auth_time",
    "amr",
    // A refreshed ID token is compared with it.
    "nonce",
];

impl SessionClaims {
    /// Whether a claim of the ID token or of userinfo is kept.
    pub(crate) fn keeps(&self, claim: &str) -> bool {
        let KeepClaims::Only(names) = &self.keep else {
            return true;
        };
        let is_named = || names.iter().any(|name| name == claim);
        let is_quick = || self.quick.iter().any(|quick| is_of(quick, claim));
        ALWAYS.contains(&claim) || is_named() || is_quick()
    }

    /// Whether what a requirement names is kept: a claim, or a JSON pointer into one.
    pub(crate) fn keeps_what(&self, name: &str) -> bool {
        self.keep == KeepClaims::All
            || self.keeps(name)
            || first_member(name).is_some_and(|claim| self.keeps(&claim))
    }
}

/// Whether a quick name is this claim, or a JSON pointer into it.
fn is_of(quick: &str, claim: &str) -> bool {
    quick == claim || first_member(quick).is_some_and(|first| first == claim)
}
