//! The body of a request that may be refused before anything has read it.

use std::{pin::Pin, task::Poll};

use miracl_core::{Route, drop_body};
use rocket::{
    Data,
    data::{ByteUnit, DataStream},
    tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf},
};

/// The most bytes that are read at once.
const PART: usize = 8 * 1024;

/// Opens a body. Those who read it have limits of their own.
pub(crate) fn open(data: Data<'_>) -> DataStream<'_> {
    data.open(ByteUnit::max_value())
}

/// Reads a body as far as the engine looks at one. `None` where it is longer, or breaks off.
pub(crate) async fn read(body: &mut DataStream<'_>) -> Option<Vec<u8>> {
    let mut read = Vec::new();
    let mut most = body.take(Route::MAX_BODY as u64 + 1);
    most.read_to_end(&mut read).await.ok()?;
    Some(read).filter(|read| read.len() <= Route::MAX_BODY)
}

/// Reads and drops what is left of a body.
pub(crate) async fn drop_rest(mut body: DataStream<'_>) {
    drop_body(move |cx| {
        let mut part = [0; PART];
        let mut part = ReadBuf::new(&mut part);
        match Pin::new(&mut body).poll_read(cx, &mut part) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) => Poll::Ready(Some(part.filled().len()).filter(|len| *len > 0)),
            Poll::Ready(Err(_)) => Poll::Ready(None),
        }
    })
    .await;
}
