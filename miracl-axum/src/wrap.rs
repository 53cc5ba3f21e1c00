//! The layer around a whole router, in the way that costs a request the least: `Router::layer` puts a layer around each
//! route, which alone costs a request as much as ours does.

use axum::{Router, ServiceExt, extract::Request, routing::IntoMakeService};
use tower::Layer;

use crate::layer::{MiraclLayer, MiraclService};

/// A router with the login around it: what [`MiraclAuth::wrap`](crate::MiraclAuth::wrap) returns.
///
/// It is a service like the router itself. To serve it, hand [`into_make_service`](Self::into_make_service) to `axum::serve`.
pub type MiraclRouter = MiraclService<Router>;

impl MiraclRouter {
    /// Makes it a service for every connection, for `axum::serve`. For more, such as the client's address, `axum::ServiceExt` has
    /// other ways.
    pub fn into_make_service(self) -> IntoMakeService<Self> {
        ServiceExt::<Request>::into_make_service(self)
    }
}

pub(crate) fn wrap(layer: &MiraclLayer, router: Router) -> MiraclRouter {
    // Without this axum would put the routes together anew for each request.
    layer.layer(router.with_state(()))
}
