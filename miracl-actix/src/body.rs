//! The body of a request that may be refused before anything has read it.

use std::{
    cell::RefCell,
    error::Error,
    fmt,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    HttpMessage as _,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Payload, ServiceRequest},
    error::PayloadError,
    web::Bytes,
};
use futures_util::{StreamExt as _, stream::poll_fn};
use miracl_core::drop_body;

/// Reads and drops what is left of a body. Returns it where there is more: as long as it lives when the answer is sent,
/// actix-web closes the connection after that. Otherwise it would read on, without an end.
pub(crate) type Rest = Pin<Box<dyn Future<Output = Option<Kept>>>>;

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
pub(crate) fn rest(body: Kept) -> Rest {
    Box::pin(async move {
        let mut next = body.parts();
        let ended = drop_body(|cx| next(cx).map(|part| Some(part?.ok()?.len()))).await;
        (!ended).then_some(body)
    })
}

impl Kept {
    /// Keeps it as long as the body of an answer lives.
    pub(crate) fn kept_with(self, answer: BoxBody) -> impl MessageBody {
        KeptWith {
            answer,
            _unread: self,
        }
    }

    /// Its parts, one at each call.
    fn parts(
        &self,
    ) -> impl FnMut(&mut Context<'_>) -> Poll<Option<Result<Bytes, PayloadError>>> + use<> {
        let body = self.clone();
        move |cx| body.0.borrow_mut().poll_next_unpin(cx)
    }
}

/// The body of an answer, together with what is left of the request's.
struct KeptWith {
    answer: BoxBody,
    _unread: Kept,
}

impl MessageBody for KeptWith {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.answer.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.answer).poll_next(cx)
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}
