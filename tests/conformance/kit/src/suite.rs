//! Runs a whole plan at once.

use std::fmt;

use crate::app::App;
use crate::modules::modules;
use crate::not_run::NOT_RUN;
use crate::profile::Profile;
use crate::report::Report;
use crate::runner::Runner;
use crate::settings::ProviderSettings;

/// All modules of a plan.
#[derive(Clone, Copy)]
pub struct Suite {
    plan: Profile,
}

impl Suite {
    /// The suite of a plan.
    pub const fn new(plan: Profile) -> Self {
        Self { plan }
    }

    /// Runs every module of the plan, one after the other. `start` is called for each app that is needed, with the
    /// settings of its provider. An app is dropped when no module needs it any more.
    ///
    /// # Panics
    ///
    /// When `start` panics.
    pub async fn run(self, start: impl AsyncFn(ProviderSettings) -> App) -> Report {
        let runner = Runner::new(start);
        let mut report = Report::default();
        for module in modules()
            .iter()
            .filter(|module| module.plans().contains(&self.plan))
        {
            report.add(module, runner.run_for(module, self.plan).await);
        }
        for entry in NOT_RUN
            .iter()
            .filter(|entry| entry.plans().contains(&self.plan))
        {
            report.add_line(entry.name(), entry.plans(), entry.outcome());
        }
        report
    }
}

impl fmt::Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suite").field("plan", &self.plan).finish()
    }
}

/// Runs every module of a plan on an app, and fails with the whole report unless all of them pass.
///
/// # Panics
///
/// When one does not pass, or `start` panics.
pub async fn assert_conformant(plan: Profile, start: impl AsyncFn(ProviderSettings) -> App) {
    Suite::new(plan).run(start).await.assert_conformant();
}
