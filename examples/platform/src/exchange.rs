//! What is kept between the messages of M-Pin.

use crate::mpin::authority::Half;
use crate::mpin::point::G1;
use crate::mpin::scalar::Scalar;
use crate::pending::Pending;

/// How long a client may take between two messages of a login, in seconds.
const PASS_SECONDS: u64 = 60;

/// How long the shares of a secret may be fetched, in seconds.
const SHARE_SECONDS: u64 = 10 * 60;

/// How long a token of the project is good, in seconds.
pub(crate) const TOKEN_SECONDS: u64 = 60;

/// How many of each kind may be pending.
const MOST: usize = 1000;

/// What a login is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// A session that somebody waits for.
    Oidc,
    /// A token of the project.
    Jwt,
    /// A QuickCode.
    RegCode,
    /// A signature, which the client makes afterwards.
    DvsAuth,
}

impl Scope {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "oidc" => Some(Self::Oidc),
            "jwt" => Some(Self::Jwt),
            "reg-code" => Some(Self::RegCode),
            "dvs-auth" => Some(Self::DvsAuth),
            _ => None,
        }
    }
}

/// A proof between its two messages.
#[derive(Debug)]
pub(crate) struct Pass {
    pub(crate) u: G1,
    pub(crate) y: Scalar,
    pub(crate) scopes: Vec<Scope>,
}

/// A proof that has been checked. Whoever made it learns the verdict with the last message.
#[derive(Debug)]
pub(crate) struct Proof {
    pub(crate) mpin_id: String,
    pub(crate) is_right: bool,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) access_id: Option<String>,
}

/// The permission to fetch a share.
#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    pub(crate) mpin_id: String,
    pub(crate) half: Half,
}

/// Everything that is pending.
#[derive(Debug)]
pub(crate) struct Exchanges {
    /// By M-Pin id, of which the last proof that was begun counts.
    pub(crate) passes: Pending<Pass>,
    /// By authOTT.
    pub(crate) proofs: Pending<Proof>,
    pub(crate) tickets: Pending<Ticket>,
    /// M-Pin ids of the old protocol, by regOTT.
    pub(crate) reg_otts: Pending<String>,
    /// User ids, by the `jti` of the token that a QuickCode is made for.
    pub(crate) quick_tokens: Pending<String>,
}

impl Default for Exchanges {
    fn default() -> Self {
        Self {
            passes: Pending::new(PASS_SECONDS, MOST),
            proofs: Pending::new(PASS_SECONDS, MOST),
            tickets: Pending::new(SHARE_SECONDS, 2 * MOST),
            reg_otts: Pending::new(SHARE_SECONDS, MOST),
            quick_tokens: Pending::new(TOKEN_SECONDS, MOST),
        }
    }
}
