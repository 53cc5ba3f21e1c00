//! axum's request as the engine sees it.

use std::borrow::Cow;

use axum::{
    extract::OriginalUri,
    http::{
        Extensions, HeaderMap, Method, Request, Uri,
        header::{COOKIE, HOST},
        request::Parts,
    },
};
use miracl_core::{RequestView, SeenHeaders};

/// A view of a request, whole or without its body.
pub(crate) struct View<'a> {
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    extensions: &'a Extensions,
}

impl<'a> View<'a> {
    /// What layers have left in the request.
    pub(crate) fn extensions(&self) -> &'a Extensions {
        self.extensions
    }

    /// The path that the browser asked for, before any nested router removed a prefix.
    pub(crate) fn path(&self) -> &'a str {
        self.original_uri().path()
    }

    fn original_uri(&self) -> &'a Uri {
        let original = self.extensions.get::<OriginalUri>();
        original.map_or(self.uri, |uri| &uri.0)
    }
}

impl<'a> From<&'a Parts> for View<'a> {
    fn from(parts: &'a Parts) -> Self {
        Self {
            method: &parts.method,
            uri: &parts.uri,
            headers: &parts.headers,
            extensions: &parts.extensions,
        }
    }
}

impl<'a, B> From<&'a Request<B>> for View<'a> {
    fn from(request: &'a Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
            extensions: request.extensions(),
        }
    }
}

impl RequestView for View<'_> {
    fn method(&self) -> &str {
        self.method.as_str()
    }

    fn path_and_query(&self) -> Cow<'_, str> {
        // Inside a nested router the request's own URI has lost its prefix.
        let path = self
            .original_uri()
            .path_and_query()
            .map_or("/", |path| path.as_str());
        Cow::Borrowed(path)
    }

    fn host(&self) -> Option<&str> {
        let header = self.headers.get(HOST).and_then(|host| host.to_str().ok());
        header.or_else(|| self.uri.authority().map(|authority| authority.as_str()))
    }

    fn cookie_headers(&self) -> impl Iterator<Item = &[u8]> {
        let values = self.headers.get_all(COOKIE).iter();
        values.map(|value| value.as_bytes())
    }

    fn is_upgrade(&self) -> bool {
        let mut headers = self.headers.iter();
        headers.any(|(name, value)| SeenHeaders::is_upgrade(name.as_str(), value.as_bytes()))
    }

    fn see_headers(&self, seen: &mut SeenHeaders<'_>) {
        for (name, value) in self.headers {
            if name == COOKIE {
                seen.cookies(value.clone());
            } else {
                seen.header(name.as_str(), value.as_bytes());
            }
        }
    }

    fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let values = self.headers.get_all(name).iter();
        values.map(|value| value.as_bytes())
    }
}
