//! What a login must bring to meet a requirement.

use std::borrow::Cow;

/// A value of `acr`.
pub(crate) type Acr = Cow<'static, str>;

/// What a login must bring to meet a requirement as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StepUp {
    /// The most seconds since the person last proved who they are.
    pub(crate) max_age: Option<u64>,
    /// The authentication context classes that are accepted.
    pub(crate) acr_values: Option<Vec<Acr>>,
}

impl StepUp {
    /// Asks for what both ask for. `None` where no login can bring that.
    pub(crate) fn and(self, other: Self) -> Option<Self> {
        let max_age = self.max_age.into_iter().chain(other.max_age).min();
        let acr_values = match (self.acr_values, other.acr_values) {
            (Some(ours), Some(theirs)) => {
                let both: Vec<_> = ours
                    .into_iter()
                    .filter(|acr| theirs.contains(acr))
                    .collect();
                if both.is_empty() {
                    return None;
                }
                Some(both)
            }
            (ours, theirs) => ours.or(theirs),
        };
        Some(Self {
            max_age,
            acr_values,
        })
    }
}
