//! Whether an answer is sent. Rocket runs a handler to its end, also where the client has gone away, and drops the
//! answer then without reading its body.

use std::{
    io::{self, SeekFrom},
    pin::Pin,
    task::{Context, Poll},
};

use miracl_core::adapter::Unsent;
use rocket::{
    response::Body,
    tokio::io::{AsyncRead, AsyncSeek, ReadBuf},
};

use crate::reply::Response;

/// Notes that this answer is sent, as soon as its body is read.
pub(crate) fn watched(mut answer: Response, unsent: Unsent) -> Response {
    let body = answer.body_mut().take();
    let (size, chunk) = (body.preset_size(), body.max_chunk_size());
    let watched = Watched {
        body,
        unsent: Some(unsent),
    };
    match size {
        Some(_) => answer.set_sized_body(size, watched),
        None => answer.set_streamed_body(watched),
    }
    answer.set_max_chunk_size(chunk);
    answer
}

struct Watched {
    body: Body<'static>,
    unsent: Option<Unsent>,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        part: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(unsent) = self.unsent.take() {
            unsent.sent();
        }
        Pin::new(&mut self.body).poll_read(cx, part)
    }
}

/// For Rocket's type of a body whose size is known. Its size is set, so nobody seeks.
impl AsyncSeek for Watched {
    fn start_seek(self: Pin<&mut Self>, _: SeekFrom) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn poll_complete(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
    }
}
