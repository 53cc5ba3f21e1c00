//! The layer around a whole router, in the way that costs a request the least.
//!
//! `Router::layer` puts a layer around each route, which alone costs a request more than ours does, and a visit in the request's
//! extensions is memory for each request that never asks for it. Here the visit waits on the thread instead: it is put there
//! whenever the router runs, and taken back whenever it pauses. Only what hands a request over to another task loses it: see
//! [`lost`].

use std::{
    cell::RefCell,
    convert::Infallible,
    fmt, mem,
    pin::Pin,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll, ready},
};

use axum::{
    Router, ServiceExt,
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{self, Response},
    routing::{IntoMakeService, future::RouteFuture},
};
use miracl_core::{LazyVisit, Miracl};
use pin_project_lite::pin_project;
use tower::{BoxError, Service};

use crate::{extract::Slot, layer::finish, reply::reply, request::View};

/// Whether there is a router to which [`LOST`] can apply.
static WRAPPED: AtomicBool = AtomicBool::new(false);

/// Whether a request was ever handed over to another task inside: then every visit goes the sure way, in the extensions.
static LOST: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The request that the router on this thread is running for.
    static HERE: RefCell<Option<LazyVisit>> = const { RefCell::new(None) };
}

/// Runs `run` with what this request brings along on the thread, and takes it back afterwards, also from a panic.
fn within<T>(here: &mut Option<LazyVisit>, run: impl FnOnce() -> T) -> T {
    struct Swapped<'a>(&'a mut Option<LazyVisit>);
    impl Swapped<'_> {
        fn swap(&mut self) {
            HERE.with(|here| mem::swap(&mut *here.borrow_mut(), self.0));
        }
    }
    impl Drop for Swapped<'_> {
        fn drop(&mut self) {
            self.swap();
        }
    }
    let mut swapped = Swapped(here);
    swapped.swap();
    run()
}

/// Asks for the visit of the request that this thread is running for.
pub(crate) fn with_slot<T>(ask: impl FnOnce(&LazyVisit) -> T) -> Option<T> {
    HERE.with(|here| here.borrow().as_ref().map(ask))
}

/// Notes that somebody asked for a visit where there is none. Returns whether it may be there the next time: where a router is
/// wrapped, something inside may have handed the request over to another task, and from now on none depends on the thread it is on.
pub(crate) fn lost() -> bool {
    WRAPPED.load(Ordering::Relaxed) && !LOST.swap(true, Ordering::Relaxed)
}

/// A router with the login around it: what [`MiraclAuth::wrap`](crate::MiraclAuth::wrap) returns.
///
/// It is a service like the router itself. To serve it, hand [`into_make_service`](Self::into_make_service) to `axum::serve`.
#[derive(Clone)]
pub struct MiraclRouter {
    miracl: Miracl,
    router: Router,
}

impl MiraclRouter {
    pub(crate) fn new(miracl: Miracl, router: Router) -> Self {
        WRAPPED.store(true, Ordering::Relaxed);
        // Without this axum would put the routes together anew for each request.
        let router = router.with_state(());
        Self { miracl, router }
    }

    /// Makes it a service for every connection, for `axum::serve`. For more, such as the client's address, `axum::ServiceExt` has
    /// other ways.
    pub fn into_make_service(self) -> IntoMakeService<Self> {
        ServiceExt::<Request>::into_make_service(self)
    }
}

impl fmt::Debug for MiraclRouter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MiraclRouter")
            .field("router", &self.router)
            .finish_non_exhaustive()
    }
}

impl<B> Service<http::Request<B>> for MiraclRouter
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = MiraclRouterFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<http::Request<B>>::poll_ready(&mut self.router, cx)
    }

    fn call(&mut self, mut request: http::Request<B>) -> MiraclRouterFuture {
        if let Err(refused) = self.miracl.check_origin(&View::from(&request)) {
            return MiraclRouterFuture {
                state: State::Refused {
                    response: Some(reply(refused)),
                },
            };
        }
        // Within another login's layer, ours has to replace what that one left.
        if LOST.load(Ordering::Relaxed) || request.extensions().get::<Slot>().is_some() {
            let slot = Slot::new(LazyVisit::new(self.miracl.clone()));
            request.extensions_mut().insert(Slot::clone(&slot));
            return MiraclRouterFuture {
                state: State::Sure {
                    future: self.router.call(request),
                    slot,
                },
            };
        }
        let mut here = Some(LazyVisit::new(self.miracl.clone()));
        let future = within(&mut here, || self.router.call(request));
        MiraclRouterFuture {
            state: State::Here { future, here },
        }
    }
}

pin_project! {
    /// The future of [`MiraclRouter`].
    pub struct MiraclRouterFuture {
        #[pin]
        state: State,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State {
        Refused { response: Option<Response<Body>> },
        Sure { #[pin] future: RouteFuture<Infallible>, slot: Slot },
        Here { #[pin] future: RouteFuture<Infallible>, here: Option<LazyVisit> },
    }
}

impl Future for MiraclRouterFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (mut response, slot) = match self.project().state.project() {
            StateProjection::Refused { response } => {
                let response = response.take();
                let response = response.expect("a future is not polled after its end");
                return Poll::Ready(Ok(response));
            }
            StateProjection::Sure { future, slot } => (ready!(future.poll(cx))?, Some(&**slot)),
            StateProjection::Here { future, here } => {
                let response = ready!(within(here, || future.poll(cx)))?;
                (response, here.as_ref())
            }
        };
        if let Some(slot) = slot {
            finish(slot, &mut response);
        }
        Poll::Ready(Ok(response))
    }
}

impl fmt::Debug for MiraclRouterFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MiraclRouterFuture").finish_non_exhaustive()
    }
}
