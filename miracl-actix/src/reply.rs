//! The engine's answers as actix-web's.

use actix_web::{
    HttpResponse as Response,
    body::BoxBody,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
};
use miracl_core::Reply;

/// Turns an answer of the engine into a response, for hooks that show one of its pages.
///
/// It has the answer's status, headers and body, and no cookies: the layer writes those.
///
/// ```
/// # use actix_web::{HttpRequest, HttpResponse};
/// # use miracl_actix::{AuthFailure, RequestExt};
/// fn page(req: &HttpRequest, failure: &AuthFailure) -> HttpResponse {
///     miracl_actix::reply(req.visit().failure_reply(failure))
/// }
/// ```
pub fn reply(reply: Reply) -> Response {
    let status = StatusCode::from_u16(reply.status);
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::with_body(status, BoxBody::new(reply.body));
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
