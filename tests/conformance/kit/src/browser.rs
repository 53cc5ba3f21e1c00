//! A browser for the modules: a cookie jar, the headers that browsers send, and no redirect followed unasked.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

mod answer;
mod cookie;
mod request;

pub(crate) use answer::Answer;
pub(crate) use cookie::Cookie;
pub(crate) use request::Request;

/// How long an app may take to answer: longer than any relying party should wait for its provider.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser without a screen. App and provider are two sites to it, as they are in reality, though both are on
/// loopback.
#[derive(Debug)]
pub(crate) struct Browser {
    http: reqwest::Client,
    jar: Mutex<Vec<Cookie>>,
    seen: Mutex<Vec<Answer>>,
}

impl Browser {
    /// A browser with an empty jar.
    pub(crate) fn new() -> Self {
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(
            rustls::crypto::ring::default_provider(),
        ))
        .with_safe_default_protocol_versions()
        .expect("ring has the default protocol versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            // An app may close a connection at any time.
            .pool_max_idle_per_host(0)
            .timeout(PATIENCE)
            .build()
            .expect("the HTTP client has all it needs");
        Self::with(http)
    }

    fn with(http: reqwest::Client) -> Self {
        Self {
            http,
            jar: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    /// Another browser, with an empty jar.
    pub(crate) fn another(&self) -> Self {
        Self::with(self.http.clone())
    }

    /// Another browser with a copy of this one's cookies.
    pub(crate) fn copy(&self) -> Self {
        let copy = self.another();
        *copy.jar() = self.cookies();
        copy
    }

    /// Opens an address as if typed.
    pub(crate) async fn open(&self, url: Url) -> Result<Answer, String> {
        self.send(Request::navigate(url)).await
    }

    /// Sends a request with the cookies that a browser would send, and keeps the cookies that come back.
    pub(crate) async fn send(&self, request: Request) -> Result<Answer, String> {
        let what = format!("{} {}", request.method, request.url);
        let mut headers = HeaderMap::new();
        if let Some(cookies) = self.cookie_header(&request) {
            headers.insert("cookie", header_value(&cookies)?);
        }
        for (name, value) in &request.headers {
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
            headers.insert(name, header_value(value)?);
        }
        let mut outgoing = self
            .http
            .request(request.method.clone(), request.url.clone())
            .headers(headers);
        if let Some(body) = request.body {
            outgoing = outgoing.body(body);
        }
        let failed = |error: reqwest::Error| format!("{what} got no answer: {error:?}");
        let response = outgoing.send().await.map_err(failed)?;
        let mut answer = Answer {
            method: request.method,
            url: request.url,
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: String::new(),
        };
        let body = response.bytes().await.map_err(failed)?;
        answer.body = String::from_utf8_lossy(&body).into_owned();
        for cookie in answer.set_cookies() {
            self.keep(cookie);
        }
        lock(&self.seen).push(answer.clone());
        Ok(answer)
    }

    pub(crate) fn cookies(&self) -> Vec<Cookie> {
        self.jar().clone()
    }

    /// Puts a cookie into the jar, in place of one of the same name.
    pub(crate) fn keep(&self, cookie: Cookie) {
        let mut jar = self.jar();
        jar.retain(|old| (&old.host, &old.name) != (&cookie.host, &cookie.name));
        if !cookie.deleted {
            jar.push(cookie);
        }
    }

    /// Replaces the whole jar.
    pub(crate) fn set_cookies(&self, cookies: Vec<Cookie>) {
        *self.jar() = cookies;
    }

    /// Every answer so far.
    pub(crate) fn seen(&self) -> Vec<Answer> {
        lock(&self.seen).clone()
    }

    fn jar(&self) -> MutexGuard<'_, Vec<Cookie>> {
        lock(&self.jar)
    }

    /// RFC 6265bis §5.6.7: a request that another site causes carries no `Strict` cookie, and a `Lax` one only when
    /// it navigates with a method that changes nothing.
    fn cookie_header(&self, request: &Request) -> Option<String> {
        let host = request.url.host_str()?;
        let navigates = request
            .headers
            .iter()
            .any(|(name, value)| name == "sec-fetch-mode" && value == "navigate");
        let safe = request.method.is_safe() && navigates;
        let pairs: Vec<String> = self
            .jar()
            .iter()
            .filter(|cookie| cookie.host == host)
            .filter(|cookie| {
                let same_site = cookie.attribute("samesite").unwrap_or("lax");
                !request.cross_site || same_site == "none" || same_site == "lax" && safe
            })
            .filter(|cookie| {
                let scope = cookie
                    .attribute("path")
                    .unwrap_or("/")
                    .trim_end_matches('/');
                let path = request.url.path();
                path == scope || path.starts_with(&format!("{scope}/"))
            })
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

fn header_value(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(text).map_err(|error| format!("{text:?} is no header: {error}"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn browser_with(line: &str) -> Browser {
        let browser = Browser::new();
        browser.keep(Cookie::parse(line, "127.0.0.1").unwrap());
        browser
    }

    #[test]
    fn another_site_gets_no_strict_cookie_sent_and_a_lax_one_by_get_only() {
        let at = || url("http://127.0.0.1:1/login");
        let get = || Request::navigate(at()).sent_by("http://127.0.0.1:2");
        let post = || Request::form::<&str, &str>(at(), &[]).sent_by("http://127.0.0.1:2");
        for (line, by_get, by_post) in [
            ("a=1; SameSite=Strict", false, false),
            ("a=1; SameSite=Lax", true, false),
            ("a=1", true, false),
            ("a=1; SameSite=None; Secure", true, true),
        ] {
            let browser = browser_with(line);
            assert_eq!(browser.cookie_header(&get()).is_some(), by_get, "{line}");
            assert_eq!(browser.cookie_header(&post()).is_some(), by_post, "{line}");
            assert!(
                browser.cookie_header(&Request::navigate(at())).is_some(),
                "{line}"
            );
        }
    }

    #[test]
    fn cookies_stay_within_their_path() {
        let browser = browser_with("a=1; Path=/deep");
        let sent = |at: &str| browser.cookie_header(&Request::navigate(url(at))).is_some();
        assert!(sent("http://127.0.0.1/deep/er") && sent("http://127.0.0.1/deep"));
        assert!(!sent("http://127.0.0.1/deeper") && !sent("http://localhost/deep"));
    }
}
