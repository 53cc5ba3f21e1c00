//! Where the fairing leaves the engine and a request's visit, and how everything in the app finds them.

use std::{
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    task::Poll,
};

use miracl_core::{
    LazyVisit, Miracl, NoVisit, Refusal, RequestView as _, adapter::Refused,
    app::access::Requirement,
};
use rocket::{Ignite, Request, Rocket, http::Method};

use crate::request::View;

/// The engine, where the fairing put it for everything to find. It lies in the app's managed state: an app has one
/// login.
pub(crate) struct Attached(pub(crate) Miracl);

/// A request's visit, made when it is first asked for, and what the fairing, the routes and the catcher tell each
/// other. It lies in the request's local cache, and nowhere else.
#[derive(Default)]
pub(crate) struct Slot {
    visit: OnceLock<LazyVisit<Vec<u8>>>,
    refused: Mutex<Option<Refusal>>,
    elsewhere: Mutex<Option<Refused>>,
    method: OnceLock<Method>,
    target: OnceLock<String>,
    left_body: OnceLock<()>,
}

impl Slot {
    pub(crate) fn of<'r>(request: &'r Request<'_>) -> &'r Self {
        request.local_cache(Self::default)
    }

    /// The visit of the request that asks first.
    pub(crate) fn lazy(&self, request: &Request<'_>) -> &LazyVisit<Vec<u8>> {
        let make = || {
            let view = self.view(request);
            let cookies = view.cookie_headers().map(<[u8]>::to_vec);
            LazyVisit::new(miracl(request).clone(), cookies)
        };
        self.visit.get_or_init(make)
    }

    /// The visit, if anything asked for it.
    pub(crate) fn made(&self) -> Option<&LazyVisit<Vec<u8>>> {
        self.visit.get()
    }

    /// Whether a 404 for this request is a mistake of the app.
    pub(crate) fn expects_route(&self, request: &Request<'_>) -> bool {
        let path = request.uri().path().as_str();
        let lazy = self.lazy(request);
        lazy.expects_route(self.view(request).method(), path)
    }

    /// Notes the method that the browser used.
    pub(crate) fn asked_by(&self, method: Method) {
        self.method.get_or_init(|| method);
    }

    /// Notes the path and query that the browser asked for.
    pub(crate) fn asked_for(&self, target: String) {
        self.target.get_or_init(|| target);
    }

    /// The request with the method and the address that the browser used, where Rocket shows others.
    pub(crate) fn view<'a, 'r>(&'a self, request: &'a Request<'r>) -> View<'a, 'r> {
        let method = self.method.get().copied();
        self.view_as(request, method.unwrap_or_else(|| request.method()))
    }

    /// The request with this method, and the address that the browser used.
    pub(crate) fn view_as<'a, 'r>(
        &'a self,
        request: &'a Request<'r>,
        method: Method,
    ) -> View<'a, 'r> {
        View::new(request, method, self.target.get().map(String::as_str))
    }

    /// Notes the answer to a request that another site made a browser send.
    pub(crate) fn comes_from_elsewhere(&self, refused: Refused) {
        *self
            .elsewhere
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(refused);
    }

    /// Takes the answer to a request that another site made a browser send.
    pub(crate) fn elsewhere(&self) -> Option<Refused> {
        let mut elsewhere = self
            .elsewhere
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        elsewhere.take()
    }

    /// Notes that the body of a request that was turned away was not read to its end.
    pub(crate) fn leaves_body(&self) {
        self.left_body.get_or_init(|| ());
    }

    /// Whether the body of a request that was turned away was not read to its end.
    pub(crate) fn left_body(&self) -> bool {
        self.left_body.get().is_some()
    }

    /// Notes why a request is turned away. The last reason counts: an optional guard notes one, too, and the request
    /// goes on.
    pub(crate) fn refuse(&self, refusal: impl Into<Refusal>) -> Refusal {
        let refusal = refusal.into();
        *self.lock() = Some(refusal.clone());
        refusal
    }

    fn lock(&self) -> MutexGuard<'_, Option<Refusal>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the request was turned away, if it was.
    pub(crate) fn refused(&self) -> Option<Refusal> {
        self.lock().clone()
    }
}

/// The app forgot the routes: the log is told where they belong, and the browser nothing.
pub(crate) fn missing_routes() -> NoVisit {
    NoVisit::missing_routes(
        "the routes of the login are not where browsers look for them: add `.mount(\"/\", auth.routes())` where the \
         app is built",
    )
}

/// Finds a request's visit.
pub(crate) fn visit(request: &Request<'_>) -> Result<miracl_core::Visit, NoVisit> {
    let slot = Slot::of(request);
    slot.lazy(request).visit(&slot.view(request))
}

/// Returns who is logged in, where that needs no waiting. [`Poll::Pending`] says to ask the visit.
pub(crate) fn user_at_once(request: &Request<'_>) -> Poll<Option<miracl_core::User>> {
    let slot = Slot::of(request);
    slot.lazy(request).user_at_once(&slot.view(request))
}

/// Returns who is logged in and meets a requirement, where that needs no waiting. `None` says to ask the visit.
pub(crate) fn authorized_at_once(
    request: &Request<'_>,
    requirement: &Requirement,
) -> Option<miracl_core::User> {
    let slot = Slot::of(request);
    let lazy = slot.lazy(request);
    lazy.authorized_at_once(requirement, &slot.view(request))
}

/// The engine of the app that a request came to.
pub(crate) fn miracl<'r>(request: &'r Request<'_>) -> &'r Miracl {
    let attached = request.rocket().state::<Attached>();
    &attached
        .expect("`.attach(auth.fairing())` is part of every app that asks for a visit")
        .0
}

/// Whether the app forgot the fairing. It does not launch then, and the log is told how to add it.
pub(crate) fn missing_fairing(rocket: &Rocket<Ignite>) -> bool {
    let missing = rocket.state::<Attached>().is_none();
    if missing {
        tracing::error!(
            "no MIRACL fairing in this app: add `.attach(auth.fairing())` where it is built"
        );
    }
    missing
}
