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

    /// Makes one of the engine's own pages. `head` and `rest` are HTML that is escaped already.
    pub(crate) fn drawn(
        status: u16,
        lang: &str,
        head: &str,
        (title, sentence): (&str, &str),
        rest: &str,
    ) -> Self {
        let (lang, title, sentence) = (escape(lang), escape(title), escape(sentence));
        let body = format!(
            "<!doctype html>\n<html lang=\"{lang}\">\n<head><meta charset=\"utf-8\">{head}\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <title>{title}</title><style>{STYLE}{LAYOUT}</style></head>\n\
             <body><main class=\"card\"><h1>{title}</h1>\n<p class=\"lead\">{sentence}</p>\n{rest}</main>\
             </body>\n</html>\n"
        );
        Self::document(status, body)
    }

    /// Makes a reply of a whole HTML document.
    pub(crate) fn document(status: u16, body: String) -> Self {
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
    fn a_problem_is_json_whatever_it_is_given() {
        let problem = Reply::problem(401, "Login required", [("login_url", "a\"b".to_owned())]);
        let value: serde_json::Value = serde_json::from_str(&problem.body).unwrap();
        assert_eq!(value["status"], 401);
        assert_eq!(value["login_url"], "a\"b");
    }
}
