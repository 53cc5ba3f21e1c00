//! A request, with the headers that browsers send.

use reqwest::Method;
use url::{Url, form_urlencoded};

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(super) method: Method,
    pub(crate) url: Url,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<String>,
    pub(super) cross_site: bool,
}

impl Request {
    fn new(method: Method, url: Url, headers: &[(&str, &str)]) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        Self {
            method,
            url,
            headers: headers.collect(),
            body: None,
            cross_site: false,
        }
    }

    /// A navigation from the address bar.
    pub(crate) fn navigate(url: Url) -> Self {
        let headers = [
            ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
            ("sec-fetch-site", "none"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ];
        Self::new(Method::GET, url, &headers)
    }

    /// `fetch()` by a page of the app.
    pub(crate) fn fetch(url: Url) -> Self {
        let headers = [
            ("accept", "*/*"),
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-dest", "empty"),
        ];
        Self::new(Method::GET, url, &headers)
    }

    /// A request of a program that is no browser.
    pub(crate) fn bare(url: Url) -> Self {
        Self::new(Method::GET, url, &[])
    }

    /// Turns it into the request of a program that is no browser.
    pub(crate) fn by_a_program(mut self) -> Self {
        self.headers
            .retain(|(name, _)| name != "origin" && !name.starts_with("sec-fetch-"));
        self
    }

    /// Turns it into the request that another site makes a browser send.
    pub(crate) fn sent_by(mut self, origin: &str) -> Self {
        self.cross_site = true;
        let request = self.header("sec-fetch-site", "cross-site");
        if request.method == Method::GET {
            request
        } else {
            request.header("origin", origin)
        }
    }

    /// A form of a page of the app.
    pub(crate) fn form<K: AsRef<str>, V: AsRef<str>>(url: Url, fields: &[(K, V)]) -> Self {
        let origin = url.origin().ascii_serialization();
        let mut request = Self::navigate(url)
            .header("sec-fetch-site", "same-origin")
            .header("origin", &origin)
            .header("content-type", "application/x-www-form-urlencoded");
        request.method = Method::POST;
        let fields = fields
            .iter()
            .map(|(name, value)| (name.as_ref(), value.as_ref()));
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        request.body = Some(body);
        request
    }

    pub(crate) fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// Sets a header, in place of one the request already has.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}
