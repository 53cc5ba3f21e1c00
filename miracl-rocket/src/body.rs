//! The body of a request that may be refused before anything has read it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use miracl_core::drop_body;
use rocket::{
    Data, Response,
    data::{ByteUnit, DataStream},
    tokio::io::{AsyncRead, ReadBuf},
};

/// The most bytes that are read at once.
const PART: usize = 8 * 1024;

/// Opens a body. Those who read it have limits of their own.
pub(crate) fn open(data: Data<'_>) -> DataStream<'_> {
    data.open(ByteUnit::max_value())
}

/// The parts of a body, one at each call.
pub(crate) fn parts_of<'a>(
    body: &'a mut DataStream<'_>,
) -> impl FnMut(&mut Context<'_>) -> Poll<Option<io::Result<Vec<u8>>>> + Send + 'a {
    move |cx| {
        let mut part = vec![0; PART];
        let mut read = ReadBuf::new(&mut part);
        ready!(Pin::new(&mut *body).poll_read(cx, &mut read))?;
        let length = read.filled().len();
        part.truncate(length);
        Poll::Ready(Some(Ok(part)).filter(|_| length > 0))
    }
}

/// Reads and drops what is left of a body. Returns whether it came to the end: if not, the answer must
/// [close](closing) the connection.
pub(crate) async fn drop_rest(mut body: DataStream<'_>) -> bool {
    let mut next = parts_of(&mut body);
    drop_body(move |cx| next(cx).map(|part| Some(part?.ok()?.len()))).await
}

/// Closes the connection after this answer, unless the body was read to its end.
pub(crate) fn closing(mut answer: Response<'_>, ended: bool) -> Response<'_> {
    if !ended {
        // hyper leaves it out in HTTP/2, which has no such header and no need of it.
        answer.set_raw_header("Connection", "close");
    }
    answer
}
