//! A whole HTTP response as plain data, for an adapter to turn into its framework's response.

use std::fmt::{self, Write as _};

/// A response made by the engine, as plain data. An adapter turns it into its framework's response.
///
/// `Debug` shows the names of the headers and no values: a `location` may carry an ID token.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers, with their names in lower case. Cookies are not among them: they are in the visit's
    /// [`Outcome`](crate::Outcome).
    pub headers: Vec<(&'static str, String)>,
    /// The body, UTF-8.
    pub body: String,
}

/// No script, no framing, nothing from other sites; the style is in the page itself.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action *; base-uri 'none'; \
    frame-ancestors 'none'";

/// The palette, the type and the button of every page of the family: the demos and the local platform include it, too.
const STYLE: &str = include_str!("style.css");

/// What the engine's own pages add: one card in the middle of the window.
const LAYOUT: &str =
    "body{display:grid;place-items:center;padding:1rem}main{width:100%;max-width:34rem}";

/// Where a page leads on to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Onward<'a> {
    pub(crate) url: &'a str,
    /// The words of the link.
    pub(crate) label: &'a str,
    /// Whether the page goes there by itself, too.
    pub(crate) refreshes: bool,
}

impl Reply {
    /// Makes a 303, which the browser follows with a `GET` (RFC 9110 §15.4.4).
    pub(crate) fn see_other(location: impl Into<String>) -> Self {
        Self::empty(303).with("location", location)
    }

    /// Makes a reply without headers or body.
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: String::new(),
        }
    }

    /// Makes a page: a title, a sentence, and after them HTML that is already escaped.
    pub(crate) fn page(status: u16, title: &str, sentence: &str, rest: &str) -> Self {
        Self::page_with(status, "", title, sentence, rest)
    }

    /// Makes a page that leads on to another address: by a link, and if it `refreshes`, also by itself.
    ///
    /// Turbo does not show it in place of the page on the screen, but loads its address as a new document.
    pub(crate) fn onward(status: u16, title: &str, sentence: &str, to: Onward<'_>) -> Self {
        let url = escape(to.url);
        let mut head = "<meta name=\"turbo-visit-control\" content=\"reload\">".to_owned();
        if to.refreshes {
            // Unlike a redirect, this is a navigation of its own: `form-action` does not apply to it (CSP3 §6.4.2).
            let _ = write!(
                head,
                "<meta http-equiv=\"refresh\" content=\"0; url={url}\">"
            );
        }
        let link = format!(
            "<p class=\"actions\"><a class=\"button primary\" href=\"{url}\" target=\"_top\" \
             data-turbo=\"false\" hx-boost=\"false\">{}</a></p>\n",
            escape(to.label)
        );
        Self::page_with(status, &head, title, sentence, &link)
    }

    fn page_with(status: u16, head: &str, title: &str, sentence: &str, rest: &str) -> Self {
        let (title, sentence) = (escape(title), escape(sentence));
        let body = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">{head}\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <title>{title}</title><style>{STYLE}{LAYOUT}</style></head>\n\
             <body><main class=\"card\"><h1>{title}</h1>\n<p class=\"lead\">{sentence}</p>\n{rest}</main>\
             </body>\n</html>\n"
        );
        Self {
            status,
            headers: Vec::new(),
            body,
        }
        .with("content-type", "text/html; charset=utf-8")
        .with("content-security-policy", PAGE_POLICY)
        .with("referrer-policy", "same-origin")
        .with("x-content-type-options", "nosniff")
    }

    /// Replaces a header that is there already.
    pub(crate) fn replacing(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(header, _)| *header != name);
        self.with(name, value)
    }

    /// Makes the answer to a browser that asks before anybody has clicked. Browsers keep no 503, so that the click asks
    /// again. They keep a 204 for minutes, and a click then does nothing.
    pub(crate) fn too_early() -> Self {
        Self::empty(503)
            .with("cache-control", "no-store")
            .with("vary", "sec-purpose")
    }

    /// Makes JSON with one member: the address to go to.
    pub(crate) fn address(name: &str, url: &str) -> Self {
        Self::json(200, &serde_json::json!({ name: url }))
    }

    /// Makes JSON.
    pub(crate) fn json(status: u16, content: &serde_json::Value) -> Self {
        Self {
            body: content.to_string(),
            ..Self::empty(status)
        }
        .with("content-type", "application/json")
    }

    /// Makes problem details (RFC 9457), with further members.
    pub(crate) fn problem(
        status: u16,
        title: &str,
        more: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Self {
        let mut object = serde_json::Map::new();
        object.insert("type".to_owned(), "about:blank".into());
        object.insert("title".to_owned(), title.into());
        object.insert("status".to_owned(), status.into());
        for (name, value) in more {
            object.insert(name.to_owned(), value.into());
        }
        Self {
            body: serde_json::Value::Object(object).to_string(),
            ..Self::empty(status)
        }
        .with("content-type", "application/problem+json")
    }

    /// Makes an error for the provider: 400 and JSON, in the form of RFC 6749 §5.2.
    pub(crate) fn oauth_error(error: &str, description: &str) -> Self {
        let body = serde_json::json!({ "error": error, "error_description": description });
        Self {
            body: body.to_string(),
            ..Self::empty(400)
        }
        .with("content-type", "application/json")
    }

    /// Adds a header.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}

/// Escapes a text for HTML, in elements and in quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, c| {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // Control characters other than white space do not belong in a page.
            c if c.is_control() && !c.is_whitespace() => {
                let _ = write!(escaped, "\u{fffd}");
            }
            c => escaped.push(c),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_escapes_what_it_is_given_and_may_not_be_framed() {
        let page = Reply::page(400, "<b>", "\"quoted\" & 'more'\u{0}", "");
        assert!(page.body.contains("<h1>&lt;b&gt;</h1>"));
        assert!(
            page.body
                .contains("&quot;quoted&quot; &amp; &#39;more&#39;\u{fffd}")
        );
        let policy = page
            .headers
            .iter()
            .find(|(name, _)| *name == "content-security-policy");
        assert!(policy.unwrap().1.contains("frame-ancestors 'none'"));
    }

    #[test]
    fn a_page_that_leads_on_has_a_link_and_goes_by_itself_where_it_should() {
        let url = "https://provider.example/end?a=1&b=\"2\"";
        for refreshes in [true, false] {
            let to = Onward {
                url,
                label: "Go on",
                refreshes,
            };
            let page = Reply::onward(200, "Leaving", "One moment.", to);
            let escaped = "https://provider.example/end?a=1&amp;b=&quot;2&quot;";
            assert!(page.body.contains(&format!("href=\"{escaped}\"")));
            let refresh = format!("<meta http-equiv=\"refresh\" content=\"0; url={escaped}\">");
            assert_eq!(page.body.contains(&refresh), refreshes);
            assert!(page.body.contains("turbo-visit-control"));
            assert!(!page.body.contains(url));
        }
    }

    #[test]
    fn a_problem_is_json_whatever_it_is_given() {
        let problem = Reply::problem(401, "Login required", [("login_url", "a\"b".to_owned())]);
        let value: serde_json::Value = serde_json::from_str(&problem.body).unwrap();
        assert_eq!(value["status"], 401);
        assert_eq!(value["login_url"], "a\"b");
    }
}
