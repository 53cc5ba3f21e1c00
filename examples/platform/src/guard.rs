//! The checks that every request must pass before it is answered.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use url::{Host, Url};

use crate::api;
use crate::params::Params;
use crate::record::RecordedRequest;
use crate::shared::Shared;

/// The largest body that is read, in bytes. Nothing here needs more than a few hundred.
const MAX_BODY: usize = 64 * 1024;

/// Records the request, checks it, and passes it on.
pub(crate) async fn guard(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        if api::is_api(&parts) {
            return api::ApiError::too_large().into_response();
        }
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large.");
    };
    let is_form = header_text(&parts, header::CONTENT_TYPE.as_str())
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let form = if is_form {
        Params::of_form(&body)
    } else {
        Params::default()
    };
    shared.recorder.add(RecordedRequest::new(&parts, form));

    if !is_local(&parts) {
        return refuse(
            StatusCode::MISDIRECTED_REQUEST,
            "The platform answers to loopback names only.",
        );
    }
    if is_speculative(&parts) {
        return refuse(
            StatusCode::SERVICE_UNAVAILABLE,
            "Nothing here is fetched in advance.",
        );
    }
    if has_session(parts.uri.path()) && is_cross_origin(&parts) {
        return refuse(
            StatusCode::FORBIDDEN,
            "This form was sent from another site.",
        );
    }
    next.run(Request::from_parts(parts, Body::from(body))).await
}

/// Whether the request names a loopback host, so that no foreign name that resolves to this machine (DNS rebinding)
/// reaches the pages.
fn is_local(parts: &Parts) -> bool {
    let Some(host) = header_text(parts, header::HOST.as_str()) else {
        return false;
    };
    let url = Url::parse(&format!("http://{host}/"));
    match url.as_ref().ok().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Whether nobody has asked for the page yet: a `HEAD` or a prefetch must not use up a link or log anyone out.
fn is_speculative(parts: &Parts) -> bool {
    let path = parts.uri.path();
    if !(path.starts_with("/login/")
        || [
            "/authorize",
            "/sign",
            "/verification/confirmation",
            "/oidc/logout",
        ]
        .contains(&path))
    {
        return false;
    }
    parts.method == Method::HEAD
        || header_text(parts, "sec-purpose").is_some_and(|value| value.contains("prefetch"))
}

/// Whether forms at `path` act for the person whom the browser's cookie names.
fn has_session(path: &str) -> bool {
    path.starts_with("/login/") || path.starts_with("/portal")
}

/// Whether another site sent this form. A program that is not a browser sends neither header.
fn is_cross_origin(parts: &Parts) -> bool {
    if parts.method.is_safe() {
        return false;
    }
    match header_text(parts, "sec-fetch-site") {
        Some(site) => !matches!(site, "same-origin" | "none"),
        None => match (header_text(parts, "origin"), header_text(parts, "host")) {
            (Some(origin), Some(host)) => origin.strip_prefix("http://") != Some(host),
            (Some(_), None) => true,
            (None, _) => false,
        },
    }
}

fn header_text<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.headers.get(name)?.to_str().ok()
}

fn refuse(status: StatusCode, reason: &'static str) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], reason).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(method: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = axum::http::Request::builder()
            .method(method)
            .uri("/login/x/finish");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn only_loopback_names_are_answered() {
        for host in [
            "127.0.0.1:5050",
            "localhost:5050",
            "localhost",
            "[::1]:5050",
        ] {
            assert!(is_local(&parts("GET", &[("host", host)])), "{host}");
        }
        for host in [
            "",
            "example.com",
            "192.168.0.1:5050",
            "localhost.example.com",
            "127.0.0.1@example.com",
        ] {
            assert!(!is_local(&parts("GET", &[("host", host)])), "{host}");
        }
        assert!(!is_local(&parts("GET", &[])));
    }

    #[test]
    fn forms_of_other_sites_are_refused() {
        let own = ("host", "127.0.0.1:5050");
        for headers in [
            [own, ("sec-fetch-site", "cross-site")],
            [own, ("sec-fetch-site", "same-site")],
            [own, ("origin", "http://127.0.0.1:5000")],
            [own, ("origin", "null")],
        ] {
            assert!(is_cross_origin(&parts("POST", &headers)), "{headers:?}");
            assert!(!is_cross_origin(&parts("GET", &headers)), "{headers:?}");
        }
        for headers in [
            [own, ("sec-fetch-site", "same-origin")],
            [own, ("origin", "http://127.0.0.1:5050")],
            [own, ("accept", "*/*")],
        ] {
            assert!(!is_cross_origin(&parts("POST", &headers)), "{headers:?}");
        }
    }

    #[test]
    fn head_and_prefetch_do_not_reach_what_has_an_effect() {
        assert!(is_speculative(&parts("HEAD", &[])));
        assert!(is_speculative(&parts(
            "GET",
            &[("sec-purpose", "prefetch;prerender")]
        )));
        assert!(!is_speculative(&parts("GET", &[])));
        let mut harmless = parts("HEAD", &[]);
        harmless.uri = "/inbox".parse().unwrap();
        assert!(!is_speculative(&harmless));
    }
}
