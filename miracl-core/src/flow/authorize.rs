//! Whether somebody may do what they ask for.

use std::sync::Arc;

use crate::{
    access::{
        caller::Caller,
        decision::{Facts, Known, Need, Outcome, Progress, SCOPE},
        request::{AccessRequest, BoxError},
        requirement::{Decide, Requirement},
        step_up::StepUp,
    },
    config::session_claims::KeepClaims,
    engine::Engine,
    error::session::SessionError,
    exchange::Exchange,
    flow::user,
    session::{data::SessionData, identity::User},
    web::request::RequestView,
};

/// What a requirement comes to.
pub(crate) enum Authorized {
    Met(User),
    /// Nobody is logged in.
    Anonymous,
    Denied,
    /// A login that brings this would meet it.
    StepUp(StepUp),
    /// The login was asked for all of it, and has not brought it.
    InVain,
    /// The app's own decision has failed, which the log explains.
    Undecided,
    /// The session cannot be read, which the log explains.
    Unreadable,
    /// It asks for what no session keeps, which the log explains.
    NotKept,
}

/// Compares the person who is logged in with a requirement.
pub(crate) async fn authorize(
    exchange: &Arc<Exchange>,
    requirement: &Requirement,
    request: &impl RequestView,
) -> Authorized {
    let unreadable = |error: SessionError| {
        tracing::error!(%error, "the session cannot be read");
        Authorized::Unreadable
    };
    let user = match user::user(exchange).await {
        Ok(Some(user)) => user,
        Ok(None) => return Authorized::Anonymous,
        Err(error) => return unreadable(error),
    };
    let engine = &exchange.engine;
    if let Some(need) = not_kept(engine, requirement) {
        tracing::error!(
            claim = need.claim,
            policy = name(requirement, need),
            "a requirement asks for a claim that sessions do not keep: add it to `session_claims.keep` \
             (SESSION_KEEP_CLAIMS)"
        );
        return Authorized::NotKept;
    }
    let data = match requirement.needs(user.0.person.extension()) {
        None => None,
        Some(need) => {
            tell_of_slow(engine, requirement, need);
            match exchange.data().await {
                Ok(Some(data)) => Some(data),
                // The session has ended meanwhile, or the browser has lost its large part.
                Ok(None) => return Authorized::Anonymous,
                Err(error) => return unreadable(error),
            }
        }
    };
    let mut facts = facts(engine, &user, data.as_deref());
    let answers = exchange.lock().answers.clone();
    let mut answers = answers.about(user.0.id);
    loop {
        match requirement.decide(&facts, &answers) {
            Progress::Over(Outcome::Met) => return Authorized::Met(user),
            Progress::Over(Outcome::Denied) => return Authorized::Denied,
            Progress::Over(Outcome::StepUp(step_up)) => {
                let data = match &data {
                    Some(data) => Some(Arc::clone(data)),
                    None => match exchange.data().await {
                        Ok(data) => data,
                        Err(error) => return unreadable(error),
                    },
                };
                let mut is_in_vain =
                    data.is_some_and(|data| is_in_vain(&facts, &user, &data, &step_up));
                if is_in_vain {
                    // A login that brought all of it, and has aged since, is no reason against another one.
                    facts.now = user.0.created();
                    let then = requirement.decide(&facts, &answers);
                    is_in_vain = !matches!(then, Progress::Over(Outcome::Met));
                }
                return match is_in_vain {
                    true => Authorized::InVain,
                    false => Authorized::StepUp(step_up),
                };
            }
            Progress::Over(Outcome::Unknown) => return Authorized::Undecided,
            Progress::Asks(decide) => {
                let answer = ask(engine, decide, user.clone(), request).await;
                answers.add(decide.id.clone(), answer);
                exchange.lock().answers = answers.clone();
            }
        }
    }
}

/// Asks the app. `None` is a failure, which the log explains.
pub(super) async fn ask(
    engine: &Engine,
    decide: &Decide,
    caller: impl Into<Caller>,
    request: &impl RequestView,
) -> Option<bool> {
    let path = request.path_and_query();
    let app = engine.joined.app();
    let told = AccessRequest::new(caller.into(), request.method(), &path, app);
    (decide.ask)(told).await.inspect_err(failed).ok()
}

/// Whether somebody who is logged in meets a requirement, as far as the small part of their session tells. `false` says
/// that more has to be asked.
#[inline]
pub(crate) fn is_met_at_once(engine: &Engine, requirement: &Requirement, user: &User) -> bool {
    // Most ask for one claim, which needs neither the time nor anything else.
    let is_met = match requirement.is_met_by_claim(user.0.person.extension()) {
        Some(is_met) => is_met,
        None => requirement.is_met_at_once(&facts(engine, user, None)),
    };
    is_met && not_kept(engine, requirement).is_none()
}

fn not_kept<'a>(engine: &Engine, requirement: &'a Requirement) -> Option<Need<'a>> {
    let settings = &engine.config.session_claims;
    match settings.keep {
        KeepClaims::All => None,
        _ => requirement.not_kept(&|claim| settings.keeps_what(claim)),
    }
}

/// Whether a step-up would ask for what the login of this session was asked for already, a moment ago.
fn is_in_vain(facts: &Facts<'_>, user: &User, data: &SessionData, step_up: &StepUp) -> bool {
    let accepted = step_up.acr_values.as_deref();
    let is_young = step_up
        .max_age
        .is_none_or(|max_age| facts.is_since(user.0.created(), max_age));
    is_young && data.asked_for.covers(step_up.max_age, accepted)
}

/// Says once of each policy that it is slow.
fn tell_of_slow(engine: &Engine, requirement: &Requirement, need: Need<'_>) {
    let policy = need.policy.unwrap_or(need.claim);
    if need.claim != SCOPE && engine.slow_policies.is_first(policy) {
        tracing::info!(
            claim = need.claim,
            policy = name(requirement, need),
            "a requirement opens the large part of each session: it is faster with the claim in \
             `session_claims.quick` (SESSION_QUICK_CLAIMS)"
        );
    }
}

/// What the log calls a requirement.
fn name(requirement: &Requirement, need: Need<'_>) -> String {
    match need.policy {
        Some(policy) => policy.to_owned(),
        None => format!("{requirement:?}"),
    }
}

#[inline]
fn facts<'a>(engine: &'a Engine, user: &'a User, data: Option<&'a SessionData>) -> Facts<'a> {
    let known = |data: &'a SessionData| {
        let (claims, login) = data.known();
        Known {
            claims,
            login,
            granted: data.tokens.scope.as_deref(),
            asked: &engine.config.scopes,
        }
    };
    let session = &user.0;
    Facts {
        email_verified: user.email_verified(),
        quick: session.person.extension(),
        asked_at: engine.config.asks_every_time.then(|| session.created()),
        known: data.map(known),
        now: engine.now(),
        skew: engine.config.clock_skew,
    }
}

/// Writes down why the app could not decide.
fn failed(error: &BoxError) {
    tracing::error!(%error, "the app's own decision has failed, so that nobody is let through");
}
