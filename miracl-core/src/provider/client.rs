//! This app as a client of the provider: its configuration, how it sends requests, and its credentials.

use std::sync::Arc;

use crate::{
    base::secret::Secret,
    config::Config,
    error::provider::ProviderError,
    provider::{credentials::Credentials, http::HttpClient},
};

/// One client at one provider: all that is needed to send it a request.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) config: Arc<Config>,
    pub(crate) http: HttpClient,
    credentials: Credentials,
}

impl Client {
    pub(crate) fn new(config: Arc<Config>, http: HttpClient) -> Self {
        Self {
            credentials: Credentials::new(&config),
            config,
            http,
        }
    }

    /// Returns the time in seconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        self.config.clock.now()
    }

    /// Returns the client id. A source of credentials is asked for it when it is first needed.
    pub(crate) async fn id(&self) -> Result<&str, ProviderError> {
        self.credentials.client_id(&self.http).await
    }

    /// Returns the client id if it is known without asking.
    pub(crate) fn known_id(&self) -> Option<&str> {
        self.credentials.known_client_id()
    }

    /// Returns the client secret.
    pub(crate) async fn secret(&self) -> Result<Secret, ProviderError> {
        self.credentials.secret(&self.http).await
    }

    /// Asks for the secret again after the provider refused one. Returns `None` if there is no other secret to try.
    pub(crate) async fn newer_secret(&self, refused: &Secret) -> Option<Secret> {
        self.credentials.renewed(&self.http, refused).await
    }
}
