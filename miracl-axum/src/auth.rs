//! The engine and the app's hooks, joined: what routes and layers are made of.

use std::{fmt, sync::Arc};

use axum::Router;
use miracl_core::Miracl;

use crate::{
    handler::{AuthHandler, ErasedHandler},
    layer::MiraclLayer,
    require::LoginRequiredLayer,
    routes,
    wrap::MiraclRouter,
};

/// Login for one app: make it once, at start. Clones are cheap and the same.
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

    /// Returns the routes of the login, to be merged into the app's router at its root: the callback, the login routes
    /// (`/login/start`, and `/login/initiate` for third parties), log-out (`/logout`), and the page after log-out when it lies on
    /// this site.
    ///
    /// They need [`layer`](Self::layer) around them.
    #[doc(alias = "MiraclAuthRequestHandler")]
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        routes::routes(self)
    }

    /// Returns the layer that makes [`Visit`](crate::Visit) available, writes its cookies, and refuses unsafe requests from
    /// other sites. It goes around everything, last in the chain of `layer` calls.
    pub fn layer(&self) -> MiraclLayer {
        MiraclLayer::new(self.miracl.clone())
    }

    /// Puts the login around a whole router, in place of [`layer`](Self::layer) and in the way that costs a request the least.
    ///
    /// ```no_run
    /// # use axum::Router;
    /// # use miracl_axum::MiraclAuth;
    /// # async fn serve(auth: MiraclAuth, listener: tokio::net::TcpListener) -> std::io::Result<()> {
    /// let app = Router::new().merge(auth.routes());
    /// axum::serve(listener, auth.wrap(app).into_make_service()).await
    /// # }
    /// ```
    ///
    /// What hands requests over to other tasks, as tower's `Buffer` does or a middleware that spawns, belongs around the result and not
    /// into the router: a visit that is asked for beyond it is not found. The first such request is answered with a 503, which
    /// the log explains, and from then on all visits take the way of [`layer`](Self::layer), which nothing loses.
    pub fn wrap(&self, router: Router) -> MiraclRouter {
        MiraclRouter::new(self.miracl.clone(), router)
    }

    /// Returns a layer for routes that need somebody to be logged in, for `Router::route_layer`.
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
