//! What the engine needs to see of a request, whatever framework it came through.

use std::borrow::Cow;

use crate::web::headers::SeenHeaders;

/// A request as the engine sees it. Adapters implement it over their framework's request type.
pub trait RequestView {
    /// The method in upper case: `GET`.
    fn method(&self) -> &str;

    /// The path and query as the browser asked for them, before any router took a prefix off: `/members?page=2`.
    fn path_and_query(&self) -> Cow<'_, str>;

    /// The host, with or without port: the `Host` header, or `:authority` in HTTP/2.
    fn host(&self) -> Option<&str>;

    /// Every value of a header, in order. The name is given in lower case.
    fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]>;

    /// Every `Cookie` header. Each request that asks who is logged in is asked for it.
    ///
    /// As it stands it asks [`header_values`](Self::header_values). It is there for frameworks that find this header faster than any.
    fn cookie_headers(&self) -> impl Iterator<Item = &[u8]> {
        self.header_values("cookie")
    }

    /// Whether the request wants its connection to speak another protocol than HTTP: it has an `Upgrade` header (RFC
    /// 9110 §7.8), or a browser says that it opens a WebSocket (Fetch, `Sec-Fetch-Mode`). Every request is asked for
    /// it.
    ///
    /// As it stands it asks [`header_values`](Self::header_values). One pass over all headers with
    /// [`SeenHeaders::is_upgrade`] is faster where the framework can give it.
    fn is_upgrade(&self) -> bool {
        ["upgrade", "sec-fetch-mode"].into_iter().any(|name| {
            self.header_values(name)
                .any(|value| SeenHeaders::is_upgrade(name, value))
        })
    }

    /// Shows the request's headers to `seen`, which takes what every visit needs of them. It runs for each request that asks for its
    /// visit.
    ///
    /// As it stands it asks the other methods for each header that matters. One pass over all of them is faster
    /// where the framework can give it, and so is [`SeenHeaders::cookies`] where a value is cheap to keep.
    fn see_headers(&self, seen: &mut SeenHeaders<'_>) {
        for name in ["host", "sec-purpose", "purpose", "x-moz"] {
            for value in self.header_values(name) {
                seen.header(name, value);
            }
        }
        for value in self.cookie_headers() {
            seen.header("cookie", value);
        }
    }

    /// The first value of a header, when it is text.
    fn header(&self, name: &str) -> Option<String> {
        let value = self.header_values(name).next()?;
        std::str::from_utf8(value).ok().map(str::to_owned)
    }
}

/// Looks at the headers of a request whose `Host` header is expected to be this.
pub(crate) fn seen_headers<'a>(
    request: &impl RequestView,
    expected_host: &'a str,
) -> SeenHeaders<'a> {
    let mut seen = SeenHeaders::new(expected_host, request.method() == "HEAD");
    request.see_headers(&mut seen);
    seen
}

/// What kind of client sent a request, as far as the answer depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    /// A browser that shows the answer as a page: it can be sent to log in.
    Navigation,
    /// The htmx library, which follows its own header.
    Htmx,
    /// `fetch`, an API client: it needs a status, not a page.
    Api,
}

impl Client {
    pub(crate) fn of(request: &impl RequestView) -> Self {
        // A question about a page, as a CORS preflight is one, shows none.
        if request.method() == "OPTIONS" {
            return Self::Api;
        }
        if header_is(request, "hx-request", "true") {
            return Self::Htmx;
        }
        if header_is(request, "x-requested-with", "xmlhttprequest") {
            return Self::Api;
        }
        let navigates = match request.header("sec-fetch-mode") {
            Some(mode) => mode == "navigate",
            // An old browser, or no browser.
            None => request
                .header("accept")
                .is_some_and(|accept| accept.to_ascii_lowercase().contains("text/html")),
        };
        if navigates {
            Self::Navigation
        } else {
            Self::Api
        }
    }
}

/// Whether a request is one that by its method changes nothing (RFC 9110 §9.2.1).
pub(crate) fn is_safe(request: &impl RequestView) -> bool {
    matches!(request.method(), "GET" | "HEAD" | "OPTIONS" | "TRACE")
}

pub(crate) fn header_is(request: &impl RequestView, name: &str, value: &str) -> bool {
    request
        .header(name)
        .is_some_and(|found| found.eq_ignore_ascii_case(value))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A request for tests: method, path, headers.
    #[derive(Debug, Default)]
    pub(crate) struct Request {
        pub(crate) method: &'static str,
        pub(crate) path: String,
        pub(crate) headers: Vec<(&'static str, String)>,
    }

    impl Request {
        pub(crate) fn get(path: &str) -> Self {
            Self {
                method: "GET",
                path: path.to_owned(),
                headers: Vec::new(),
            }
        }

        pub(crate) fn post(path: &str) -> Self {
            Self {
                method: "POST",
                ..Self::get(path)
            }
        }

        pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
            self.headers.push((name, value.to_owned()));
            self
        }
    }

    impl RequestView for Request {
        fn method(&self) -> &str {
            self.method
        }

        fn path_and_query(&self) -> Cow<'_, str> {
            Cow::Borrowed(&self.path)
        }

        fn host(&self) -> Option<&str> {
            let host = self.headers.iter().find(|(name, _)| *name == "host");
            host.map(|(_, value)| value.as_str())
        }

        fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
            self.headers
                .iter()
                .filter(move |(found, _)| *found == name)
                .map(|(_, value)| value.as_bytes())
        }
    }

    #[test]
    fn a_browser_that_shows_a_page_is_told_from_fetch_and_htmx() {
        let get = || Request::get("/");
        for (request, client) in [
            (get().with("sec-fetch-mode", "navigate"), Client::Navigation),
            (get().with("sec-fetch-mode", "cors"), Client::Api),
            (
                get()
                    .with("sec-fetch-mode", "cors")
                    .with("accept", "text/html"),
                Client::Api,
            ),
            (
                get().with("accept", "text/html,application/xml"),
                Client::Navigation,
            ),
            (get().with("accept", "*/*"), Client::Api),
            (get().with("accept", "application/json"), Client::Api),
            (get().with("accept", "text/event-stream"), Client::Api),
            (get(), Client::Api),
            (
                Request {
                    method: "OPTIONS",
                    ..get().with("accept", "text/html")
                },
                Client::Api,
            ),
            (
                get()
                    .with("accept", "text/html")
                    .with("x-requested-with", "XMLHttpRequest"),
                Client::Api,
            ),
            (get().with("accept", "TEXT/HTML"), Client::Navigation),
            (
                get().with("hx-request", "true").with("accept", "text/html"),
                Client::Htmx,
            ),
        ] {
            assert_eq!(Client::of(&request), client, "{request:?}");
        }
    }
}

/// The path of a path with a query.
pub(crate) fn path_of(target: &str) -> &str {
    target.split_once('?').map_or(target, |(path, _)| path)
}

/// The query of a request, without its question mark.
pub(crate) fn query(request: &impl RequestView) -> String {
    let target = request.path_and_query();
    let query = target.split_once('?').map(|(_, query)| query);
    query.unwrap_or_default().to_owned()
}
