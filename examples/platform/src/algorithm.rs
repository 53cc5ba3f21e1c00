//! The signature algorithms that the platform knows (RFC 7518 §3.1, RFC 8037 §3.1).

use ring::digest;
use serde::{Deserialize, Serialize};

/// Declares the algorithms once: variant, name and documentation.
macro_rules! algorithms {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal,)+) => {
        /// The signature of an ID token, of signed user info, or of a client's assertion.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum SigningAlgorithm {
            $($(#[$doc])+ #[serde(rename = $name)] $variant,)+
        }

        impl SigningAlgorithm {
            /// Every algorithm, in the order of discovery.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Returns the name in a token's header.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

algorithms! {
    /// RSASSA-PKCS1-v1_5 with SHA-256 and a 2048-bit key: what MIRACL uses.
    #[default]
    Rs256 = "RS256",
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384 = "RS384",
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512 = "RS512",
    /// RSASSA-PSS with SHA-256.
    Ps256 = "PS256",
    /// RSASSA-PSS with SHA-384.
    Ps384 = "PS384",
    /// RSASSA-PSS with SHA-512.
    Ps512 = "PS512",
    /// ECDSA on P-256 with SHA-256.
    Es256 = "ES256",
    /// ECDSA on P-384 with SHA-384.
    Es384 = "ES384",
    /// Ed25519.
    EdDsa = "EdDSA",
}

impl SigningAlgorithm {
    /// Returns the algorithm of that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|algorithm| algorithm.as_str() == name)
    }

    /// Returns the names of all algorithms.
    pub(crate) fn names() -> Vec<&'static str> {
        Self::ALL.iter().map(|one| one.as_str()).collect()
    }

    /// Returns the hash that `at_hash` is made with (OIDC Core §3.1.3.6).
    pub(crate) fn digest(self) -> &'static digest::Algorithm {
        match self {
            Self::Rs256 | Self::Ps256 | Self::Es256 => &digest::SHA256,
            Self::Rs384 | Self::Ps384 | Self::Es384 => &digest::SHA384,
            // Ed25519 hashes with SHA-512 itself (RFC 8032 §5.1).
            Self::Rs512 | Self::Ps512 | Self::EdDsa => &digest::SHA512,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_algorithm() {
        for algorithm in SigningAlgorithm::ALL {
            assert_eq!(
                SigningAlgorithm::parse(algorithm.as_str()),
                Some(*algorithm)
            );
            assert_eq!(
                serde_json::to_value(algorithm).unwrap(),
                algorithm.as_str(),
                "as in a client's registration"
            );
        }
        assert_eq!(SigningAlgorithm::parse("none"), None);
        assert_eq!(SigningAlgorithm::parse("HS256"), None);
    }
}
