//! What one app is made of: its configuration, its site, its providers, its sessions, and the platform.

pub(crate) mod callbacks;
pub(crate) mod events;
pub(crate) mod pages;

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::{
    base::{joined::Joined, once_each::OnceEach, runtime::Runtime},
    config::{Config, check::Checked, session_claims::KeepClaims},
    engine::{
        callbacks::{Callbacks, MAX_ORPHANS},
        events::{AuthEvent, Events},
        pages::{Pages, languages},
    },
    error::{config::Problem, provider::ProviderError, store::StoreError},
    provider::{Provider, client::Client, http::HttpClient},
    session::{
        binding::Binding, cookies::SESSION_BUDGET, marks::follow::follow, renewals::Renewals,
        sessions::Sessions,
    },
    site::Site,
    trust::{
        Trust,
        api::{Api, Caller},
    },
    web::{
        page::{Page, PageKind},
        reply::Reply,
        request::RequestView,
    },
};

/// Everything that the requests of one app share.
pub(crate) struct Engine {
    pub(crate) config: Arc<Config>,
    /// Whether error pages may explain failures.
    pub(crate) development: bool,
    pub(crate) site: Site,
    /// At least one. A login begins at the first.
    providers: Vec<Provider>,
    /// What is known of the platform of the first provider.
    pub(crate) trust: Trust,
    pub(crate) sessions: Sessions,
    pub(crate) renewals: Renewals,
    pub(crate) callbacks: Callbacks,
    /// The app's own value, for its decisions, and its adapter's.
    pub(crate) joined: Joined,
    /// The policies of which the log was told that they are slow.
    pub(crate) slow_policies: OnceEach,
    pub(crate) events: Events,
    /// What the app changes about pages.
    pages: Pages,
    /// What may go on of callbacks whose request has gone away.
    orphans: Arc<Semaphore>,
    pub(crate) runtime: Runtime,
    /// Cloned by each piece of work that goes on without its request.
    #[cfg(test)]
    pub(crate) unfinished: Arc<()>,
}

impl Engine {
    /// Puts an engine together. Uses no network.
    pub(crate) fn new(checked: Checked) -> Result<Self, Problem> {
        let http = HttpClient::new(&checked.config)?;
        let (site, sessions) = (Site::new(&checked), Sessions::new(&checked));
        let config = Arc::new(checked.config);
        Ok(Self {
            development: checked.development,
            site,
            sessions,
            renewals: Renewals::new(),
            callbacks: Callbacks::default(),
            joined: Joined::default(),
            slow_policies: OnceEach::default(),
            events: Events::default(),
            pages: Pages::default(),
            orphans: Arc::new(Semaphore::new(MAX_ORPHANS)),
            runtime: http.runtime.clone(),
            providers: vec![Provider::new(Client::new(Arc::clone(&config), http))],
            config,
            trust: Trust::default(),
            #[cfg(test)]
            unfinished: Arc::default(),
        })
    }

    /// Writes to the log what an operator should know of the configuration.
    pub(crate) fn warn(&self) {
        let config = &self.config;
        if config.client_secret.is_from_clear_text() && config.credential_source.is_none() {
            tracing::warn!(
                "the client secret lies in a clear-text settings file; in production take it from a secrets \
                 store (`client_secret_file`, CLIENT_SECRET_FILE or `credential_source`)"
            );
        }
        if config.danger.allow_http {
            tracing::warn!(
                "plain http is allowed everywhere (`danger.allow_http`, DANGER_ALLOW_HTTP): anybody on the \
                 network can log in as any user"
            );
        }
        #[cfg(feature = "testing")]
        tracing::warn!(
            "this build has the feature `testing`: it accepts the sessions that its test kit makes, which no \
             provider has vouched for; build what you deploy without it"
        );
        let claims = &config.session_claims;
        if claims.keep != KeepClaims::All && claims.id_token && self.sessions.store().is_none() {
            tracing::warn!(
                "sessions in cookies keep each ID token whole, with claims that `session_claims.keep` \
                 (SESSION_KEEP_CLAIMS) leaves out; if it is large, people cannot log in: set `session_claims.id_token` \
                 (SESSION_KEEP_ID_TOKEN) to 0"
            );
        }
        let refreshes = config.scopes.iter().any(|scope| scope == "offline_access");
        if refreshes && self.sessions.marks.fleet().is_none() {
            tracing::warn!(
                "refresh tokens are used once per session within this process; with several replicas, set \
                 `marks_store` to a store they share, or two may use the same token"
            );
        }
    }

    /// The provider that logins begin at.
    pub(crate) fn provider(&self) -> &Provider {
        self.providers.first().expect("an engine has a provider")
    }

    /// The API of the platform that logins begin at.
    pub(crate) fn api<'a>(&'a self, caller: Caller<'a>) -> Api<'a> {
        Api::new(self.provider(), caller)
    }

    /// Has a function of the app's change every page from now on.
    pub(crate) fn change_pages(&self, change: impl Fn(&mut Page) + Send + Sync + 'static) {
        self.pages.change(change);
    }

    /// Shows a page as the app wants it, to the sender of a request.
    pub(crate) fn show(&self, request: &impl RequestView, page: Page) -> Reply {
        self.show_in(languages(request), page)
    }

    /// Shows a page as the app wants it, to somebody who prefers these languages.
    pub(crate) fn show_in(&self, languages: Option<String>, page: Page) -> Reply {
        self.pages
            .changed(page.in_language_of(languages))
            .into_reply()
    }

    /// Returns the words of a message as the app wants them.
    pub(crate) fn words(
        &self,
        languages: Option<String>,
        kind: PageKind,
        sentence: &str,
    ) -> String {
        let page = Page::message(kind, sentence).in_language_of(languages);
        self.pages.changed(page).sentence
    }

    /// Tells the app's observers of an event, later.
    pub(crate) fn tell(&self, event: impl FnOnce() -> AuthEvent) {
        self.events.tell(&self.runtime, event);
    }

    /// Seconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        self.config.clock.now()
    }

    /// Milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> u64 {
        self.config.clock.now_ms()
    }

    /// What every sealed value carries, so that it counts for this issuer and client only.
    pub(crate) async fn binding(&self) -> Result<Binding, ProviderError> {
        self.sessions.binding(&self.provider().client).await
    }

    /// Does work to its end, even if the caller that waits for it goes away: a request that is given up must not leave
    /// half of a login or of a log-out. Fails when the runtime ends first.
    pub(crate) async fn to_its_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, StoreError> {
        if !self.runtime.is_there() {
            return Ok(work.await);
        }
        #[cfg(test)]
        let work = self.counted(work);
        self.runtime.to_its_end(work).await.map_err(StoreError::new)
    }

    /// Does the checks of a callback to their end, even if its request goes away: another one may take over. Only few
    /// go on so at once, because each holds a connection to the provider, and anybody can give up many requests.
    pub(crate) async fn callback_to_its_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, StoreError> {
        if !self.runtime.is_there() {
            return Ok(work.await);
        }
        #[cfg(test)]
        let work = self.counted(work);
        let ended = self.runtime.to_its_end_if_few(&self.orphans, work).await;
        ended.map_err(StoreError::new)
    }

    /// Work that counts as unfinished until it ends.
    #[cfg(test)]
    fn counted<T, W: Future<Output = T>>(&self, work: W) -> impl Future<Output = T> + use<T, W> {
        let unfinished = Arc::clone(&self.unfinished);
        async move {
            let done = work.await;
            drop(unfinished);
            done
        }
    }

    /// Follows the marks of a shared store for as long as the engine lives, if there is one and nobody follows it yet.
    pub(crate) fn follow_marks(self: &Arc<Self>) {
        follow(self, |engine| &engine.sessions.marks, &self.runtime);
    }

    /// What the engine will do, in one line without secrets.
    pub(crate) fn summary(&self) -> String {
        let config = &self.config;
        let keys = match config.cookie_keys.len() {
            1 => "1 key".to_owned(),
            several => format!("{several} keys"),
        };
        let sessions = match config.session_store.kept_in() {
            None => format!("in sealed cookies of {SESSION_BUDGET} bytes at most"),
            Some(store) if store.in_process() => format!("in {}", store.place()),
            Some(store) => format!("in {}, sealed", store.place()),
        };
        let remembered = match config.session_store.kept_in() {
            None => "log-out and single use of logins are",
            Some(_) => "log-out ends them there, single use of logins is",
        };
        let reach = match self.sessions.marks.fleet() {
            None => "by this process, until it restarts".to_owned(),
            Some(store) => format!("in {}, by the whole fleet", store.place()),
        };
        let metadata = match &config.metadata_url {
            Some(url) => format!(" (metadata at {url})"),
            None => String::new(),
        };
        let behind = match config.public_path.as_str() {
            "" => String::new(),
            path => format!(" (a proxy removes `{path}`)"),
        };
        format!(
            "login with {}{metadata} for {}{behind}; sessions {sessions} ({keys}); {remembered} remembered {reach}",
            config.issuer, config.redirect_uri,
        )
    }
}
