//! The values of settings, each read as what it must be.

use std::{collections::BTreeMap, ffi::OsString, time::Duration};

use figment::value::Value;
use url::form_urlencoded;

use crate::{
    base::text::{is_project_id, is_uuid, one_value, unquoted},
    config::{
        load::settings::variables_of,
        variable::{Found, PREFIX, Variable},
    },
    error::config::Problems,
};

/// The merged values, taken out one by one.
pub(super) struct Source {
    pub(super) values: BTreeMap<String, Value>,
    /// The keys whose values came from the environment, each with its variable.
    pub(super) from_env: BTreeMap<&'static str, String>,
    /// The keys that the file has with the prefix, as they stand there.
    pub(super) prefixed: BTreeMap<&'static str, String>,
    /// The keys whose variables Kubernetes has set.
    pub(super) service_links: Vec<&'static str>,
    pub(super) problems: Problems,
}

impl Source {
    /// Takes what the environment says of a setting, which wins over the file.
    pub(super) fn take_variables(
        &mut self,
        key: &'static str,
        environment: &dyn Fn(&str) -> Option<OsString>,
    ) {
        let found = Found::of(&variables_of(key), environment);
        for problem in found.problems {
            self.problems.add(problem.key, problem.message);
        }
        if found.service_link {
            self.service_links.push(key);
        }
        let mut variables = found.variables.into_iter();
        let Some(first) = variables.next() else {
            return;
        };
        for other in variables.filter(|other| other.value != first.value) {
            let message = format!(
                "differs from {}, which means the same; set one of them",
                first.name
            );
            self.problems.add(other.name, message);
        }
        if is_of_another_cloud(&first) {
            tracing::warn!(
                variable = first.name,
                value = first.value,
                "it is not the UUID of a MIRACL project, and is ignored: clouds use this name for their own projects; \
                 set MIRACL_PROJECT_ID if it is meant"
            );
            return;
        }
        self.values.insert(key.to_owned(), Value::from(first.value));
        self.from_env.insert(key, first.name);
    }

    /// Returns the name under which the operator knows a setting: the variable's if the value came from the
    /// environment, and a key of the file as it stands there.
    pub(super) fn name(&self, key: &str) -> String {
        let given = self.from_env.get(key).or_else(|| self.prefixed.get(key));
        given.map_or(key, String::as_str).to_owned()
    }

    /// Returns the name of a setting that is missing beside another: the variable's if the other came from the
    /// environment.
    pub(super) fn name_beside(&self, key: &str, other: &str) -> String {
        let prefix = |given: &str| match given.starts_with(PREFIX) {
            true => PREFIX,
            false => "",
        };
        match (self.from_env.get(other), variables_of(key).first()) {
            (Some(given), Some(variable)) => format!("{}{variable}", prefix(given)),
            _ => key.to_owned(),
        }
    }

    pub(super) fn refuse(&mut self, key: &str, message: impl Into<String>) {
        let name = self.name(key);
        self.problems.add(name, message);
    }

    /// Reads a text. In the file, a number or boolean counts as its text.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        self.text_by(key, one_value)
    }

    fn text_by(
        &mut self,
        key: &str,
        rule: fn(&str) -> Result<&str, &'static str>,
    ) -> Option<String> {
        let text = match self.values.remove(key)? {
            Value::String(_, text) => text,
            Value::Bool(_, value) => value.to_string(),
            Value::Num(_, number) => {
                let whole = number.to_u128().map(|value| value.to_string());
                let signed = || number.to_i128().map(|value| value.to_string());
                let real = || number.to_f64().map(|value| value.to_string());
                whole.or_else(signed).or_else(real).unwrap_or_default()
            }
            Value::Empty(..) => return None,
            _ => {
                self.refuse(key, "must be a text");
                return None;
            }
        };
        let text = self.by_rule(key, &text, rule)?;
        Some(text).filter(|text| !text.is_empty())
    }

    /// Takes a value as the rule says, or refuses it.
    fn by_rule(
        &mut self,
        key: &str,
        text: &str,
        rule: fn(&str) -> Result<&str, &'static str>,
    ) -> Option<String> {
        match rule(text) {
            Ok(text) => Some(text.to_owned()),
            Err(what) => {
                self.refuse(key, what);
                None
            }
        }
    }

    /// Reads a list: an array in the file, or a text with spaces in between.
    pub(super) fn list(&mut self, key: &str) -> Option<Vec<String>> {
        if let Some(Value::Array(_, values)) = self.values.get(key) {
            let texts: Option<Vec<_>> = values
                .iter()
                .map(|v| v.as_str().map(str::to_owned))
                .collect();
            self.values.remove(key);
            let Some(texts) = texts else {
                self.refuse(key, "must be a list of texts");
                return None;
            };
            let texts = texts.iter().map(|text| self.by_rule(key, text, one_value));
            return texts.collect();
        }
        self.text_by(key, unquoted)
            .map(|text| text.split_ascii_whitespace().map(str::to_owned).collect())
    }

    pub(super) fn choice<T>(
        &mut self,
        key: &str,
        choices: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(key)?;
        let value = parse(&text);
        if value.is_none() {
            self.refuse(key, format!("`{text}` is not known; set it to {choices}"));
        }
        value
    }

    pub(super) fn yes_or_no(&mut self, key: &str) -> Option<bool> {
        self.choice(key, "`1` or `0`", |value| match value {
            "1" | "true" => Some(true),
            "0" | "false" => Some(false),
            _ => None,
        })
    }

    /// Reads parameters of a URL: an object of texts in the file, or a text as in a query.
    pub(super) fn parameters(&mut self, key: &str) -> Vec<(String, String)> {
        if let Some(Value::Dict(_, values)) = self.values.get(key) {
            let pair =
                |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
            let pairs: Option<Vec<_>> = values.iter().map(pair).collect();
            self.values.remove(key);
            let Some(pairs) = pairs else {
                self.refuse(key, "must be an object of texts");
                return Vec::new();
            };
            let pairs = pairs.into_iter().filter_map(|(name, value)| {
                let value = self.by_rule(key, &value, one_value)?;
                Some((name, value))
            });
            return pairs.collect();
        }
        let text = self.text(key).unwrap_or_default();
        form_urlencoded::parse(text.as_bytes())
            .into_owned()
            .collect()
    }

    pub(super) fn seconds(&mut self, key: &str) -> Option<Duration> {
        self.choice(key, "a number of seconds", |text| text.parse().ok())
            .map(Duration::from_secs)
    }
}

/// Whether a cloud has set a variable for a project of its own. MIRACL's ids are UUIDs. What is no id of any project is
/// a mistake like that of any other setting.
fn is_of_another_cloud(Variable { name, value }: &Variable) -> bool {
    name == "PROJECT_ID" && is_project_id(value) && !is_uuid(value)
}
