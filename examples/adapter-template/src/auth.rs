//! `MiraclAuth`: the engine and the app's hooks, joined. Routes and layers are made of it.

use std::{fmt, sync::Arc};

use miracl_core::{Miracl, app::access::Requirement};
use warp::{Filter, Rejection, filters::BoxedFilter, reply::Response};

use crate::{
    handler::{AuthHandler, ErasedHandler},
    layer::MiraclLayer,
    refused::Hooks,
    require, routes,
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

    /// Returns the routes of the login, to join to the app's filters by `or`, at their root.
    ///
    /// They are the callback at the path of the redirect URI, the start of a login (`/login/start`, and
    /// `/login/initiate` for third parties), log-out (`/logout`, and two routes for the provider), and the page after
    /// log-out when it is on this site. [`Config::paths`](crate::Config::paths) changes the paths, and adds
    /// those routes that an app has only if it says where.
    ///
    /// They need [`layer`](Self::layer) around them. Where they are missing, or behind a path, the answer is 500 at the
    /// callback and at the start of a login, and the log says what to do.
    #[doc(alias = "MiraclAuthRequestHandler")]
    pub fn routes(&self) -> BoxedFilter<(Response,)> {
        routes::routes(&self.miracl, &self.handler)
    }

    /// Returns the layer that makes [`Visit`](crate::Visit) available, writes its cookies, and refuses unsafe requests
    /// from other sites. It goes around the whole app: `auth.layer().layer(warp::service(filter))`.
    pub fn layer(&self) -> MiraclLayer {
        MiraclLayer::new(self.miracl.clone())
    }

    /// Returns a filter for routes that need somebody to be logged in, to stand behind the path: it extracts nothing.
    ///
    /// Everybody who is not logged in is sent to log in, or gets a 401 if a redirect makes no sense: see
    /// [`Miracl::challenge`]. None of their requests reaches the filters behind it, whatever the method. That includes
    /// CORS preflights, which browsers send without cookies: a filter that answers preflights stands before this one,
    /// or goes around it as `warp::cors` does.
    ///
    /// ```
    /// # use warp::{Filter, Reply, filters::BoxedFilter};
    /// # use miracl_warp::MiraclAuth;
    /// # fn api(auth: &MiraclAuth) -> BoxedFilter<(impl Reply + use<>,)> {
    /// let cors = warp::cors()
    ///     .allow_origin("https://admin.example")
    ///     .allow_credentials(true)
    ///     .allow_methods(["GET", "POST"]);
    /// warp::path("api")
    ///     .and(auth.login_required())
    ///     .and(warp::path!("things"))
    ///     .map(|| "for members")
    ///     .with(cors) // around it
    /// #   .boxed()
    /// # }
    /// ```
    ///
    /// List the other origin in [`Config::trusted_origins`](crate::Config::trusted_origins), or the layer refuses its
    /// unsafe requests.
    ///
    /// The filter belongs to this login. Where this login's layer is missing, or another's lies in between, the answer
    /// is 500.
    pub fn login_required(&self) -> impl Filter<Extract = (), Error = Rejection> + Clone + use<> {
        require::login_required(&self.miracl, true, None)
    }

    /// Returns a filter as [`login_required`](Self::login_required) does, for routes with a requirement: a
    /// [`Requirement`](crate::access::Requirement), or the type of a [`Policy`](crate::access::Policy).
    ///
    /// ```
    /// # use warp::{Filter, Reply, filters::BoxedFilter};
    /// # use miracl_warp::MiraclAuth;
    /// use miracl_warp::access::Requirement;
    ///
    /// # fn accounts(auth: &MiraclAuth) -> BoxedFilter<(impl Reply + use<>,)> {
    /// let admin = Requirement::claim("roles").contains("admin");
    /// warp::path!("accounts").and(auth.require(admin)).map(|| "for admins")
    /// #   .boxed()
    /// # }
    /// ```
    pub fn require<R: Into<Requirement>>(
        &self,
        requirement: R,
    ) -> impl Filter<Extract = (), Error = Rejection> + Clone + use<R> {
        require::login_required(&self.miracl, true, Some(requirement.into()))
    }

    /// Returns a filter for routes that are called with a project JWT. The JWT has to be valid and
    /// to meet the requirement, which is written as for [`require`](Self::require): for every valid JWT it is
    /// `Requirement::logged_in()`.
    ///
    /// Nobody is sent to log in: everybody else gets the answer of
    /// [`Visit::authorized_project_user`](miracl_core::Visit::authorized_project_user). No session is read. The JWT is
    /// used once for each request, also where the filter
    /// [`project_user`](crate::project_user) stands behind it. CORS preflights have no JWT,
    /// so that they are refused, too.
    ///
    /// ```
    /// # use warp::{Filter, Reply, filters::BoxedFilter};
    /// # use miracl_warp::{MiraclAuth, ProjectUser, project_user};
    /// use miracl_warp::access::Requirement;
    ///
    /// # fn orders(auth: &MiraclAuth) -> BoxedFilter<(impl Reply + use<>,)> {
    /// let seller = Requirement::claim("roles").contains("seller");
    /// warp::path!("api" / "orders")
    ///     .and(auth.require_project_user(seller))
    ///     .and(project_user())
    ///     .map(|user: ProjectUser| user.id().to_owned())
    /// #   .boxed()
    /// # }
    /// ```
    pub fn require_project_user<R: Into<Requirement>>(
        &self,
        requirement: R,
    ) -> impl Filter<Extract = (), Error = Rejection> + Clone + use<R> {
        require::require_project_user(&self.miracl, requirement.into())
    }

    /// Returns a filter as [`login_required`](Self::login_required) does, behind which a request does not count as
    /// activity of the person: it does not move the session's idle deadline. Use it for routes that a page polls, which
    /// would otherwise keep everybody logged in for ever.
    /// [`Visit::without_activity`](miracl_core::Visit::without_activity) does it for one request.
    pub fn login_required_without_activity(
        &self,
    ) -> impl Filter<Extract = (), Error = Rejection> + Clone + use<> {
        require::login_required(&self.miracl, false, None)
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
