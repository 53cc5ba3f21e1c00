//! The body of a request that may be refused before anything has read it.

use std::{
    any::Any,
    fmt, mem,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{Request, Version},
};
use miracl_core::drop_body;

/// Reads and drops what is left of a body. The answer that follows may have to close the connection.
pub(crate) type Rest = Pin<Box<dyn Future<Output = Option<Close>> + Send>>;

/// The connection must be closed: its body was not read to the end.
pub(crate) struct Close;

/// A request's body, which the layer has too. Whoever reads first gets a part.
#[derive(Clone)]
pub(crate) struct Kept {
    body: Arc<Mutex<Body>>,
    version: Version,
}

/// Keeps the body of a request, if it has one. axum's extractors of the head of a request may refuse it, and do not see
/// its body.
pub(crate) fn keep<B: HttpBody + 'static>(request: &mut Request<B>) -> Option<Kept> {
    let version = request.version();
    let body = request.body_mut();
    if body.is_end_stream() {
        return None;
    }
    // The type of a body that axum serves, whoever made it.
    let body = (body as &mut dyn Any).downcast_mut::<Body>()?;
    let kept = Kept {
        body: Arc::new(Mutex::new(mem::take(body))),
        version,
    };
    *body = Body::new(kept.clone());
    Some(kept)
}

/// Reads and drops what is left of a body, if it has any.
pub(crate) fn rest<B>(body: B, version: Version) -> Option<Rest>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
{
    if body.is_end_stream() {
        return None;
    }
    let mut next = parts_of(body);
    Some(Box::pin(async move {
        let ended = drop_body(|cx| next(cx).map(|part| Some(part?.ok()?.len())));
        // Other versions have no such header, and no need of it.
        (!ended.await && version < Version::HTTP_2).then_some(Close)
    }))
}

/// The parts of a body, one at each call.
pub(crate) fn parts_of<B>(
    body: B,
) -> impl FnMut(&mut Context<'_>) -> Poll<Option<Result<Bytes, B::Error>>> + Send
where
    B: HttpBody<Data = Bytes> + Send + 'static,
{
    let mut body = Box::pin(body);
    move |cx| {
        let part = body.as_mut().poll_frame(cx);
        part.map_ok(|part| part.into_data().unwrap_or_default())
    }
}

impl Kept {
    /// Reads and drops what is left of it.
    pub(crate) fn rest(self) -> Option<Rest> {
        let version = self.version;
        rest(self, version)
    }
}

impl HttpBody for Kept {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        let mut body = self.body.lock().unwrap_or_else(PoisonError::into_inner);
        Pin::new(&mut *body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        let body = self.body.lock().unwrap_or_else(PoisonError::into_inner);
        body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        let body = self.body.lock().unwrap_or_else(PoisonError::into_inner);
        body.size_hint()
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}
