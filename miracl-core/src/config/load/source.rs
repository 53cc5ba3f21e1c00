//! The values of settings, each read as what it must be.

use std::{collections::BTreeMap, time::Duration};

use figment::value::Value;
use url::form_urlencoded;

use crate::{config::load::settings::SETTINGS, error::config::Problems};

/// The merged values, taken out one by one.
pub(super) struct Source<'a> {
    pub(super) values: BTreeMap<String, Value>,
    pub(super) from_env: Vec<&'a str>,
    pub(super) problems: Problems,
}

impl Source<'_> {
    /// The name under which the person knows a setting: the variable's when it came from there.
    pub(super) fn name(&self, key: &str) -> String {
        SETTINGS
            .iter()
            .find(|(known, _)| *known == key && self.from_env.contains(known))
            .map_or(key, |(_, variable)| variable)
            .to_owned()
    }

    /// The name of a setting that is missing beside another: a variable's where the other came from there.
    pub(super) fn name_beside(&self, key: &str, other: &str) -> String {
        SETTINGS
            .iter()
            .find(|(known, _)| *known == key && self.from_env.contains(&other))
            .map_or(key, |(_, variable)| variable)
            .to_owned()
    }

    pub(super) fn refuse(&mut self, key: &str, message: impl Into<String>) {
        let name = self.name(key);
        self.problems.add(name, message);
    }

    /// A text. In the file, a number or boolean counts as its text.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
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
        Some(text).filter(|text| !text.is_empty())
    }

    /// A list: an array in the file, or a text with spaces between.
    pub(super) fn list(&mut self, key: &str) -> Option<Vec<String>> {
        if let Some(Value::Array(_, values)) = self.values.get(key) {
            let texts = values
                .iter()
                .map(|v| v.as_str().map(str::to_owned))
                .collect();
            self.values.remove(key);
            if let Some(texts) = texts {
                return Some(texts);
            }
            self.refuse(key, "must be a list of texts");
            return None;
        }
        self.text(key)
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

    /// Parameters of a URL: an object of texts in the file, or a text as in a query.
    pub(super) fn parameters(&mut self, key: &str) -> Vec<(String, String)> {
        if let Some(Value::Dict(_, values)) = self.values.get(key) {
            let pair =
                |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
            let pairs: Option<Vec<_>> = values.iter().map(pair).collect();
            self.values.remove(key);
            if pairs.is_none() {
                self.refuse(key, "must be an object of texts");
            }
            return pairs.unwrap_or_default();
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
