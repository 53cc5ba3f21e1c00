//! Whether a session meets a requirement.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::{
    access::{
        requirement::{Decide, Requirement, Rule},
        step_up::StepUp,
    },
    provider::{claims::time, login_claims::LOGIN_CLAIMS, user_data::UserData},
};

/// How many seconds a login may be old in any case: it has to come back from the provider, and would begin anew for
/// ever.
const AT_LEAST: u64 = 10;

/// What a requirement is compared with.
pub(crate) struct Facts<'a> {
    pub(crate) email_verified: bool,
    /// What only the large part of a session knows. `None` where no requirement asks for it.
    pub(crate) known: Option<Known<'a>>,
    pub(crate) now: u64,
    /// By how much the provider's clock may differ.
    pub(crate) skew: Duration,
}

/// What the large part of a session knows.
pub(crate) struct Known<'a> {
    pub(crate) claims: UserData,
    pub(crate) login: Map<String, Value>,
    /// The granted scopes, separated by spaces, where the provider named them.
    pub(crate) granted: Option<&'a str>,
    /// The scopes that were asked for, which are the granted ones where the provider named none.
    pub(crate) asked: &'a [String],
}

impl Known<'_> {
    fn has_scope(&self, scope: &str) -> bool {
        let has = |granted: &str| {
            granted
                .split_ascii_whitespace()
                .any(|granted| granted == scope)
        };
        match self.granted {
            Some(granted) => has(granted),
            None => self.asked.iter().any(|asked| has(asked)),
        }
    }
}

/// The outcome of a requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Met,
    Denied,
    /// A login that brings this would meet it.
    StepUp(StepUp),
    /// It cannot be told.
    Unknown,
}

/// The answers of the app so far, in the order in which its decisions stand in a requirement. `None` is a failure.
pub(crate) type Answers = Vec<(usize, Option<bool>)>;

/// How far a requirement is decided.
pub(crate) enum Progress<'a> {
    Over(Outcome),
    /// The outcome depends on this decision of the app, which has this number.
    Asks(usize, &'a Decide),
}

/// The outcome of a part of a requirement.
enum Part<'a> {
    Met,
    Denied,
    StepUp,
    Unknown,
    Open(usize, &'a Decide),
}

/// A part, and what a login would have to bring to meet it: `None` where no login can.
type Decided<'a> = (Part<'a>, Option<StepUp>);

impl Requirement {
    /// Whether the large part of the session is needed.
    pub(crate) fn needs_large_part(&self) -> bool {
        match &self.0 {
            Rule::LoggedIn | Rule::EmailVerified | Rule::Decided(_) => false,
            Rule::Claim(_) | Rule::Scope(_) | Rule::Acr(_) | Rule::Within(_) => true,
            Rule::All(of) | Rule::Any(of) => of.iter().any(Self::needs_large_part),
        }
    }

    /// Decides as much as is known. Each part is looked at once for each answer of the app.
    pub(crate) fn decide(&self, facts: &Facts<'_>, answers: &Answers) -> Progress<'_> {
        let (part, wanted) = self.part(facts, answers, &mut 0);
        Progress::Over(match part {
            Part::Open(number, decide) => return Progress::Asks(number, decide),
            Part::Met => Outcome::Met,
            Part::Denied => Outcome::Denied,
            Part::Unknown => Outcome::Unknown,
            Part::StepUp => wanted.map_or(Outcome::Denied, Outcome::StepUp),
        })
    }

    fn part<'a>(&'a self, facts: &Facts<'_>, answers: &Answers, number: &mut usize) -> Decided<'a> {
        let met = |is_met| if is_met { Part::Met } else { Part::Denied };
        let newer = |is_met| if is_met { Part::Met } else { Part::StepUp };
        let nothing = Some(StepUp::default());
        match &self.0 {
            Rule::LoggedIn => (Part::Met, nothing),
            Rule::EmailVerified => (met(facts.email_verified), nothing),
            Rule::Claim(claim) => {
                let passes = |known: &Known<'_>| match LOGIN_CLAIMS.contains(&&*claim.name) {
                    true => claim.passes(&known.login),
                    false => claim.passes(known.claims.claims()),
                };
                (met(facts.known.as_ref().is_some_and(passes)), nothing)
            }
            Rule::Scope(scope) => {
                let has = |known: &Known<'_>| known.has_scope(scope);
                (met(facts.known.as_ref().is_some_and(has)), nothing)
            }
            Rule::Acr(values) => {
                let found = facts.known.as_ref();
                let found = found.and_then(|known| known.login.get("acr")?.as_str());
                let is_met = found.is_some_and(|found| values.iter().any(|value| value == found));
                let wanted = StepUp {
                    acr_values: Some(values.clone()),
                    max_age: None,
                };
                (newer(is_met), (!values.is_empty()).then_some(wanted))
            }
            Rule::Within(within) => {
                let seconds = within.as_secs();
                let found = facts.known.as_ref();
                // The reader of the callback: another one might refuse what that one has accepted, for ever.
                let found = found.and_then(|known| time(&known.login, "auth_time").ok().flatten());
                let limit = seconds.saturating_add(facts.skew.as_secs().max(AT_LEAST));
                let is_met = found.is_some_and(|at| facts.now.saturating_sub(at) <= limit);
                let wanted = StepUp {
                    max_age: Some(seconds),
                    acr_values: None,
                };
                (newer(is_met), Some(wanted))
            }
            Rule::Decided(decide) => {
                let own = *number;
                *number += 1;
                let answer = answers.iter().find(|(number, _)| *number == own);
                let part = match answer {
                    None => Part::Open(own, decide),
                    Some((_, None)) => Part::Unknown,
                    Some((_, Some(answer))) => met(*answer),
                };
                (part, nothing)
            }
            Rule::All(of) => all(of.iter().map(|of| of.part(facts, answers, number))),
            Rule::Any(of) => any(of.iter().map(|of| of.part(facts, answers, number))),
        }
    }
}

/// A denial beats an open decision, that what cannot be told, and that a login that is too weak.
fn all<'a>(parts: impl Iterator<Item = Decided<'a>>) -> Decided<'a> {
    let mut all = Part::Met;
    let mut wanted = Some(StepUp::default());
    for (part, wants) in parts {
        wanted = match (wanted, wants) {
            (Some(wanted), Some(wants)) => wanted.and(wants),
            _ => None,
        };
        all = match (all, part) {
            (Part::Denied, _) | (_, Part::Denied) => Part::Denied,
            (Part::Open(number, decide), _) | (_, Part::Open(number, decide)) => {
                Part::Open(number, decide)
            }
            (Part::Unknown, _) | (_, Part::Unknown) => Part::Unknown,
            (Part::StepUp, _) | (_, Part::StepUp) => Part::StepUp,
            (Part::Met, Part::Met) => Part::Met,
        };
    }
    if wanted.is_none() && matches!(all, Part::StepUp | Part::Open(..)) {
        // No login can bring all of it.
        all = Part::Denied;
    }
    (all, wanted)
}

/// What is met beats an open decision, that what cannot be told, and that a login that is too weak.
fn any<'a>(parts: impl Iterator<Item = Decided<'a>>) -> Decided<'a> {
    let mut any = Part::Denied;
    let mut wanted = None;
    for (part, wants) in parts {
        if wanted.is_none() && !matches!(part, Part::Denied) {
            wanted = wants;
        }
        any = match (any, part) {
            (Part::Met, _) | (_, Part::Met) => Part::Met,
            (Part::Open(number, decide), _) | (_, Part::Open(number, decide)) => {
                Part::Open(number, decide)
            }
            (Part::Unknown, _) | (_, Part::Unknown) => Part::Unknown,
            (Part::StepUp, _) | (_, Part::StepUp) => Part::StepUp,
            (Part::Denied, Part::Denied) => Part::Denied,
        };
    }
    (any, wanted)
}

#[cfg(test)]
mod tests;
