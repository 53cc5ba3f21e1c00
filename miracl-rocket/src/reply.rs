//! The engine's answers as Rocket's.

use std::io::Cursor;

use miracl_core::Reply;
use rocket::http::Status;

use crate::handler::Response;

/// Turns an answer of the engine's into a response, for hooks that show one of its pages.
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
