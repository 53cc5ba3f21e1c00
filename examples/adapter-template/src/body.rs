//! The body of a request that may be refused before anything has read it.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use futures_util::Stream;
use http_body::{Body, Frame, SizeHint};
use miracl_core::drop_body;
use warp::{Buf, http::Version};

/// Reads and drops what is left of a body. The answer that follows may have to close the connection.
pub(crate) type Rest = Pin<Box<dyn Future<Output = Option<Close>> + Send>>;

/// The connection must be closed: its body was not read to the end.
pub(crate) struct Close;

/// A request's body, which the layer has too: a filter may refuse the request, and leaves the body to others. Whoever
/// reads first gets a part.
pub struct Kept<B>(Arc<Mutex<Pin<Box<B>>>>);

impl<B: Body> Kept<B> {
    pub(crate) fn new(body: B) -> Self {
        Self(Arc::new(Mutex::new(Box::pin(body))))
    }
}

/// Reads and drops what is left of a body, if it has any.
pub(crate) fn rest<B: Body + Send + 'static>(body: B, version: Version) -> Option<Rest> {
    if body.is_end_stream() {
        return None;
    }
    let mut body = Box::pin(body);
    Some(Box::pin(async move {
        let ended = drop_body(|cx| {
            body.as_mut().poll_frame(cx).map(|part| {
                let data = part?.ok()?.into_data();
                Some(data.map_or(0, |data| data.remaining()))
            })
        });
        // Other versions have no such header, and no need of it.
        (!ended.await && version < Version::HTTP_2).then_some(Close)
    }))
}

/// The parts of a body as warp hands them out, one at each call.
pub(crate) fn parts_of(
    body: impl Stream<Item = Result<impl Buf, warp::Error>> + Send,
) -> impl FnMut(&mut Context<'_>) -> Poll<Option<Result<Vec<u8>, warp::Error>>> + Send {
    let mut body = Box::pin(body);
    move |cx| {
        let part = body.as_mut().poll_next(cx);
        part.map_ok(|mut part| {
            let mut copied = vec![0; part.remaining()];
            part.copy_to_slice(&mut copied);
            copied
        })
    }
}

impl<B: Body> Body for Kept<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        body.as_mut().poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        let body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        body.size_hint()
    }
}

impl<B> Clone for Kept<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B> fmt::Debug for Kept<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}
