//! What an app must know to be a client of the kit's provider.

use std::fmt;

/// The provider that a set of modules runs against, and how the app is registered there.
///
/// Where a value is `None`, nothing is registered, and the app must go by its own defaults and by discovery.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderSettings {
    /// The issuer, without a slash at its end. Its metadata is where OpenID Connect Discovery puts it.
    pub issuer: String,
    /// The app's `client_id`.
    pub client_id: String,
    /// The app's secret, also where it authenticates with a key. It may hold characters that `client_secret_basic`
    /// must encode.
    pub client_secret: String,
    /// The private key in JWK format for `private_key_jwt`. It is the published key of a specification.
    pub client_jwk: Option<String>,
    /// The scopes to ask for, separated by spaces.
    pub scopes: String,
    /// `form_post`, where the authorization response must come that way.
    pub response_mode: Option<String>,
    /// How the app authenticates at the token endpoint, such as `client_secret_basic`.
    pub token_endpoint_auth_method: Option<String>,
    /// The only algorithm that signs the app's ID tokens, such as `ES256`.
    pub id_token_signed_response_alg: Option<String>,
    /// The algorithm that signs userinfo, where it is signed.
    pub userinfo_signed_response_alg: Option<String>,
}

impl fmt::Debug for ProviderSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderSettings")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("client_secret", &"[redacted]")
            .field(
                "client_jwk",
                &self.client_jwk.as_ref().map(|_| "[redacted]"),
            )
            .field("scopes", &self.scopes)
            .field("response_mode", &self.response_mode)
            .field(
                "token_endpoint_auth_method",
                &self.token_endpoint_auth_method,
            )
            .field(
                "id_token_signed_response_alg",
                &self.id_token_signed_response_alg,
            )
            .field(
                "userinfo_signed_response_alg",
                &self.userinfo_signed_response_alg,
            )
            .finish()
    }
}
