//! The provider's metadata (OpenID Connect Discovery 1.0): fetched when first needed, kept, shared.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use url::Url;

use crate::{
    base::{json, loopback::is_loopback, text::printable},
    config::Config,
    error::provider::ProviderError,
    provider::{
        error_body,
        fetched::Fetched,
        http::{HttpClient, Response},
        metadata::{AllowedUrls, ENDPOINT, ProviderMetadata},
    },
};

/// How long metadata is used before it is fetched again.
const FRESH: Duration = Duration::from_secs(60 * 60);
/// How young metadata must be to send a browser to the provider by it: the provider was there just now.
const JUST_NOW: Duration = Duration::from_millis(500);
/// The pauses before a failed fetch is tried again inside one login.
const RETRY_AFTER: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];

/// The metadata of one provider.
#[derive(Debug)]
pub(crate) struct Discovery {
    issuer: String,
    /// What the document has as its issuer, where that is a template.
    template: Option<String>,
    /// Where the document is.
    address: String,
    /// Whether [`Config::metadata_url`] says so. The document's issuer is then its own affair.
    address_is_set: bool,
    /// Whether the log has it that the document names another issuer.
    other_issuer_told: AtomicBool,
    metadata: Fetched<ProviderMetadata>,
    /// Whether the log has it already that the provider has no usable address for log-out.
    has_warned: AtomicBool,
}

impl Discovery {
    pub(crate) fn new(config: &Config) -> Arc<Self> {
        Arc::new(Self {
            issuer: config.issuer.clone(),
            template: config.issuer_template.clone(),
            address: config.metadata_url.clone().unwrap_or_else(|| {
                // OpenID Connect Discovery 1.0 §4.1: a terminating slash is removed before the path is appended.
                let issuer = config.issuer.trim_end_matches('/');
                format!("{issuer}/.well-known/openid-configuration")
            }),
            address_is_set: config.metadata_url.is_some(),
            other_issuer_told: AtomicBool::new(false),
            metadata: Fetched::default(),
            has_warned: AtomicBool::new(false),
        })
    }

    /// Whether the document comes from this machine itself.
    fn is_on_loopback(&self) -> bool {
        Url::parse(&self.address).is_ok_and(|url| is_loopback(&url))
    }

    /// Returns the metadata, fetching it when there is none or it is an hour old.
    ///
    /// Old metadata serves on while the provider is away.
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

    /// Returns the metadata for a login that begins now, after making sure that the provider is there: a page of ours that says
    /// it is away is better than the browser's own.
    ///
    /// It is worth its request. Without a way from here to the provider the login could not be completed, and the
    /// person would learn that after they have proved who they are; and new metadata counts at once. It is one `GET`
    /// without a secret, which is repeated when a connection breaks, and shared by all logins that begin within half a
    /// second.
    ///
    /// A provider that is there but does not answer as it should is given the benefit of the doubt.
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
            async move { this.check(&this.ask(&http).await?, http.allows_http()) }
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

    async fn ask(&self, http: &HttpClient) -> Result<Response, ProviderError> {
        http.get(ENDPOINT, &self.address).await.and_then(ok)
    }

    async fn fetch(&self, http: &HttpClient) -> Result<ProviderMetadata, ProviderError> {
        let mut pauses = RETRY_AFTER.iter();
        let answer = loop {
            match (self.ask(http).await, pauses.next()) {
                // A provider that lets one wait is not asked again: the person waits, too.
                (Err(error), Some(pause))
                    if error.is_transient() && !matches!(error, ProviderError::Timeout { .. }) =>
                {
                    tracing::debug!(%error, "discovery is tried again");
                    tokio::time::sleep(*pause).await;
                }
                (answer, _) => break answer?,
            }
        };
        self.check(&answer, http.allows_http())
    }

    pub(crate) fn check(
        &self,
        answer: &Response,
        allow_http: bool,
    ) -> Result<ProviderMetadata, ProviderError> {
        let malformed = |detail| {
            error_body::in_place_of("issuer", ENDPOINT, answer).unwrap_or(
                ProviderError::Malformed {
                    endpoint: ENDPOINT,
                    detail,
                },
            )
        };
        let object = json::object(&answer.body).map_err(malformed)?;
        let mut metadata = ProviderMetadata::read(&object).map_err(malformed)?;
        // OpenID Connect Discovery 1.0 §4.3: the issuer must be the one the document was asked for by. People leave out
        // or add the slash at the end, and both spellings lead to this same document.
        let expected = self.template.as_ref().unwrap_or(&self.issuer);
        if self.address_is_set {
            // Whoever could change this document could write that issuer into it, too: to compare protects nobody. What
            // its tokens carry must be the configured one, exactly.
            if metadata.issuer != *expected && !self.other_issuer_told.swap(true, Ordering::Relaxed)
            {
                tracing::warn!(
                    found = printable(&metadata.issuer, 200),
                    expected,
                    "the document at `metadata_url` names another issuer; tokens must carry the configured one"
                );
            }
            metadata.issuer.clone_from(&self.issuer);
        } else if metadata.issuer.trim_end_matches('/') != expected.trim_end_matches('/') {
            return Err(ProviderError::IssuerMismatch {
                configured: expected.clone(),
                found: printable(&metadata.issuer, 200),
            });
        }
        let allowed = AllowedUrls {
            http: allow_http,
            loopback: self.is_on_loopback(),
        };
        metadata.check_endpoints(allowed)?;
        if metadata.drop_unusable_end_session(allowed)
            && !self.has_warned.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                "the provider's end_session_endpoint is no https URL and is not used: log-out ends sessions here only"
            );
        }
        tracing::debug!(issuer = metadata.issuer, "the provider's metadata was read");
        Ok(metadata)
    }
}

fn ok(answer: Response) -> Result<Response, ProviderError> {
    if answer.is_success() {
        Ok(answer)
    } else {
        Err(error_body::of(ENDPOINT, &answer))
    }
}

#[cfg(test)]
mod tests;
