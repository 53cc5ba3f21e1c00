//! Runs modules, and keeps apps for modules that can share one.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use miracl_platform::{Platform, PlatformConfig};
use tokio::sync::Mutex;

use crate::app::App;
use crate::checks;
use crate::judge::both;
use crate::module::{Module, Script};
use crate::profile::Profile;
use crate::report::Outcome;
use crate::run::{Held, Run, Running};
use crate::settings::ProviderSettings;
use crate::setup::Setup;
use crate::stop::{Checked, Stop};

/// No module may take longer with one set-up.
const LIMIT: Duration = Duration::from_secs(300);

type Place = Arc<Mutex<Option<Running>>>;

/// Runs modules one by one, for test programs that make a test of each. [`Suite`](crate::Suite) runs them all.
///
/// Modules whose apps are registered alike share an app, one at a time; several modules may run at once.
pub struct Runner<S> {
    start: S,
    shared: Mutex<Vec<(Setup, Place)>>,
}

impl<S> Runner<S>
where
    S: AsyncFn(ProviderSettings) -> App,
{
    /// Makes a runner that starts apps with this function.
    pub fn new(start: S) -> Self {
        Self {
            start,
            shared: Mutex::default(),
        }
    }

    /// Runs a module with every set-up it has. The runtime must be the same for all modules, since apps outlive a
    /// module.
    pub async fn run(&self, module: &Module) -> Outcome {
        self.run_in(module, &module.setups).await
    }

    /// Runs a module with the set-ups that matter for a plan.
    pub(crate) async fn run_for(&self, module: &Module, plan: Profile) -> Outcome {
        self.run_in(module, &module.setups_for(plan)).await
    }

    async fn run_in(&self, module: &Module, setups: &[Setup]) -> Outcome {
        for setup in setups {
            let played = tokio::time::timeout(LIMIT, self.run_with(module, *setup)).await;
            let played = played
                .unwrap_or_else(|_| Err(Stop::Failed(format!("it did not end within {LIMIT:?}"))));
            match played {
                Ok(()) => {}
                Err(Stop::Lacks(what)) => {
                    return Outcome::Skipped(format!("the app does not say that it has {what}"));
                }
                Err(Stop::Failed(why)) => {
                    return Outcome::Failed(format!("{why}\nset-up: {}", setup.describe()));
                }
            }
        }
        Outcome::Passed
    }

    async fn run_with(&self, module: &Module, setup: Setup) -> Checked {
        let second = if module.second {
            let other = Setup {
                number: setup.number + 1,
                ..setup
            };
            Some(Box::new(Run::new(self.app_for(other).await?, None)?))
        } else {
            None
        };
        let run = Run::new(self.app_for(setup).await?, second)?;
        let played = match &module.script {
            Script::Play(play) => play(&run).await,
            Script::Login {
                faults,
                query,
                expect,
            } => crate::modules::login(&run, faults, query, *expect).await,
        };
        let asked = checks::requests(&run);
        let verdict = match both(played, asked) {
            Err(Stop::Failed(why)) => Err(Stop::Failed(format!(
                "{why}\nthe provider was asked:{}",
                log(&run)
            ))),
            other => other,
        };
        let (mut held, second) = run.into_held();
        // An app that failed may be in an unexpected state.
        let failed = matches!(verdict, Err(Stop::Failed(_)));
        if failed || setup.fresh {
            *held = None;
        }
        if let Some(mut second) = second.filter(|_| failed || setup.fresh) {
            *second = None;
        }
        verdict
    }

    /// Returns the app for a set-up, which is started if necessary, for this module alone.
    async fn app_for(&self, setup: Setup) -> Checked<Held> {
        if setup.fresh {
            let running = self.launch(setup).await?;
            return Ok(Arc::new(Mutex::new(Some(running))).lock_owned().await);
        }
        let place = {
            let mut shared = self.shared.lock().await;
            match shared.iter().find(|(known, _)| *known == setup) {
                Some((_, place)) => Arc::clone(place),
                None => {
                    let place = Place::default();
                    shared.push((setup, Arc::clone(&place)));
                    place
                }
            }
        };
        let mut held = place.lock_owned().await;
        if held.is_none() {
            *held = Some(self.launch(setup).await?);
            // In a set-up in which nobody can log in, every refusal would look right.
            let run = Run::new(held, None)?;
            run.log_in().await?;
            held = run.into_held().0;
        }
        Ok(held)
    }

    async fn launch(&self, setup: Setup) -> Checked<Running> {
        let platform = Platform::start(PlatformConfig {
            require_pkce: setup.require_pkce,
            ..PlatformConfig::default()
        })
        .await;
        let platform = platform.map_err(|error| format!("the provider does not start: {error}"))?;
        let app = (self.start)(setup.settings(platform.issuer())).await;
        setup.register(&platform, &app)?;
        Running::new(app, platform, setup)
    }
}

impl<S> fmt::Debug for Runner<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").finish_non_exhaustive()
    }
}

/// The requests that the provider received, without the pages that only the person saw.
fn log(run: &Run) -> String {
    let requests = run.requests();
    let asked = requests
        .iter()
        .filter(|request| !request.path.starts_with("/login/"));
    asked
        .map(|request| format!("\n  {}", checks::line(request)))
        .collect()
}
