//! The layer around the app: it makes visits possible, and writes what they changed to the response.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http_body::Body;
use miracl_core::{Miracl, Outcome};
use pin_project_lite::pin_project;
use tower::{Layer, Service};
use warp::{
    http::{
        HeaderName, HeaderValue, Request, StatusCode,
        header::{CACHE_CONTROL, CONNECTION, Entry, SET_COOKIE},
    },
    reply::Response,
};

use crate::{
    body::{Kept, Rest, rest},
    refused::answer,
    reply::reply,
    request::View,
    slot::{Slot, missing_routes},
};

/// Wraps a service so that its requests have a [`Visit`](crate::Visit).
///
/// It cannot fail. A request that never asks for its visit costs next to nothing: no cookie is read, and none is set.
/// It is plain tower, and goes around [`warp::service`].
#[derive(Clone)]
pub struct MiraclLayer {
    miracl: Miracl,
}

impl MiraclLayer {
    pub(crate) fn new(miracl: Miracl) -> Self {
        Self { miracl }
    }
}

impl<S> Layer<S> for MiraclLayer {
    type Service = MiraclService<S>;

    fn layer(&self, inner: S) -> MiraclService<S> {
        MiraclService {
            miracl: self.miracl.clone(),
            inner,
        }
    }
}

impl fmt::Debug for MiraclLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MiraclLayer").finish_non_exhaustive()
    }
}

/// The service that [`MiraclLayer`] makes.
#[derive(Clone)]
pub struct MiraclService<S> {
    miracl: Miracl,
    inner: S,
}

impl<S: fmt::Debug> fmt::Debug for MiraclService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MiraclService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<S, B> Service<Request<B>> for MiraclService<S>
where
    S: Service<Request<Kept<B>>, Response = Response>,
    B: Body + Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = MiraclFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let version = request.version();
        if let Err(refused) = self.miracl.check_origin(&View::from(&request)) {
            let (head, body) = request.into_parts();
            // The app's hook finds a visit, as everywhere.
            let slot = Slot::new(self.miracl.clone(), head);
            slot.without_changes();
            let mut response = answer(&slot.request(), *refused);
            finish(&slot, &mut response);
            return MiraclFuture {
                state: State::Refused {
                    rest: rest(body, version),
                    response: Some(response),
                },
            };
        }
        let (mut head, body) = request.into_parts();
        let slot = Slot::new(self.miracl.clone(), head.clone());
        head.extensions.insert(slot.clone());
        let body = Kept::new(body);
        // Only for a request that is refused.
        let unread = rest(body.clone(), version);
        MiraclFuture {
            state: State::Called {
                future: self.inner.call(Request::from_parts(head, body)),
                slot,
                unread,
            },
        }
    }
}

pin_project! {
    /// The future of [`MiraclService`].
    pub struct MiraclFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Refused { rest: Option<Rest>, response: Option<Response> },
        Called { #[pin] future: F, slot: Slot, unread: Option<Rest> },
    }
}

impl<F, E> Future for MiraclFuture<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProjection::Refused { rest, response } => {
                    let close = match rest {
                        Some(rest) => ready!(rest.as_mut().poll(cx)),
                        None => None,
                    };
                    let mut response = response
                        .take()
                        .expect("a future is not polled after its end");
                    if close.is_some() {
                        response.headers_mut().insert(CONNECTION, CLOSE);
                    }
                    return Poll::Ready(Ok(response));
                }
                StateProjection::Called {
                    future,
                    slot,
                    unread,
                } => {
                    let mut response = ready!(future.poll(cx))?;
                    if let Some(refused) = slot.refused() {
                        // Another filter's answer was not meant for somebody who is not logged in.
                        response = refused;
                    }
                    let refused = finish(slot, &mut response);
                    let Some(rest) = unread.take().filter(|_| refused) else {
                        return Poll::Ready(Ok(response));
                    };
                    state.set(State::Refused {
                        rest: Some(rest),
                        response: Some(response),
                    });
                }
            }
        }
    }
}

impl<F> fmt::Debug for MiraclFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MiraclFuture").finish_non_exhaustive()
    }
}

const CLOSE: HeaderValue = HeaderValue::from_static("close");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");
const PREFETCHED: HeaderValue = HeaderValue::from_static(Outcome::CLEAR_SITE_DATA);

/// Writes what a visit changed to its response. Returns whether the request was refused.
fn finish(slot: &Slot, response: &mut Response) -> bool {
    let outcome = slot.finish();
    if response.status() == StatusCode::NOT_FOUND && !outcome.answered && slot.expects_route() {
        *response = reply(missing_routes().reply());
    }
    let headers = response.headers_mut();
    if outcome.no_store {
        match headers.entry(CACHE_CONTROL) {
            Entry::Vacant(vacant) => {
                vacant.insert(NO_STORE);
            }
            Entry::Occupied(mut own) => {
                if !outcome.keeps(own.iter().map(HeaderValue::as_bytes)) {
                    own.insert(NO_STORE);
                }
            }
        }
        if outcome.clear_site_data {
            headers.append(CLEAR_SITE_DATA, PREFETCHED);
        }
    }
    for cookie in outcome.set_cookies {
        match HeaderValue::try_from(cookie) {
            Ok(cookie) => {
                headers.append(SET_COOKIE, cookie);
            }
            Err(error) => tracing::error!(%error, "a cookie cannot be sent"),
        }
    }
    outcome.refused
}
