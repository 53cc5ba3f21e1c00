//! An HTTP client that behaves like a browser, except that nothing is hidden from the test.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use reqwest::{
    Method, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use url::Url;

use crate::page::{self, Form, Tag};

/// A browser without a screen: one cookie jar, the headers that browsers send, and no redirect followed unasked.
///
/// As in a browser, cookies belong to a host and not to its port. `SameSite` is recorded but not enforced: a scenario
/// meets the server at its least protected. The tests in Chromium see the real rules.
#[derive(Debug)]
pub struct Browser {
    http: reqwest::Client,
    jar: Mutex<Vec<Cookie>>,
}

/// A cookie with the attributes it was set with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    /// The host that set it.
    pub host: String,
    /// Its name.
    pub name: String,
    /// Its value, as sent.
    pub value: String,
    /// The `Path` attribute.
    pub path: Option<String>,
    /// The `Domain` attribute.
    pub domain: Option<String>,
    /// Whether it has `HttpOnly`.
    pub http_only: bool,
    /// Whether it has `Secure`.
    pub secure: bool,
    /// The `SameSite` attribute.
    pub same_site: Option<String>,
    /// The `Max-Age` attribute.
    pub max_age: Option<i64>,
    /// Whether setting it deletes it.
    pub deleted: bool,
}

/// A request to be sent with [`Browser::send`].
#[derive(Clone, Debug)]
pub struct Request {
    method: Method,
    url: Url,
    headers: Vec<(String, String)>,
    body: Option<String>,
    from: From,
}

/// What began a request: this decides `Sec-Fetch-Site`.
#[derive(Clone, Debug)]
enum From {
    /// The address bar, a bookmark.
    User,
    /// A page.
    Page(Url),
    /// No browser at all: no `Sec-Fetch-*`, no `Origin`.
    Script,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The address that answered.
    pub url: Url,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
    request: Request,
}

impl Request {
    /// A navigation from the address bar.
    pub fn navigate(url: impl AsRef<str>) -> Self {
        Self {
            method: Method::GET,
            url: parse(url.as_ref()),
            headers: vec![
                (
                    "accept".into(),
                    "text/html,application/xhtml+xml,*/*;q=0.8".into(),
                ),
                ("sec-fetch-mode".into(), "navigate".into()),
                ("sec-fetch-dest".into(), "document".into()),
                ("sec-fetch-user".into(), "?1".into()),
                ("upgrade-insecure-requests".into(), "1".into()),
            ],
            body: None,
            from: From::User,
        }
    }

    /// `fetch()` by a page of the same origin.
    pub fn fetch(url: impl AsRef<str>) -> Self {
        let url = parse(url.as_ref());
        Self {
            method: Method::GET,
            headers: vec![
                ("accept".into(), "*/*".into()),
                ("sec-fetch-mode".into(), "cors".into()),
                ("sec-fetch-dest".into(), "empty".into()),
            ],
            body: None,
            from: From::Page(url.clone()),
            url,
        }
    }

    /// The POST of a form on a page of the same origin.
    pub fn form(url: impl AsRef<str>, fields: &[(&str, &str)]) -> Self {
        let mut request = Self::navigate(url);
        request.from = From::Page(request.url.clone());
        request.method = Method::POST;
        request.body = Some(encode(fields));
        request.header("content-type", "application/x-www-form-urlencoded")
    }

    /// A request of a program that is no browser.
    pub fn script(url: impl AsRef<str>) -> Self {
        Self {
            method: Method::GET,
            url: parse(url.as_ref()),
            headers: Vec::new(),
            body: None,
            from: From::Script,
        }
    }

    /// Another method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = method.parse().expect("a method");
        self
    }

    /// Sets a header, in place of one the request already has.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(key, _)| key != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self
    }

    /// The page that the request comes from.
    #[must_use]
    pub fn from_page(mut self, url: impl AsRef<str>) -> Self {
        self.from = From::Page(parse(url.as_ref()));
        self
    }
}

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

impl Browser {
    /// A new browser with an empty cookie jar.
    pub fn new() -> Self {
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
            // Servers of a test come and go on the same port.
            .pool_max_idle_per_host(0)
            .timeout(Duration::from_secs(30))
            .build()
            .expect("the HTTP client has all it needs");
        Self {
            http,
            jar: Mutex::default(),
        }
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
        // Once a chain has left the origin it began at, it stays a stranger.
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

    /// Sends a request with this browser's cookies, and keeps those that come back.
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
    /// When there is no whole answer.
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

impl Answer {
    /// Whether this answer sends the browser somewhere else.
    pub fn is_redirect(&self) -> bool {
        matches!(self.status, 301 | 302 | 303 | 307 | 308) && self.location().is_some()
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("a header in ASCII"))
    }

    /// Where the answer sends the browser.
    pub fn location(&self) -> Option<Url> {
        self.header("location").map(|target| {
            self.url
                .join(target)
                .expect("a location that is an address")
        })
    }

    /// Where the answer sends the browser, as path and query when it stays on its own origin.
    pub fn location_path(&self) -> Option<String> {
        let target = self.location()?;
        if target.origin() != self.url.origin() {
            return Some(target.into());
        }
        Some(target[url::Position::BeforePath..].to_owned())
    }

    /// The cookies that the answer sets or deletes.
    pub fn set_cookies(&self) -> Vec<Cookie> {
        let host = self.url.host_str().unwrap_or_default();
        self.headers
            .get_all("set-cookie")
            .iter()
            .map(|line| Cookie::parse(line.to_str().expect("a cookie in ASCII"), host))
            .collect()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("no JSON: {error}: {}", self.body))
    }

    /// The start tags of the page.
    pub fn tags(&self) -> Vec<Tag> {
        page::tags(&self.body)
    }

    /// The forms of the page.
    pub fn forms(&self) -> Vec<Form> {
        page::forms(&self.body)
    }

    /// The texts of the page's alerts, with their Bootstrap category.
    pub fn alerts(&self) -> Vec<(String, String)> {
        self.body
            .split("class=\"alert alert-")
            .skip(1)
            .filter_map(|part| {
                let (class, rest) = part.split_once('"')?;
                let category = class.split_whitespace().next()?;
                let text = rest.split_once('>')?.1.split("</div>").next()?;
                Some((category.to_owned(), strip_tags(text)))
            })
            .collect()
    }

    /// Whether the page shows this alert.
    pub fn has_alert(&self, category: &str, text: &str) -> bool {
        self.alerts()
            .iter()
            .any(|(kind, shown)| kind == category && shown.contains(text))
    }

    /// Fails unless the status is `status`.
    #[expect(
        clippy::return_self_not_must_use,
        reason = "most often it stands alone, as an assertion"
    )]
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(
            self.status, status,
            "{} {} answered {} and not {status}: {:?}\n{}",
            self.request.method, self.url, self.status, self.headers, self.body
        );
        self
    }

    /// Whether a browser or proxy may keep this answer.
    pub fn is_no_store(&self) -> bool {
        self.header("cache-control")
            .is_some_and(|value| value.contains("no-store"))
    }

    /// The reason phrase of the status, for messages.
    pub fn reason(&self) -> &'static str {
        StatusCode::from_u16(self.status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or("?")
    }
}

impl Cookie {
    fn parse(line: &str, host: &str) -> Self {
        let mut parts = line.split(';').map(str::trim);
        let (name, value) = parts
            .next()
            .unwrap_or_default()
            .split_once('=')
            .expect("a cookie is name=value");
        let mut cookie = Self {
            host: host.to_owned(),
            name: name.to_owned(),
            value: value.to_owned(),
            path: None,
            domain: None,
            http_only: false,
            secure: false,
            same_site: None,
            max_age: None,
            deleted: false,
        };
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            match key.to_ascii_lowercase().as_str() {
                "path" => cookie.path = Some(value.to_owned()),
                "domain" => cookie.domain = Some(value.to_owned()),
                "httponly" => cookie.http_only = true,
                "secure" => cookie.secure = true,
                "samesite" => cookie.same_site = Some(value.to_owned()),
                "max-age" => {
                    cookie.max_age = value.parse().ok();
                    cookie.deleted = cookie.max_age.is_some_and(|age| age <= 0);
                }
                "expires" if cookie.max_age.is_none() => cookie.deleted = is_past(value),
                _ => {}
            }
        }
        cookie
    }
}

/// Whether the year of an HTTP date has passed: deletions use 1970, anything kept is this year or later.
fn is_past(date: &str) -> bool {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let this_year = 1970 + seconds / 31_556_952;
    date.split_whitespace()
        .filter_map(|word| word.parse::<u64>().ok())
        .any(|year| (1900..this_year).contains(&year))
}

/// The value of `Sec-Fetch-Site` for a request from `page` to `url`. Hosts here are names or addresses without subdomains.
fn site(page: &Url, url: &Url) -> &'static str {
    if page.origin() == url.origin() {
        "same-origin"
    } else if page.scheme() == url.scheme() && page.host() == url.host() {
        "same-site"
    } else {
        "cross-site"
    }
}

fn strip_tags(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for character in html.chars() {
        match character {
            '<' => inside = true,
            '>' => inside = false,
            _ if !inside => text.push(character),
            _ => {}
        }
    }
    page::unescape(text.trim())
}

fn encode(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

fn parse(url: &str) -> Url {
    Url::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("a header's value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_with_a_past_date_or_no_age_is_a_deletion() {
        assert!(Cookie::parse("a=; Max-Age=0; Path=/", "h").deleted);
        assert!(Cookie::parse("a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "h").deleted);
        let kept = Cookie::parse("a=b=c; Path=/; HttpOnly; SameSite=Lax; Max-Age=60", "h");
        assert_eq!((kept.value.as_str(), kept.deleted), ("b=c", false));
        assert!(kept.http_only && !kept.secure);
    }

    #[test]
    fn cookies_belong_to_a_host_and_not_to_its_port() {
        let browser = Browser::new();
        browser.keep(Cookie::parse("a=1; Path=/deep", "127.0.0.1"));
        let header = |url: &str| browser.cookie_header(&parse(url));
        assert_eq!(header("http://127.0.0.1:1/deep/er").as_deref(), Some("a=1"));
        assert_eq!(header("http://127.0.0.1:2/deep").as_deref(), Some("a=1"));
        assert_eq!(header("http://127.0.0.1:2/deeper"), None);
        assert_eq!(header("http://localhost:1/deep"), None);
    }
}
