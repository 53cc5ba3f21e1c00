//! The engine: one client at one provider, shared by all requests.

use std::{
    fmt,
    sync::{Arc, OnceLock, Weak},
};

use url::{Position, Url};

use crate::{
    config::Config,
    error::{
        config::{ConfigError, Problems},
        provider::ProviderError,
        store::StoreError,
    },
    provider::{
        credentials::Credentials, discovery::Discovery, http::HttpClient, jwks::Jwks, logout_token,
        seen_algorithms::SeenAlgorithms,
    },
    session::{
        binding::Binding,
        cookies::Cookies,
        loops::Loops,
        marks::{self, Marks},
        renewals::Renewals,
    },
    visit::Visit,
    web::{
        cross_origin, headers::SeenHeaders, reply::Reply, request::RequestView, return_to::ReturnTo,
    },
};

/// The longest host that counts as one: a name of 253 characters (RFC 1035 §2.3.4) and a port.
const MAX_HOST: usize = 253 + ":65535".len();

/// One client at one provider: make it once, clone it everywhere.
///
/// Making it reads no network, so the app starts whether the provider is up or not. What the provider says of itself is
/// fetched when the first login needs it, and kept.
#[derive(Clone)]
#[doc(alias = "MiraclMixin")]
pub struct Miracl(Arc<Engine>);

pub(crate) struct Engine {
    pub(crate) config: Config,
    /// The redirect URI's origin, with the path `/`.
    pub(crate) origin: Url,
    /// How a browser names the redirect URI's host in a request: with the port where it is not the scheme's own.
    host_header: String,
    pub(crate) callback_path: String,
    pub(crate) signed_out_path: Option<String>,
    allowed_origins: Vec<String>,
    development: bool,
    pub(crate) cookies: Cookies,
    pub(crate) credentials: Credentials,
    pub(crate) http: HttpClient,
    pub(crate) discovery: Arc<Discovery>,
    pub(crate) jwks: Jwks,
    pub(crate) marks: Marks,
    pub(crate) seen_algorithms: SeenAlgorithms,
    pub(crate) loops: Loops,
    pub(crate) renewals: Renewals,
    binding: OnceLock<Binding>,
    /// Cloned by each piece of work that goes on without its request.
    #[cfg(test)]
    pub(crate) unfinished: Arc<()>,
}

impl Miracl {
    /// Checks the configuration and makes the engine. Uses no network.
    ///
    /// Writes one line to the log that says what the engine will do, and a warning when the client secret came from a
    /// clear-text settings file.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every mistake in the configuration, each with its key and what to do.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let checked = config.parse()?;
        let http = match HttpClient::new(&checked.config) {
            Ok(http) => http,
            Err(message) => {
                let mut problems = Problems::default();
                let key = if message.contains("`ca_certs`") {
                    "ca_certs"
                } else {
                    "proxy"
                };
                problems.add(key, message);
                return problems.into_result(None);
            }
        };
        let config = &checked.config;
        if config.client_secret.is_from_clear_text() && config.credential_source.is_none() {
            tracing::warn!(
                "the client secret lies in a clear-text settings file; in production take it from a secrets store (`client_secret_file`, CLIENT_SECRET_FILE or `credential_source`)"
            );
        }
        if config.danger.allow_http {
            tracing::warn!(
                "plain http is allowed everywhere (`danger.allow_http`, DANGER_ALLOW_HTTP): whoever is on the way can be any user"
            );
        }
        let engine = Engine {
            cookies: Cookies::new(&checked),
            credentials: Credentials::new(config),
            http,
            discovery: Discovery::new(config),
            jwks: Jwks::default(),
            marks: Marks::new(config, logout_token::WINDOW + config.clock_skew),
            seen_algorithms: SeenAlgorithms::default(),
            loops: Loops::new(),
            renewals: Renewals::new(),
            binding: OnceLock::new(),
            #[cfg(test)]
            unfinished: Arc::default(),
            host_header: checked.origin[Position::BeforeHost..Position::AfterPort].to_owned(),
            origin: checked.origin,
            callback_path: checked.callback_path,
            signed_out_path: checked.signed_out_path,
            allowed_origins: checked.allowed_origins,
            development: checked.development,
            config: checked.config,
        };
        let miracl = Self(Arc::new(engine));
        let refreshes = miracl.config().scopes.iter().any(|s| s == "offline_access");
        if refreshes && miracl.0.marks.fleet().is_none() {
            tracing::warn!(
                "refresh tokens are used once per session within this process; with several replicas, set `marks_store` to a store they share, or two may use the same token"
            );
        }
        miracl.follow_marks();
        tracing::info!("{}", miracl.summary());
        Ok(miracl)
    }

    /// Returns the configuration, as it was after the checks.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Whether error pages may explain failures: see [`Config::development`].
    pub fn development(&self) -> bool {
        self.0.development
    }

    /// Returns what the engine will do, in one line without secrets, for the start-up log.
    pub fn summary(&self) -> String {
        let config = &self.0.config;
        let keys = match config.cookie_keys.len() {
            1 => "1 key".to_owned(),
            several => format!("{several} keys"),
        };
        let sessions = match config.session_store.kept_in() {
            None => "in sealed cookies".to_owned(),
            Some(store) if store.in_process() => format!("in {}", store.place()),
            Some(store) => format!("in {}, sealed", store.place()),
        };
        let remembered = match config.session_store.kept_in() {
            None => "log-out and single use of logins are",
            Some(_) => "log-out ends them there, single use of logins is",
        };
        let reach = match self.0.marks.fleet() {
            None => "by this process, until it restarts".to_owned(),
            Some(store) => format!("in {}, by the whole fleet", store.place()),
        };
        let metadata = match &config.metadata_url {
            Some(url) => format!(" (metadata at {url})"),
            None => String::new(),
        };
        format!(
            "login with {}{metadata} for {}; sessions {sessions} ({keys}); {remembered} remembered {reach}",
            config.issuer, config.redirect_uri,
        )
    }

    /// Makes the visit of one request. Keeps its cookies, and on the callback's path the browser's name, and does nothing else.
    ///
    /// The visit of a `HEAD` or of a prefetch (`Sec-Purpose`) changes nothing: it sets no cookie and ends no session.
    pub fn visit(&self, request: &impl RequestView) -> Visit {
        let seen = SeenHeaders::of(request, &self.0.host_header);
        let other_host = match seen.own_host {
            true => None,
            false => self.0.other_host(request),
        };
        let user_agent = self.0.user_agent(request);
        Visit::new(
            self.clone(),
            seen.cookies,
            seen.idle,
            other_host,
            user_agent,
        )
    }

    /// Refuses an unsafe request that another site made a browser send, and one that opens a WebSocket. Adapters ask
    /// before anything else.
    ///
    /// Exempt are the requests that other sites send on purpose, and that the login itself protects: the callback by
    /// [`form_post`](crate::ResponseMode::FormPost), a login that a third party initiates, and back-channel log-out.
    ///
    /// # Errors
    ///
    /// The answer to send: 403.
    pub fn check_origin(&self, request: &impl RequestView) -> Result<(), Reply> {
        match cross_origin::check(request, &self.0.allowed_origins) {
            Err(refusal) if !self.expects_other_sites(request) => Err(refusal.reply()),
            _ => Ok(()),
        }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0
    }

    /// Whether the other handle is one of the same engine.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Follows the marks of a shared store, if there is one to follow and nobody does yet: on a task of its own, for as long as the
    /// engine lives. Without a runtime the first request that needs them begins it.
    pub(crate) fn follow_marks(&self) {
        /// Ends with the task, also when its runtime ends it.
        struct Following(Weak<Engine>);
        impl Drop for Following {
            fn drop(&mut self) {
                if let Some(engine) = self.0.upgrade() {
                    engine.marks.lost_follower();
                }
            }
        }
        let engine = &self.0;
        if !engine.http.has_runtime() || !engine.marks.needs_follower() {
            return;
        }
        let following = Following(Arc::downgrade(engine));
        engine.http.spawn(async move {
            while let Some(engine) = following.0.upgrade() {
                engine.marks.look_again().await;
                drop(engine);
                marks::pause().await;
            }
        });
    }

    /// The absolute URL of the home path.
    pub(crate) fn home_url(&self) -> String {
        let engine = &self.0;
        engine
            .origin
            .join(&engine.config.home_path)
            .map_or_else(|_| engine.origin.to_string(), Into::into)
    }
}

impl fmt::Debug for Miracl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Miracl")
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Seconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        self.config.clock.now()
    }

    /// Does something to its end, also when whoever waits for it goes away: a request that is given up must not leave
    /// half of a login or of a log-out. Fails when the runtime ends first.
    pub(crate) async fn to_its_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, StoreError> {
        if !self.http.has_runtime() {
            return Ok(work.await);
        }
        #[cfg(test)]
        let work = {
            let unfinished = Arc::clone(&self.unfinished);
            async move {
                let done = work.await;
                drop(unfinished);
                done
            }
        };
        self.http.to_its_end(work).await.map_err(StoreError::new)
    }

    /// The redirect URI's host name.
    pub(crate) fn host(&self) -> &str {
        self.origin.host_str().unwrap_or_default()
    }

    /// The host name of a request, where it is another than the redirect URI's.
    fn other_host(&self, request: &impl RequestView) -> Option<String> {
        let host = request.host().filter(|host| host.len() <= MAX_HOST)?;
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        if name.eq_ignore_ascii_case(self.host()) {
            return None;
        }
        // The rare case: maybe only another spelling.
        let url = Url::parse(&format!("http://{host}/")).ok()?;
        let name = url.host_str()?;
        (name != self.host()).then(|| name.to_owned())
    }

    /// The routes that nobody is to be returned to after a login.
    pub(crate) fn own_paths(&self) -> Vec<&str> {
        let mut paths = vec![
            self.callback_path.as_str(),
            self.config.paths.login_start.as_str(),
            self.config.paths.login_initiate.as_str(),
            self.config.paths.logout.as_str(),
            self.config.paths.backchannel_logout.as_str(),
            self.config.paths.frontchannel_logout.as_str(),
        ];
        paths.extend(self.signed_out_path.as_deref());
        paths
    }

    /// Takes a path to return to, if it is one.
    pub(crate) fn return_to(&self, path: &str) -> Option<ReturnTo> {
        ReturnTo::parse(path, &self.origin, &self.own_paths())
    }

    /// The [`binding`](Self::binding), once it is known.
    pub(crate) fn known_binding(&self) -> Option<&Binding> {
        self.binding.get()
    }

    /// What every sealed value carries, so that it counts for this issuer and client only.
    pub(crate) async fn binding(&self) -> Result<Binding, ProviderError> {
        if let Some(known) = self.known_binding() {
            return Ok(known.clone());
        }
        let client_id = self.credentials.client_id(&self.http).await?;
        let binding = || Binding::new(&self.config.issuer, client_id);
        Ok(self.binding.get_or_init(binding).clone())
    }
}
