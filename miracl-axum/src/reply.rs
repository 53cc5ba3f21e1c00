//! The engine's answers as axum's.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use miracl_core::Reply;

/// Turns an answer of the engine's into a response, for hooks that show one of its pages.
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

/// The answer where the app forgot the layer: it says nothing to the browser and everything to the log.
pub(crate) fn missing_layer() -> Response {
    tracing::error!(
        "no MIRACL layer around this route: add `.layer(auth.layer())` to the router, after its routes, or `auth.wrap(router)` around it"
    );
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
