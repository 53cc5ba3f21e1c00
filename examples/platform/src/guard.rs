//! The checks that every request must pass before it is answered.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::api;
use crate::params::Params;
use crate::record::RecordedRequest;
use crate::shared::Shared;
use crate::visitor::Visitor;

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

    let Some(visitor) = Visitor::of(&parts, shared.config.allow_network) else {
        return refuse(
            StatusCode::MISDIRECTED_REQUEST,
            "The platform answers to loopback names only.",
        );
    };
    if !visitor.is_here && is_for_this_machine(parts.uri.path()) {
        let reason = "This is for programs and browsers on the platform's own machine.";
        return match api::is_api(&parts) {
            true => api::ApiError::forbidden(reason).into_response(),
            false => refuse(StatusCode::FORBIDDEN, reason),
        };
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
    let mut request = Request::from_parts(parts, Body::from(body));
    request.extensions_mut().insert(visitor);
    visitor.scope(next.run(request)).await
}

/// Whether what is at `path` shows or changes what belongs to everybody, and so is for this machine alone: the portal,
/// the inbox, and what programs use with an app's secret or a service account's token.
fn is_for_this_machine(path: &str) -> bool {
    let is_below = |start: &str| {
        let rest = path.strip_prefix(start);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    ["/portal", "/inbox", "/api", "/activate", "/dvs/verify"]
        .into_iter()
        .any(is_below)
        // What is below is for the person who registers.
        || path == "/verification"
}

/// Whether nobody has asked for the page yet: a `HEAD` or a prefetch must not use up a link or log anyone out.
fn is_speculative(parts: &Parts) -> bool {
    let path = parts.uri.path();
    if !(path.starts_with("/login/")
        || path.starts_with("/portal/accounts/")
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
    fn only_this_machine_gets_what_belongs_to_everybody() {
        for path in [
            "/portal",
            "/portal/apps/a",
            "/inbox",
            "/api/v1/projects/p/audit",
            "/activate/initiate",
            "/dvs/verify",
            "/verification",
        ] {
            assert!(is_for_this_machine(path), "{path}");
        }
        for path in [
            "/",
            "/authorize",
            "/verification/email",
            "/dvs/jwks",
            "/portal.js",
            "/login/x",
            "/oidc/token",
        ] {
            assert!(!is_for_this_machine(path), "{path}");
        }
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
