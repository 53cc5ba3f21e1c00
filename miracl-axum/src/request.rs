//! axum's request as the engine sees it.

use std::borrow::Cow;

use axum::{
    extract::OriginalUri,
    http::{Extensions, HeaderMap, Method, Request, Uri, request::Parts},
};
use miracl_core::RequestView;

/// A view of a request, whole or without its body.
pub(crate) struct View<'a> {
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
}

impl<'a> View<'a> {
    fn new(
        method: &'a Method,
        uri: &'a Uri,
        headers: &'a HeaderMap,
        extensions: &'a Extensions,
    ) -> Self {
        // Inside a nested router the request's own URI has lost its prefix.
        let uri = extensions.get::<OriginalUri>().map_or(uri, |uri| &uri.0);
        Self {
            method,
            uri,
            headers,
        }
    }
}

impl<'a> From<&'a Parts> for View<'a> {
    fn from(parts: &'a Parts) -> Self {
        Self::new(&parts.method, &parts.uri, &parts.headers, &parts.extensions)
    }
}

impl<'a, B> From<&'a Request<B>> for View<'a> {
    fn from(request: &'a Request<B>) -> Self {
        Self::new(
            request.method(),
            request.uri(),
            request.headers(),
            request.extensions(),
        )
    }
}

impl RequestView for View<'_> {
    fn method(&self) -> &str {
        self.method.as_str()
    }

    fn path_and_query(&self) -> Cow<'_, str> {
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        Cow::Borrowed(path)
    }

    fn host(&self) -> Option<&str> {
        let header = self.headers.get("host").and_then(|host| host.to_str().ok());
        header.or_else(|| self.uri.authority().map(|authority| authority.as_str()))
    }

    fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.headers
            .get_all(name)
            .iter()
            .map(|value| value.as_bytes())
    }
}
