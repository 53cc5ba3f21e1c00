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
