//! The provider's metadata (OpenID Connect Discovery 1.0): when it is fetched, and how long it is used.

pub(crate) mod document;

use std::{sync::Arc, time::Duration};

use crate::{
    config::Config,
    error::provider::ProviderError,
    provider::{
        discovery::document::MetadataDocument,
        error_body,
        fetched::Fetched,
        http::{HttpClient, response::Response},
        metadata::{ENDPOINT, ProviderMetadata},
    },
};

/// How long metadata is used before it is fetched again.
const FRESH: Duration = Duration::from_secs(60 * 60);
/// How old metadata may be to send a browser to the provider without asking the provider again.
const JUST_NOW: Duration = Duration::from_millis(500);
/// The pauses before a failed fetch is repeated within one login.
const RETRY_AFTER: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];

/// The metadata of one provider.
#[derive(Debug)]
pub(crate) struct Discovery {
    document: MetadataDocument,
    metadata: Fetched<ProviderMetadata>,
}

impl Discovery {
    pub(crate) fn new(config: &Config) -> Arc<Self> {
        Arc::new(Self {
            document: MetadataDocument::new(config),
            metadata: Fetched::default(),
        })
    }

    /// Returns the metadata. Fetches it if there is none or if it is an hour old.
    ///
    /// Old metadata stays in use while the provider cannot be reached.
    pub(crate) async fn metadata(
        self: &Arc<Self>,
        http: &HttpClient,
    ) -> Result<Arc<ProviderMetadata>, ProviderError> {
        if let Some(fresh) = self.metadata.younger_than(FRESH) {
            return Ok(fresh);
        }
        let completed = self.metadata.completed();
        let fetch = {
            let (this, http) = (Arc::clone(self), http.clone());
            async move { this.fetch(&http).await }
        };
        match self
            .metadata
            .fetch_to_completion(&http.runtime, completed, fetch)
            .await
        {
            Ok(metadata) => Ok(metadata),
            Err(error) => match self.metadata.value() {
                Some(stale) => {
                    tracing::warn!(%error, "the provider's metadata cannot be renewed; the old serves on");
                    Ok(stale)
                }
                None => Err(error),
            },
        }
    }

    /// Returns the metadata for a login that begins now, after making sure that the provider is there: an error page of
    /// the app is better than one of the browser.
    ///
    /// This is worth a request. If the provider cannot be reached from here, the login could not be completed, and the
    /// person would learn that only after they have authenticated. New metadata also takes effect at once. It is one
    /// `GET` without a secret. It is repeated when a connection breaks, and shared by all logins that begin within half
    /// a second.
    ///
    /// If the provider is there but does not answer as it should, the login goes on with the old metadata.
    pub(crate) async fn metadata_for_login(
        self: &Arc<Self>,
        http: &HttpClient,
    ) -> Result<Arc<ProviderMetadata>, ProviderError> {
        let Some(known) = self.metadata.value() else {
            return self.metadata(http).await;
        };
        if let Some(fresh) = self.metadata.younger_than(JUST_NOW) {
            return Ok(fresh);
        }
        let completed = self.metadata.completed();
        let ask = {
            let (this, http) = (Arc::clone(self), http.clone());
            async move {
                this.document
                    .read(&this.ask(&http).await?, http.allows_http())
            }
        };
        match self
            .metadata
            .fetch_to_completion(&http.runtime, completed, ask)
            .await
        {
            Ok(metadata) => Ok(metadata),
            Err(away @ (ProviderError::Unreachable { .. } | ProviderError::Timeout { .. })) => {
                Err(away)
            }
            Err(error) => {
                tracing::warn!(%error, "the provider's metadata cannot be renewed; the old serves on");
                Ok(known)
            }
        }
    }

    /// Returns the metadata if there is any, without asking the provider.
    pub(crate) fn known(&self) -> Option<Arc<ProviderMetadata>> {
        self.metadata.value()
    }

    /// Asks for the document once.
    async fn ask(&self, http: &HttpClient) -> Result<Response, ProviderError> {
        let response = http.get(ENDPOINT, self.document.address()).await?;
        match response.is_success() {
            true => Ok(response),
            false => Err(error_body::of(ENDPOINT, &response)),
        }
    }

    /// Fetches the document, and tries again when the provider is briefly unavailable.
    async fn fetch(&self, http: &HttpClient) -> Result<ProviderMetadata, ProviderError> {
        let mut pauses = RETRY_AFTER.iter();
        let response = loop {
            match (self.ask(http).await, pauses.next()) {
                // After a time-out the provider is not asked again: the person is waiting.
                (Err(error), Some(pause))
                    if error.is_transient() && !matches!(error, ProviderError::Timeout { .. }) =>
                {
                    tracing::debug!(%error, "discovery is tried again");
                    tokio::time::sleep(*pause).await;
                }
                (response, _) => break response?,
            }
        };
        self.document.read(&response, http.allows_http())
    }
}

#[cfg(test)]
mod tests;
