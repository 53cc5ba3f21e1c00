//! The layer around the app: it makes visits possible, and writes what they changed to the response.

use std::{
    fmt,
    future::{Ready, ready},
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_web::{
    Error, HttpRequest,
    body::{BoxBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse, Transform},
    http::{
        StatusCode,
        header::{CACHE_CONTROL, COOKIE, HeaderMap, HeaderName, HeaderValue, SET_COOKIE},
    },
};
use miracl_core::{Miracl, Outcome, adapter::Refused};
use pin_project_lite::pin_project;

use crate::{
    body::{Kept, Rest, keep, rest},
    refused::answer,
    reply::reply,
    request::View,
    slot::{Slot, leave, missing_routes, turn_back},
};

/// Wraps an app so that its requests have a [`Visit`](crate::Visit).
///
/// It cannot fail. A request that never asks for its visit costs next to nothing: no cookie is read, and none is set.
#[derive(Clone)]
pub struct MiraclLayer {
    miracl: Miracl,
}

impl MiraclLayer {
    pub(crate) fn new(miracl: Miracl) -> Self {
        Self { miracl }
    }
}

impl<S, B> Transform<S, ServiceRequest> for MiraclLayer
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Transform = MiraclService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(MiraclService {
            miracl: self.miracl.clone(),
            inner,
        }))
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

impl<S, B> Service<ServiceRequest> for MiraclService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Future = MiraclFuture<S::Future>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        if let Err(refused) = self.miracl.check_origin(&View::from(&request)) {
            return MiraclFuture {
                state: self.refuse(*refused, request),
            };
        }
        let cookies = request.headers().get_all(COOKIE).cloned();
        let slot = Slot::new(self.miracl.clone(), cookies);
        let outer = leave(&request, &slot);
        let body = keep(&mut request);
        MiraclFuture {
            state: State::Called {
                future: self.inner.call(request),
                slot,
                outer,
                body,
            },
        }
    }
}

impl<S> MiraclService<S> {
    /// Answers a request that another site made a browser send. The app's hook finds a visit, as everywhere.
    #[cold]
    fn refuse<F>(&self, refused: Refused, mut request: ServiceRequest) -> State<F> {
        let cookies = request.headers().iter().filter(|(name, _)| *name == COOKIE);
        let cookies: Vec<_> = cookies.map(|(_, value)| value.clone()).collect();
        let slot = Slot::new(self.miracl.clone(), cookies);
        slot.without_changes();
        let outer = leave(&request, &slot);
        let body = keep(&mut request);
        let answer = answer(request.request(), refused);
        let mut response = Ok(request.into_response(answer));
        finish(&slot, &mut response);
        if let Ok(response) = &response {
            turn_back(response.request(), outer);
        }
        State::Refused {
            rest: body.map(rest),
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
        Refused { rest: Option<Rest>, response: Option<Result<ServiceResponse, Error>> },
        Called { #[pin] future: F, slot: Slot, outer: Option<Slot>, body: Option<Kept> },
    }
}

impl<F, B> Future for MiraclFuture<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody + 'static,
{
    type Output = Result<ServiceResponse, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProjection::Refused { rest, response } => {
                    let more = match rest {
                        Some(rest) => ready!(rest.as_mut().poll(cx)),
                        None => None,
                    };
                    let response = response
                        .take()
                        .expect("a future is not polled after its end");
                    let Some(more) = more else {
                        return Poll::Ready(response);
                    };
                    let kept = |response: ServiceResponse| {
                        response.map_body(|_, body| BoxBody::new(more.kept_with(body)))
                    };
                    return Poll::Ready(response.map(kept));
                }
                StateProjection::Called {
                    future,
                    slot,
                    outer,
                    body,
                } => {
                    let mut result =
                        ready!(future.poll(cx)).map(ServiceResponse::map_into_boxed_body);
                    let refused = finish(slot, &mut result);
                    if let Ok(response) = &result {
                        turn_back(response.request(), outer.take());
                    }
                    let Some(body) = body.take().filter(|_| refused) else {
                        return Poll::Ready(result);
                    };
                    state.set(State::Refused {
                        rest: Some(rest(body)),
                        response: Some(result),
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

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");
const PREFETCHED: HeaderValue = HeaderValue::from_static(Outcome::CLEAR_SITE_DATA);

/// Writes what a visit changed to its response, or to the one that an error of another middleware becomes. Returns
/// whether the request was refused.
// Into the one place of each request that matters, although a refused one comes here as well.
#[inline(always)]
fn finish(slot: &Slot, result: &mut Result<ServiceResponse, Error>) -> bool {
    let outcome = slot.finish();
    let refused = outcome.refused;
    match result {
        Ok(response) => {
            if response.status() == StatusCode::NOT_FOUND
                && !outcome.answered
                && expects_route(slot, response.request())
            {
                *response.response_mut() = reply(missing_routes().reply());
            }
            write(&outcome, response.headers_mut());
        }
        Err(error) => error.add_response_mapper(move |mut response| {
            write(&outcome, response.headers_mut());
            response
        }),
    }
    refused
}

fn expects_route(slot: &Slot, req: &HttpRequest) -> bool {
    slot.expects_route(req.method().as_str(), req.path())
}

fn write(outcome: &Outcome, headers: &mut HeaderMap) {
    if !outcome.no_store {
        return;
    }
    if !headers.contains_key(CACHE_CONTROL) || !keeps_own(outcome, headers) {
        headers.insert(CACHE_CONTROL, NO_STORE);
    }
    if outcome.clear_site_data {
        headers.append(CLEAR_SITE_DATA, PREFETCHED);
    }
    for cookie in &outcome.set_cookies {
        match HeaderValue::try_from(cookie) {
            Ok(cookie) => headers.append(SET_COOKIE, cookie),
            Err(error) => tracing::error!(%error, "a cookie cannot be sent"),
        }
    }
}

/// Whether the `Cache-Control` that the app has set stays.
#[cold]
fn keeps_own(outcome: &Outcome, headers: &HeaderMap) -> bool {
    let own = headers.get_all(CACHE_CONTROL);
    outcome.keeps(own.map(HeaderValue::as_bytes))
}
