//! actix-web's request as the engine sees it.

use std::borrow::Cow;

use actix_web::{
    HttpRequest,
    dev::ServiceRequest,
    http::header::{COOKIE, HOST},
};
use miracl_core::{RequestView, SeenHeaders};

/// A view of a request, before or after routing.
pub(crate) struct View<'a>(&'a HttpRequest);

impl<'a> From<&'a HttpRequest> for View<'a> {
    fn from(request: &'a HttpRequest) -> Self {
        Self(request)
    }
}

impl<'a> From<&'a ServiceRequest> for View<'a> {
    fn from(request: &'a ServiceRequest) -> Self {
        Self(request.request())
    }
}

impl RequestView for View<'_> {
    fn method(&self) -> &str {
        self.0.method().as_str()
    }

    fn path_and_query(&self) -> Cow<'_, str> {
        let path = self.0.uri().path_and_query();
        Cow::Borrowed(path.map_or("/", |path| path.as_str()))
    }

    fn host(&self) -> Option<&str> {
        let header = self.0.headers().get(HOST);
        let header = header.and_then(|host| host.to_str().ok());
        header.or_else(|| self.0.uri().authority().map(|authority| authority.as_str()))
    }

    fn cookie_headers(&self) -> impl Iterator<Item = &[u8]> {
        let values = self.0.headers().get_all(COOKIE);
        values.map(|value| value.as_bytes())
    }

    fn is_upgrade(&self) -> bool {
        let mut headers = self.0.headers().iter();
        headers.any(|(name, value)| SeenHeaders::is_upgrade(name.as_str(), value.as_bytes()))
    }

    fn see_headers(&self, seen: &mut SeenHeaders<'_>) {
        for (name, value) in self.0.headers() {
            if name == COOKIE {
                seen.cookies(value.clone());
            } else {
                seen.header(name.as_str(), value.as_bytes());
            }
        }
    }

    fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let values = self.0.headers().get_all(name);
        values.map(|value| value.as_bytes())
    }
}
