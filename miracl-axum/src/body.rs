//! The body of a request that may be refused before anything has read it.

use std::{
    any::Any,
    fmt, mem,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use axum::body::{Body, Bytes, HttpBody};
use miracl_core::drop_body;

/// Reads and drops what is left of a body.
pub(crate) type Rest = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A request's body, which the layer has too. Whoever reads first gets a part.
#[derive(Clone)]
pub(crate) struct Kept(Arc<Mutex<Body>>);

/// Keeps the body of a request, if it has one. axum's extractors of the head of a request may refuse it, and do not see
/// its body.
pub(crate) fn keep<B: HttpBody + 'static>(body: &mut B) -> Option<Kept> {
    if body.is_end_stream() {
        return None;
    }
    // The type of a body that axum serves, whoever made it.
    let body = (body as &mut dyn Any).downcast_mut::<Body>()?;
    let kept = Kept(Arc::new(Mutex::new(mem::take(body))));
    *body = Body::new(kept.clone());
    Some(kept)
}

/// Reads and drops what is left of a body, if it has any.
pub(crate) fn rest<B: HttpBody<Data = Bytes> + Send + 'static>(body: B) -> Option<Rest> {
    if body.is_end_stream() {
        return None;
    }
    let mut body = Box::pin(body);
    Some(Box::pin(drop_body(move |cx| {
        body.as_mut().poll_frame(cx).map(|part| {
            let data = part?.ok()?.into_data();
            Some(data.map_or(0, |data| data.len()))
        })
    })))
}

impl HttpBody for Kept {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        let mut body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Pin::new(&mut *body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        let body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        let body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        body.size_hint()
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}
