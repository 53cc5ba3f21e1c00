//! Rocket's request as the engine sees it.

use std::{borrow::Cow, sync::OnceLock};

use miracl_core::{RequestView, SeenHeaders};
use rocket::{
    Request,
    http::{Method, uncased::UncasedStr},
};

/// A view of a request.
pub(crate) struct View<'a, 'r> {
    request: &'a Request<'r>,
    method: Method,
    target: Option<&'a str>,
    authority: OnceLock<Option<String>>,
    jar: OnceLock<String>,
}

impl<'a, 'r> View<'a, 'r> {
    /// A view of a request that came with this method, which Rocket may show as another: `HEAD` as `GET`. `target` is
    /// the path and query that the browser asked for, where Rocket shows others.
    pub(crate) fn new(request: &'a Request<'r>, method: Method, target: Option<&'a str>) -> Self {
        Self {
            request,
            method,
            target,
            authority: OnceLock::new(),
            jar: OnceLock::new(),
        }
    }

    /// Cookies that no header has: Rocket's local client, for tests, puts its own straight into the jar.
    fn jar(&self) -> Option<&str> {
        let pairs = || {
            let cookies = self.request.cookies().iter();
            let pairs: Vec<String> = cookies
                .map(|c| format!("{}={}", c.name(), c.value()))
                .collect();
            pairs.join("; ")
        };
        Some(self.jar.get_or_init(pairs).as_str()).filter(|jar| !jar.is_empty())
    }
}

impl RequestView for View<'_, '_> {
    fn method(&self) -> &str {
        self.method.as_str()
    }

    fn path_and_query(&self) -> Cow<'_, str> {
        match self.target {
            Some(target) => Cow::Borrowed(target),
            None => Cow::Owned(self.request.uri().to_string()),
        }
    }

    fn host(&self) -> Option<&str> {
        let authority = || self.request.host().map(ToString::to_string);
        let header = self.request.headers().get_one("host");
        header.or_else(|| self.authority.get_or_init(authority).as_deref())
    }

    fn cookie_headers(&self) -> impl Iterator<Item = &[u8]> {
        // To look at every header takes less time than to have Rocket look one up.
        let headers = self.request.headers().iter();
        let mut found = headers
            .filter_map(|header| match header.value {
                Cow::Borrowed(value) if is_cookie(&header.name) => Some(value),
                _ => None,
            })
            .peekable();
        let jar = match found.peek() {
            Some(_) => None,
            None => self.jar(),
        };
        found.chain(jar).map(str::as_bytes)
    }

    fn is_upgrade(&self) -> bool {
        let mut headers = self.request.headers().iter();
        headers.any(|h| SeenHeaders::is_upgrade(h.name.as_str(), h.value.as_bytes()))
    }

    fn see_headers(&self, seen: &mut SeenHeaders<'_>) {
        for header in self.request.headers().iter() {
            if !is_cookie(&header.name) {
                seen.header(header.name.as_str(), header.value.as_bytes());
            }
        }
        for value in self.cookie_headers() {
            seen.header("cookie", value);
        }
    }

    fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let values = self.request.headers().get(name);
        values.map(str::as_bytes)
    }
}

fn is_cookie(name: &UncasedStr) -> bool {
    name.len() == 6 && name == "cookie"
}
