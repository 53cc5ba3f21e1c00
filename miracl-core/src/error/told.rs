//! What is told about an error: to the person, to the operator, and in a receipt.
//!
//! Each error says it of itself, in the file `told.rs` of its own folder: one `match` with everything about a variant.

use std::borrow::Cow;

use crate::error::party::Party;

/// Everything that is told about a login that failed.
#[derive(Debug)]
pub(crate) struct Told {
    /// The HTTP status of the error page: 502 to 504 only where the provider itself is ill.
    pub(crate) status: u16,
    /// The fixed sentence for the person. It gives nothing away.
    pub(crate) message: &'static str,
    /// What `Display` prints, for the log and the developer.
    pub(crate) text: Cow<'static, str>,
    pub(crate) blame: Blame,
    pub(crate) details: Details,
}

/// Whose fault a failed login is, and what to do about it.
///
/// Where the fault cannot be told from here, the advice names both sides, and what tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blame {
    pub(crate) party: Party,
    /// What to do, for the operator.
    pub(crate) advice: &'static str,
}

/// What a check expected and what it found, where they can be told.
#[derive(Debug, Default)]
pub(crate) struct Details {
    pub(crate) expected: Option<String>,
    pub(crate) found: Option<String>,
}

impl Details {
    pub(super) fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            expected: Some(expected.into()),
            found: Some(found.into()),
        }
    }
}

/// The sentence for the person where there is nothing more to say.
pub(super) const NOT_COMPLETED: &str = "The login could not be completed. Please try again.";

/// The sentence for the person while the provider is away or ill.
pub(super) const NOT_REACHED: &str =
    "The login service cannot be reached at the moment. Please try again in a few minutes.";

/// What to do about a provider that is ill.
pub(super) const ILL: Blame = Blame {
    party: Party::Provider,
    advice: "The provider is ill. Try again later, and report it if it stays.",
};
