//! What a provider says about itself (OpenID Connect Discovery 1.0 §3).

use serde_json::{Map, Value};
use url::Url;

use crate::{
    base::{json, loopback::is_loopback},
    error::provider::ProviderError,
    jose::algorithm::SigningAlgorithm,
};

/// What errors call the document.
pub(crate) const ENDPOINT: &str = "discovery document";

/// What the discovery document says, as far as it is used here.
#[derive(Debug, Clone)]
pub(crate) struct ProviderMetadata {
    pub(crate) issuer: String,
    pub(crate) authorization_endpoint: String,
    pub(crate) token_endpoint: String,
    pub(crate) jwks_uri: String,
    pub(crate) userinfo_endpoint: Option<String>,
    /// Where it can be used: nobody needs it to log in.
    pub(crate) end_session_endpoint: Option<String>,
    pub(crate) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    pub(crate) id_token_signing_alg_values_supported: Vec<String>,
    /// RFC 9207 §3.
    pub(crate) authorization_response_iss_parameter_supported: bool,
}

/// Which URLs a document may name: https, and http where nobody is on the way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AllowedUrls {
    /// [`Danger::allow_http`](crate::Danger::allow_http).
    pub(crate) http: bool,
    /// Whether the provider is on loopback itself. No other has business with what listens there.
    pub(crate) loopback: bool,
}

impl AllowedUrls {
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
    pub(crate) fn read(document: &Map<String, Value>) -> Result<Self, String> {
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
    pub(crate) fn check_endpoints(&self, allowed: AllowedUrls) -> Result<(), ProviderError> {
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
    pub(crate) fn drop_unusable_end_session(&mut self, allowed: AllowedUrls) -> bool {
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
