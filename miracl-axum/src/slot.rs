//! Where the layer leaves a request's visit, and how everything inside the layer finds it.

use std::task::Poll;

use axum::http::{Extensions, HeaderValue};
use miracl_core::{LazyVisit, Miracl, NoVisit, app::access::Requirement};

use crate::request::View;

/// A request's visit, made when it is first asked for. It lies in the request's extensions, and nowhere else.
pub(crate) type Slot = LazyVisit<HeaderValue>;

/// What the log is told where the app forgot the layer.
const MISSING_LAYER: &str = "no MIRACL layer around this route: add `.layer(auth.layer())` to the router, after its \
    routes, or `auth.wrap(router)` around it";

/// What the log is told where the routes of the login are not at the paths that its URLs have.
const MISSING_ROUTES: &str = "the routes of the login are not where browsers look for them: add \
    `.merge(auth.routes())` to the router at its root, not nested under a prefix";

/// Leaves the slot in a request. What another layer has left there stays to be found behind it.
// Into the one place of each request that matters, although a refused one comes here as well.
#[inline(always)]
pub(crate) fn leave(extensions: &mut Extensions, slot: &Slot) {
    if let Some(outer) = extensions.insert(slot.clone()) {
        extensions.insert(slot.clone().within(outer));
    }
}

/// Turns to the visit of this engine, for everything further in.
pub(crate) fn turn_to(extensions: &mut Extensions, miracl: &Miracl) -> Result<(), NoVisit> {
    let slot = extensions.get_mut::<Slot>().ok_or_else(missing_layer)?;
    slot.turn_to(miracl)?;
    Ok(())
}

/// Makes the request one that is no activity of the person.
pub(crate) fn without_activity(extensions: &Extensions) {
    if let Some(slot) = extensions.get::<Slot>() {
        slot.without_activity();
    }
}

/// Finds a request's visit.
pub(crate) fn visit(view: &View<'_>) -> Result<miracl_core::Visit, NoVisit> {
    let slot = view.extensions().get::<Slot>().ok_or_else(missing_layer)?;
    slot.visit(view)
}

/// Returns who is logged in, where that needs no waiting. [`Poll::Pending`] says to ask the visit.
pub(crate) fn user_at_once(view: &View<'_>) -> Poll<Option<miracl_core::User>> {
    let slot = view.extensions().get::<Slot>();
    slot.map_or(Poll::Pending, |slot| slot.user_at_once(view))
}

/// Returns who is logged in and meets a requirement, where that needs no waiting. `None` says to ask the visit.
pub(crate) fn authorized_at_once(
    view: &View<'_>,
    requirement: &Requirement,
) -> Option<miracl_core::User> {
    let slot = view.extensions().get::<Slot>()?;
    slot.authorized_at_once(requirement, view)
}

/// The app forgot the routes, or nested them: the log is told where they belong, and the browser nothing.
pub(crate) fn missing_routes() -> NoVisit {
    NoVisit::missing_routes(MISSING_ROUTES)
}

/// The app forgot the layer: the log is told how to add it, and the browser nothing.
fn missing_layer() -> NoVisit {
    NoVisit::missing_layer(MISSING_LAYER)
}
