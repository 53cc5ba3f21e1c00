//! Where the layer leaves a request's visit, and how everything inside the layer finds it.

use std::task::Poll;

use actix_web::{HttpMessage, HttpRequest, dev::ServiceRequest, http::header::HeaderValue};
use miracl_core::{LazyVisit, Miracl, NoVisit, app::access::Requirement};

use crate::request::View;

/// A request's visit, made when it is first asked for. It lies in the request's extensions, and nowhere else.
pub(crate) type Slot = LazyVisit<HeaderValue>;

/// What the log is told where the app forgot the layer.
const MISSING_LAYER: &str = "no MIRACL layer around this route: add `.wrap(auth.layer())` to the app, after its other \
    middleware";

/// What the log is told where the routes of the login are not at the paths that its URLs have.
const MISSING_ROUTES: &str = "the routes of the login are not where browsers look for them: add \
    `.configure(auth.routes())` to the app itself, not to a scope with a path";

/// Leaves the slot in a request. What another layer has left there stays to be found behind it, and is returned.
// Into the one place of each request that matters, although a refused one comes here as well.
#[inline(always)]
pub(crate) fn leave(request: &ServiceRequest, slot: &Slot) -> Option<Slot> {
    let mut extensions = request.extensions_mut();
    let outer = extensions.insert(slot.clone())?;
    extensions.insert(slot.clone().within(outer.clone()));
    Some(outer)
}

/// Turns to the visit of this engine, for everything further in. Returns what to [`turn_back`] to afterwards, if that
/// was another's.
pub(crate) fn turn_to(req: &HttpRequest, miracl: &Miracl) -> Result<Option<Slot>, NoVisit> {
    let mut extensions = req.extensions_mut();
    let slot = extensions.get_mut::<Slot>().ok_or_else(missing_layer)?;
    let before = slot.clone();
    Ok(slot.turn_to(miracl)?.then_some(before))
}

/// Turns back to the visit from before: a request has the same extensions on its way out.
pub(crate) fn turn_back(req: &HttpRequest, before: Option<Slot>) {
    if let Some(before) = before {
        req.extensions_mut().insert(before);
    }
}

/// Makes the request one that is no activity of the person.
pub(crate) fn without_activity(req: &HttpRequest) {
    if let Some(slot) = req.extensions().get::<Slot>() {
        slot.without_activity();
    }
}

/// Finds a request's visit.
pub(crate) fn visit(req: &HttpRequest) -> Result<miracl_core::Visit, NoVisit> {
    let extensions = req.extensions();
    let slot = extensions.get::<Slot>().ok_or_else(missing_layer)?;
    slot.visit(&View::from(req))
}

/// Returns who is logged in, where that needs no waiting. [`Poll::Pending`] says to ask the visit.
pub(crate) fn user_at_once(req: &HttpRequest) -> Poll<Option<miracl_core::User>> {
    let extensions = req.extensions();
    let slot = extensions.get::<Slot>();
    slot.map_or(Poll::Pending, |slot| slot.user_at_once(&View::from(req)))
}

/// Returns who is logged in and meets a requirement, where that needs no waiting. `None` says to ask the visit.
pub(crate) fn authorized_at_once(
    req: &HttpRequest,
    requirement: &Requirement,
) -> Option<miracl_core::User> {
    let extensions = req.extensions();
    let slot = extensions.get::<Slot>()?;
    slot.authorized_at_once(requirement, &View::from(req))
}

/// The app forgot the routes: the log is told where they belong, and the browser nothing.
pub(crate) fn missing_routes() -> NoVisit {
    NoVisit::missing_routes(MISSING_ROUTES)
}

/// The app forgot the layer: the log is told how to add it, and the browser nothing.
fn missing_layer() -> NoVisit {
    NoVisit::missing_layer(MISSING_LAYER)
}
