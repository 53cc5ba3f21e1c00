//! Just enough HTML to read a page the way a person does: its tags, their attributes, its forms.

/// A start tag of a page, its attributes with character references resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The element's name, in lower case.
    pub name: String,
    attributes: Vec<(String, String)>,
}

/// A form of a page, ready to be sent.
#[derive(Clone, Debug)]
pub struct Form {
    /// Where it is sent; empty when the page itself takes it.
    pub action: String,
    /// `get` or `post`.
    pub method: String,
    /// Names and values of its fields, in order; a button with a name is one of them.
    pub fields: Vec<(String, String)>,
}

impl Tag {
    /// The value of an attribute; one without a value is empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether the element has this class.
    pub fn has_class(&self, class: &str) -> bool {
        self.get("class")
            .is_some_and(|classes| classes.split_whitespace().any(|each| each == class))
    }
}

impl Form {
    /// Fills a field in, or adds it.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        match self.fields.iter_mut().find(|(key, _)| key == name) {
            Some(field) => value.clone_into(&mut field.1),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
        self
    }
}

/// Every start tag of a page, in order.
pub(crate) fn tags(html: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            continue;
        }
        let (tag, after) = tag(rest);
        rest = after;
        // The text of a script is not markup.
        if tag.name == "script" || tag.name == "style" {
            let end = format!("</{}", tag.name);
            rest = rest.find(&end).map_or("", |at| &rest[at..]);
        }
        found.push(tag);
    }
    found
}

/// Every form of a page, in order.
pub(crate) fn forms(html: &str) -> Vec<Form> {
    let mut found = Vec::new();
    for part in html.split("<form").skip(1) {
        let part = &format!("<form{}", part.split("</form").next().unwrap_or(part));
        let mut tags = tags(part).into_iter();
        let Some(form) = tags.next() else { continue };
        found.push(Form {
            action: form.get("action").unwrap_or_default().to_owned(),
            method: form.get("method").unwrap_or("get").to_ascii_lowercase(),
            fields: tags
                .filter(|tag| matches!(tag.name.as_str(), "input" | "button" | "textarea"))
                .filter_map(|tag| {
                    let value = tag.get("value").unwrap_or_default().to_owned();
                    tag.get("name").map(|name| (name.to_owned(), value))
                })
                .collect(),
        });
    }
    found
}

/// Reads one tag, from behind its `<`.
fn tag(text: &str) -> (Tag, &str) {
    let name_end = text
        .find(|c: char| c.is_ascii_whitespace() || c == '>' || c == '/')
        .unwrap_or(text.len());
    let name = text[..name_end].to_ascii_lowercase();
    let mut attributes = Vec::new();
    let mut rest = &text[name_end..];
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() {
            break;
        }
        if let Some(after) = rest.strip_prefix('>') {
            rest = after;
            break;
        }
        let key_end = rest
            .find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/'))
            .unwrap_or(rest.len());
        let key = rest[..key_end].to_ascii_lowercase();
        rest = rest[key_end..].trim_start();
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start();
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
            let (from, until) = match quote {
                Some(quote) => (&after[1..], quote),
                None => (after, ' '),
            };
            let end = match quote {
                Some(_) => from.find(until),
                None => from.find(|c: char| c.is_ascii_whitespace() || c == '>'),
            }
            .unwrap_or(from.len());
            value = &from[..end];
            rest = &from[end..];
            if quote.is_some() {
                rest = rest.get(1..).unwrap_or_default();
            }
        }
        if key_end == 0 {
            // Not an attribute: step over it rather than stand still.
            rest = rest.get(1..).unwrap_or_default();
            continue;
        }
        attributes.push((key, unescape(value)));
    }
    (Tag { name, attributes }, rest)
}

/// Resolves the character references that template engines write.
pub(crate) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some(end) = rest.find(';').filter(|end| *end <= 8) else {
            out.push('&');
            rest = &rest[1..];
            continue;
        };
        let name = &rest[1..end];
        let number = name.strip_prefix('#').map(|n| {
            n.strip_prefix(['x', 'X'])
                .map_or_else(|| n.parse(), |hex| u32::from_str_radix(hex, 16))
        });
        let character = match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => number.and_then(Result::ok).and_then(char::from_u32),
        };
        match character {
            Some(character) => out.push(character),
            None => out.push_str(&rest[..=end]),
        }
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_with_any_quotes_and_unescaped() {
        let tags = tags(concat!(
            r#"<!-- <a> --><script data-authurl="/x?a=1&amp;b=&#34;" async "#,
            r#"data-element='btmpin'>if (a<b) {}</script><br/>"#,
        ));
        assert_eq!(tags.len(), 2);
        assert_eq!(tags[0].get("data-authurl"), Some("/x?a=1&b=\""));
        assert_eq!(tags[0].get("async"), Some(""));
        assert_eq!(tags[0].get("data-element"), Some("btmpin"));
        assert_eq!(tags[1].name, "br");
    }

    #[test]
    fn a_form_brings_its_hidden_fields() {
        let forms = forms(
            "<form method=post action=/there><input type=hidden name=xsrf value='a b'>\
             <button name=logout value=yes>Yes</button></form>",
        );
        assert_eq!(forms.len(), 1);
        assert_eq!(forms[0].action, "/there");
        assert_eq!(
            forms[0].fields,
            [
                ("xsrf".into(), "a b".into()),
                ("logout".into(), "yes".into())
            ]
        );
    }
}
