//! A request, with the headers that a browser sends for what began it.

use reqwest::Method;
use url::Url;

/// A request to be sent with [`Browser::send`](super::Browser::send).
#[derive(Clone, Debug)]
pub struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<String>,
    pub(super) from: From,
}

/// What began a request: this decides `Sec-Fetch-Site`.
#[derive(Clone, Debug)]
pub(super) enum From {
    /// The address bar, a bookmark.
    User,
    /// A page.
    Page(Url),
    /// No browser at all: no `Sec-Fetch-*`, no `Origin`.
    Script,
}

impl Request {
    /// A navigation from the address bar.
    pub fn navigate(url: impl AsRef<str>) -> Self {
        Self {
            method: Method::GET,
            url: parse(url.as_ref()),
            headers: vec![
                (
                    "accept".into(),
                    "text/html,application/xhtml+xml,*/*;q=0.8".into(),
                ),
                ("sec-fetch-mode".into(), "navigate".into()),
                ("sec-fetch-dest".into(), "document".into()),
                ("sec-fetch-user".into(), "?1".into()),
                ("upgrade-insecure-requests".into(), "1".into()),
            ],
            body: None,
            from: From::User,
        }
    }

    /// `fetch()` by a page of the same origin.
    pub fn fetch(url: impl AsRef<str>) -> Self {
        let url = parse(url.as_ref());
        Self {
            method: Method::GET,
            headers: vec![
                ("accept".into(), "*/*".into()),
                ("sec-fetch-mode".into(), "cors".into()),
                ("sec-fetch-dest".into(), "empty".into()),
            ],
            body: None,
            from: From::Page(url.clone()),
            url,
        }
    }

    /// The POST of a form on a page of the same origin.
    pub fn form(url: impl AsRef<str>, fields: &[(&str, &str)]) -> Self {
        let mut request = Self::navigate(url);
        request.from = From::Page(request.url.clone());
        request.method = Method::POST;
        request.body = Some(encode(fields));
        request.header("content-type", "application/x-www-form-urlencoded")
    }

    /// A request of a program that is no browser.
    pub fn script(url: impl AsRef<str>) -> Self {
        Self {
            method: Method::GET,
            url: parse(url.as_ref()),
            headers: Vec::new(),
            body: None,
            from: From::Script,
        }
    }

    /// Changes the method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = method.parse().expect("a method");
        self
    }

    /// Sets a header, in place of one the request already has.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(key, _)| key != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self
    }

    /// Sets the page that the request comes from.
    #[must_use]
    pub fn from_page(mut self, url: impl AsRef<str>) -> Self {
        self.from = From::Page(parse(url.as_ref()));
        self
    }
}

pub(super) fn encode(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

pub(super) fn parse(url: &str) -> Url {
    Url::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
}
