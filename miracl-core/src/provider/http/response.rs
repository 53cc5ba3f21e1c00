//! A response of the provider, read to its end.

use reqwest::header::HeaderMap;

use crate::{
    error::provider::ProviderError,
    provider::http::body::{self, Unreadable},
};

/// The longest body that is read, in bytes: more than any response of a provider needs.
const MAX_BODY: usize = 1024 * 1024;

/// A complete response: its status, and its body as it can be parsed.
pub(crate) struct Response {
    pub(crate) status: u16,
    /// The media type without parameters, in lower case.
    pub(crate) media_type: String,
    /// The body without content coding, and in UTF-8 if its character set is a usual one.
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// Reads the body of a response, decodes it, and keeps what its headers say about it.
    ///
    /// The body of an unsuccessful response that cannot be decoded is taken as empty, since the status says enough.
    ///
    /// # Errors
    ///
    /// When the connection breaks, which `failed` translates, when the body is too large, or when it cannot be decoded.
    pub(super) async fn read(
        endpoint: &'static str,
        mut received: reqwest::Response,
        failed: impl Fn(reqwest::Error) -> ProviderError,
    ) -> Result<Self, ProviderError> {
        let (media_type, charset) = media_type(received.headers());
        let codings = codings(received.headers());
        let mut body = Vec::new();
        while let Some(chunk) = received.chunk().await.map_err(&failed)? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(ProviderError::TooLarge { endpoint });
            }
            body.extend_from_slice(&chunk);
        }
        let body = match body::plain(body, &codings, charset.as_deref(), MAX_BODY) {
            Ok(body) => body,
            Err(_) if !received.status().is_success() => Vec::new(),
            Err(Unreadable::TooLarge) => return Err(ProviderError::TooLarge { endpoint }),
            Err(Unreadable::Other(detail)) => {
                return Err(ProviderError::Malformed { endpoint, detail });
            }
        };
        Ok(Self {
            status: received.status().as_u16(),
            media_type,
            body,
        })
    }

    /// Returns whether the status means success with a body: 200, and what servers and proxies turn it into
    /// (RFC 9110 §15.3).
    pub(crate) fn is_success(&self) -> bool {
        matches!(self.status, 200..=203)
    }
}

/// Returns the media type and the character set named beside it, both in lower case (RFC 9110 §8.3).
fn media_type(headers: &HeaderMap) -> (String, Option<String>) {
    let value = headers.get("content-type");
    let mut parts = value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .split(';')
        .map(|part| part.trim().to_ascii_lowercase());
    let media_type = parts.next().unwrap_or_default();
    let charset = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        (name.trim() == "charset").then(|| value.trim().trim_matches(['"', '\'']).to_owned())
    });
    (media_type, charset)
}

/// Returns the content codings in the order in which they were applied, in lower case (RFC 9110 §8.4).
fn codings(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all("content-encoding")
        .iter()
        .flat_map(|value| value.to_str().unwrap_or("unreadable").split(','))
        .map(|coding| coding.trim().to_ascii_lowercase())
        .filter(|coding| !coding.is_empty() && coding != "identity")
        .collect()
}
