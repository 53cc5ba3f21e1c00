//! Why a claim is not what an app expects.

use std::{error::Error, fmt};

/// Why [`UserData::get_as`](crate::app::session::UserData::get_as) gives no value. It names the claim, and never says
/// what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimError {
    /// The provider says nothing of this claim, or it is `null`.
    Absent {
        /// The claim, as the app asked for it.
        claim: String,
    },
    /// The claim is of another type.
    OtherType {
        /// The claim, as the app asked for it.
        claim: String,
        /// The type that the app asked for, such as `Vec<String>`.
        expected: String,
        /// What JSON has there: `boolean`, `number`, `string`, `array` or `object`. Where that would do, something
        /// inside of it does not.
        found: &'static str,
    },
}

impl ClaimError {
    /// Returns the claim, as the app asked for it.
    pub fn claim(&self) -> &str {
        match self {
            Self::Absent { claim } | Self::OtherType { claim, .. } => claim,
        }
    }
}

impl fmt::Display for ClaimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent { claim } => write!(f, "there is no claim `{claim}`"),
            Self::OtherType {
                claim,
                expected,
                found,
            } => {
                write!(
                    f,
                    "the claim `{claim}` is a JSON {found} that does not become `{expected}`"
                )
            }
        }
    }
}

impl Error for ClaimError {}
