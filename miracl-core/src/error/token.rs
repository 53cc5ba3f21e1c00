//! Why an ID token was refused.

mod told;

/// Why an ID token was refused: one variant for each check.
///
/// `Display` tells expected and found where neither is personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdTokenError {
    /// It is no signed JWT in compact form.
    Malformed {
        /// What is wrong with it.
        detail: String,
    },
    /// The header names an algorithm that is not allowed: `none`, an HMAC, or another than the registered one.
    Algorithm {
        /// What is allowed.
        allowed: Vec<&'static str>,
        /// What the header says.
        found: String,
    },
    /// The header demands extensions (`crit`) that are not supported (RFC 7515 §4.1.11).
    CriticalHeader,
    /// No key of the provider fits the token's `kid` and algorithm, also after fetching the keys again.
    UnknownKey {
        /// The header's `kid`, if it has one.
        kid: Option<String>,
    },
    /// The provider publishes the key, and it is none: numbers are missing, too long, or not those of a key.
    UnreadableKey {
        /// The header's `kid`, if it has one.
        kid: Option<String>,
    },
    /// The provider publishes the key for the tokens of another issuer: the key's own `issuer` says so.
    KeyOfOtherIssuer,
    /// The provider's key is an RSA key of less than 2048 bits.
    WeakKey,
    /// The signature is not by the provider.
    Signature,
    /// A claim is missing.
    Missing {
        /// Its name.
        claim: &'static str,
    },
    /// A claim has the wrong type, or a value that its type does not allow.
    Invalid {
        /// Its name.
        claim: &'static str,
    },
    /// `iss` is not the provider's issuer.
    Issuer {
        /// The provider's issuer.
        expected: String,
        /// What the token says.
        found: String,
    },
    /// `aud` does not contain this client.
    Audience {
        /// This client's id.
        expected: String,
        /// What the token says.
        found: Vec<String>,
    },
    /// `aud` has an audience that is not trusted. If it is right, add it to
    /// [`Config::trusted_audiences`](crate::Config::trusted_audiences).
    UntrustedAudience {
        /// That audience.
        found: String,
    },
    /// `azp` is another client, or missing although there are several audiences.
    AuthorizedParty {
        /// This client's id.
        expected: String,
        /// What the token says.
        found: Option<String>,
    },
    /// `exp` is over.
    Expired {
        /// For how many seconds, on our clock.
        seconds: u64,
    },
    /// `iat` or `nbf` lies in the future: one of the two clocks is wrong.
    NotYetValid {
        /// Which claim.
        claim: &'static str,
        /// For how many seconds, on our clock.
        seconds: u64,
    },
    /// `iat` is more than a day ago, although the token was asked for just now.
    IssuedTooLongAgo {
        /// For how many seconds, on our clock.
        seconds: u64,
    },
    /// `nonce` is not the one this login was started with.
    Nonce,
    /// `at_hash` does not belong to the access token (OpenID Connect Core 1.0 §3.1.3.8).
    AccessTokenHash,
    /// A claim that must stay the same when tokens are refreshed is another than the session's (OpenID Connect Core 1.0 §12.2).
    Changed {
        /// Its name.
        claim: &'static str,
    },
    /// `auth_time` is longer ago than the `max_age` that was asked for.
    AuthTime {
        /// How many seconds were asked for.
        max_age: u64,
        /// How many it is.
        age: u64,
    },
    /// `acr` is none of those asked for.
    Acr {
        /// What was asked for.
        asked: Vec<String>,
        /// What the token says.
        found: Option<String>,
    },
}

impl std::error::Error for IdTokenError {}

/// Whether an algorithm is an HMAC (RFC 7518 §3.2), whose key the provider and this client would share.
fn is_shared_key(algorithm: &str) -> bool {
    let names = ["HS256", "HS384", "HS512"];
    names
        .iter()
        .any(|name| algorithm.eq_ignore_ascii_case(name))
}

/// Why an algorithm that every provider knows is not accepted, on purpose; `None` for every other.
pub(crate) fn not_accepted(algorithm: &str) -> Option<&'static str> {
    if is_shared_key(algorithm) {
        Some("not accepted here: shared-key signature")
    } else if is_none(algorithm) {
        Some("not accepted here: no signature")
    } else {
        None
    }
}

/// Whether a token says of itself that it is not signed (RFC 7518 §3.6).
fn is_none(algorithm: &str) -> bool {
    algorithm.eq_ignore_ascii_case("none")
}
