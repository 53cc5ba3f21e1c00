//! The app's own values that functions of it can reach: held weakly, since an app may hold the engine.

use std::{
    any::Any,
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// A value of the app.
pub(crate) type App = Arc<dyn Any + Send + Sync>;

/// The values of the app, in the order in which they came.
#[derive(Default)]
pub(crate) struct Apps(Mutex<Vec<Weak<dyn Any + Send + Sync>>>);

impl Apps {
    /// Adds a value, and forgets those that are gone.
    pub(crate) fn add(&self, app: &App) {
        let mut apps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        apps.retain(|app| app.strong_count() > 0);
        apps.push(Arc::downgrade(app));
    }

    /// Returns those that are still there.
    pub(crate) fn all(&self) -> Vec<App> {
        let apps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        apps.iter().filter_map(Weak::upgrade).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_there_for_as_long_as_the_app_keeps_it() {
        let apps = Apps::default();
        let (first, second): (App, App) = (Arc::new(1), Arc::new("two"));
        apps.add(&first);
        apps.add(&second);
        assert_eq!(apps.all().len(), 2);
        drop(first);
        let left = apps.all();
        assert!(left.len() == 1 && left[0].is::<&str>());
    }
}
