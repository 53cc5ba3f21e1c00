//! The layer around the app: it makes visits possible, and writes what they changed to the response.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode,
        header::{CACHE_CONTROL, CONNECTION, COOKIE, SET_COOKIE},
    },
};
use miracl_core::{Miracl, Outcome, adapter::Refused};
use pin_project_lite::pin_project;
use tower::{BoxError, Layer, Service};

use crate::{
    body::{Kept, Rest, keep, rest},
    refused::answer,
    reply::reply,
    request::View,
    slot::{Slot, leave, missing_routes},
};

/// Wraps a service so that its requests have a [`Visit`](crate::Visit).
///
/// It cannot fail. A request that never asks for its visit costs next to nothing: no cookie is read, and none is set.
/// It is plain tower, and works in front of any service of HTTP requests.
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

impl<S, B, R> Service<Request<B>> for MiraclService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = MiraclFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if let Err(refused) = self.miracl.check_origin(&View::from(&request)) {
            return MiraclFuture {
                state: self.refuse(*refused, request),
            };
        }
        let cookies = request.headers().get_all(COOKIE).iter().cloned();
        let slot = Slot::new(self.miracl.clone(), cookies);
        leave(request.extensions_mut(), &slot);
        // What only reads has no body that is worth keeping, and only that can be a route that is missing.
        let (expected, body) = match *request.method() {
            Method::GET | Method::HEAD => {
                let (method, path) = (request.method().as_str(), request.uri().path());
                (slot.expects_route(method, path), None)
            }
            _ => (false, keep(&mut request)),
        };
        MiraclFuture {
            state: State::Called {
                future: self.inner.call(request),
                slot,
                body,
                expected,
            },
        }
    }
}

impl<S> MiraclService<S> {
    /// Answers a request that another site made a browser send. The app's hook finds a visit, as everywhere.
    #[cold]
    fn refuse<F, B>(&self, refused: Refused, request: Request<B>) -> State<F>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
    {
        let (mut parts, body) = request.into_parts();
        // Not by `get_all`, as in `keeps_own`.
        let cookies = parts.headers.iter().filter(|(name, _)| **name == COOKIE);
        let cookies = cookies.map(|(_, value)| value.clone());
        let slot = Slot::new(self.miracl.clone(), cookies);
        slot.without_changes();
        leave(&mut parts.extensions, &slot);
        let mut response = answer(&parts, refused);
        finish(&slot, false, &mut response);
        State::Refused {
            rest: rest(body, parts.version),
            response: Some(response),
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
        Refused { rest: Option<Rest>, response: Option<Response<Body>> },
        Called { #[pin] future: F, slot: Slot, body: Option<Kept>, expected: bool },
    }
}

impl<F, R, E> Future for MiraclFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, E>;

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
                        response.headers_mut().append(CONNECTION, CLOSE);
                    }
                    return Poll::Ready(Ok(response));
                }
                StateProjection::Called {
                    future,
                    slot,
                    body,
                    expected,
                } => {
                    let mut response = ready!(future.poll(cx))?.map(Body::new);
                    if !finish(slot, *expected, &mut response) {
                        return Poll::Ready(Ok(response));
                    }
                    let Some(body) = body.take() else {
                        return Poll::Ready(Ok(response));
                    };
                    state.set(State::Refused {
                        rest: body.rest(),
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
// Into the one place of each request that matters, although a refused one comes here as well.
#[inline(always)]
fn finish(slot: &Slot, expected: bool, response: &mut Response<Body>) -> bool {
    let outcome = slot.finish();
    if expected && !outcome.answered && response.status() == StatusCode::NOT_FOUND {
        *response = reply(missing_routes().reply());
    }
    if !outcome.no_store {
        return outcome.refused;
    }
    let headers = response.headers_mut();
    // Most responses have few headers, so that a look at each name takes less time than a search.
    let own = headers.keys().any(|name| name == CACHE_CONTROL);
    if !own || !keeps_own(&outcome, headers) {
        headers.insert(CACHE_CONTROL, NO_STORE);
    }
    if outcome.clear_site_data {
        headers.append(CLEAR_SITE_DATA, PREFETCHED);
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

/// Whether the `Cache-Control` that the app has set stays.
#[cold]
fn keeps_own(outcome: &Outcome, headers: &HeaderMap) -> bool {
    // Not by `get_all`, which the compiler then no longer inlines where each request looks for its cookies.
    let own = headers.iter().filter(|(name, _)| **name == CACHE_CONTROL);
    outcome.keeps(own.map(|(_, value)| value.as_bytes()))
}
