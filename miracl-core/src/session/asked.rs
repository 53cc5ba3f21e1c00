//! What the login of a session was asked for, so that a step-up is not repeated in vain.

use serde::{Deserialize, Serialize};

/// What a login was asked for besides the person's identity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AskedFor {
    /// The most seconds since the person last proved who they are.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_age: Option<u64>,
    /// The authentication context classes, separated by spaces.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub(crate) acr_values: Option<String>,
}

impl AskedFor {
    /// Whether a login that is asked for this would be asked for nothing new. `accepted` are the classes of which a
    /// page needs one.
    pub(crate) fn covers<T: AsRef<str>>(
        &self,
        max_age: Option<u64>,
        accepted: Option<&[T]>,
    ) -> bool {
        let is_as_new = match max_age {
            None => true,
            Some(wanted) => self.max_age.is_some_and(|asked| asked <= wanted),
        };
        let is_as_strong = accepted.is_none_or(|accepted| {
            let asked = self.acr_values.as_deref().unwrap_or_default();
            let mut asked = asked.split_ascii_whitespace().peekable();
            asked.peek().is_some()
                && asked.all(|asked| accepted.iter().any(|one| one.as_ref() == asked))
        });
        is_as_new && is_as_strong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_covers_what_it_was_asked_for_and_nothing_more() {
        let asked = AskedFor {
            max_age: Some(300),
            acr_values: Some("gold  silver".to_owned()),
        };
        let all = &["gold", "silver", "bronze"][..];
        assert!(asked.covers(Some(300), Some(all)));
        assert!(asked.covers(Some(600), None::<&[&str]>));
        assert!(!asked.covers(Some(299), Some(all)));
        assert!(!asked.covers(None, Some(&["gold"])));
        let nothing = AskedFor::default();
        assert!(!nothing.covers(Some(600), None::<&[&str]>));
        assert!(!nothing.covers(None, Some(all)));
        assert!(nothing.covers(None, None::<&[&str]>));
    }
}
