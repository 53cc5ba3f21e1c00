//! The handle of an app's login, with all of its methods except [`Miracl::visit`], which is beside the visit, and
//! those for MIRACL Trust, which are in `miracl/trust.rs`.

pub(crate) mod trust;

use std::{any::Any, fmt, sync::Arc};

use crate::{
    base::joined::App,
    config::Config,
    engine::{Engine, events::AuthEvent},
    error::config::ConfigError,
    flow::{
        challenge, elsewhere,
        hook::AuthFailure,
        login,
        options::LoginOptions,
        refused::{RefusalKind, Refused},
    },
    web::{page::Page, reply::Reply, request::RequestView, route::Mount},
};

/// The login of one app. Make it once and clone it where you need it: all clones share one engine.
///
/// Making it uses no network, so the app starts even if the provider is down. The provider's metadata is fetched when
/// the first login needs it, and kept.
#[derive(Clone)]
#[doc(alias = "MiraclMixin")]
pub struct Miracl(Arc<Engine>);

impl Miracl {
    /// Checks the configuration and makes the engine. Uses no network.
    ///
    /// Writes one line to the log that says what the engine will do, and warnings about risky settings, such as a
    /// client secret from a clear-text settings file. If [`Config::cookie_keys`] is empty and the redirect URI is on
    /// loopback, it makes a key.
    ///
    /// ```
    /// use miracl_core::{Config, CookieKey, Miracl};
    ///
    /// let miracl = Miracl::new(Config {
    ///     issuer: "https://login.example".to_owned(),
    ///     client_id: "my-app".to_owned(),
    ///     client_secret: "from a secrets store".into(),
    ///     redirect_uri: "https://app.example/login".to_owned(),
    ///     cookie_keys: vec![CookieKey::generate()],
    ///     ..Config::default()
    /// })?;
    /// # Ok::<(), miracl_core::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every mistake in the configuration, each with its key and what to do.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let checked = config.parse()?.with_cookie_keys()?;
        let given_by = checked.config.given_by.clone();
        let engine = Engine::new(checked).map_err(|mut problem| {
            problem.variable = given_by.variable(&problem.key).map(str::to_owned);
            ConfigError::of(problem)
        });
        let engine = Arc::new(engine?);
        engine.warn();
        engine.follow_marks();
        tracing::info!("{}", engine.summary());
        Ok(Self(engine))
    }

    /// Returns the configuration, as it was after the checks.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Returns whether error pages may explain failures: see [`Config::development`].
    pub fn development(&self) -> bool {
        self.0.development
    }

    /// Returns what the engine will do, in one line without secrets, for the start-up log.
    pub fn summary(&self) -> String {
        self.0.summary()
    }

    /// Tells an observer of every [`AuthEvent`] from now on: for an audit trail, a counter, an alarm. An app with hooks
    /// writes `on_event` instead, which is the same.
    ///
    /// Events come in order, one at a time, and after the fact: no login waits for an observer. One that panics loses
    /// that event, and one that takes longer than 30 seconds for it is stopped. 1,000 events may wait; further ones are
    /// lost, and the log says how many. Events that wait when the process ends are lost, too.
    ///
    /// ```
    /// # use miracl_core::{Miracl, app::event::AuthEvent};
    /// # async fn write_down(_: String) {}
    /// # fn observe(miracl: &Miracl) {
    /// miracl.observe(async |event| {
    ///     if let AuthEvent::Denied { person, path, .. } = event {
    ///         write_down(format!("{} of {} may not open {path}", person.id, person.issuer)).await;
    ///     }
    /// });
    /// # }
    /// ```
    ///
    /// An observer must not keep this `Miracl`, or neither is ever freed.
    pub fn observe<F, A>(&self, observer: F)
    where
        F: Fn(AuthEvent) -> A + Send + Sync + 'static,
        A: Future<Output = ()> + Send + 'static,
    {
        self.0.events.observe(observer);
    }

    /// Returns every route of the login, where it is mounted and the methods it answers.
    ///
    /// The page after log-out is not among them if it is on another site, or is the root.
    pub fn routes(&self) -> Vec<Mount<'_>> {
        self.0.site.mounts()
    }

    /// Refuses a request that another site made a browser send, if it is unsafe or opens a WebSocket. Adapters call it
    /// before anything else.
    ///
    /// Requests that other sites send on purpose are exempt, because the login itself protects them: the callback by
    /// [`form_post`](crate::ResponseMode::FormPost), a login that a third party initiates, and back-channel log-out.
    /// [`Config::trusted_origins`](crate::Config::trusted_origins) exempts further sites.
    ///
    /// # Errors
    ///
    /// The answer to send: 403, with a page for a browser that shows it, otherwise `application/problem+json`.
    #[inline]
    pub fn check_origin(&self, request: &impl RequestView) -> Result<(), Box<Refused>> {
        let checked = self.0.site.check_origin(request);
        checked.map_err(|reason| {
            let reply = elsewhere::refused(&self.0, request, reason);
            Box::new(Refused::new(Some(&self.0), RefusalKind::CrossOrigin, reply))
        })
    }

    /// Returns whether the query of requests for this path must not be logged: it is the callback's, and has a code and
    /// a `state` (RFC 9700 §4.2.4).
    ///
    /// ```
    /// # use miracl_core::Miracl;
    /// /// What an access log may show of a request.
    /// fn shown(miracl: &Miracl, path: &str, query: Option<&str>) -> String {
    ///     match query {
    ///         Some(_) if miracl.query_is_secret(path) => format!("{path}?…"),
    ///         Some(query) => format!("{path}?{query}"),
    ///         None => path.to_owned(),
    ///     }
    /// }
    /// ```
    pub fn query_is_secret(&self, path: &str) -> bool {
        path == self.0.site.callback_path
    }

    /// Returns the absolute URL of this app's own login route, for a link or a button.
    ///
    /// Unlike [`Visit::login_url`](crate::Visit::login_url) it starts no login yet: it sets no cookie and does not need
    /// the provider. It does not contain [`LoginOptions::extra`]. The login route refuses texts that are too long, as
    /// [`LoginOptions`] says.
    ///
    /// ```
    /// # use miracl_core::{LoginOptions, Miracl};
    /// # fn link(miracl: &Miracl) -> String {
    /// miracl.login_start_url(&LoginOptions {
    ///     return_to: Some("/members".to_owned()),
    ///     ..LoginOptions::default()
    /// })
    /// # }
    /// ```
    pub fn login_start_url(&self, options: &LoginOptions) -> String {
        login::login_start_url(&self.0, options)
    }

    /// Returns the path that a browser needs to reach a path of this app, for your own redirects and links: the path
    /// with the [`Config::public_path`] in front. Without a public path, it is the path itself.
    ///
    /// ```
    /// # use miracl_core::{Config, CookieKey, Miracl};
    /// let miracl = Miracl::new(Config {
    ///     redirect_uri: "https://app.example/shop/login".to_owned(),
    ///     public_path: "/shop".to_owned(),
    /// #   issuer: "https://login.example".to_owned(),
    /// #   client_id: "my-app".to_owned(),
    /// #   client_secret: "secret".into(),
    /// #   cookie_keys: vec![CookieKey::generate()],
    ///     // ...
    ///     ..Config::default()
    /// })?;
    /// assert_eq!(miracl.link_to("/members"), "/shop/members");
    /// # Ok::<(), miracl_core::ConfigError>(())
    /// ```
    ///
    /// A path that comes from [`AuthSuccess::return_to`](crate::AuthSuccess::return_to) already has it in front.
    pub fn link_to(&self, path: &str) -> String {
        self.0.site.link_to(path)
    }

    /// Answers a request that needs a login.
    ///
    /// It sets no cookie, and sends no request to the provider. The answer depends on the client:
    ///
    /// | request | answer |
    /// |---|---|
    /// | a document (`Sec-Fetch-Dest: document`, or no such header and `Accept` has `text/html`) | 303 to the login |
    /// | a frame, or a script that asks for `text/html`, such as a service worker | 401, a page with a link |
    /// | htmx (`HX-Request`) | 401 with `HX-Redirect` |
    /// | Turbo (`X-Turbo-Request-Id`) that asks for a page | 200, a page that Turbo loads as a document |
    /// | Turbo that sends a form or asks for a frame (`Turbo-Frame`) | 303 to the login |
    /// | a prefetch (`Sec-Purpose`, `Purpose`, `X-Moz`) | 503, which browsers do not keep |
    /// | everything else: `fetch`, an image, a program | 401 `application/problem+json` with the member `login_url` |
    ///
    /// After the login, the person returns to the requested address if the request was a `GET` for a whole page. After
    /// a form, a `fetch` or a request for a part of a page, they return to the page that they were on.
    pub fn challenge(&self, request: &impl RequestView) -> Reply {
        challenge::challenge(&self.0, request)
    }

    /// Answers a request whose session cannot be read at the moment: a 503, not a login page, because the visitor may
    /// be logged in. A browser that shows it gets a page, every other client `application/problem+json`.
    pub fn unavailable(&self, request: &impl RequestView) -> Reply {
        challenge::unavailable(&self.0, request)
    }

    /// Returns the page for a failed login when the app shows none of its own: a fixed sentence, the id of the
    /// failure's line in the log, and a link to try again. Only in [`development`](Self::development) it also shows the
    /// receipt. Where [`AuthFailure::see_at`] has an address, the page leads there at once.
    ///
    /// [`Visit::failure_reply`](crate::Visit::failure_reply) is the same page, except for somebody who is still logged
    /// in.
    pub fn failure_page(&self, failure: &AuthFailure) -> Reply {
        challenge::failure_page(&self.0, failure)
    }

    /// Joins an app: adapters hand over the handler that they were given, and what they call of it.
    ///
    /// The handler is what [`AccessRequest::app`](crate::app::access::AccessRequest::app) returns. It is held weakly,
    /// because it may hold this engine. `hooks` is what [`Refused::hooks`](crate::adapter::Refused::hooks) returns, and
    /// is kept: let it hold the handler weakly, too.
    ///
    /// # Panics
    ///
    /// When another app is joined that still exists: of two, nobody could say whose hooks count. Clone the first
    /// `MiraclAuth`, or make another engine.
    pub fn join<T: Any + Send + Sync>(&self, app: &Arc<T>, hooks: impl Any + Send + Sync) {
        let is_first = self
            .0
            .joined
            .join(&(Arc::clone(app) as App), Arc::new(hooks));
        assert!(
            is_first,
            "this `Miracl` has a `MiraclAuth` already: make one of each when the app starts, outside of what runs for \
             each worker or request, and clone it"
        );
    }

    /// Has a function change every page and message of the engine from now on: its words, or the whole page. An app
    /// with hooks writes `on_page` instead, which is the same. [`Page`] has an example.
    ///
    /// Several functions run in the order in which they came. A function must not keep this `Miracl`, or neither is
    /// ever freed.
    pub fn change_pages(&self, change: impl Fn(&mut Page) + Send + Sync + 'static) {
        self.0.change_pages(change);
    }

    /// Has a value of the app's change every page, as [`change_pages`](Self::change_pages) does, for as long as the app
    /// keeps the value: adapters hand over the handler that they were given.
    pub fn change_pages_by<T, F>(&self, app: &Arc<T>, change: F)
    where
        T: Send + Sync + 'static,
        F: Fn(&T, &mut Page) + Send + Sync + 'static,
    {
        let app = Arc::downgrade(app);
        self.change_pages(move |page| {
            if let Some(app) = app.upgrade() {
                change(&app, page);
            }
        });
    }

    /// Tells a value of the app's of every event, for as long as the app keeps the value: adapters hand over the
    /// handler that they were given. Apps use [`observe`](Self::observe), which has the rules.
    pub fn observe_by<T, F, A>(&self, app: &Arc<T>, tell: F)
    where
        T: Send + Sync + 'static,
        F: Fn(Arc<T>, AuthEvent) -> A + Send + Sync + 'static,
        A: Future<Output = ()> + Send + 'static,
    {
        let app = Arc::downgrade(app);
        self.observe(move |event| {
            let told = app.upgrade().map(|app| tell(app, event));
            async move {
                if let Some(told) = told {
                    told.await;
                }
            }
        });
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.0
    }

    /// Returns whether the other handle belongs to the same engine.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl AsRef<Self> for Miracl {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl fmt::Debug for Miracl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Miracl")
            .field("config", &*self.0.config)
            .finish_non_exhaustive()
    }
}
