//! `MiraclAuth`: the engine and the app's hooks, joined. Routes and layers are made of it.

use std::{fmt, sync::Arc};

use axum::Router;
use miracl_core::{Miracl, app::access::Requirement};

use crate::{
    handler::{AuthHandler, ErasedHandler},
    layer::MiraclLayer,
    refused::Hooks,
    require::LoginRequiredLayer,
    routes,
    wrap::{self, MiraclRouter},
};

/// The login of one app. Make it once, when the app starts. Clones are cheap and share everything.
#[derive(Clone)]
pub struct MiraclAuth {
    miracl: Miracl,
    handler: Arc<dyn ErasedHandler>,
}

impl MiraclAuth {
    /// Joins the engine and the app's hooks.
    ///
    /// # Panics
    ///
    /// When the engine has been joined to other hooks that still exist. Make one `MiraclAuth` when the app starts, and
    /// clone it.
    pub fn new(miracl: Miracl, handler: impl AuthHandler) -> Self {
        let handler = Arc::new(handler);
        let app = Arc::downgrade(&handler);
        let hooks = Hooks::new(move |req, refused| app.upgrade()?.on_refused(req, refused));
        miracl.join(&handler, hooks);
        miracl.observe_by(&handler, |handler, event| async move {
            handler.on_event(event).await
        });
        miracl.change_pages_by(&handler, |handler, page| handler.on_page(page));
        Self { miracl, handler }
    }

    /// Returns the engine.
    pub fn miracl(&self) -> &Miracl {
        &self.miracl
    }

    /// Returns the routes of the login, to merge into the app's router at its root.
    ///
    /// They are the callback at the path of the redirect URI, the start of a login (`/login/start`, and
    /// `/login/initiate` for third parties), log-out (`/logout`, and two routes for the provider), and the page after
    /// log-out when it is on this site. [`Config::paths`](crate::Config::paths) changes the paths, and adds
    /// those routes that an app has only if it says where.
    ///
    /// They need [`layer`](Self::layer) around them. Where they are missing, or nested under a prefix, the answer is
    /// 500 at the callback, at the start of a login and under the prefix, and the log says what to do, because axum
    /// does not tell at the start where a router is nested.
    #[doc(alias = "MiraclAuthRequestHandler")]
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        routes::routes(&self.miracl, &self.handler)
    }

    /// Returns the layer that makes [`Visit`](crate::Visit) available, writes its cookies, and refuses unsafe requests
    /// from other sites. It goes around everything, last in the chain of `layer` calls.
    pub fn layer(&self) -> MiraclLayer {
        MiraclLayer::new(self.miracl.clone())
    }

    /// Puts the login around a whole router. It does the same as [`layer`](Self::layer), and costs each request less.
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
    /// The layer goes around the router as a whole, where `Router::layer` puts one around each of its routes.
    pub fn wrap(&self, router: Router) -> MiraclRouter {
        wrap::wrap(&self.layer(), router)
    }

    /// Returns a layer for routes that need somebody to be logged in, for `Router::route_layer`.
    ///
    /// Everybody who is not logged in is sent to log in, or gets a 401 if a redirect makes no sense: see
    /// [`Miracl::challenge`]. None of their requests reaches the routes, whatever the method. That includes CORS
    /// preflights, which browsers send without cookies: a layer that answers preflights goes around this one.
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
    /// List the other origin in [`Config::trusted_origins`](crate::Config::trusted_origins), or the layer refuses its
    /// unsafe requests.
    ///
    /// The layer belongs to this login. Where this login's [`layer`](Self::layer) is missing, the answer is 500, also
    /// inside another login's.
    pub fn login_required(&self) -> LoginRequiredLayer {
        LoginRequiredLayer::new(self.miracl.clone(), true)
    }

    /// Returns a layer as [`login_required`](Self::login_required) does, for routes with a requirement: a
    /// [`Requirement`](crate::access::Requirement), or the type of a [`Policy`](crate::access::Policy).
    ///
    /// ```
    /// # use axum::{Router, routing::get};
    /// # use miracl_axum::MiraclAuth;
    /// use miracl_axum::access::Requirement;
    ///
    /// # fn app(auth: MiraclAuth) -> Router {
    /// let admin = Requirement::claim("roles").contains("admin");
    /// let accounts = Router::new()
    ///     .route("/accounts", get(async || "for admins"))
    ///     .route_layer(auth.require(admin));
    /// Router::new().merge(accounts).merge(auth.routes()).layer(auth.layer())
    /// # }
    /// ```
    pub fn require(&self, requirement: impl Into<Requirement>) -> LoginRequiredLayer {
        LoginRequiredLayer::new(self.miracl.clone(), true).with(requirement.into())
    }

    /// Returns a layer for routes that are called with a project JWT. The JWT has to be valid and
    /// to meet the requirement, which is written as for [`require`](Self::require): for every valid JWT it is
    /// `Requirement::logged_in()`.
    ///
    /// Nobody is sent to log in: everybody else gets the answer of
    /// [`Visit::authorized_project_user`](miracl_core::Visit::authorized_project_user). No session is read. The JWT is
    /// used once for each request, also where a handler has the extractor
    /// [`ProjectUser`](crate::ProjectUser) as well. CORS preflights have no JWT,
    /// so that they are refused, too.
    ///
    /// ```
    /// # use axum::{Router, routing::get};
    /// # use miracl_axum::{MiraclAuth, ProjectUser};
    /// use miracl_axum::access::Requirement;
    ///
    /// # fn app(auth: MiraclAuth) -> Router {
    /// let seller = Requirement::claim("roles").contains("seller");
    /// let api = Router::new()
    ///     .route("/api/orders", get(async |user: ProjectUser| user.id().to_owned()))
    ///     .route_layer(auth.require_project_user(seller));
    /// Router::new().merge(api).merge(auth.routes()).layer(auth.layer())
    /// # }
    /// ```
    pub fn require_project_user(&self, requirement: impl Into<Requirement>) -> LoginRequiredLayer {
        self.require(requirement).by_project_jwt()
    }

    /// Returns a layer as [`login_required`](Self::login_required) does, behind which a request does not count as
    /// activity of the person: it does not move the session's idle deadline. Use it for routes that a page polls, which
    /// would otherwise keep everybody logged in for ever.
    /// [`Visit::without_activity`](miracl_core::Visit::without_activity) does it for one request.
    pub fn login_required_without_activity(&self) -> LoginRequiredLayer {
        LoginRequiredLayer::new(self.miracl.clone(), false)
    }
}

/// The engine, for what takes any login, such as the test kit.
impl AsRef<Miracl> for MiraclAuth {
    fn as_ref(&self) -> &Miracl {
        &self.miracl
    }
}

impl fmt::Debug for MiraclAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MiraclAuth")
            .field("miracl", &self.miracl)
            .finish_non_exhaustive()
    }
}
