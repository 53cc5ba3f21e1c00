//! `MiraclAuth`: the engine and the app's hooks, joined. Routes and layers are made of it.

use std::{fmt, sync::Arc};

use actix_web::web::ServiceConfig;
use miracl_core::{Miracl, app::access::Requirement};

use crate::{
    handler::{AuthHandler, ErasedHandler},
    layer::MiraclLayer,
    refused::Hooks,
    require::LoginRequiredLayer,
    routes,
};

/// The login of one app. Make it once, when the app starts. Clones are cheap and share everything.
///
/// Make it outside of the closure for `HttpServer::new`, which runs again for each worker: all workers must share what
/// they know about ended sessions and used logins.
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

    /// Returns the routes of the login, for `App::configure` at the root of the app.
    ///
    /// They are the callback at the path of the redirect URI, the start of a login (`/login/start`, and
    /// `/login/initiate` for third parties), log-out (`/logout`, and two routes for the provider), and the page after
    /// log-out when it is on this site. [`Config::paths`](crate::Config::paths) changes the paths, and adds
    /// those routes that an app has only if it says where.
    ///
    /// They need [`layer`](Self::layer) around them. Where they are missing, the answer is 500 at the callback and at
    /// the start of a login, and the log says what to do.
    ///
    /// # Panics
    ///
    /// When the app starts, and they are in a scope with a path: no browser would find them there.
    #[doc(alias = "MiraclAuthRequestHandler")]
    pub fn routes(&self) -> impl FnOnce(&mut ServiceConfig) + use<> {
        routes::routes(&self.miracl, &self.handler)
    }

    /// Returns the layer that makes [`Visit`](crate::Visit) available, writes its cookies, and refuses unsafe requests
    /// from other sites. It goes around everything, last in the chain of `wrap` calls.
    pub fn layer(&self) -> MiraclLayer {
        MiraclLayer::new(self.miracl.clone())
    }

    /// Returns a layer for routes that need somebody to be logged in, for `wrap` of a route, a resource or a scope.
    ///
    /// Everybody who is not logged in is sent to log in, or gets a 401 if a redirect makes no sense: see
    /// [`Miracl::challenge`]. None of their requests reaches the routes, whatever the method. That includes CORS
    /// preflights, which browsers send without cookies: a middleware that answers preflights goes around this one.
    ///
    /// ```
    /// # use actix_web::{Error, HttpResponse, body::BoxBody, dev::{ServiceRequest, ServiceResponse}, http::Method};
    /// # use actix_web::{http::header::{HeaderName, HeaderValue}, middleware::{Next, from_fn}, web};
    /// # use miracl_actix::{MiraclAuth, User};
    /// /// Answers preflights of the one origin that may ask, and lets it read what it asked for.
    /// async fn cors(request: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse, Error> {
    ///     let has = |name| request.headers().contains_key(name);
    ///     let ours = request.headers().get("origin").is_some_and(|origin| origin == "https://admin.example");
    ///     let preflight = request.method() == Method::OPTIONS && has("access-control-request-method");
    ///     if !ours {
    ///         return next.call(request).await;
    ///     }
    ///     let mut response = match preflight {
    ///         true => request.into_response(HttpResponse::NoContent().finish()),
    ///         false => next.call(request).await?,
    ///     };
    ///     for (name, value) in [
    ///         ("access-control-allow-origin", "https://admin.example"),
    ///         ("access-control-allow-credentials", "true"),
    ///         ("access-control-allow-methods", "GET, POST"),
    ///         ("vary", "origin"),
    ///     ] {
    ///         let (name, value) = (HeaderName::from_static(name), HeaderValue::from_static(value));
    ///         response.headers_mut().insert(name, value);
    ///     }
    ///     Ok(response)
    /// }
    ///
    /// # fn configure(app: &mut web::ServiceConfig, auth: &MiraclAuth) {
    /// let api = web::scope("/api")
    ///     .route("/things", web::post().to(async |user: User| user.id().to_owned()))
    ///     .wrap(auth.login_required())
    ///     .wrap(from_fn(cors)); // around it
    /// # app.service(api);
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
    /// # use actix_web::web;
    /// # use miracl_actix::MiraclAuth;
    /// use miracl_actix::access::Requirement;
    ///
    /// # fn configure(app: &mut web::ServiceConfig, auth: &MiraclAuth) {
    /// let admin = Requirement::claim("roles").contains("admin");
    /// let accounts = web::resource("/accounts")
    ///     .wrap(auth.require(admin))
    ///     .route(web::get().to(async || "for admins"));
    /// app.service(accounts);
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
    /// # use actix_web::web;
    /// # use miracl_actix::{MiraclAuth, ProjectUser};
    /// use miracl_actix::access::Requirement;
    ///
    /// # fn configure(app: &mut web::ServiceConfig, auth: &MiraclAuth) {
    /// let seller = Requirement::claim("roles").contains("seller");
    /// let api = web::scope("/api")
    ///     .wrap(auth.require_project_user(seller))
    ///     .route("/orders", web::get().to(async |user: ProjectUser| user.id().to_owned()));
    /// app.service(api);
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
