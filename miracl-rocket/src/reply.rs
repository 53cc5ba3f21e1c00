//! The engine's answers as Rocket's.

use std::io::Cursor;

use miracl_core::Reply;
use rocket::http::Status;

/// Rocket's response, as hooks make it.
pub type Response = rocket::Response<'static>;

/// What hooks return: a response, or a status for a catcher to answer with.
pub type Result<T, E = Status> = std::result::Result<T, E>;

/// Turns an answer of the engine into a response, for hooks that show one of its pages.
///
/// It has the answer's status, headers and body, and no cookies: the fairing writes those.
///
/// ```
/// # use miracl_rocket::{AuthFailure, RequestExt, Response};
/// # use rocket::Request;
/// fn page(req: &Request<'_>, failure: &AuthFailure) -> Response {
///     miracl_rocket::reply(req.visit().failure_reply(failure))
/// }
/// ```
pub fn reply(reply: Reply) -> Response {
    let mut response = Response::build();
    response.status(Status::new(reply.status));
    for (name, value) in reply.headers {
        response.raw_header_adjoin(name, value);
    }
    response
        .sized_body(reply.body.len(), Cursor::new(reply.body))
        .finalize()
}
