//! What is wrong with a configuration.

use std::fmt;

/// Everything that is wrong with a configuration.
///
/// `Display` has one line for each mistake: the key, what is wrong with it, what to do. `Debug` is the same, since it
/// is what a `main` that returns `Result<(), Box<dyn Error>>` prints.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigError {
    pub(crate) problems: Vec<Problem>,
}

/// One mistake in a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The setting's name where it was read: a field of [`Config`](crate::Config), a key of `miracl.json`, or an
    /// environment variable.
    pub key: String,
    /// What is wrong and what to do about it. It never repeats a secret.
    pub message: String,
    /// The environment variable that gave the value, if `key` is a field of [`Config`](crate::Config) and one did.
    pub variable: Option<String>,
}

impl Problem {
    pub(crate) fn new(key: &str, message: impl Into<String>) -> Self {
        Self {
            key: key.to_owned(),
            message: message.into(),
            variable: None,
        }
    }
}

impl ConfigError {
    /// Makes the error of a single mistake.
    pub(crate) fn of(problem: Problem) -> Self {
        Self {
            problems: vec![problem],
        }
    }

    /// Returns the mistakes, at least one.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, problem) in self.problems.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            f.write_str(&problem.key)?;
            if let Some(variable) = &problem.variable {
                write!(f, " (variable {variable})")?;
            }
            write!(f, ": {}", problem.message)?;
        }
        Ok(())
    }
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ConfigError {}

/// Collects mistakes, so that all of them are reported at once.
#[derive(Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn add(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem {
            key: key.into(),
            message: message.into(),
            variable: None,
        });
    }

    /// Names the variables that gave the values.
    pub(crate) fn name_variables<'a>(&mut self, given_by: impl Fn(&str) -> Option<&'a str>) {
        for problem in &mut self.0 {
            problem.variable = given_by(&problem.key).map(str::to_owned);
        }
    }

    pub(crate) fn into_result<T>(self, value: Option<T>) -> Result<T, ConfigError> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(ConfigError { problems: self.0 }),
        }
    }
}
