//! The variables that are the demo's own, read and checked.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use url::{Host, Url};

use crate::users::Database;

pub(super) struct Variables<'a> {
    pub(super) environment: &'a dyn Fn(&str) -> Option<OsString>,
    pub(super) problems: Vec<String>,
}

impl Variables<'_> {
    /// Reads a variable, by the rule of [`Config::load`](miracl_core::Config::load): white space around a value is
    /// taken off, quotes around it are a mistake, and an empty one counts as not given.
    pub(super) fn parse<T>(
        &mut self,
        name: &str,
        parse: fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = (self.environment)(name)?;
        let parsed = match text.to_str().map(str::trim) {
            None => Err("is not UTF-8".to_owned()),
            Some("") => return None,
            Some(text) if is_quoted(text) => Err(
                "has quotes around it, which count as part of the value; remove them".to_owned(),
            ),
            Some(text) => parse(text),
        };
        parsed
            .map_err(|problem| self.problems.push(format!("{name}: {problem}")))
            .ok()
    }
}

fn is_quoted(text: &str) -> bool {
    ['"', '\''].into_iter().any(|quote| {
        let inner = text.strip_prefix(quote);
        inner.is_some_and(|inner| inner.ends_with(quote))
    })
}

pub(super) fn parse_host(text: &str) -> Result<String, String> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    if bare.parse::<IpAddr>().is_ok() || matches!(Host::parse(bare), Ok(Host::Domain(_))) {
        Ok(bare.to_owned())
    } else {
        Err(format!(
            "`{text}` is no host; set it to an address or a name, without a port"
        ))
    }
}

pub(super) fn parse_port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| {
        let whose = match text.contains("://") {
            true => " (Kubernetes gives each Service such a variable: `enableServiceLinks: false` keeps them out)",
            false => "",
        };
        format!(
            "`{text}` is no port{whose}; set it to a number up to 65535, or to 0 for a free one"
        )
    })
}

pub(super) fn parse_database(text: &str) -> Result<Database, String> {
    let path = text
        .strip_prefix("sqlite://")
        .or_else(|| text.strip_prefix("sqlite:"))
        .unwrap_or(text);
    // The text is not repeated: a database URL may hold a password.
    if path.contains("://") {
        Err(
            "is no SQLite database; set it to a file, such as `sqlite:miracl-demo.sqlite`"
                .to_owned(),
        )
    } else if path.contains('?') {
        Err("has options behind a `?`, and none is known; set it to a file alone".to_owned())
    } else if path.is_empty() || Path::new(path).is_dir() {
        Err("names no file; set it to one, such as `sqlite:miracl-demo.sqlite`".to_owned())
    } else if path == ":memory:" {
        Ok(Database::Memory)
    } else {
        Ok(Database::File(PathBuf::from(path)))
    }
}

pub(super) fn parse_script(text: &str) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        _ => Err(format!(
            "`{text}` is no http or https URL; set it to that of the script"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_are_named_in_three_ways() {
        let file = |path: &str| Ok(Database::File(path.into()));
        assert_eq!(parse_database("sqlite:a.db"), file("a.db"));
        assert_eq!(parse_database("sqlite://a.db"), file("a.db"));
        assert_eq!(parse_database("sqlite:///tmp/a.db"), file("/tmp/a.db"));
        assert_eq!(parse_database("a.db"), file("a.db"));
        assert_eq!(parse_database("sqlite::memory:"), Ok(Database::Memory));
        for wrong in ["sqlite:", "mysql://h/d", "sqlite:a.db?mode=ro", "/"] {
            assert!(parse_database(wrong).is_err(), "{wrong}");
        }
    }
}
