//! Where the layer leaves a request's visit, and how everything inside the layer finds it.

use axum::http::{Extensions, HeaderValue};
use miracl_core::{LazyVisit, Miracl, NoVisit};

use crate::request::View;

/// A request's visit, made when it is first asked for. It lies in the request's extensions, and nowhere else.
pub(crate) type Slot = LazyVisit<HeaderValue>;

/// Leaves the slot in a request. What another layer has left there stays to be found behind it.
pub(crate) fn leave(extensions: &mut Extensions, slot: &Slot) {
    if let Some(outer) = extensions.insert(slot.clone()) {
        extensions.insert(slot.clone().within(outer));
    }
}

/// Turns to the visit of this engine, for everything further in.
pub(crate) fn turn_to(extensions: &mut Extensions, miracl: &Miracl) -> Result<(), Missing> {
    let slot = extensions.get_mut::<Slot>().ok_or_else(missing_layer)?;
    slot.turn_to(miracl)?;
    Ok(())
}

/// Finds a request's visit.
pub(crate) fn visit(view: &View<'_>) -> Result<miracl_core::Visit, Missing> {
    let slot = view.extensions().get::<Slot>().ok_or_else(missing_layer)?;
    Ok(slot.visit(view)?)
}

/// Returns who is logged in, where that needs no waiting. `None` says to ask the visit.
pub(crate) fn user_at_once(view: &View<'_>) -> Option<Option<miracl_core::User>> {
    view.extensions().get::<Slot>()?.user_at_once(view)
}

/// What is missing where a request has no visit.
pub(crate) enum Missing {
    /// The layer around the route.
    Layer,
    /// The visit of this engine, or of this request.
    Visit(NoVisit),
}

impl From<NoVisit> for Missing {
    fn from(no_visit: NoVisit) -> Self {
        Self::Visit(no_visit)
    }
}

/// The app forgot the layer: the log is told how to add it, and the browser nothing.
fn missing_layer() -> Missing {
    tracing::error!(
        "no MIRACL layer around this route: add `.layer(auth.layer())` to the router, after its routes, \
         or `auth.wrap(router)` around it"
    );
    Missing::Layer
}
