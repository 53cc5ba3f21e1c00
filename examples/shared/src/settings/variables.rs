//! The variables that are the demo's own, read and checked.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use miracl_core::app::config::Variable;
use url::Host;

use crate::settings::error::lines;
use crate::users::Database;

pub(super) struct Variables<'a> {
    pub(super) environment: &'a dyn Fn(&str) -> Option<OsString>,
    /// Those that were read, each as it was given.
    pub(super) names: BTreeMap<&'static str, String>,
    pub(super) problems: Vec<String>,
}

impl Variables<'_> {
    /// Reads a variable, by the rule of the engine's: with the prefix `MIRACL_` or without.
    pub(super) fn parse<T>(
        &mut self,
        name: &'static str,
        parse: fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let parsed = match Variable::read_from(name, self.environment) {
            Ok(None) => return None,
            Ok(Some(variable)) => {
                let parsed = parse(&variable.value)
                    .map_err(|problem| vec![format!("{}: {problem}", variable.name)]);
                self.names.insert(name, variable.name);
                parsed
            }
            Err(error) => Err(lines(&error).collect()),
        };
        parsed
            .map_err(|problems| self.problems.extend(problems))
            .ok()
    }
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
