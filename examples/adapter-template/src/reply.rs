//! The engine's answers as warp's.

use miracl_core::Reply;
use warp::{
    http::{HeaderName, HeaderValue, StatusCode},
    reply::Response,
};

/// Turns an answer of the engine's into a response, for hooks that show one of its pages.
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

/// Says everything to the log where the app forgot the layer. The browser gets warp's 500 for a missing extension.
pub(crate) fn log_missing_layer() {
    tracing::error!(
        "no MIRACL layer around this filter: serve `auth.layer().layer(warp::service(filter))` instead of the filter"
    );
}
