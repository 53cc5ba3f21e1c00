//! The engine and the app's hooks, joined: what routes and layers are made of.

use std::{fmt, sync::Arc};

use actix_web::web::ServiceConfig;
use miracl_core::Miracl;

use crate::{
    handler::{AuthHandler, ErasedHandler},
    layer::MiraclLayer,
    require::LoginRequiredLayer,
    routes,
};

/// Login for one app: make it once, at start. Clones are cheap and the same.
///
/// Once means outside of the closure that `HttpServer::new` is given, which runs again for each worker: what one worker knows of
/// ended sessions and used logins, all of them must know.
#[derive(Clone)]
pub struct MiraclAuth {
    pub(crate) miracl: Miracl,
    pub(crate) handler: Arc<dyn ErasedHandler>,
}

impl MiraclAuth {
    /// Joins the engine and the app's hooks.
    pub fn new(miracl: Miracl, handler: impl AuthHandler) -> Self {
        Self {
            miracl,
            handler: Arc::new(handler),
        }
    }

    /// Returns the engine.
    pub fn miracl(&self) -> &Miracl {
        &self.miracl
    }

    /// Returns the routes of the login, for `App::configure` at the root of the app: the callback, the login routes
    /// (`/login/start`, and `/login/initiate` for third parties), log-out (`/logout`), and the page after log-out when it lies on
    /// this site.
    ///
    /// They need [`layer`](Self::layer) around them.
    #[doc(alias = "MiraclAuthRequestHandler")]
    pub fn routes(&self) -> impl FnOnce(&mut ServiceConfig) + use<> {
        routes::routes(self)
    }

    /// Returns the layer that makes [`Visit`](crate::Visit) available, writes its cookies, and refuses unsafe requests from
    /// other sites. It goes around everything, last in the chain of `wrap` calls.
    pub fn layer(&self) -> MiraclLayer {
        MiraclLayer::new(self.miracl.clone())
    }

    /// Returns a layer for routes that need somebody to be logged in, for `wrap` of a route, a resource or a scope.
    ///
    /// Everybody else is sent to log in, or gets a 401 where that makes no sense: see [`Miracl::challenge`].
    pub fn login_required(&self) -> LoginRequiredLayer {
        LoginRequiredLayer::new()
    }
}

impl fmt::Debug for MiraclAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MiraclAuth")
            .field("miracl", &self.miracl)
            .finish_non_exhaustive()
    }
}
