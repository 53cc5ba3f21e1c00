//! The app that is joined to an engine: its own value, for its decisions, and what its adapter calls of it.

use std::{
    any::Any,
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// A value of the app, or of its adapter.
pub(crate) type App = Arc<dyn Any + Send + Sync>;

/// The app that is joined, if one is. Its value is held weakly, since an app may hold the engine.
#[derive(Default)]
pub(crate) struct Joined(Mutex<Option<Parts>>);

struct Parts {
    app: Weak<dyn Any + Send + Sync>,
    hooks: App,
}

impl Joined {
    /// Joins an app. Returns `false` where another one is joined that still exists.
    #[must_use]
    pub(crate) fn join(&self, app: &App, hooks: App) -> bool {
        let mut joined = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_taken = joined
            .as_ref()
            .is_some_and(|joined| joined.app.strong_count() > 0);
        if !is_taken {
            let app = Arc::downgrade(app);
            *joined = Some(Parts { app, hooks });
        }
        !is_taken
    }

    /// Returns the app's value, if it is still there.
    pub(crate) fn app(&self) -> Option<App> {
        let joined = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        joined.as_ref()?.app.upgrade()
    }

    /// Returns what the adapter calls of the app.
    pub(crate) fn hooks(&self) -> Option<App> {
        let joined = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        joined.as_ref().map(|joined| Arc::clone(&joined.hooks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_app_is_joined_for_as_long_as_it_exists() {
        let joined = Joined::default();
        assert!(joined.app().is_none() && joined.hooks().is_none());
        let (first, second): (App, App) = (Arc::new(1), Arc::new("two"));
        assert!(joined.join(&first, Arc::new(())));
        assert!(!joined.join(&second, Arc::new(())));
        assert!(joined.app().is_some_and(|app| app.is::<i32>()));
        drop(first);
        assert!(joined.app().is_none());
        assert!(joined.join(&second, Arc::new(())));
        assert!(joined.app().is_some_and(|app| app.is::<&str>()));
    }
}
