//! `MiraclAuth`: the engine and the app's hooks, joined. Routes and the fairing are made of it.

use std::{fmt, sync::Arc};

use miracl_core::{Config, ConfigError, Miracl, app::access::Requirement};
use rocket::{Route, figment::Figment};

use crate::{
    handler::{AuthHandler, ErasedHandler},
    layer::MiraclFairing,
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

    /// Reads the settings of the login from those of Rocket: the table `miracl` of `Rocket.toml` in the profile in use,
    /// or the variable `ROCKET_MIRACL`. It has the keys that [`Config::load`] lists. Where there is no such table, the
    /// result is [`Config::default`].
    ///
    /// ```
    /// # use miracl_rocket::{Miracl, MiraclAuth};
    /// # fn build() -> Result<(), miracl_rocket::ConfigError> {
    /// let rocket = rocket::build();
    /// let miracl = Miracl::new(MiraclAuth::config(rocket.figment())?)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when `miracl` is not a table, or one of its values does not fit.
    pub fn config(figment: &Figment) -> Result<Config, ConfigError> {
        match figment.find_value("miracl") {
            Ok(settings) => Config::from_serde(&settings),
            Err(_) => Ok(Config::default()),
        }
    }

    /// Returns the engine.
    pub fn miracl(&self) -> &Miracl {
        &self.miracl
    }

    /// Returns the routes of the login, to mount at `/`.
    ///
    /// They are the callback at the path of the redirect URI, the start of a login (`/login/start`, and
    /// `/login/initiate` for third parties), log-out (`/logout`, and two routes for the provider), and the page after
    /// log-out when it is on this site. [`Config::paths`] changes the paths, and adds
    /// those routes that an app has only if it says where.
    ///
    /// They need the [`fairing`](Self::fairing). Mounted elsewhere they stop the launch. Where they are missing, the
    /// answer is 500 at the callback and at the start of a login. In both cases the log says what to do. The fairing
    /// does not mount them itself: an app sees its routes, and can replace these by its own.
    #[doc(alias = "MiraclAuthRequestHandler")]
    pub fn routes(&self) -> Vec<Route> {
        routes::routes(&self.miracl, &self.handler)
    }

    /// Returns the fairing that makes [`Visit`](crate::Visit) available, writes its cookies, and refuses unsafe
    /// requests from other sites. It is for the whole app. Attach it once.
    #[doc(alias = "layer")]
    pub fn fairing(&self) -> MiraclFairing {
        MiraclFairing::new(self.miracl.clone())
    }

    /// Returns routes that guard everything below the path they are mounted at: for files, and for whole parts of an
    /// app. A single route takes [`User`](crate::User) instead.
    ///
    /// Everybody who is not logged in is sent to log in, or gets a 401 if a redirect makes no sense: see
    /// [`Miracl::challenge`].
    ///
    /// ```
    /// # use miracl_rocket::MiraclAuth;
    /// # fn mount(rocket: rocket::Rocket<rocket::Build>, auth: &MiraclAuth) -> rocket::Rocket<rocket::Build> {
    /// rocket
    ///     .mount("/manuals", rocket::fs::FileServer::from("manuals"))
    ///     .mount("/manuals", auth.login_required())
    /// # }
    /// ```
    ///
    /// None of their requests reaches what lies below, whatever the method. That includes CORS preflights, which
    /// browsers send without cookies. In Rocket a fairing goes around routes, and answers in place of the 401.
    ///
    /// ```
    /// # use std::io::Cursor;
    /// # use rocket::{Build, Request, Response, Rocket, fairing::AdHoc, http::{Method, Status}};
    /// # use miracl_rocket::MiraclAuth;
    /// /// Answers preflights of the one origin that may ask, and lets it read what it asked for.
    /// fn cors(request: &Request<'_>, response: &mut Response<'_>) {
    ///     let header = |name| request.headers().get_one(name);
    ///     if header("origin") != Some("https://admin.example") || !request.uri().path().starts_with("/api/") {
    ///         return;
    ///     }
    ///     if request.method() == Method::Options && header("access-control-request-method").is_some() {
    ///         response.set_status(Status::NoContent);
    ///         response.set_sized_body(0, Cursor::new(""));
    ///     }
    ///     response.set_raw_header("access-control-allow-origin", "https://admin.example");
    ///     response.set_raw_header("access-control-allow-credentials", "true");
    ///     response.set_raw_header("access-control-allow-methods", "GET, POST");
    ///     response.set_raw_header("vary", "origin");
    /// }
    ///
    /// # fn build(rocket: Rocket<Build>, auth: &MiraclAuth) -> Rocket<Build> {
    /// rocket
    ///     .mount("/api", auth.login_required())
    ///     .attach(auth.fairing())
    ///     .attach(AdHoc::on_response("CORS", |request, response| Box::pin(async move { cors(request, response) })))
    /// # }
    /// ```
    ///
    /// List the other origin in [`Config::trusted_origins`], or the layer refuses its unsafe requests.
    ///
    /// The routes belong to this login. Where the fairing is another login's, the answer is 500.
    pub fn login_required(&self) -> Vec<Route> {
        require::routes(&self.miracl, true, None, false)
    }

    /// Returns routes as [`login_required`](Self::login_required) does, for everything below a path that has a
    /// requirement: a [`Requirement`](crate::access::Requirement), or the type of a
    /// [`Policy`](crate::access::Policy).
    ///
    /// ```
    /// # use miracl_rocket::MiraclAuth;
    /// use miracl_rocket::access::Requirement;
    ///
    /// # fn build(auth: &MiraclAuth) -> rocket::Rocket<rocket::Build> {
    /// let admin = Requirement::claim("roles").contains("admin");
    /// rocket::build()
    ///     .attach(auth.fairing())
    ///     .mount("/", auth.routes())
    ///     .mount("/accounts", auth.require(admin))
    /// # }
    /// ```
    pub fn require(&self, requirement: impl Into<Requirement>) -> Vec<Route> {
        require::routes(&self.miracl, true, Some(requirement.into()), false)
    }

    /// Returns routes for everything below a path that is called with a project JWT. The JWT has to be valid and
    /// to meet the requirement, which is written as for [`require`](Self::require): for every valid JWT it is
    /// `Requirement::logged_in()`.
    ///
    /// Nobody is sent to log in: everybody else gets the answer of
    /// [`Visit::authorized_project_user`](miracl_core::Visit::authorized_project_user). No session is read. The JWT is
    /// used once for each request, also where a handler has the guard
    /// [`ProjectUser`](crate::ProjectUser) as well. CORS preflights have no JWT,
    /// so that they are refused, too.
    ///
    /// ```
    /// # use miracl_rocket::MiraclAuth;
    /// use miracl_rocket::access::Requirement;
    ///
    /// # fn build(auth: &MiraclAuth) -> rocket::Rocket<rocket::Build> {
    /// let seller = Requirement::claim("roles").contains("seller");
    /// rocket::build()
    ///     .attach(auth.fairing())
    ///     .mount("/", auth.routes())
    ///     .mount("/api", auth.require_project_user(seller))
    /// # }
    /// ```
    pub fn require_project_user(&self, requirement: impl Into<Requirement>) -> Vec<Route> {
        require::routes(&self.miracl, true, Some(requirement.into()), true)
    }

    /// Returns routes as [`login_required`](Self::login_required) does, below which a request does not count as
    /// activity of the person: it does not move the session's idle deadline. Use it for routes that a page polls, which
    /// would otherwise keep everybody logged in for ever.
    /// [`Visit::without_activity`](miracl_core::Visit::without_activity) does it for one request.
    pub fn login_required_without_activity(&self) -> Vec<Route> {
        require::routes(&self.miracl, false, None, false)
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
