//! The signature algorithms that are accepted (RFC 7518 §3.1, RFC 8037).

/// The signature algorithms that an ID token may use (RFC 7518 §3.1, RFC 8037). All are asymmetric; `none` and the HMAC
/// family do not exist here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum SigningAlgorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

impl SigningAlgorithm {
    pub(crate) const ALL: [Self; 9] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
    ];

    /// The name in JOSE headers and metadata.
    pub fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
        }
    }

    /// Finds the algorithm of this name, if it is one of the supported. RFC 9864 has further names for some of them:
    /// `Ed25519` is [`EdDSA`](Self::EdDSA) with the one curve that is supported, and `ESP256` and `ESP384` are
    /// [`ES256`](Self::ES256) and [`ES384`](Self::ES384).
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "Ed25519" => Some(Self::EdDSA),
            "ESP256" => Some(Self::ES256),
            "ESP384" => Some(Self::ES384),
            _ => Self::ALL.into_iter().find(|alg| alg.name() == name),
        }
    }
}

/// Whether an algorithm is an HMAC (RFC 7518 §3.2), whose key the provider and this client would share.
pub(crate) fn is_shared_key(algorithm: &str) -> bool {
    let names = ["HS256", "HS384", "HS512"];
    names
        .iter()
        .any(|name| algorithm.eq_ignore_ascii_case(name))
}

/// Why an algorithm that every provider knows is not accepted, on purpose; `None` for every other.
pub(crate) fn not_accepted(algorithm: &str) -> Option<&'static str> {
    if is_shared_key(algorithm) {
        Some("not accepted here: shared-key signature")
    } else if algorithm.eq_ignore_ascii_case("none") {
        Some("not accepted here: no signature")
    } else {
        None
    }
}
