//! An answer of the platform, read as a person reads the page.

use super::JourneyError;
use crate::callback::Callback;

/// An answer of the platform.
pub(super) struct Page {
    status: u16,
    pub(super) location: Option<String>,
    body: String,
}

impl Page {
    /// Reads an answer that ends with its connection and is not sent in chunks.
    pub(super) fn parse(answer: &str) -> Option<Self> {
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let location = lines
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("location"))
            .map(|(_, value)| value.to_owned());
        Some(Self {
            status,
            location,
            body: body.to_owned(),
        })
    }

    /// Returns where the answer leads: by a redirect, or by a form that posts itself.
    pub(super) fn callback(&self) -> Result<Callback, JourneyError> {
        if let Some(url) = self.location.clone() {
            return Ok(Callback { url, form: None });
        }
        self.form().ok_or_else(|| self.stuck())
    }

    fn form(&self) -> Option<Callback> {
        let (_, form) = self.body.split_once("<form id=\"callback\"")?;
        let (form, _) = form.split_once("</form>")?;
        let fields = form.split("<input ").skip(1);
        let fields =
            fields.map(|field| Some((attribute(field, "name")?, attribute(field, "value")?)));
        Some(Callback {
            url: attribute(form, "action")?,
            form: Some(fields.collect::<Option<_>>()?),
        })
    }

    /// Says what a person reads: the heading, and the message about what went wrong.
    pub(super) fn stuck(&self) -> JourneyError {
        let text = |start: &str| {
            let (_, rest) = self.body.split_once(start)?;
            let (_, rest) = rest.split_once('>')?;
            Some(rest.split('<').next()?.trim())
        };
        let said: Vec<&str> = ["<h1", "role=\"alert\"", "id=\"tries-left\"", "<code"]
            .into_iter()
            .filter_map(text)
            .collect();
        JourneyError::new(format!(
            "stuck on a page ({}): {}",
            self.status,
            said.join(" / ")
        ))
    }
}

/// Returns the first attribute of that name in some HTML of the platform.
fn attribute(html: &str, name: &str) -> Option<String> {
    let (_, rest) = html.split_once(&format!("{name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(unescape(value))
}

/// Undoes the escaping of the templates, which write some characters as numbers.
fn unescape(html: &str) -> String {
    let mut parts = html.split("&#");
    let mut text = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let character = part
            .split_once(';')
            .and_then(|(number, rest)| Some((char::from_u32(number.parse().ok()?)?, rest)));
        match character {
            Some((character, rest)) => {
                text.push(character);
                text.push_str(rest);
            }
            None => text = text + "&#" + part,
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_template_escapes_is_read_back() {
        use askama::Template as _;
        let fields = [("state".to_owned(), "a&\"b'<c>&#38;".to_owned())];
        let body = crate::pages::FormPost {
            lang: crate::texts::Lang::default(),
            app: "app",
            url: "http://127.0.0.1/login?a=1&b=2",
            fields: &fields,
            framed: false,
        };
        let page = Page {
            status: 200,
            location: None,
            body: body.render().unwrap(),
        };
        let callback = page.callback().unwrap();
        assert_eq!(callback.url, "http://127.0.0.1/login?a=1&b=2");
        assert_eq!(callback.form.unwrap(), fields);
    }
}
