//! What is said once about each of several things.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

/// About how many things something is said: their names are kept.
const MOST: usize = 64;

/// The things that something was said about.
#[derive(Default)]
pub(crate) struct OnceEach(Mutex<BTreeSet<String>>);

impl OnceEach {
    /// Whether this is the first time. After many things it never is.
    pub(crate) fn is_first(&self, name: &str) -> bool {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.len() < MOST && !names.contains(name) && names.insert(name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_new_once_and_few_are_kept() {
        let told = OnceEach::default();
        assert!(told.is_first("Admin") && !told.is_first("Admin"));
        let others = (0..1000).filter(|other| told.is_first(&other.to_string()));
        assert_eq!(others.count(), MOST - 1);
    }
}
