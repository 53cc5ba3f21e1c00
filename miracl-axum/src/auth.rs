//! The engine and the app's hooks, joined: what routes and layers are made of.

use std::{fmt, sync::Arc};

use axum::Router;
use miracl_core::Miracl;

use crate::{
    handler::{AuthHandler, ErasedHandler},
    layer::MiraclLayer,
    require::LoginRequiredLayer,
    routes,
    wrap::{self, MiraclRouter},
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
    /// It is the same layer, around the router as a whole instead of around each of its routes.
    pub fn wrap(&self, router: Router) -> MiraclRouter {
        wrap::wrap(&self.layer(), router)
    }

    /// Returns a layer for routes that need somebody to be logged in, for `Router::route_layer`.
    ///
    /// Everybody else is sent to log in, or gets a 401 where that makes no sense: see [`Miracl::challenge`]. No request
    /// of anybody else comes to the routes, whatever its method. That holds for a CORS preflight as well, which
    /// browsers send without cookies: a layer that answers preflights goes around this one.
    ///
    /// ```
    /// # use axum::{Router, extract::Request, http::{HeaderMap, Method, StatusCode}, middleware::{from_fn, Next}};
    /// # use axum::{response::{IntoResponse, Response}, routing::post};
    /// # use miracl_axum::{MiraclAuth, User};
    /// /// Answers preflights of the one origin that may ask, and lets it read what it asked for.
    /// async fn cors(request: Request, next: Next) -> Response {
    ///     let allow = |response: Response| {
    ///         let headers = [
    ///             ("access-control-allow-origin", "https://admin.example"),
    ///             ("access-control-allow-credentials", "true"),
    ///             ("access-control-allow-methods", "GET, POST"),
    ///             ("vary", "origin"),
    ///         ];
    ///         (headers, response).into_response()
    ///     };
    ///     let headers = request.headers();
    ///     let ours = headers.get("origin").is_some_and(|origin| origin == "https://admin.example");
    ///     let asks = headers.contains_key("access-control-request-method");
    ///     let preflight = asks && request.method() == Method::OPTIONS;
    ///     match (ours, preflight) {
    ///         (true, true) => allow(StatusCode::NO_CONTENT.into_response()),
    ///         (true, false) => allow(next.run(request).await),
    ///         (false, _) => next.run(request).await,
    ///     }
    /// }
    ///
    /// # fn app(auth: MiraclAuth) -> Router {
    /// let api = Router::new()
    ///     .route("/api/things", post(async |user: User| user.id().to_owned()))
    ///     .layer(auth.login_required())
    ///     .layer(from_fn(cors)); // around it
    /// Router::new().merge(api).merge(auth.routes()).layer(auth.layer())
    /// # }
    /// ```
    ///
    /// The other origin belongs into [`Config::trusted_origins`](crate::Config::trusted_origins), or its unsafe
    /// requests are refused.
    ///
    /// It knows its engine. Where the layer of that one is missing, the answer is 500, also within the layer of
    /// another.
    pub fn login_required(&self) -> LoginRequiredLayer {
        LoginRequiredLayer::new(self.miracl.clone())
    }
}

impl fmt::Debug for MiraclAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MiraclAuth")
            .field("miracl", &self.miracl)
            .finish_non_exhaustive()
    }
}
