//! The provider's metadata (OpenID Connect Discovery 1.0): fetched when first needed, kept, shared.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Map, Value};
use url::Url;

use crate::{
    config::{Config, SigningAlgorithm},
    error::{ProviderError, printable},
    flight::Fetched,
    http::{Answer, HttpClient, is_loopback},
    json, refusal,
};

/// How long metadata is used before it is fetched again.
const FRESH: Duration = Duration::from_secs(60 * 60);
/// How young metadata must be to send a browser to the provider by it: the provider was there just now.
const JUST_NOW: Duration = Duration::from_millis(500);
/// The pauses before a failed fetch is tried again inside one login.
const RETRY_AFTER: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];

const ENDPOINT: &str = "discovery document";

/// Where the tenant's id stands in the issuer of a document that serves many tenants.
pub(crate) const TENANT: &str = "{tenantid}";

/// Whether a text can be the id of a tenant: nothing that would mean something in a URL.
pub(crate) fn is_tenant(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Whose tokens count: the one issuer, or one for each tenant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Issuers<'a> {
    /// The issuer of the provider's metadata.
    One(&'a str),
    /// [`Config::issuer_template`] for every tenant, or for those that are listed.
    Tenants {
        template: &'a str,
        allowed: &'a [String],
    },
}

impl<'a> Issuers<'a> {
    pub(crate) fn new(config: &'a Config, metadata: &'a ProviderMetadata) -> Self {
        match &config.issuer_template {
            Some(template) => Self::Tenants {
                template,
                allowed: &config.allowed_tenants,
            },
            None => Self::One(&metadata.issuer),
        }
    }

    /// The one issuer whose answer names this tenant; none when there is no such tenant, or it may not log in here.
    pub(crate) fn of_tenant(self, tenant: Option<&str>) -> Option<String> {
        match self {
            Self::One(issuer) => Some(issuer.to_owned()),
            Self::Tenants { template, allowed } => tenant
                .filter(|id| {
                    is_tenant(id) && (allowed.is_empty() || allowed.iter().any(|a| a == id))
                })
                .map(|id| template.replace(TENANT, id)),
        }
    }

    /// Whether an issuer is one of these.
    pub(crate) fn contains(self, issuer: &str) -> bool {
        match self {
            Self::One(one) => issuer == one,
            Self::Tenants { template, .. } => {
                let tenant = template
                    .split_once(TENANT)
                    .and_then(|(before, after)| issuer.strip_prefix(before)?.strip_suffix(after));
                tenant.is_some() && self.of_tenant(tenant).as_deref() == Some(issuer)
            }
        }
    }

    /// How the issuers are written in a message.
    pub(crate) fn written(self) -> &'a str {
        match self {
            Self::One(issuer) => issuer,
            Self::Tenants { template, .. } => template,
        }
    }
}

/// Whether what is published for an issuer, maybe with [`TENANT`] in it, counts for a token of the issuer `iss` and
/// this tenant. A slash at the end makes no other issuer.
pub(crate) fn is_of_issuer(published: &str, iss: &str, tenant: Option<&str>) -> bool {
    let (published, iss) = (published.trim_end_matches('/'), iss.trim_end_matches('/'));
    let Some((before, after)) = published.split_once(TENANT) else {
        return published == iss;
    };
    iss.strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after))
        .is_some_and(|found| is_tenant(found) && tenant.is_none_or(|tenant| tenant == found))
}

/// What the discovery document says, as far as it is used here.
#[derive(Debug)]
pub(crate) struct ProviderMetadata {
    pub(crate) issuer: String,
    pub(crate) authorization_endpoint: String,
    pub(crate) token_endpoint: String,
    pub(crate) jwks_uri: String,
    pub(crate) userinfo_endpoint: Option<String>,
    /// Where it can be used: nobody needs it to log in.
    pub(crate) end_session_endpoint: Option<String>,
    pub(crate) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    id_token_signing_alg_values_supported: Vec<String>,
    /// RFC 9207 §3.
    pub(crate) authorization_response_iss_parameter_supported: bool,
}

/// Which URLs a document may name: https, and http where nobody is on the way.
#[derive(Debug, Clone, Copy)]
struct Allowed {
    /// [`Danger::allow_http`](crate::Danger::allow_http).
    http: bool,
    /// Whether the provider is on loopback itself. No other has business with what listens there.
    loopback: bool,
}

impl Allowed {
    fn allows(self, url: &Url) -> bool {
        match url.scheme() {
            "https" => true,
            "http" => self.http || self.loopback && is_loopback(url),
            _ => false,
        }
    }
}

impl ProviderMetadata {
    /// Reads the document. The issuer and the endpoints are read strictly, and everything else as far as it can be
    /// understood, since what is not understood counts as not said.
    ///
    /// # Errors
    ///
    /// What is wrong, with the name of the member.
    fn read(document: &Map<String, Value>) -> Result<Self, String> {
        let text = |name: &str| match document.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => {
                let kind = json::kind(other);
                Err(format!("`{name}` is a JSON {kind} instead of a string"))
            }
        };
        let needed = |name: &str| text(name)?.ok_or_else(|| format!("`{name}` is missing"));
        let list = |name: &str| document.get(name).and_then(list);
        Ok(Self {
            issuer: needed("issuer")?,
            authorization_endpoint: needed("authorization_endpoint")?,
            token_endpoint: needed("token_endpoint")?,
            jwks_uri: needed("jwks_uri")?,
            userinfo_endpoint: text("userinfo_endpoint")?.filter(|url| !url.is_empty()),
            // What is no text is no URL, which is seen to later.
            end_session_endpoint: text("end_session_endpoint")
                .unwrap_or_else(|_| Some(String::new())),
            token_endpoint_auth_methods_supported: list("token_endpoint_auth_methods_supported"),
            id_token_signing_alg_values_supported: list("id_token_signing_alg_values_supported")
                .unwrap_or_default(),
            authorization_response_iss_parameter_supported: document
                .get("authorization_response_iss_parameter_supported")
                .is_some_and(is_true),
        })
    }

    /// The algorithms an ID token may be signed with: those offered, cut down to those supported here; RS256 when nothing
    /// usable is said (OpenID Connect Core 1.0 §2).
    pub(crate) fn signing_algorithms(&self) -> Vec<SigningAlgorithm> {
        let usable: Vec<_> = self
            .id_token_signing_alg_values_supported
            .iter()
            .filter_map(|name| SigningAlgorithm::from_name(name))
            .collect();
        if usable.is_empty() {
            vec![SigningAlgorithm::RS256]
        } else {
            usable
        }
    }

    /// Makes sure that every endpoint is a URL that may be used, so that a document that is no good is not kept.
    fn check_endpoints(&self, allowed: Allowed) -> Result<(), ProviderError> {
        let endpoints = [
            ("authorization_endpoint", Some(&self.authorization_endpoint)),
            ("token_endpoint", Some(&self.token_endpoint)),
            ("jwks_uri", Some(&self.jwks_uri)),
            ("userinfo_endpoint", self.userinfo_endpoint.as_ref()),
        ];
        for (endpoint, url) in endpoints {
            let Some(url) = url else { continue };
            let url = Url::parse(url).map_err(|error| ProviderError::Malformed {
                endpoint: ENDPOINT,
                detail: format!("`{endpoint}` is no URL ({error})"),
            })?;
            if !allowed.allows(&url) {
                return Err(ProviderError::Insecure { endpoint });
            }
        }
        Ok(())
    }

    /// Leaves out an address for log-out that cannot be used; tells whether there was one.
    fn drop_unusable_end_session(&mut self, allowed: Allowed) -> bool {
        let usable = |url: &String| Url::parse(url).is_ok_and(|url| allowed.allows(&url));
        let said = self.end_session_endpoint.is_some();
        self.end_session_endpoint = self.end_session_endpoint.take().filter(usable);
        said && self.end_session_endpoint.is_none()
    }
}

/// A list of names: some providers write one name alone, or all of them in one text.
fn list(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => {
            let names = text.split([' ', ',']).filter(|name| !name.is_empty());
            Some(names.map(str::to_owned).collect())
        }
        Value::Array(names) => {
            let names = names.iter().filter_map(Value::as_str);
            Some(names.map(str::to_owned).collect())
        }
        _ => None,
    }
}

/// A boolean: some providers write it as text, or as a number.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(value) => *value,
        Value::String(text) => text.eq_ignore_ascii_case("true") || text == "1",
        Value::Number(number) => number.as_u64() == Some(1),
        _ => false,
    }
}

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
        let seen = self.metadata.ended();
        let fetch = {
            let (this, http) = (Arc::clone(self), http.clone());
            async move { this.fetch(&http).await }
        };
        match self.metadata.fetch_to_its_end(http, seen, fetch).await {
            Ok(metadata) => Ok(metadata),
            Err(error) => match self.metadata.kept() {
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
        let Some(known) = self.metadata.kept() else {
            return self.metadata(http).await;
        };
        if let Some(fresh) = self.metadata.younger_than(JUST_NOW) {
            return Ok(fresh);
        }
        let seen = self.metadata.ended();
        let ask = {
            let (this, http) = (Arc::clone(self), http.clone());
            async move { this.check(&this.ask(&http).await?, http.allows_http()) }
        };
        match self.metadata.fetch_to_its_end(http, seen, ask).await {
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
        self.metadata.kept()
    }

    async fn ask(&self, http: &HttpClient) -> Result<Answer, ProviderError> {
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
        answer: &Answer,
        allow_http: bool,
    ) -> Result<ProviderMetadata, ProviderError> {
        let malformed = |detail| {
            refusal::in_place_of("issuer", ENDPOINT, answer).unwrap_or(ProviderError::Malformed {
                endpoint: ENDPOINT,
                detail,
            })
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
        let allowed = Allowed {
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

fn ok(answer: Answer) -> Result<Answer, ProviderError> {
    if answer.is_success() {
        Ok(answer)
    } else {
        Err(refusal::of(ENDPOINT, &answer))
    }
}

#[cfg(test)]
mod tests;
