//! The layer around a whole router. Only axum has this file: its `Router::layer` puts a layer around each route, which
//! alone costs a request as much as our layer does.

use axum::{Router, ServiceExt, extract::Request, routing::IntoMakeService};
use tower::Layer;

use crate::layer::{MiraclLayer, MiraclService};

/// A router with the login around it: what [`MiraclAuth::wrap`](crate::MiraclAuth::wrap) returns.
///
/// It is a service like the router itself. To serve it, hand [`into_make_service`](Self::into_make_service) to
/// `axum::serve`.
pub type MiraclRouter = MiraclService<Router>;

impl MiraclRouter {
    /// Makes it a service for every connection, for `axum::serve`. Where pages need the client's address,
    /// [`axum::ServiceExt`] has another way.
    pub fn into_make_service(self) -> IntoMakeService<Self> {
        ServiceExt::<Request>::into_make_service(self)
    }
}

pub(crate) fn wrap(layer: &MiraclLayer, router: Router) -> MiraclRouter {
    // Without the state axum would put the routes together again for each request.
    layer.layer(router.with_state(()))
}
