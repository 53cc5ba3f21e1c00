//! Rocket's request as the engine sees it.

use std::{borrow::Cow, sync::OnceLock};

use miracl_core::{RequestView, SeenHeaders};
use rocket::Request;

use crate::extract::Slot;

/// A view of a request.
pub(crate) struct View<'a, 'r> {
    request: &'a Request<'r>,
    authority: OnceLock<Option<String>>,
    jar: OnceLock<String>,
}

impl<'a, 'r> From<&'a Request<'r>> for View<'a, 'r> {
    fn from(request: &'a Request<'r>) -> Self {
        Self {
            request,
            authority: OnceLock::new(),
            jar: OnceLock::new(),
        }
    }
}

impl View<'_, '_> {
    /// Cookies that no header has: Rocket's local client, for tests, puts its own straight into the jar.
    fn jar(&self) -> Option<&str> {
        if self.request.headers().contains("cookie") {
            return None;
        }
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
        let method = Slot::of(self.request).method();
        method.unwrap_or_else(|| self.request.method()).as_str()
    }

    fn path_and_query(&self) -> Cow<'_, str> {
        Cow::Owned(self.request.uri().to_string())
    }

    fn host(&self) -> Option<&str> {
        let authority = || self.request.host().map(ToString::to_string);
        let header = self.request.headers().get_one("host");
        header.or_else(|| self.authority.get_or_init(authority).as_deref())
    }

    fn see_headers(&self, seen: &mut SeenHeaders<'_>) {
        for header in self.request.headers().iter() {
            seen.header(header.name().as_str(), header.value().as_bytes());
        }
        if let Some(jar) = self.jar() {
            seen.header("cookie", jar.as_bytes());
        }
    }

    fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let jar = if name == "cookie" { self.jar() } else { None };
        let values = self.request.headers().get(name);
        values.chain(jar).map(str::as_bytes)
    }
}
