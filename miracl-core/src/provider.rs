//! The provider: its metadata and keys, its endpoints, its tokens, and how this client authenticates to it.
//!
//! Nothing here knows a browser, a cookie or a session. An [`Engine`](crate::engine::Engine) holds a list of
//! [`Provider`]s, today with one entry. Whatever differs between two providers, or is learned from one, belongs to
//! `Provider` or to its [`Client`], so that a second entry shares nothing with the first.

pub(crate) mod claims;
pub(crate) mod client;
pub(crate) mod client_auth;
pub(crate) mod credentials;
pub(crate) mod discovery;
pub(crate) mod error_body;
pub(crate) mod fetched;
pub(crate) mod http;
pub(crate) mod id_token;
pub(crate) mod issuers;
pub(crate) mod jwks;
pub(crate) mod login_claims;
pub(crate) mod logout_token;
pub(crate) mod metadata;
pub(crate) mod token_request;
pub(crate) mod token_response;
pub(crate) mod tokens;
pub(crate) mod used_algorithms;
pub(crate) mod user_data;
pub(crate) mod userinfo;

use std::{fmt, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    error::provider::ProviderError,
    jose::{algorithm::SigningAlgorithm, jws::Unverified, keys::SignatureCheck},
    provider::{
        client::Client,
        discovery::Discovery,
        issuers::Issuers,
        jwks::{Cause, Jwks},
        metadata::ProviderMetadata,
        token_request::Grant,
        token_response::TokenResponse,
        used_algorithms::UsedAlgorithms,
        userinfo::UserinfoError,
    },
    receipt::Recorder,
};

/// One provider, and this app as its client. It holds what has been learned from the provider: its metadata, its keys,
/// and the algorithms that it signs with.
///
/// It depends on no other provider: several of them can stand side by side in an [`Engine`](crate::engine::Engine).
/// Flows get a provider and pass it on; nothing below the engine chooses one.
pub(crate) struct Provider {
    pub(crate) client: Client,
    discovery: Arc<Discovery>,
    jwks: Jwks,
    used_algorithms: UsedAlgorithms,
}

impl Provider {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            discovery: Discovery::new(&client.config),
            jwks: Jwks::default(),
            used_algorithms: UsedAlgorithms::default(),
            client,
        }
    }

    /// Returns the metadata. Fetches it if there is none or if it is an hour old.
    pub(crate) async fn metadata(&self) -> Result<Arc<ProviderMetadata>, ProviderError> {
        self.discovery.metadata(&self.client.http).await
    }

    /// Returns the metadata for a login that begins now, after making sure that the provider is there.
    pub(crate) async fn metadata_for_login(&self) -> Result<Arc<ProviderMetadata>, ProviderError> {
        self.discovery.metadata_for_login(&self.client.http).await
    }

    /// Returns the metadata if there is any, without asking the provider.
    pub(crate) fn known_metadata(&self) -> Option<Arc<ProviderMetadata>> {
        self.discovery.known()
    }

    /// Returns the issuers that responses and tokens may name.
    pub(crate) fn issuers<'a>(&'a self, metadata: &'a ProviderMetadata) -> Issuers<'a> {
        Issuers::new(&self.client.config, metadata)
    }

    /// Returns whether an issuer is this provider's: as it is configured or, once the metadata is known, as the
    /// metadata spells it.
    pub(crate) fn has_issuer(&self, issuer: &str) -> bool {
        issuer == self.client.config.issuer
            || self
                .known_metadata()
                .is_some_and(|metadata| self.issuers(&metadata).contains(issuer))
    }

    /// Returns the algorithms that an ID token may be signed with: the registered one, or those that the provider
    /// offers.
    pub(crate) fn id_token_algorithms(&self, metadata: &ProviderMetadata) -> Vec<SigningAlgorithm> {
        match self.client.config.id_token_signed_response_alg {
            Some(registered) => vec![registered],
            None => metadata.signing_algorithms(),
        }
    }

    /// Returns the algorithms that a logout token may be signed with: those of the ID tokens (Back-Channel Logout 1.0
    /// §2.6).
    pub(crate) fn logout_token_algorithms(
        &self,
        metadata: &ProviderMetadata,
    ) -> Vec<SigningAlgorithm> {
        let allowed = self.id_token_algorithms(metadata);
        self.used_algorithms.restrict(allowed)
    }

    /// Records that an ID token was signed with this algorithm.
    pub(crate) fn record_algorithm(&self, algorithm: SigningAlgorithm) {
        self.used_algorithms.record(algorithm);
    }

    /// Checks a token's signature. Fetches the keys again if the signature is not valid with those that are known.
    pub(crate) async fn check_signature(
        &self,
        metadata: &ProviderMetadata,
        token: &Unverified<'_>,
        cause: Cause,
        receipt: &mut Recorder,
    ) -> Result<SignatureCheck, ProviderError> {
        let (http, uri) = (&self.client.http, &metadata.jwks_uri);
        self.jwks.check(http, uri, token, cause, receipt).await
    }

    /// Requests tokens.
    pub(crate) async fn tokens(
        &self,
        metadata: &ProviderMetadata,
        grant: Grant<'_>,
    ) -> Result<TokenResponse, ProviderError> {
        token_request::request(&self.client, metadata, grant).await
    }

    /// Requests userinfo about `subject`. Returns `None` if the provider has none, and if the app's configuration never
    /// asks for it.
    pub(crate) async fn userinfo(
        &self,
        metadata: &ProviderMetadata,
        access_token: &str,
        subject: &str,
    ) -> Result<Option<Map<String, Value>>, UserinfoError> {
        userinfo::fetch(&self.client, &self.jwks, metadata, access_token, subject).await
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").finish_non_exhaustive()
    }
}
