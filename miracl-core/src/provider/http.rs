//! The HTTP client for requests to the provider: no redirects, time-outs, bounded bodies, https except on loopback.

pub(crate) mod body;
pub(crate) mod response;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use reqwest::{Proxy, redirect::Policy};
use url::Url;

use crate::{
    base::{loopback::is_secure, runtime::Runtime, tls::tls},
    config::Config,
    error::{config::Problem, provider::ProviderError},
    provider::http::response::Response,
};

/// How long a connection without a request is kept: for what follows at once, and shorter than the five seconds after
/// which many servers end it.
const IDLE: Duration = Duration::from_secs(4);

/// Sends requests to the provider.
///
/// A server may end a connection at the moment when the next request goes out on it. A public document is then asked
/// for once more, on a new connection. A code and a refresh token are used once, and a provider may revoke everything
/// when it sees one again; so what carries a token or a secret always has a connection of its own, where this cannot
/// happen, and is never repeated.
#[derive(Debug, Clone)]
pub(crate) struct HttpClient {
    /// Uses connections again.
    kept: reqwest::Client,
    /// Makes a connection for each request. Both share their TLS sessions, so that its handshake is a short one.
    fresh: reqwest::Client,
    /// When an answer last came on a connection that was then kept.
    kept_since: Arc<Mutex<Option<Instant>>>,
    timeout: Duration,
    allow_http: bool,
    pub(crate) runtime: Runtime,
}

impl HttpClient {
    /// Builds the client. Reads the certificates of the system and of `ca_certs`, but uses no network.
    pub(crate) fn new(config: &Config) -> Result<Self, Problem> {
        let tls = tls(&config.ca_certs).map_err(|message| Problem::new("ca_certs", message))?;
        let wrong = |message| Problem::new("proxy", message);
        let build = |idle_connections: usize| {
            let mut builder = reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .redirect(Policy::none())
                .timeout(config.request_timeout)
                .connect_timeout(config.request_timeout.min(Duration::from_secs(5)))
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(idle_connections)
                .user_agent(concat!("miracl-core/", env!("CARGO_PKG_VERSION")))
                .no_proxy();
            if let Some(proxy) = &config.proxy {
                builder =
                    builder.proxy(Proxy::all(proxy).map_err(|e| wrong(format!("`proxy`: {e}")))?);
            }
            builder.build().map_err(|e| wrong(e.to_string()))
        };
        Ok(Self {
            kept: build(usize::MAX)?,
            fresh: build(0)?,
            kept_since: Arc::default(),
            timeout: config.request_timeout,
            allow_http: config.danger.allow_http,
            runtime: Runtime::current(),
        })
    }

    /// Whether plain http off loopback was allowed, at the app's own risk.
    pub(crate) fn allows_http(&self) -> bool {
        self.allow_http
    }

    /// Fetches a public document.
    pub(crate) async fn get(
        &self,
        endpoint: &'static str,
        url: &str,
    ) -> Result<Response, ProviderError> {
        let url = self.parse(endpoint, url)?;
        let began = Instant::now();
        let may_be_used_again = self.has_kept(began);
        match self.send(endpoint, self.kept.get(url.clone())).await {
            Err(error) if may_be_used_again && is_broken(&error) => {
                tracing::debug!(%error, "the connection broke; it is asked once more on a new one");
                let left = self.timeout.saturating_sub(began.elapsed());
                let again = self.fresh.get(url).timeout(left);
                self.send(endpoint, again).await
            }
            Ok(answer) => {
                let mut kept_since = self.kept_since();
                *kept_since = Some(Instant::now());
                Ok(answer)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether there may be a connection without a request at this time.
    fn has_kept(&self, now: Instant) -> bool {
        // A pool looks for what is too old when somebody asks it, and not to the moment.
        let idle = |since: Instant| now.saturating_duration_since(since) < 2 * IDLE;
        self.kept_since().is_some_and(idle)
    }

    fn kept_since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.kept_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches what an access token is for.
    pub(crate) async fn get_with(
        &self,
        endpoint: &'static str,
        url: &str,
        bearer: &str,
    ) -> Result<Response, ProviderError> {
        let url = self.parse(endpoint, url)?;
        self.send(endpoint, self.fresh.get(url).bearer_auth(bearer))
            .await
    }

    pub(crate) async fn post_form(
        &self,
        endpoint: &'static str,
        url: &str,
        authorization: Option<&str>,
        form: String,
    ) -> Result<Response, ProviderError> {
        let url = self.parse(endpoint, url)?;
        let mut request = self
            .fresh
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        self.send(endpoint, request).await
    }

    /// Takes an address apart, if it is one to send anything to.
    fn parse(&self, endpoint: &'static str, url: &str) -> Result<Url, ProviderError> {
        let url = Url::parse(url).map_err(|error| ProviderError::Malformed {
            endpoint,
            detail: format!("its address is no URL ({error})"),
        })?;
        if !self.allow_http && !is_secure(&url) {
            return Err(ProviderError::Insecure { endpoint });
        }
        Ok(url)
    }

    async fn send(
        &self,
        endpoint: &'static str,
        request: reqwest::RequestBuilder,
    ) -> Result<Response, ProviderError> {
        let failed = |error: reqwest::Error| {
            if error.is_timeout() && !error.is_connect() {
                ProviderError::Timeout { endpoint }
            } else {
                // Without the URL, whose query could hold something secret.
                ProviderError::Unreachable {
                    endpoint,
                    source: Arc::new(error.without_url()),
                }
            }
        };
        let sent = request
            .header("accept", "application/json")
            .header("accept-encoding", "identity")
            .send();
        let received = self.runtime.poll(sent).await.map_err(failed)?;
        if received.status().is_redirection() {
            return Err(ProviderError::Redirect { endpoint });
        }
        let response = Response::read(endpoint, received, failed).await?;
        tracing::debug!(
            endpoint,
            status = response.status,
            bytes = response.body.len(),
            "the provider answered"
        );
        Ok(response)
    }
}

/// Whether a connection broke that had been there: nobody knows what became of the request.
fn is_broken(error: &ProviderError) -> bool {
    let ProviderError::Unreachable { source, .. } = error else {
        return false;
    };
    source
        .downcast_ref::<reqwest::Error>()
        .is_some_and(|error| !error.is_connect() && !error.is_builder())
}
