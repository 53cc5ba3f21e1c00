//! Whether a session meets a requirement.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::{
    access::{
        claim::Claim,
        requirement::{Decide, Requirement, Rule},
        step_up::{Acr, StepUp},
    },
    provider::{
        claims::{seconds, time},
        login_claims::LOGIN_CLAIMS,
        user_data::UserData,
    },
    session::{
        answers::Answers,
        extension::Extension,
        flat::{Flat, Scalar},
    },
};

/// How many seconds a login may be old in any case: it has to come back from the provider, and would begin anew for
/// ever.
const AT_LEAST: u64 = 10;

/// What the scopes of a session are called, which are in its large part only.
pub(crate) const SCOPE: &str = "scope";

/// What a requirement is compared with.
pub(crate) struct Facts<'a> {
    pub(crate) email_verified: bool,
    /// What the small part of a session has of claims.
    pub(crate) quick: Extension<'a>,
    /// When the person logged in at this app, where the provider asks at every login.
    pub(crate) asked_at: Option<u64>,
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

impl Facts<'_> {
    fn passes(&self, claim: &Claim) -> bool {
        if let Some(found) = self.quick.claim(&claim.name) {
            return claim.passes_flat(found);
        }
        let passes = |known: &Known<'_>| match LOGIN_CLAIMS.contains(&&*claim.name) {
            true => claim.passes(&known.login),
            false => claim.passes(known.claims.claims()),
        };
        self.known.as_ref().is_some_and(passes)
    }

    fn has_acr(&self, values: &[Acr]) -> bool {
        let is_one = |found: &[u8]| values.iter().any(|value| value.as_bytes() == found);
        if let Some(found) = self.quick.claim("acr") {
            return matches!(found, Flat::One(Scalar::Text(found)) if is_one(found));
        }
        let found = self.known.as_ref();
        let found = found.and_then(|known| known.login.get("acr")?.as_str());
        found.is_some_and(|found| is_one(found.as_bytes()))
    }

    fn is_within(&self, time: Duration) -> bool {
        let found = self.auth_time().or(self.asked_at);
        found.is_some_and(|at| self.is_since(at, time.as_secs()))
    }

    /// Whether a time is not longer ago than this many seconds, with the tolerance.
    pub(crate) fn is_since(&self, at: u64, seconds: u64) -> bool {
        let tolerance = self.skew.as_secs().max(AT_LEAST);
        // A time that lies ahead proves nothing.
        let is_past = at <= self.now.saturating_add(tolerance);
        is_past && self.now.saturating_sub(at) <= seconds.saturating_add(tolerance)
    }

    /// Reads it as the callback does: another reader might refuse what that one has accepted, for ever.
    fn auth_time(&self) -> Option<u64> {
        match self.quick.claim("auth_time") {
            Some(Flat::One(Scalar::Integer(found))) => seconds(found as f64),
            Some(Flat::One(Scalar::Number(found))) => seconds(found),
            Some(_) => None,
            None => {
                let known = self.known.as_ref()?;
                time(&known.login, "auth_time").ok().flatten()
            }
        }
    }
}

/// What a requirement needs of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Need<'a> {
    pub(crate) claim: &'a str,
    /// The policy that needs it, where it has a name.
    pub(crate) policy: Option<&'static str>,
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

/// How far a requirement is decided.
pub(crate) enum Progress<'a> {
    Over(Outcome),
    /// The outcome depends on this decision of the app.
    Asks(&'a Decide),
}

/// The outcome of a part of a requirement.
enum Part<'a> {
    Met,
    Denied,
    StepUp,
    Unknown,
    Open(&'a Decide),
}

/// A part, and what a login would have to bring to meet it: `None` where no login can.
type Decided<'a> = (Part<'a>, Option<StepUp>);

impl Requirement {
    /// What of the session's large part is needed: the first thing that the small part does not have.
    pub(crate) fn needs(&self, quick: Extension<'_>) -> Option<Need<'_>> {
        let need = |claim| {
            let is_quick = quick.claim(claim).is_some();
            (!is_quick).then_some(Need {
                claim,
                policy: self.policy,
            })
        };
        match &self.rule {
            Rule::LoggedIn | Rule::EmailVerified | Rule::Decided(_) => None,
            Rule::Claim(claim) => need(&claim.name),
            Rule::Scope(_) => Some(Need {
                claim: SCOPE,
                policy: self.policy,
            }),
            Rule::Acr(_) => need("acr"),
            Rule::Within(_) => need("auth_time"),
            Rule::All(of) | Rule::Any(of) => self.first(of, |of| of.needs(quick)),
        }
    }

    /// A claim that no session has, because it is not kept.
    pub(crate) fn not_kept(&self, keeps: &dyn Fn(&str) -> bool) -> Option<Need<'_>> {
        match &self.rule {
            Rule::Claim(claim) if !keeps(&claim.name) => Some(Need {
                claim: &claim.name,
                policy: self.policy,
            }),
            Rule::All(of) | Rule::Any(of) => self.first(of, |of| of.not_kept(keeps)),
            _ => None,
        }
    }

    /// Every scope that it names.
    pub(crate) fn scopes(&self) -> Vec<&str> {
        match &self.rule {
            Rule::Scope(scope) => vec![scope],
            Rule::All(of) | Rule::Any(of) => of.iter().flat_map(Self::scopes).collect(),
            _ => Vec::new(),
        }
    }

    /// What the first part of this needs, in the name of the innermost policy.
    fn first<'a>(
        &'a self,
        of: &'a [Self],
        find: impl Fn(&'a Self) -> Option<Need<'a>>,
    ) -> Option<Need<'a>> {
        of.iter().find_map(find).map(|need| Need {
            policy: need.policy.or(self.policy),
            ..need
        })
    }

    /// Whether it is met by a claim of the small part of a session. `None` where it asks for anything but one
    /// claim. `false` says that it is not, or that the large part has to be asked.
    #[inline]
    pub(crate) fn is_met_by_claim(&self, quick: Extension<'_>) -> Option<bool> {
        let Rule::Claim(claim) = &self.rule else {
            return None;
        };
        let found = quick.claim(&claim.name);
        Some(found.is_some_and(|found| claim.passes_flat(found)))
    }

    /// Whether it is met by what the small part of a session knows. `false` says that it is not, or that more has to be
    /// asked.
    pub(crate) fn is_met_at_once(&self, facts: &Facts<'_>) -> bool {
        match &self.rule {
            Rule::LoggedIn => true,
            Rule::EmailVerified => facts.email_verified,
            Rule::Claim(_) => self.is_met_by_claim(facts.quick).unwrap_or_default(),
            Rule::Acr(values) => facts.has_acr(values),
            Rule::Within(within) => {
                let is_known = facts.quick.claim("auth_time").is_some();
                is_known && facts.is_within(*within)
            }
            Rule::Scope(_) | Rule::Decided(_) => false,
            Rule::All(of) => of.iter().all(|of| of.is_met_at_once(facts)),
            Rule::Any(of) => of.iter().any(|of| of.is_met_at_once(facts)),
        }
    }

    /// Decides as much as is known. Each part is looked at once for each answer of the app.
    pub(crate) fn decide(&self, facts: &Facts<'_>, answers: &Answers) -> Progress<'_> {
        let (part, wanted) = self.part(facts, answers);
        Progress::Over(match part {
            Part::Open(decide) => return Progress::Asks(decide),
            Part::Met => Outcome::Met,
            Part::Denied => Outcome::Denied,
            Part::Unknown => Outcome::Unknown,
            Part::StepUp => wanted.map_or(Outcome::Denied, Outcome::StepUp),
        })
    }

    fn part<'a>(&'a self, facts: &Facts<'_>, answers: &Answers) -> Decided<'a> {
        let met = |is_met| if is_met { Part::Met } else { Part::Denied };
        let newer = |is_met| if is_met { Part::Met } else { Part::StepUp };
        let nothing = Some(StepUp::default());
        match &self.rule {
            Rule::LoggedIn => (Part::Met, nothing),
            Rule::EmailVerified => (met(facts.email_verified), nothing),
            Rule::Claim(claim) => (met(facts.passes(claim)), nothing),
            Rule::Scope(scope) => {
                let has = |known: &Known<'_>| known.has_scope(scope);
                (met(facts.known.as_ref().is_some_and(has)), nothing)
            }
            Rule::Acr(values) => {
                let is_met = facts.has_acr(values);
                let wanted = StepUp {
                    acr_values: Some(values.clone()),
                    max_age: None,
                };
                (newer(is_met), (!values.is_empty()).then_some(wanted))
            }
            Rule::Within(within) => {
                let is_met = facts.is_within(*within);
                let wanted = StepUp {
                    max_age: Some(within.as_secs()),
                    acr_values: None,
                };
                (newer(is_met), Some(wanted))
            }
            Rule::Decided(decide) => {
                let part = match answers.get(&decide.id) {
                    None => Part::Open(decide),
                    Some(None) => Part::Unknown,
                    Some(Some(answer)) => met(answer),
                };
                (part, nothing)
            }
            Rule::All(of) => all(of.iter().map(|of| of.part(facts, answers))),
            Rule::Any(of) => any(of.iter().map(|of| of.part(facts, answers))),
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
            (Part::Open(decide), _) | (_, Part::Open(decide)) => Part::Open(decide),
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
            (Part::Open(decide), _) | (_, Part::Open(decide)) => Part::Open(decide),
            (Part::Unknown, _) | (_, Part::Unknown) => Part::Unknown,
            (Part::StepUp, _) | (_, Part::StepUp) => Part::StepUp,
            (Part::Denied, Part::Denied) => Part::Denied,
        };
    }
    (any, wanted)
}

#[cfg(test)]
mod tests;
