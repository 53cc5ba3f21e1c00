//! Promises, the scenarios that show each of them, and what is still to come.

use crate::{scenario::Scenario, suite::Suite};

/// One of the project's numbered promises.
#[derive(Clone, Copy, Debug)]
pub struct Promise {
    /// Its number.
    pub number: u8,
    /// What it is about.
    pub about: &'static str,
    /// What shows it: a whole suite (`logout`), or one scenario of it (`logout::a_get_asks_for_confirmation`).
    pub shown_by: &'static [&'static str],
    /// The parts of it that no scenario can show yet.
    pub pending: &'static [Pending],
}

/// A part of a promise that no scenario can show yet.
#[derive(Clone, Copy, Debug)]
pub struct Pending {
    /// What is missing.
    pub what: &'static str,
    /// Why.
    pub reason: &'static str,
}

/// Fails when a promise names a scenario that does not exist, or nothing at all.
pub(crate) fn check(promises: &[Promise], suites: &[Suite]) {
    for (at, promise) in promises.iter().enumerate() {
        let number = promise.number;
        assert_eq!(usize::from(number), at + 1, "promises are in order");
        assert!(
            !promise.shown_by.is_empty() || !promise.pending.is_empty(),
            "promise {number} is neither shown nor pending"
        );
        for shown in promise.shown_by {
            let (suite, name) = shown.split_once("::").unwrap_or((shown, ""));
            let has_it = |scenario: &Scenario| name.is_empty() || scenario.name == name;
            let exists = suites
                .iter()
                .any(|own| own.name == suite && own.scenarios.iter().any(has_it));
            assert!(
                exists,
                "promise {number} names {shown}, and there is no such suite or scenario"
            );
        }
    }
}

/// How many parts of promises are pending.
pub(crate) fn pending(promises: &[Promise]) -> usize {
    promises.iter().map(|promise| promise.pending.len()).sum()
}
