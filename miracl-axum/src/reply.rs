//! The engine's answers as axum's.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode},
    response::Response,
};
use miracl_core::Reply;

/// Turns an answer of the engine into a response, for hooks that show one of its pages.
///
/// It has the answer's status, headers and body, and no cookies: the layer writes those.
///
/// ```
/// # use axum::{http::request::Parts, response::Response};
/// # use miracl_axum::{AuthFailure, RequestExt};
/// fn page(req: &Parts, failure: &AuthFailure) -> Response {
///     miracl_axum::reply(req.visit().failure_reply(failure))
/// }
/// ```
pub fn reply(reply: Reply) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    let status = StatusCode::from_u16(reply.status);
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        match HeaderValue::try_from(value) {
            Ok(value) => {
                response
                    .headers_mut()
                    .append(HeaderName::from_static(name), value);
            }
            Err(error) => tracing::error!(name, %error, "a header of the answer cannot be sent"),
        }
    }
    response
}
