//! The endpoints that MIRACL's own clients speak: M-Pin, its registrations, signatures, and the back-end API.
//!
//! Requests and answers are JSON. An error is `{"error": code, "info": text, "context": {..} or null}` with a status
//! between 400 and 499. A cookie counts only where an app's login methods tie a
//! session to the browser that began it.
//!
//! | file | endpoints |
//! |---|---|
//! | `project` | `/.well-known/project-configuration`, `/.well-known/jwks`, `/dvs/jwks` |
//! | `session` | `POST /authorize`, `/rps/v2/session`, `/rps/v2/access`, `/rps/v2/codeStatus`, `/pushauth` |
//! | `verification` | `/verification`, `/verification/email`, `/verification/confirmation`, `/activate/initiate` |
//! | `quick_code` | `/verification/quickcode` |
//! | `registration` | `/registration` and the shares |
//! | `old_registration` | `/rps/v2/user`, `/rps/v2/signature/{mpinId}`, and the second share |
//! | `login` | `/rps/v2/pass1`, `/rps/v2/pass2`, `/rps/v2/authenticate` |
//! | `signature` | `/dvs/verify` |
//! | `backend` | audit log and revocation |
//!
//! `error`, `fields`, `caller` and `cors` are what they are made of: errors, bodies, who calls, and from which page.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{Router, get, post, put};
use serde_json::Value;

use crate::shared::Shared;

mod backend;
mod caller;
pub(crate) mod cors;
mod error;
mod fields;
mod login;
mod old_registration;
mod project;
mod quick_code;
mod registration;
mod session;
mod signature;
pub(crate) mod verification;

pub(crate) use error::ApiError;

/// What an endpoint answers.
type Reply = Result<Response, ApiError>;

/// The routes.
pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route(
            "/.well-known/project-configuration",
            get(project::configuration),
        )
        .route("/.well-known/jwks", get(project::login_keys))
        .route("/dvs/jwks", get(project::signature_keys))
        .route("/rps/v2/session", post(session::begin))
        .route("/rps/v2/access", post(session::access))
        .route("/rps/v2/codeStatus", post(session::code_status))
        .route("/pushauth", post(session::push))
        .route("/verification", post(verification::begin))
        .route("/verification/email", post(verification::email))
        .route("/verification/quickcode", post(quick_code::make))
        .route("/activate/initiate", post(verification::initiate))
        .route("/registration", post(registration::register))
        .route(
            "/rps/v2/share",
            get(registration::share).post(registration::share_of_node),
        )
        .route("/rps/v2/user", put(old_registration::register))
        .route(
            "/rps/v2/signature/{mpin_id}",
            get(old_registration::first_share),
        )
        .route("/rps/v2/cs2", get(old_registration::second_share))
        .route("/rps/v2/pass1", post(login::pass1))
        .route("/rps/v2/pass2", post(login::pass2))
        .route("/rps/v2/authenticate", post(login::authenticate))
        .route("/dvs/verify", post(signature::verify))
        .route("/api/v1/projects/{project_id}/audit", get(backend::audit))
        .route(
            "/api/v1/projects/{project_id}/mpinids/{mpin_id}/revocation",
            post(backend::revoke),
        )
}

pub(crate) use session::authorize;

/// Whether a request is for one of these endpoints, existing or not.
pub(crate) fn is_api(parts: &Parts) -> bool {
    let path = parts.uri.path();
    let below = ["/rps/v2/", "/dvs/", "/api/v1/"];
    match path {
        "/authorize" => matches!(parts.method, Method::POST | Method::OPTIONS),
        // A link in a message leads to a page.
        "/verification/confirmation" => parts.method != Method::GET,
        "/.well-known/project-configuration" | "/.well-known/jwks" => true,
        "/pushauth" | "/registration" | "/activate/initiate" | "/verification" => true,
        _ => {
            path.starts_with("/verification/") || below.iter().any(|start| path.starts_with(start))
        }
    }
}

/// Answers with JSON. Clients take nothing but 200 for success.
fn reply(value: &Value) -> Response {
    json(StatusCode::OK, value)
}

fn json(status: StatusCode, value: &Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let headers: [(HeaderName, HeaderValue); 3] =
        headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    let mut response = (status, value.to_string()).into_response();
    response.headers_mut().extend(headers);
    response
}
