//! An HTTP client that behaves like a browser, except that nothing is hidden from the test.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use miracl_platform::MpinIdentity;
use reqwest::{
    Method,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use url::Url;

mod answer;
mod cookie;
mod page;
mod request;

pub use answer::Answer;
pub use cookie::Cookie;
pub use page::{Form, Tag};
pub use request::Request;
use request::{From, encode};

/// A browser without a screen: one cookie jar, the headers that browsers send, and no redirect followed unasked.
///
/// As in a browser, cookies belong to a host and not to its port. `SameSite` is recorded but not enforced: a scenario
/// meets the server at its least protected. The tests in Chromium see the real rules.
#[derive(Debug)]
pub struct Browser {
    http: reqwest::Client,
    jar: Mutex<Vec<Cookie>>,
    /// What the local platform's pages would keep in the local storage, by project.
    mpin: Mutex<HashMap<String, MpinIdentity>>,
}

/// An HTTP client that follows no redirect and keeps no connection: the servers of a test stop and start again on the
/// same port.
pub fn http_client() -> reqwest::Client {
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .expect("ring has the default protocol versions")
    .with_root_certificates(rustls::RootCertStore::empty())
    .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .pool_max_idle_per_host(0)
        .timeout(Duration::from_secs(60))
        .build()
        .expect("the HTTP client has all it needs")
}

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

impl Browser {
    /// A new browser with an empty cookie jar.
    pub fn new() -> Self {
        Self {
            http: http_client(),
            jar: Mutex::default(),
            mpin: Mutex::default(),
        }
    }

    /// The M-Pin identity that this browser has at a platform.
    pub(crate) fn mpin_identity(&self, project_id: &str) -> Option<MpinIdentity> {
        let identities = self.mpin.lock().expect("no test panicked here");
        identities.get(project_id).cloned()
    }

    /// Keeps an M-Pin identity, as a page of the platform does.
    pub(crate) fn keep_mpin_identity(&self, project_id: &str, identity: MpinIdentity) {
        let mut identities = self.mpin.lock().expect("no test panicked here");
        identities.insert(project_id.to_owned(), identity);
    }

    /// Another browser with a copy of this one's cookies.
    pub fn copy(&self) -> Self {
        let other = Self::new();
        *other.jar() = self.cookies();
        other
    }

    /// Opens an address as if typed. A redirect is returned, not followed.
    pub async fn open(&self, url: impl AsRef<str>) -> Answer {
        self.send(Request::navigate(url)).await
    }

    /// Opens an address and follows where it leads.
    pub async fn visit(&self, url: impl AsRef<str>) -> Answer {
        self.follow(self.open(url).await).await
    }

    /// Follows redirects until there is a page.
    pub async fn follow(&self, mut answer: Answer) -> Answer {
        for _ in 0..12 {
            if !answer.is_redirect() {
                return answer;
            }
            answer = self.step(&answer).await;
        }
        panic!(
            "more than 12 redirects, the last to {:?}",
            answer.location()
        );
    }

    /// Follows one redirect.
    pub async fn step(&self, answer: &Answer) -> Answer {
        let target = answer.location().expect("a redirect");
        let mut request = answer.request.clone();
        // Fetch §4.4: 303 turns everything but HEAD into GET; so do 301 and 302 with a POST.
        if answer.status == 303 || request.method == Method::POST && answer.status < 303 {
            request.method = Method::GET;
            request.body = None;
            request.headers.retain(|(name, _)| name != "content-type");
        }
        // A chain that has left the origin where it began remains cross-site.
        if let From::Page(page) = &request.from
            && site(page, &request.url) == "same-origin"
            && site(page, &target) != "same-origin"
        {
            request.from = From::Page(request.url.clone());
        }
        request.url = target;
        self.send(request).await
    }

    /// Clicks a link of a page.
    pub async fn click(&self, page: &Answer, href: &str) -> Answer {
        let target = page.url.join(href).expect("a link");
        self.send(Request::navigate(target).from_page(&page.url))
            .await
    }

    /// `fetch()` by a page of the same origin.
    pub async fn fetch(&self, url: impl AsRef<str>) -> Answer {
        self.send(Request::fetch(url)).await
    }

    /// Posts a form from a page of the same origin.
    pub async fn post(&self, url: impl AsRef<str>, fields: &[(&str, &str)]) -> Answer {
        self.send(Request::form(url, fields)).await
    }

    /// Sends a form of a page.
    pub async fn submit(&self, page: &Answer, form: &Form) -> Answer {
        let target = page.url.join(&form.action).expect("a form's action");
        let fields: Vec<_> = form
            .fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        if form.method == "post" {
            self.send(Request::form(target, &fields).from_page(&page.url))
                .await
        } else {
            let mut target = target;
            target.set_query(Some(&encode(&fields)));
            self.send(Request::navigate(target).from_page(&page.url))
                .await
        }
    }

    /// Sends a request with this browser's cookies, and keeps the cookies that come back.
    pub async fn send(&self, request: Request) -> Answer {
        let what = format!("{} {}", request.method, request.url);
        self.try_send(request)
            .await
            .unwrap_or_else(|error| panic!("{what}: {error:?}"))
    }

    /// Sends a request to a server that may close the connection without an answer.
    ///
    /// # Errors
    ///
    /// When no whole answer arrives.
    pub async fn try_send(&self, request: Request) -> Result<Answer, reqwest::Error> {
        let mut headers = HeaderMap::new();
        let mut fetch_site = None;
        match &request.from {
            From::Script => {}
            From::User => fetch_site = Some("none"),
            From::Page(page) => {
                fetch_site = Some(site(page, &request.url));
                let cross = fetch_site != Some("same-origin");
                let mode = request
                    .headers
                    .iter()
                    .find(|(name, _)| name == "sec-fetch-mode");
                let cors = mode.is_some_and(|(_, mode)| mode == "cors");
                if request.method != Method::GET && request.method != Method::HEAD || cors && cross
                {
                    headers.insert("origin", value(&page.origin().ascii_serialization()));
                }
            }
        }
        if let Some(site) = fetch_site {
            headers.insert("sec-fetch-site", value(site));
        }
        if let Some(cookies) = self.cookie_header(&request.url) {
            headers.insert("cookie", value(&cookies));
        }
        for (name, text) in &request.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
            headers.insert(name, value(text));
        }
        // Fetch §4.6, which other clients do not follow.
        if request.method == Method::POST && request.body.as_deref().is_none_or(str::is_empty) {
            headers.insert("content-length", value("0"));
        }
        let mut outgoing = self
            .http
            .request(request.method.clone(), request.url.clone())
            .headers(headers);
        if let Some(body) = &request.body {
            outgoing = outgoing.body(body.clone());
        }
        let response = outgoing.send().await?;
        let answer = Answer {
            status: response.status().as_u16(),
            url: request.url.clone(),
            headers: response.headers().clone(),
            body: response.text().await?,
            request,
        };
        for cookie in answer.set_cookies() {
            self.keep(cookie);
        }
        Ok(answer)
    }

    /// The cookies in the jar.
    pub fn cookies(&self) -> Vec<Cookie> {
        self.jar().clone()
    }

    /// The cookies in the jar whose name holds `part`.
    pub fn cookies_named(&self, part: &str) -> Vec<Cookie> {
        let mut cookies = self.cookies();
        cookies.retain(|cookie| cookie.name.contains(part));
        cookies
    }

    /// Puts a cookie into the jar, in place of one of the same name.
    pub fn keep(&self, cookie: Cookie) {
        let mut jar = self.jar();
        jar.retain(|old| {
            (&old.host, &old.name, &old.path) != (&cookie.host, &cookie.name, &cookie.path)
        });
        if !cookie.deleted {
            jar.push(cookie);
        }
    }

    /// Empties the jar.
    pub fn clear(&self) {
        self.jar().clear();
    }

    fn jar(&self) -> MutexGuard<'_, Vec<Cookie>> {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cookie_header(&self, url: &Url) -> Option<String> {
        let host = url.host_str()?;
        let path = url.path();
        let pairs: Vec<_> = self
            .jar()
            .iter()
            .filter(|cookie| cookie.host == host)
            .filter(|cookie| {
                let scope = cookie.path.as_deref().unwrap_or("/");
                path == scope || path.starts_with(&format!("{}/", scope.trim_end_matches('/')))
            })
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

/// The value of `Sec-Fetch-Site` for a request from `page` to `url`. Hosts here are names or addresses without
/// subdomains.
fn site(page: &Url, url: &Url) -> &'static str {
    if page.origin() == url.origin() {
        "same-origin"
    } else if page.scheme() == url.scheme() && page.host() == url.host() {
        "same-site"
    } else {
        "cross-site"
    }
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("a header's value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_belong_to_a_host_and_not_to_its_port() {
        let browser = Browser::new();
        browser.keep(Cookie::parse("a=1; Path=/deep", "127.0.0.1"));
        let header = |url: &str| browser.cookie_header(&request::parse(url));
        assert_eq!(header("http://127.0.0.1:1/deep/er").as_deref(), Some("a=1"));
        assert_eq!(header("http://127.0.0.1:2/deep").as_deref(), Some("a=1"));
        assert_eq!(header("http://127.0.0.1:2/deeper"), None);
        assert_eq!(header("http://localhost:1/deep"), None);
    }
}
