//! What was typed into a form, and what is wrong with it.

use axum::body::Bytes;
use axum::http::StatusCode;
use url::Url;

use crate::params::Params;

/// How long a name may be, in characters.
const MAX_NAME: usize = 100;

/// How long an address may be, in bytes.
pub(super) const MAX_ADDRESS: usize = 500;

/// The values of a form's fields, as they were typed, and what is wrong with some of them.
#[derive(Debug, Default)]
pub(super) struct Form {
    values: Vec<(String, String)>,
    errors: Vec<(&'static str, String)>,
}

impl Form {
    /// Reads a form that was sent.
    pub(super) fn sent(body: &Bytes) -> Self {
        Self::of(Params::of_form(body))
    }

    /// Reads the fields of a query.
    pub(super) fn of(params: Params) -> Self {
        Self {
            values: params.into_pairs(),
            errors: Vec::new(),
        }
    }

    /// Sets a value that the form shows.
    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.values.push((name.to_owned(), value.into()));
        self
    }

    /// Sets a box that is checked.
    pub(super) fn with_box(self, name: &str, checked: bool) -> Self {
        match checked {
            true => self.with(name, "on"),
            false => self,
        }
    }

    /// Returns what was typed, without the spaces around it.
    pub(super) fn value(&self, name: &str) -> &str {
        let found = self.values.iter().find(|(other, _)| other == name);
        found.map_or("", |(_, value)| value.trim())
    }

    /// Returns what was typed; `None` if that is nothing.
    pub(super) fn optional(&self, name: &str) -> Option<String> {
        Some(self.value(name).to_owned()).filter(|value| !value.is_empty())
    }

    /// Returns whether a box was checked, or one of several with the same name was.
    pub(super) fn is(&self, name: &str, value: &str) -> bool {
        let mut all = self.values.iter();
        all.any(|(other, chosen)| other == name && chosen == value)
    }

    /// Returns whether a box was checked.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.is(name, "on")
    }

    /// Returns the words or lines of a field.
    pub(super) fn lines(&self, name: &str) -> Vec<String> {
        self.value(name)
            .split_whitespace()
            .map(str::to_owned)
            .collect()
    }

    /// Says what is wrong with a field.
    pub(super) fn complain(&mut self, name: &'static str, what: impl Into<String>) {
        self.errors.push((name, what.into()));
    }

    /// Returns what is wrong with a field; empty if nothing is.
    pub(super) fn error(&self, name: &str) -> &str {
        let found = self.errors.iter().find(|(other, _)| *other == name);
        found.map_or("", |(_, what)| what)
    }

    pub(super) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// Returns whether the part of an app's form that is folded has something to see.
    pub(super) fn opens_more(&self) -> bool {
        const MORE: [&str; 5] = [
            "redirect_uris",
            "post_logout_redirect_uris",
            "backchannel_logout_uri",
            "frontchannel_logout_uri",
            "id_token_signed_response_alg",
        ];
        MORE.iter().any(|name| !self.error(name).is_empty())
            || !self.value("redirect_uris").is_empty()
    }

    /// Returns the status of a page that shows the form.
    pub(super) fn status(&self) -> StatusCode {
        match self.has_errors() {
            true => StatusCode::BAD_REQUEST,
            false => StatusCode::OK,
        }
    }

    /// Reads a name that people see.
    pub(super) fn name(&mut self, name: &'static str) -> String {
        let value = self.value(name).to_owned();
        let problem = if value.is_empty() {
            "Enter a name."
        } else if value.chars().count() > MAX_NAME {
            "The name has more than 100 characters."
        } else if value.chars().any(char::is_control) {
            "The name has a character that cannot be shown."
        } else {
            return value;
        };
        self.complain(name, problem);
        value
    }

    /// Reads an address of a page; `None` if there is none, or if it is none.
    pub(super) fn page(&mut self, name: &'static str) -> Option<Url> {
        let value = self.optional(name)?;
        let page = check_page(&value);
        page.map_err(|problem| self.complain(name, problem)).ok()
    }
}

/// Checks the address of a page in the web.
pub(super) fn check_page(text: &str) -> Result<Url, String> {
    if text.len() > MAX_ADDRESS {
        return Err(format!(
            "The address has more than {MAX_ADDRESS} characters."
        ));
    }
    let url = Url::parse(text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or("Enter an address that begins with http:// or https://.")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("The address must not have a user name or a password.".to_owned());
    }
    if url.fragment().is_some() {
        return Err("The address must not have a fragment (#…).".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_stays_and_the_first_problem_of_a_field_is_told() {
        let mut form = Form::sent(&Bytes::from_static(
            b"name=%20&on=on&kind=a&kind=b&list=x%0D%0Ay",
        ));
        assert!(form.is_on("on") && form.is("kind", "b") && !form.is("kind", "c"));
        assert_eq!(form.lines("list"), ["x", "y"]);
        assert_eq!(form.name("name"), "");
        form.complain("name", "another");
        assert_eq!(form.error("name"), "Enter a name.");
        assert_eq!(form.error("list"), "");
        let mut form = Form::default().with("name", "x".repeat(101));
        form.name("name");
        assert!(form.error("name").contains("100"));
    }

    #[test]
    fn a_page_is_in_the_web_and_holds_no_secret() {
        assert!(check_page("http://127.0.0.1:5000/app?x=1").is_ok());
        let long = format!("http://a/{}", "x".repeat(MAX_ADDRESS));
        for bad in [
            "app",
            "ftp://a",
            "javascript:alert(1)",
            "http://",
            "http://u:p@a",
            "http://a/#b",
            &long,
        ] {
            assert!(check_page(bad).is_err(), "{bad}");
        }
    }
}
