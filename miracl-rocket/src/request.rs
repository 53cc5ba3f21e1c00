//! Rocket's request as the engine sees it.

use std::borrow::Cow;

use miracl_core::RequestView;
use rocket::Request;

use crate::extract::Slot;

/// A view of a request.
pub(crate) struct View<'a, 'r> {
    request: &'a Request<'r>,
    host: Option<Cow<'a, str>>,
    /// Cookies that no header has: Rocket's local client, for tests, puts its own straight into the jar.
    jar: String,
}

impl<'a, 'r> From<&'a Request<'r>> for View<'a, 'r> {
    fn from(request: &'a Request<'r>) -> Self {
        let headers = request.headers();
        let authority = || request.host().map(|host| Cow::Owned(host.to_string()));
        let jar = if headers.contains("cookie") {
            Vec::new()
        } else {
            let cookies = request.cookies().iter();
            cookies
                .map(|c| format!("{}={}", c.name(), c.value()))
                .collect()
        };
        Self {
            host: headers
                .get_one("host")
                .map(Cow::Borrowed)
                .or_else(authority),
            jar: jar.join("; "),
            request,
        }
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
        self.host.as_deref()
    }

    fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let jar = Some(self.jar.as_str()).filter(|jar| name == "cookie" && !jar.is_empty());
        let values = self.request.headers().get(name);
        values.chain(jar).map(str::as_bytes)
    }
}
