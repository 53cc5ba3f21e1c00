//! Which pages may call these endpoints: the platform's own, and those of the origins that the project allows.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{ApiError, is_api};
use crate::shared::Shared;

/// What a page may send.
const METHODS: &str = "GET, POST, PUT";
const HEADERS: &str = "Content-Type, Authorization, X-MIRACL-CID, X-MIRACL-CLIENT, X-MIRACL-DEVICE-NAME, \
                       X-MIRACL-DEVICE-TAG";

/// How long a browser may remember the answer, in seconds.
const MAX_AGE: &str = "600";

/// Answers a preflight (Fetch §4.8), and lets the pages of allowed origins read the answers. A request from any other
/// page has no effect, whether or not its browser asks before it.
pub(crate) async fn cors(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    if !is_api(&parts) {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let Some(origin) = parts.headers.get(header::ORIGIN).cloned() else {
        return next.run(Request::from_parts(parts, body)).await;
    };
    let is_own = is_own(&origin, &parts.headers);
    if !is_own && !is_allowed(&shared, &origin) {
        let mut refusal =
            ApiError::forbidden("this origin is not among those that the project allows");
        refusal = refusal.with("params", "Origin");
        return vary(refusal.into_response());
    }
    let is_preflight = parts.method == Method::OPTIONS
        && parts
            .headers
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if is_preflight {
        let headers = [
            (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
            (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
        ];
        (StatusCode::NO_CONTENT, headers).into_response()
    } else {
        next.run(Request::from_parts(parts, body)).await
    };
    if !is_own {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    vary(response)
}

fn is_own(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    origin.as_bytes().strip_prefix(b"http://") == host && host.is_some()
}

fn is_allowed(shared: &Shared, origin: &HeaderValue) -> bool {
    let project = shared.project();
    let mut allowed = project.allowed_origins.iter();
    allowed.any(|allowed| allowed.as_bytes() == origin.as_bytes())
}

fn vary(mut response: Response) -> Response {
    const VARY: HeaderName = header::VARY;
    response
        .headers_mut()
        .insert(VARY, HeaderValue::from_static("Origin"));
    response
}
