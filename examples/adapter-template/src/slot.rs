//! Where the layer leaves a request's visit, and how everything inside the layer finds it.

use std::task::Poll;

use std::sync::{Arc, OnceLock};

use miracl_core::{LazyVisit, Miracl, NoVisit, Outcome, Refusal, app::access::Requirement};
use warp::{
    Filter, Rejection,
    http::{HeaderMap, HeaderValue, header::COOKIE, request::Parts},
    reply::Response,
};

use crate::{refused::answer, request::View};

/// A request's visit, made when it is first asked for. It lies in the request's extensions, and nowhere else.
///
/// Filters see a request in pieces only, so its head is here as well.
#[derive(Clone)]
pub(crate) struct Slot(Arc<Inner>);

struct Inner {
    visit: LazyVisit<HeaderValue>,
    head: Parts,
    refused: OnceLock<Refusal>,
}

impl Slot {
    /// Makes one for a request. What another layer has left there stays to be found behind it.
    pub(crate) fn new(miracl: Miracl, head: Parts) -> Self {
        let cookies = head.headers.get_all(COOKIE).iter().cloned();
        let visit = LazyVisit::new(miracl, cookies);
        let visit = match head.extensions.get::<Self>() {
            Some(outer) => visit.within(outer.0.visit.clone()),
            None => visit,
        };
        Self::of(visit, head)
    }

    fn of(visit: LazyVisit<HeaderValue>, head: Parts) -> Self {
        Self(Arc::new(Inner {
            visit,
            head,
            refused: OnceLock::new(),
        }))
    }

    /// The slot with the visit of this engine, also where another's layer lies in between.
    pub(crate) fn turned_to(&self, miracl: &Miracl) -> Result<Self, NoVisit> {
        let mut visit = self.0.visit.clone();
        Ok(match visit.turn_to(miracl)? {
            true => Self::of(visit, self.0.head.clone()),
            false => self.clone(),
        })
    }

    /// Checks that the slot is of this engine.
    pub(crate) fn check(&self, miracl: &Miracl) -> Result<(), NoVisit> {
        self.0.visit.check(miracl)
    }

    /// Makes the request one that is no activity of the person.
    pub(crate) fn without_activity(&self) {
        self.0.visit.without_activity();
    }

    /// Makes the request one that changes nothing.
    pub(crate) fn without_changes(&self) {
        self.0.visit.without_changes();
    }

    /// Finds the request's visit, by the headers of the request that asks.
    pub(crate) fn visit(&self, headers: &HeaderMap) -> Result<miracl_core::Visit, NoVisit> {
        self.0.visit.visit(&self.view(headers))
    }

    /// Returns who is logged in, where that needs no waiting. [`Poll::Pending`] says to ask the visit.
    pub(crate) fn user_at_once(&self, headers: &HeaderMap) -> Poll<Option<miracl_core::User>> {
        self.0.visit.user_at_once(&self.view(headers))
    }

    /// Returns who is logged in and meets a requirement, where that needs no waiting. `None` says to ask the visit.
    pub(crate) fn authorized_at_once(
        &self,
        requirement: &Requirement,
        headers: &HeaderMap,
    ) -> Option<miracl_core::User> {
        let visit = &self.0.visit;
        visit.authorized_at_once(requirement, &self.view(headers))
    }

    /// The request as the layer saw it, with the headers of the request that asks.
    pub(crate) fn view<'a>(&'a self, headers: &'a HeaderMap) -> View<'a> {
        View::new(&self.0.head, headers)
    }

    /// The head of the request, for hooks: they find the visit in its extensions.
    pub(crate) fn request(&self) -> Parts {
        let mut head = self.0.head.clone();
        head.extensions.insert(self.clone());
        head
    }

    /// What the visit changes about the response, if anything asked for it.
    pub(crate) fn finish(&self) -> Outcome {
        self.0.visit.finish()
    }

    /// Whether a 404 for the request is a mistake of the app.
    pub(crate) fn expects_route(&self) -> bool {
        let Parts { method, uri, .. } = &self.0.head;
        self.0.visit.expects_route(method.as_str(), uri.path())
    }

    /// Turns the request away. The layer sends the answer, whatever filters make of the rejection. A rejection of a
    /// type of our own would be an error in warp's log.
    pub(crate) fn refuse(&self, refusal: impl Into<Refusal>) -> Rejection {
        self.0.refused.get_or_init(|| refusal.into());
        warp::reject::not_found()
    }

    /// The answer to a request that a filter turned away, if one did.
    pub(crate) fn refused(&self) -> Option<Response> {
        let refused = self.0.refused.get()?.refused(&View::from(&self.0.head));
        Some(answer(&self.request(), refused))
    }
}

/// Extracts the slot, and the headers of the request, by which it is told from another that has the same extensions.
/// Without the layer the answer is 500.
pub(crate) fn asked() -> impl Filter<Extract = (Slot, HeaderMap), Error = Rejection> + Clone {
    let slot = warp::ext::get::<Slot>().or_else(|missing| async {
        missing_layer();
        Err(missing)
    });
    slot.and(warp::header::headers_cloned())
}

/// The app forgot the routes, or put them behind a path: the log is told where they belong, and the browser nothing.
pub(crate) fn missing_routes() -> NoVisit {
    NoVisit::missing_routes(
        "the routes of the login are not where browsers look for them: join `.or(auth.routes())` to the app's filters \
         at their root, not behind a path",
    )
}

/// The app forgot the layer: the log is told how to add it. The browser gets warp's 500 for a missing extension.
fn missing_layer() -> NoVisit {
    NoVisit::missing_layer(
        "no MIRACL layer around this filter: serve `auth.layer().layer(warp::service(filter))` instead of the filter",
    )
}
