//! A request as the engine sees it, without a framework.

use std::borrow::Cow;

use crate::web::headers::{PREFETCH, SeenHeaders};

/// A request as the engine sees it. Adapters implement it over their framework's request type.
///
/// ```
/// use std::borrow::Cow;
///
/// use miracl_core::adapter::RequestView;
///
/// struct View<'a> {
///     method: &'a str,
///     target: &'a str,
///     headers: &'a [(&'a str, &'a [u8])], // Their names in lower case.
/// }
///
/// impl RequestView for View<'_> {
///     fn method(&self) -> &str {
///         self.method
///     }
///
///     fn path_and_query(&self) -> Cow<'_, str> {
///         self.target.into()
///     }
///
///     fn host(&self) -> Option<&str> {
///         std::str::from_utf8(self.header_values("host").next()?).ok()
///     }
///
///     fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
///         let named = self.headers.iter().filter(move |(found, _)| *found == name);
///         named.map(|(_, value)| *value)
///     }
/// }
/// ```
pub trait RequestView {
    /// Returns the method in upper case: `GET`.
    fn method(&self) -> &str;

    /// Returns the path and query as the server received them, before any router removed a prefix: `/members?page=2`.
    fn path_and_query(&self) -> Cow<'_, str>;

    /// Returns the host, with or without port: the `Host` header, or `:authority` in HTTP/2.
    fn host(&self) -> Option<&str>;

    /// Returns every value of a header, in order. The name is given in lower case.
    fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]>;

    /// Returns every `Cookie` header. It is called for each request that asks who is logged in.
    ///
    /// By default it asks [`header_values`](Self::header_values). Implement it where the framework finds this header
    /// faster than any other.
    fn cookie_headers(&self) -> impl Iterator<Item = &[u8]> {
        self.header_values("cookie")
    }

    /// Returns whether the request asks for another protocol than HTTP on its connection: it has an `Upgrade` header
    /// (RFC 9110 §7.8), or a browser says that it opens a WebSocket (Fetch, `Sec-Fetch-Mode`). It is called for every
    /// request.
    ///
    /// By default it asks [`header_values`](Self::header_values). One pass over all headers with
    /// [`SeenHeaders::is_upgrade`] is faster where the framework offers it.
    fn is_upgrade(&self) -> bool {
        ["upgrade", "sec-fetch-mode"].into_iter().any(|name| {
            self.header_values(name)
                .any(|value| SeenHeaders::is_upgrade(name, value))
        })
    }

    /// Shows the request's headers to `seen`, which collects what every visit needs. It is called for each request that
    /// asks for its visit.
    ///
    /// By default it asks the other methods for each header that matters. One pass over all headers is faster where the
    /// framework offers it, and so is [`SeenHeaders::cookies`] where a value is cheap to keep.
    fn see_headers(&self, seen: &mut SeenHeaders<'_>) {
        for name in ["host"].into_iter().chain(PREFETCH) {
            for value in self.header_values(name) {
                seen.header(name, value);
            }
        }
        for value in self.cookie_headers() {
            seen.header("cookie", value);
        }
    }

    /// Returns the first value of a header, if it is UTF-8.
    fn header(&self, name: &str) -> Option<String> {
        let value = self.header_values(name).next()?;
        std::str::from_utf8(value).ok().map(str::to_owned)
    }
}

/// Returns what a visit needs of a request's headers. `expected_host` is what its `Host` header should be.
pub(crate) fn seen_headers<'a>(
    request: &impl RequestView,
    expected_host: &'a str,
) -> SeenHeaders<'a> {
    let mut seen = SeenHeaders::new(expected_host, request.method() == "HEAD");
    request.see_headers(&mut seen);
    seen
}

/// Whether a request's method is safe: it is not meant to change anything (RFC 9110 §9.2.1).
#[inline]
pub(crate) fn is_safe(request: &impl RequestView) -> bool {
    matches!(request.method(), "GET" | "HEAD" | "OPTIONS" | "TRACE")
}

/// Whether a browser asks before anybody has clicked.
pub(crate) fn is_prefetch(request: &impl RequestView) -> bool {
    let mut seen = SeenHeaders::new("", false);
    for name in PREFETCH {
        for value in request.header_values(name) {
            seen.header(name, value);
        }
    }
    seen.is_prefetch
}

/// Returns the path of a path with a query.
pub(crate) fn path_of(target: &str) -> &str {
    target.split_once('?').map_or(target, |(path, _)| path)
}

/// Returns the query of a request, without its question mark.
pub(crate) fn query(request: &impl RequestView) -> String {
    let target = request.path_and_query();
    let query = target.split_once('?').map(|(_, query)| query);
    query.unwrap_or_default().to_owned()
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
}
