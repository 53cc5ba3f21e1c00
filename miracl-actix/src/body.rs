//! The body of a request that may be refused before anything has read it.

use std::{cell::RefCell, fmt, pin::Pin, rc::Rc};

use actix_web::{
    HttpMessage as _,
    dev::{Payload, ServiceRequest},
};
use futures_util::{StreamExt as _, stream::poll_fn};
use miracl_core::drop_body;

/// Reads and drops what is left of a body.
pub(crate) type Rest = Pin<Box<dyn Future<Output = ()>>>;

/// A request's body, which the layer has too. Whoever reads first gets a part.
#[derive(Clone)]
pub(crate) struct Kept(Rc<RefCell<Payload>>);

/// Keeps the body of a request, if it has one. An extractor may refuse the request, and leaves the body to others.
pub(crate) fn keep(request: &mut ServiceRequest) -> Option<Kept> {
    let payload = match request.take_payload() {
        Payload::None => return None,
        payload => payload,
    };
    let kept = Kept(Rc::new(RefCell::new(payload)));
    let shared = kept.clone();
    let stream = poll_fn(move |cx| shared.0.borrow_mut().poll_next_unpin(cx));
    request.set_payload(Payload::Stream {
        payload: Box::pin(stream),
    });
    Some(kept)
}

/// Reads and drops what is left of a body.
pub(crate) fn rest(Kept(body): Kept) -> Rest {
    Box::pin(drop_body(move |cx| {
        let part = body.borrow_mut().poll_next_unpin(cx);
        part.map(|part| Some(part?.ok()?.len()))
    }))
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}
