//! The engine's answers as warp's.

use miracl_core::Reply;
use warp::{
    http::{HeaderName, HeaderValue, StatusCode},
    reply::Response,
};

/// Turns an answer of the engine into a response, for hooks that show one of its pages.
///
/// It has the answer's status, headers and body, and no cookies: the layer writes those.
///
/// ```
/// # use miracl_warp::{AuthFailure, RequestExt};
/// # use warp::{http::request::Parts, reply::Response};
/// fn page(req: &Parts, failure: &AuthFailure) -> Response {
///     miracl_warp::reply(req.visit().failure_reply(failure))
/// }
/// ```
pub fn reply(reply: Reply) -> Response {
    let mut response = Response::new(reply.body.into());
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
