//! One check of a login, as a receipt has it.

use std::{fmt, time::Duration};

/// One check of a login.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Check {
    /// What was checked: a parameter, a claim, or an endpoint, by the name the specification gives it.
    pub name: &'static str,
    /// The section of the specification that asks for it.
    pub section: &'static str,
    /// The result of the check.
    pub outcome: CheckOutcome,
    /// What would have been right, where that can be told.
    pub expected: Option<String>,
    /// What was there instead, where that can be told. Long values are hashed.
    pub found: Option<String>,
    /// The time since the check before.
    pub time: Duration,
}

/// The result of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckOutcome {
    /// It passed.
    Passed,
    /// It failed, and the login with it.
    Failed,
    /// There was nothing to check.
    NotApplicable,
}

impl fmt::Display for CheckOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotApplicable => "not applicable",
        })
    }
}

/// How a check ends that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// There was something to check, and it was right.
    Checked,
    /// There was nothing to check.
    NotApplicable,
}
