//! A response, with what a scenario asks about it.

use reqwest::{StatusCode, header::HeaderMap};
use url::Url;

use super::{
    cookie::Cookie,
    page::{self, Form, Tag},
    request::Request,
};

/// What came back for a request.
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
    pub(super) request: Request,
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
