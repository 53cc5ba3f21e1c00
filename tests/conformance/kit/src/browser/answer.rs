//! A response of an app.

use reqwest::Method;
use reqwest::header::HeaderMap;
use url::Url;

use super::cookie::Cookie;

/// What came back for a request.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Where the answer sends the browser.
    pub(crate) fn location(&self) -> Option<Url> {
        if !(300..400).contains(&self.status) {
            return None;
        }
        self.url.join(self.header("location")?).ok()
    }

    pub(crate) fn set_cookies(&self) -> Vec<Cookie> {
        let host = self.url.host_str().unwrap_or_default();
        let lines = self.headers.get_all("set-cookie").iter();
        lines
            .filter_map(|line| Cookie::parse(line.to_str().ok()?, host))
            .collect()
    }

    pub(crate) fn is_no_store(&self) -> bool {
        self.header("cache-control")
            .is_some_and(|value| value.contains("no-store"))
    }

    /// The answer in a line, for messages.
    pub(crate) fn line(&self) -> String {
        let to = self
            .location()
            .map(|url| format!(" to {url}"))
            .unwrap_or_default();
        format!("{} {} answered {}{to}", self.method, self.url, self.status)
    }
}
