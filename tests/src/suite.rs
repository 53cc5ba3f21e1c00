//! A suite: the scenarios of one file, under the file's name.

use crate::scenario::{Need, Scenario, Store};

/// The scenarios of one module, which is named once: by its file.
#[derive(Clone, Debug)]
pub struct Suite {
    pub(crate) name: String,
    pub(crate) scenarios: Vec<Scenario>,
}

/// Makes a suite of the functions of these names in this module.
#[macro_export]
macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        /// The suite of this module.
        pub(crate) fn suite() -> $crate::Suite {
            $crate::Suite::of(
                module_path!(),
                vec![$($crate::Scenario::new(stringify!($name), |adapter| Box::pin($name(adapter)))),*],
            )
        }
    };
}

impl Suite {
    /// The suite of a module, under the last name of the module's path.
    pub fn of(module_path: &str, scenarios: Vec<Scenario>) -> Self {
        let name = module_path.rsplit("::").next().unwrap_or(module_path);
        Self {
            name: name.to_owned(),
            scenarios,
        }
    }

    /// Takes another name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Leaves every scenario out where a program is missing.
    #[must_use]
    pub fn needing(self, need: Need) -> Self {
        self.each(|scenario| scenario.needing(need))
    }

    /// Runs every scenario on the first adapter only.
    #[must_use]
    pub fn once(self) -> Self {
        self.each(Scenario::once)
    }

    /// Has the demos of every scenario keep their sessions in a store.
    #[must_use]
    pub fn with_sessions_in(self, store: Store) -> Self {
        self.each(|scenario| scenario.with_sessions_in(store))
    }

    /// A copy with sessions in memory and one with sessions in Redis, named `memory_…` and `redis_…`.
    pub fn on_servers(&self) -> [Self; 2] {
        [("memory", Store::Memory), ("redis", Store::Redis)].map(|(prefix, store)| {
            let name = format!("{prefix}_{}", self.name);
            self.clone().named(&name).with_sessions_in(store)
        })
    }

    /// This suite, whose demos keep sessions in cookies, and its copies [on servers](Self::on_servers).
    pub fn everywhere(self) -> [Self; 3] {
        let [memory, redis] = self.on_servers();
        [self, memory, redis]
    }

    fn each(mut self, change: impl FnMut(Scenario) -> Scenario) -> Self {
        self.scenarios = self.scenarios.into_iter().map(change).collect();
        self
    }
}
