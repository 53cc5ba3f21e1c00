//! The provider, as we reach it: its metadata and keys, its endpoints, its tokens, and how the client proves who it is.
//!
//! Nothing here knows a browser, a cookie or a session.

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

/// One provider, and this app as its client. What was learned of it is kept here: metadata, keys, algorithms.
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

    /// Returns the metadata, which is fetched when there is none or it is an hour old.
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

    /// Which issuers answers and tokens may name.
    pub(crate) fn issuers<'a>(&'a self, metadata: &'a ProviderMetadata) -> Issuers<'a> {
        Issuers::new(&self.client.config, metadata)
    }

    /// Whether an issuer is this provider's: as it is configured, or as its metadata spells it, if that is known.
    pub(crate) fn has_issuer(&self, issuer: &str) -> bool {
        issuer == self.client.config.issuer
            || self
                .known_metadata()
                .is_some_and(|metadata| self.issuers(&metadata).contains(issuer))
    }

    /// The algorithms that an ID token may be signed with: the registered one, or those that the provider offers.
    pub(crate) fn id_token_algorithms(&self, metadata: &ProviderMetadata) -> Vec<SigningAlgorithm> {
        match self.client.config.id_token_signed_response_alg {
            Some(registered) => vec![registered],
            None => metadata.signing_algorithms(),
        }
    }

    /// The algorithms that a logout token may be signed with: those of the ID tokens (Back-Channel Logout 1.0 §2.6).
    pub(crate) fn logout_token_algorithms(
        &self,
        metadata: &ProviderMetadata,
    ) -> Vec<SigningAlgorithm> {
        match self.client.config.id_token_signed_response_alg {
            Some(registered) => vec![registered],
            None => self.used_algorithms.restrict(metadata.signing_algorithms()),
        }
    }

    /// Remembers that an ID token was signed with this algorithm.
    pub(crate) fn record_algorithm(&self, algorithm: SigningAlgorithm) {
        self.used_algorithms.record(algorithm);
    }

    /// Checks a token's signature. The keys are fetched again when those that are known do not find it good.
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

    /// Asks for tokens.
    pub(crate) async fn tokens(
        &self,
        metadata: &ProviderMetadata,
        grant: Grant<'_>,
    ) -> Result<TokenResponse, ProviderError> {
        token_request::request(&self.client, metadata, grant).await
    }

    /// Asks for userinfo about `subject`. `None` when the provider has none, and when the app never asks for it.
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
