//! A module: what the provider does, and what is expected of the app.

use std::fmt;
use std::pin::Pin;

use miracl_platform::{Fault, SigningAlgorithm};

use crate::judge::Expect;
use crate::profile::Profile;
use crate::run::Run;
use crate::setup::Setup;
use crate::stop::Checked;

/// What a script returns when called.
pub(crate) type Play<'a> = Pin<Box<dyn Future<Output = Checked> + Send + 'a>>;

/// A script of its own.
pub(crate) type Player = for<'a> fn(&'a Run) -> Play<'a>;

/// One test of the list. It has the OpenID Foundation's name where the test is theirs.
pub struct Module {
    name: String,
    plans: &'static [Profile],
    expects: String,
    /// The set-ups: the script runs with each of them.
    pub(crate) setups: Vec<Setup>,
    /// Whether a second app at a second provider stands beside the first.
    pub(crate) second: bool,
    /// Whether it waits until an app gives up.
    pub(crate) slow: bool,
    pub(crate) script: Script,
}

pub(crate) enum Script {
    /// One login at a provider with these faults; afterwards one without.
    Login {
        faults: Vec<Fault>,
        query: &'static str,
        expect: Expect,
    },
    /// Anything else.
    Play(Player),
}

impl Module {
    fn new(name: &str, plans: &'static [Profile], expects: &str, script: Script) -> Self {
        Self {
            name: name.to_owned(),
            plans,
            expects: expects.to_owned(),
            setups: vec![Setup::PLAIN],
            second: false,
            slow: false,
            script,
        }
    }

    /// A login at a provider that misbehaves.
    pub(crate) fn login(
        name: &str,
        plans: &'static [Profile],
        faults: &[Fault],
        expect: Expect,
    ) -> Self {
        let script = Script::Login {
            faults: faults.to_vec(),
            query: "",
            expect,
        };
        Self::new(name, plans, &expect.to_string(), script)
    }

    /// A script of its own.
    pub(crate) fn play(name: &str, plans: &'static [Profile], expects: &str, play: Player) -> Self {
        Self::new(name, plans, expects, Script::Play(play))
    }

    /// Replaces the set-up.
    pub(crate) fn with(mut self, setup: Setup) -> Self {
        self.setups = vec![setup];
        self
    }

    /// Adds a set-up.
    pub(crate) fn also_with(mut self, setup: Setup) -> Self {
        self.setups.push(setup);
        self
    }

    /// Runs with the algorithm registered, and without.
    pub(crate) fn signed(mut self, signs: SigningAlgorithm) -> Self {
        let setups = std::mem::take(&mut self.setups);
        let both = |setup: Setup| [setup.signed(signs), setup.signed(signs).told()];
        self.setups = setups.into_iter().flat_map(both).collect();
        self
    }

    /// Runs with `form_post` as well.
    pub(crate) fn also_by_form_post(mut self) -> Self {
        let setups = std::mem::take(&mut self.setups);
        let both = |setup: Setup| [setup, setup.form_post()];
        self.setups = setups.into_iter().flat_map(both).collect();
        self
    }

    /// The set-ups that matter for a plan: `form_post` only for the plan of that name, where there is another.
    pub(crate) fn setups_for(&self, plan: Profile) -> Vec<Setup> {
        let by_form = plan == Profile::FormPost;
        let mut setups = self.setups.clone();
        if setups.iter().any(|setup| setup.form_post == by_form) {
            setups.retain(|setup| setup.form_post == by_form);
        }
        setups
    }

    /// Runs with an app that has not met the provider yet.
    pub(crate) fn fresh(mut self) -> Self {
        for setup in &mut self.setups {
            *setup = setup.fresh();
        }
        self
    }

    /// Runs with an app that has not met the provider yet, and gives it time to give up.
    pub(crate) fn slow(mut self) -> Self {
        self.slow = true;
        self.fresh()
    }

    /// Runs with a second app at a second provider.
    pub(crate) fn beside_another(mut self) -> Self {
        self.second = true;
        self
    }

    /// Passes parameters to the login path, which the app must pass on to the provider.
    pub(crate) fn asking(mut self, parameters: &'static str) -> Self {
        if let Script::Login { query, .. } = &mut self.script {
            *query = parameters;
        }
        self
    }

    /// The name: `oidcc-client-test-…`, `fapi2-security-profile-final-client-test-…`, or `ours-…`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The plans it belongs to.
    pub fn plans(&self) -> &'static [Profile] {
        self.plans
    }

    /// What is expected of an app, in a sentence.
    pub fn expects(&self) -> &str {
        &self.expects
    }

    /// Whether it waits until an app gives up on its provider, which may take the app's whole time limit.
    pub fn is_slow(&self) -> bool {
        self.slow
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module")
            .field("name", &self.name)
            .field("plans", &self.plans)
            .field("expects", &self.expects)
            .finish_non_exhaustive()
    }
}
