//! The body of a request that may be refused before anything has read it.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use http_body::{Body, Frame, SizeHint};
use miracl_core::drop_body;
use warp::Buf as _;

/// Reads and drops what is left of a body.
pub(crate) type Rest = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A request's body, which the layer has too: a filter may refuse the request, and leaves the body to others. Whoever
/// reads first gets a part.
pub struct Kept<B>(Arc<Mutex<Pin<Box<B>>>>);

impl<B: Body> Kept<B> {
    pub(crate) fn new(body: B) -> Self {
        Self(Arc::new(Mutex::new(Box::pin(body))))
    }
}

/// Reads and drops what is left of a body, if it has any.
pub(crate) fn rest<B: Body + Send + 'static>(body: B) -> Option<Rest> {
    if body.is_end_stream() {
        return None;
    }
    let mut body = Box::pin(body);
    Some(Box::pin(drop_body(move |cx| {
        body.as_mut().poll_frame(cx).map(|part| {
            let data = part?.ok()?.into_data();
            Some(data.map_or(0, |data| data.remaining()))
        })
    })))
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
