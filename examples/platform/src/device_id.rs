//! The name of a browser: its cookies, and the key under which its device is kept.

use axum::http::{HeaderMap, HeaderValue, header};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::random;

/// The name of a browser: the value of its cookie.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DeviceId(String);

/// One for pages in a frame, one for browsers that accept no `Secure` cookie over plain http, one for browsers that
/// keep apart what different sites frame. They hold the same value, and the first one that comes back counts.
const COOKIES: [(&str, &str); 3] = [
    ("miracl_device", "Path=/; HttpOnly; SameSite=None; Secure"),
    ("miracl_device_lax", "Path=/; HttpOnly; SameSite=Lax"),
    (
        "miracl_device_framed",
        "Path=/; HttpOnly; SameSite=None; Secure; Partitioned",
    ),
];

/// Browsers cap a cookie's life at 400 days.
const COOKIE_SECONDS: u64 = 400 * 24 * 60 * 60;

impl DeviceId {
    pub(crate) fn random() -> Self {
        Self(random::token())
    }

    /// Reads the cookie of a request.
    ///
    /// An id that this platform never gave is accepted if it has the shape of one: ports share a cookie jar, so a
    /// browser sends the id of another local platform.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let lines = headers.get_all(header::COOKIE).iter();
        let pairs: Vec<(&str, &str)> = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(_, value)| random::is_token(value))
            .collect();
        let mut found = COOKIES
            .iter()
            .filter_map(|(cookie, _)| pairs.iter().find(|(name, _)| name == cookie));
        found.next().map(|(_, value)| Self((*value).to_owned()))
    }

    /// Returns the `Set-Cookie` lines that make a browser remember its id.
    pub(crate) fn set_cookies(&self) -> [HeaderValue; 3] {
        COOKIES.map(|(name, attributes)| {
            HeaderValue::try_from(format!(
                "{name}={}; Max-Age={COOKIE_SECONDS}; {attributes}",
                self.0
            ))
            .expect("a token is plain ASCII")
        })
    }

    /// Returns the `Cookie` line that a browser sends.
    pub(crate) fn cookie_line(&self) -> String {
        format!("{}={}", COOKIES[0].0, self.0)
    }

    /// Returns the value of the cookie, which is on no disk.
    #[cfg(test)]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name under which the device is kept. The cookie cannot be derived from it.
    pub(crate) fn key(&self) -> DeviceKey {
        DeviceKey(base64_simd::URL_SAFE_NO_PAD.encode_to_string(digest(&SHA256, self.0.as_bytes())))
    }
}

impl std::fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeviceId([redacted])")
    }
}

/// The name under which a device is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct DeviceKey(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_of_the_cookies_names_the_device() {
        let id = DeviceId::random();
        for line in id.set_cookies() {
            let pair = line.to_str().unwrap().split(';').next().unwrap().to_owned();
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, format!("other=1; {pair}").parse().unwrap());
            assert_eq!(DeviceId::of(&headers), Some(id.clone()));
        }
    }
}
