//! The discovery document of one issuer: where it is, and what it must say to be accepted.

use std::sync::atomic::{AtomicBool, Ordering};

use url::Url;

use crate::{
    base::{json, loopback::is_loopback, text::printable},
    config::Config,
    error::provider::ProviderError,
    provider::{
        error_body,
        http::response::Response,
        metadata::{AllowedUrls, ENDPOINT, ProviderMetadata},
    },
};

/// The document that describes the configured provider.
#[derive(Debug)]
pub(crate) struct MetadataDocument {
    issuer: String,
    /// What the document has as its issuer, if that is a template.
    template: Option<String>,
    address: String,
    /// Whether [`Config::metadata_url`] gives the address. The document may then name any issuer.
    address_is_set: bool,
    /// Whether the log says already that the document names another issuer.
    has_warned_of_issuer: AtomicBool,
    /// Whether the log says already that the provider has no usable address for log-out.
    has_warned_of_logout: AtomicBool,
}

impl MetadataDocument {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            issuer: config.issuer.clone(),
            template: config.issuer_template.clone(),
            address: config.metadata_url.clone().unwrap_or_else(|| {
                // OpenID Connect Discovery 1.0 §4.1: a terminating slash is removed before the path is appended.
                let issuer = config.issuer.trim_end_matches('/');
                format!("{issuer}/.well-known/openid-configuration")
            }),
            address_is_set: config.metadata_url.is_some(),
            has_warned_of_issuer: AtomicBool::new(false),
            has_warned_of_logout: AtomicBool::new(false),
        }
    }

    /// Returns the URL of the document.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Returns whether the document comes from this machine itself.
    fn is_on_loopback(&self) -> bool {
        Url::parse(&self.address).is_ok_and(|url| is_loopback(&url))
    }

    /// Reads the document from a successful response, and checks its issuer and its endpoints.
    ///
    /// # Errors
    ///
    /// When the document is malformed, names another issuer, or has an endpoint that must not be used.
    pub(crate) fn read(
        &self,
        response: &Response,
        allow_http: bool,
    ) -> Result<ProviderMetadata, ProviderError> {
        let malformed = |detail| {
            error_body::in_place_of("issuer", ENDPOINT, response).unwrap_or(
                ProviderError::Malformed {
                    endpoint: ENDPOINT,
                    detail,
                },
            )
        };
        let object = json::object(&response.body).map_err(malformed)?;
        let mut metadata = ProviderMetadata::read(&object).map_err(malformed)?;
        // OpenID Connect Discovery 1.0 §4.3: the issuer must be the one that the document was requested for. People
        // omit or add the slash at the end, and both spellings lead to this document.
        let expected = self.template.as_ref().unwrap_or(&self.issuer);
        if self.address_is_set {
            // Somebody who could change this document could also write that issuer into it, so a comparison would
            // protect nobody. Tokens must carry the configured issuer exactly.
            if metadata.issuer != *expected
                && !self.has_warned_of_issuer.swap(true, Ordering::Relaxed)
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
            && !self.has_warned_of_logout.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                "the provider's end_session_endpoint is no https URL and is not used: log-out ends sessions here only"
            );
        }
        tracing::debug!(issuer = metadata.issuer, "the provider's metadata was read");
        Ok(metadata)
    }
}

#[cfg(test)]
mod tests;
