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

/// How long an idle connection is kept: long enough for a request that follows at once, and shorter than the five
/// seconds after which many servers close it.
const IDLE: Duration = Duration::from_secs(4);

/// Sends requests to the provider.
///
/// A server may close a connection just when the next request is sent on it. A public document is then requested once
/// more, on a new connection. A code and a refresh token can be used only once, and a provider may revoke everything
/// when it sees one again. So a request with a token or a secret always gets a new connection, where this cannot
/// happen, and is never repeated.
#[derive(Debug, Clone)]
pub(crate) struct HttpClient {
    /// Reuses connections.
    pooled: reqwest::Client,
    /// Makes a connection for each request. Both clients share their TLS sessions, which makes its handshakes short.
    fresh: reqwest::Client,
    /// When a response last came on a connection that was then kept open.
    last_response: Arc<Mutex<Option<Instant>>>,
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
            pooled: build(usize::MAX)?,
            fresh: build(0)?,
            last_response: Arc::default(),
            timeout: config.request_timeout,
            allow_http: config.danger.allow_http,
            runtime: Runtime::current(),
        })
    }

    /// Returns whether the app allowed plain http off loopback, at its own risk.
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
        let may_reuse = self.may_have_idle_connection(began);
        match self.send(endpoint, self.pooled.get(url.clone())).await {
            Err(error) if may_reuse && is_broken(&error) => {
                tracing::debug!(%error, "the connection broke; it is asked once more on a new one");
                let left = self.timeout.saturating_sub(began.elapsed());
                let again = self.fresh.get(url).timeout(left);
                self.send(endpoint, again).await
            }
            Ok(response) => {
                let mut last_response = self.last_response();
                *last_response = Some(Instant::now());
                Ok(response)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns whether there may be an idle connection at this time.
    fn may_have_idle_connection(&self, now: Instant) -> bool {
        // The pool drops old connections only when it is used, and not exactly on time.
        let idle = |since: Instant| now.saturating_duration_since(since) < 2 * IDLE;
        self.last_response().is_some_and(idle)
    }

    fn last_response(&self) -> MutexGuard<'_, Option<Instant>> {
        self.last_response
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches a document that needs an `Authorization` header, on a new connection and only once.
    pub(crate) async fn get_authorized(
        &self,
        endpoint: &'static str,
        url: &str,
        authorization: &str,
    ) -> Result<Response, ProviderError> {
        let url = self.parse(endpoint, url)?;
        let request = self.fresh.get(url).header("authorization", authorization);
        self.send(endpoint, request).await
    }

    /// Fetches a document that needs an access token.
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

    /// Sends a form, on a new connection and only once.
    pub(crate) async fn post_form(
        &self,
        endpoint: &'static str,
        url: &str,
        authorization: Option<&str>,
        form: String,
    ) -> Result<Response, ProviderError> {
        let media_type = "application/x-www-form-urlencoded";
        self.post(endpoint, url, authorization, media_type, form)
            .await
    }

    /// Sends JSON, on a new connection and only once.
    pub(crate) async fn post_json(
        &self,
        endpoint: &'static str,
        url: &str,
        authorization: &str,
        json: String,
    ) -> Result<Response, ProviderError> {
        let authorization = Some(authorization);
        self.post(endpoint, url, authorization, "application/json", json)
            .await
    }

    async fn post(
        &self,
        endpoint: &'static str,
        url: &str,
        authorization: Option<&str>,
        media_type: &'static str,
        body: String,
    ) -> Result<Response, ProviderError> {
        let url = self.parse(endpoint, url)?;
        let mut request = self
            .fresh
            .post(url)
            .header("content-type", media_type)
            .body(body);
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        self.send(endpoint, request).await
    }

    /// Parses an address, and refuses one that nothing may be sent to.
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
                // Without the URL, whose query could contain a secret.
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

/// Returns whether an established connection broke, so that it is unknown whether the request arrived.
fn is_broken(error: &ProviderError) -> bool {
    let ProviderError::Unreachable { source, .. } = error else {
        return false;
    };
    source
        .downcast_ref::<reqwest::Error>()
        .is_some_and(|error| !error.is_connect() && !error.is_builder())
}
