//! The signature algorithms that are accepted (RFC 7518 §3.1, RFC 8037).

/// The signature algorithms that an ID token may use (RFC 7518 §3.1, RFC 8037). All are asymmetric; `none` and the HMAC
/// family do not exist here.
///
/// ```
/// use miracl_core::{Config, SigningAlgorithm};
///
/// // The client is registered for ID tokens that are signed with ES256, and takes no others.
/// let config = Config {
///     id_token_signed_response_alg: SigningAlgorithm::from_name("ES256"),
///     ..Config::default()
/// };
/// assert_eq!(config.id_token_signed_response_alg, Some(SigningAlgorithm::ES256));
/// assert_eq!(SigningAlgorithm::from_name("none"), None);
/// ```
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

    /// Returns the name in JOSE headers and metadata.
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

    /// Returns the algorithm of this name, or `None` if it is not supported.
    ///
    /// RFC 9864 has further names for some of them: `Ed25519` is [`EdDSA`](Self::EdDSA) with the only curve that is
    /// supported, and `ESP256` and `ESP384` are [`ES256`](Self::ES256) and [`ES384`](Self::ES384).
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "Ed25519" => Some(Self::EdDSA),
            "ESP256" => Some(Self::ES256),
            "ESP384" => Some(Self::ES384),
            _ => Self::ALL.into_iter().find(|alg| alg.name() == name),
        }
    }
}
