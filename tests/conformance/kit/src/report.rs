//! The outcomes of modules, and the report of a plan.

use std::collections::BTreeMap;
use std::fmt;

use crate::module::Module;
use crate::profile::Profile;

/// The outcome of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The app did what was expected.
    Passed,
    /// It did not: what went wrong, and the requests that the provider received.
    Failed(String),
    /// It was left out, for this reason.
    Skipped(String),
}

/// The outcome of every module of a suite.
#[derive(Debug, Clone, Default)]
pub struct Report {
    lines: Vec<(String, &'static [Profile], Outcome)>,
}

/// How many modules of a plan have each outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// As expected.
    pub passed: usize,
    /// Not as expected.
    pub failed: usize,
    /// Left out with a reason.
    pub skipped: usize,
}

impl Report {
    /// Adds the outcome of a module.
    pub fn add(&mut self, module: &Module, outcome: Outcome) {
        self.lines
            .push((module.name().to_owned(), module.plans(), outcome));
    }

    pub(crate) fn add_line(&mut self, name: &str, plans: &'static [Profile], outcome: Outcome) {
        self.lines.push((name.to_owned(), plans, outcome));
    }

    /// Returns each module's name and outcome, in the order in which they were added.
    pub fn outcomes(&self) -> impl Iterator<Item = (&str, &Outcome)> {
        self.lines
            .iter()
            .map(|(name, _, outcome)| (name.as_str(), outcome))
    }

    /// Counts the modules of a plan.
    pub fn counts(&self, plan: Profile) -> Counts {
        let of_plan = self
            .lines
            .iter()
            .filter(|(_, plans, _)| plans.contains(&plan));
        of_plan.fold(Counts::default(), |mut counts, (_, _, outcome)| {
            let count = match outcome {
                Outcome::Passed => &mut counts.passed,
                Outcome::Failed(_) => &mut counts.failed,
                Outcome::Skipped(_) => &mut counts.skipped,
            };
            *count += 1;
            counts
        })
    }

    /// Fails with the whole report unless every module that was run passed, and at least one was.
    ///
    /// # Panics
    ///
    /// When one did not.
    #[track_caller]
    pub fn assert_conformant(&self) {
        let mut outcomes = self.lines.iter().map(|(_, _, outcome)| outcome);
        assert!(
            !outcomes
                .clone()
                .any(|outcome| matches!(outcome, Outcome::Failed(_))),
            "the app is not conformant\n{self}"
        );
        assert!(
            outcomes.any(|outcome| *outcome == Outcome::Passed),
            "no module was run\n{self}"
        );
    }
}

/// One line for each module, and a table with one for each plan.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, _, outcome) in &self.lines {
            match outcome {
                Outcome::Passed => writeln!(f, "passed   {name}")?,
                Outcome::Failed(why) => writeln!(f, "FAILED   {name}: {why}")?,
                Outcome::Skipped(why) => reasons.entry(why).or_default().push(name),
            }
        }
        for (why, names) in reasons {
            writeln!(f, "skipped, because {why}: {}", names.join(", "))?;
        }
        writeln!(
            f,
            "\n{:<22} {:>7} {:>7} {:>8}",
            "plan", "passed", "failed", "skipped"
        )?;
        for &plan in Profile::ALL {
            let Counts {
                passed,
                failed,
                skipped,
            } = self.counts(plan);
            if passed + failed + skipped > 0 {
                writeln!(
                    f,
                    "{:<22} {passed:>7} {failed:>7} {skipped:>8}",
                    plan.name()
                )?;
            }
        }
        Ok(())
    }
}
