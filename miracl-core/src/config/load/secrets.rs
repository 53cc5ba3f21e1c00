//! Secrets that lie in files, as container platforms mount them: the one rule for all of them.

use std::path::Path;

use figment::value::Value;

use crate::config::{
    credentials,
    load::{is_empty, source::Source},
    variable::PREFIX,
};

/// How the file of a secret is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    /// Now: the value is that of the setting.
    Now,
    /// Later, by the engine, and again when the provider refuses the secret.
    Later,
}

/// Every secret setting, with the setting that names a file in its place.
const SECRETS: [(&str, &str, Read); 5] = [
    ("client_id", "client_id_file", Read::Later),
    ("client_secret", "client_secret_file", Read::Later),
    ("cookie_keys", "cookie_keys_file", Read::Now),
    ("session_store", "session_store_file", Read::Now),
    ("marks_store", "marks_store_file", Read::Now),
];

impl Source {
    /// Takes each secret from where it was given: the setting itself, or a file. As two names of one setting, the
    /// environment wins over the file of settings, and the prefix over none. Two that were given alike are an error.
    pub(super) fn take_secrets(&mut self) {
        for (key, file, read) in SECRETS {
            match (self.rank(key), self.rank(file)) {
                (Some(own), Some(by_file)) if own == by_file => {
                    let message = format!(
                        "is set, and {} is set too; remove one of them",
                        self.name(key)
                    );
                    self.refuse(file, message);
                    self.forget(key);
                    self.forget(file);
                }
                (Some(own), by_file) if Some(own) > by_file => self.forget(file),
                (_, Some(_)) => {
                    self.forget(key);
                    if read == Read::Now {
                        self.take_file(key, file);
                    }
                }
                _ => {}
            }
        }
    }

    /// Reads a file, and gives its content to a setting, which then has the name of the setting that names the file.
    fn take_file(&mut self, key: &'static str, file: &'static str) {
        let name = self.name(file);
        let Some(path) = self.text(file) else {
            return;
        };
        match credentials::content(Path::new(&path)) {
            Ok(text) => {
                self.values.insert(key.to_owned(), Value::from(text));
                match self.from_env.remove(file) {
                    Some(variable) => drop(self.from_env.insert(key, variable)),
                    None => drop(self.prefixed.insert(key, name)),
                }
            }
            Err(error) => self.refuse(file, credentials::no_file(&error)),
        }
    }

    /// How strongly a setting was given: the higher one wins. `None` if it was not.
    fn rank(&self, key: &str) -> Option<u8> {
        if self.values.get(key).is_none_or(is_empty) {
            return None;
        }
        Some(match (self.from_env.get(key), self.prefixed.get(key)) {
            (Some(variable), _) if variable.starts_with(PREFIX) => 3,
            (Some(_), _) => 2,
            (None, Some(_)) => 1,
            (None, None) => 0,
        })
    }

    fn forget(&mut self, key: &str) {
        self.values.remove(key);
        self.from_env.remove(key);
        self.prefixed.remove(key);
    }
}
