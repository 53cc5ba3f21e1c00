//! Variables of the environment: each may have a prefix.

use std::{collections::BTreeMap, env, ffi::OsString, fmt};

use crate::{
    base::text::{one_value, without_bom},
    error::config::{ConfigError, Problem},
};

/// What may stand before the name of a variable.
pub(crate) const PREFIX: &str = "MIRACL_";

/// A variable of the environment, as it was given.
///
/// Every variable that this library reads, and every one that an app reads by this type, may have the prefix `MIRACL_`:
/// for `PORT`, both `MIRACL_PORT` and `PORT` are read, and the one with the prefix wins. So a variable whose name is
/// taken by something else on the machine has another name. The rest of the rule is that of
/// [`Config::load`](crate::Config::load): white space around a value is taken off, quotes around it are a mistake, and
/// an empty value counts as not given. A variable that Kubernetes sets for a Service, such as
/// `MIRACL_PORT=tcp://10.0.0.1:80`, counts as not given either, with a line in the log.
///
/// `Debug` shows the name alone, since the value may be a secret.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Variable {
    /// The name under which it was given, with the prefix or without.
    pub name: String,
    /// Its value, which is not empty.
    pub value: String,
}

impl Variable {
    /// Reads a variable of the process's environment. `name` is without the prefix.
    ///
    /// ```
    /// use miracl_core::app::config::Variable;
    ///
    /// let port = Variable::read("PORT")?.map_or("5000".to_owned(), |port| port.value);
    /// # Ok::<(), miracl_core::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with the name as it was given: when the value is not UTF-8, has quotes around it, or has a
    /// control character in it.
    pub fn read(name: &str) -> Result<Option<Self>, ConfigError> {
        Self::read_from(name, |name| env::var_os(name))
    }

    /// Reads a variable as [`read`](Self::read) does, from another environment than the process's.
    ///
    /// # Errors
    ///
    /// As of [`read`](Self::read).
    pub fn read_from(
        name: &str,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Self>, ConfigError> {
        let found = Found::of(&[name], &environment);
        if let Some(problem) = found.problems.into_iter().next() {
            return Err(ConfigError::of(problem));
        }
        let Some(variable) = found.variables.into_iter().next() else {
            return Ok(None);
        };
        match one_value(&variable.value) {
            Ok(_) => Ok(Some(variable)),
            Err(what) => Err(ConfigError::of(Problem::new(&variable.name, what))),
        }
    }
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variable")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What the environment says of one setting, under any of its names.
#[derive(Default)]
pub(crate) struct Found {
    /// Those with the prefix, or those without where there are none.
    pub(crate) variables: Vec<Variable>,
    /// Whether Kubernetes has set one of them.
    pub(crate) service_link: bool,
    pub(crate) problems: Vec<Problem>,
}

impl Found {
    pub(crate) fn of(names: &[&str], environment: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let mut found = Self::default();
        for prefix in [PREFIX, ""] {
            for name in names {
                found.take(format!("{prefix}{name}"), environment);
            }
            if !found.variables.is_empty() || !found.problems.is_empty() {
                break;
            }
        }
        found
    }

    fn take(&mut self, name: String, environment: &dyn Fn(&str) -> Option<OsString>) {
        let Some(value) = environment(&name) else {
            return;
        };
        let Ok(value) = value.into_string() else {
            return self.problems.push(Problem::new(&name, "is not UTF-8"));
        };
        let value = without_bom(&value).trim().to_owned();
        if value.is_empty() {
            return;
        }
        if is_service_link(&name, &value) {
            tracing::warn!(
                variable = name,
                value,
                "a variable that Kubernetes sets for a Service is ignored; `enableServiceLinks: false` in the pod's \
                 specification keeps it out"
            );
            self.service_link = true;
            return;
        }
        self.variables.push(Variable { name, value });
    }
}

/// Whether Kubernetes has set a variable: to every container, for each Service, as Docker did for linked containers.
/// For a Service named `proxy` it is `PROXY_PORT=tcp://10.0.0.1:8080`.
fn is_service_link(variable: &str, value: &str) -> bool {
    let protocols = ["tcp://", "udp://", "sctp://"];
    variable.ends_with("_PORT") && protocols.iter().any(|protocol| value.starts_with(protocol))
}

/// Which variable gave which setting, so that a message can name the variable. [`Config::load`](crate::Config::load)
/// and [`Config::from_env`](crate::Config::from_env) fill it in; by default it is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenBy(pub(crate) BTreeMap<&'static str, String>);

impl GivenBy {
    /// Returns the variable that gave a field of [`Config`](crate::Config), if one did.
    pub fn variable(&self, field: &str) -> Option<&str> {
        let key = match field {
            "client_key" => "client_jwk_file",
            "ca_certs" => "ca_cert",
            "session_claims.quick" => "session_quick_claims",
            "session_claims.keep" => "session_keep_claims",
            "danger.allow_http" => "danger_allow_http",
            "proxy" if self.0.contains_key("proxy_host") => "proxy_host",
            "proxy" => "proxy_port",
            field => field,
        };
        self.0.get(key).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<(String, String)>, String> {
        let environment = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        match Variable::read_from("PORT", environment) {
            Ok(found) => Ok(found.map(|found| (found.name, found.value))),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn the_prefix_wins_and_an_empty_value_or_one_of_kubernetes_counts_as_not_given() {
        let some = |name: &str, value: &str| Ok(Some((name.to_owned(), value.to_owned())));
        let (plain, prefixed) = (("PORT", "1"), ("MIRACL_PORT", "2\r\n"));
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[plain]), some("PORT", "1"));
        assert_eq!(read(&[plain, prefixed]), some("MIRACL_PORT", "2"));
        assert_eq!(read(&[prefixed]), some("MIRACL_PORT", "2"));
        for none in ["", " \n", "tcp://10.0.0.1:80"] {
            assert_eq!(read(&[plain, ("MIRACL_PORT", none)]), some("PORT", "1"));
            assert_eq!(read(&[("MIRACL_PORT", none)]), Ok(None), "{none}");
        }
    }

    #[test]
    fn a_mistake_is_named_as_it_was_given_and_nothing_is_taken_in_its_place() {
        for (given, named) in [
            (vec![("MIRACL_PORT", "'1'"), ("PORT", "2")], "MIRACL_PORT: "),
            (vec![("PORT", "'1'")], "PORT: "),
            (vec![("MIRACL_PORT", "1\n2")], "MIRACL_PORT: "),
        ] {
            let error = read(&given).unwrap_err();
            assert!(error.starts_with(named), "{error}");
        }
    }

    #[test]
    fn debug_shows_no_value() {
        let variable = Variable {
            name: "SECRET".to_owned(),
            value: "hunter2".to_owned(),
        };
        assert_eq!(format!("{variable:?}"), "Variable { name: \"SECRET\", .. }");
    }
}
