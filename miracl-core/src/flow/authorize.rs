//! Whether somebody may do what they ask for.

use std::sync::Arc;

use crate::{
    access::{
        decision::{Answers, Facts, Known, Outcome, Progress},
        request::AccessRequest,
        requirement::{BoxError, Requirement},
        step_up::StepUp,
    },
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
    /// The app's own decision has failed, which the log explains.
    Undecided,
    /// The session cannot be read, which the log explains.
    Unreadable,
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
    let data = match requirement.needs_large_part() {
        true => match exchange.data().await {
            Ok(Some(data)) => Some(data),
            // The session has ended meanwhile, or the browser has lost its large part.
            Ok(None) => return Authorized::Anonymous,
            Err(error) => return unreadable(error),
        },
        false => None,
    };
    let facts = facts(exchange, &user, data.as_deref());
    let mut answers = Answers::new();
    loop {
        match requirement.decide(&facts, &answers) {
            Progress::Over(Outcome::Met) => return Authorized::Met(user),
            Progress::Over(Outcome::Denied) => return Authorized::Denied,
            Progress::Over(Outcome::StepUp(step_up)) => return Authorized::StepUp(step_up),
            Progress::Over(Outcome::Unknown) => return Authorized::Undecided,
            Progress::Asks(number, decide) => {
                let told =
                    AccessRequest::new(user.clone(), request.method(), &request.path_and_query());
                let answer = decide(told).await.inspect_err(failed).ok();
                answers.push((number, answer));
            }
        }
    }
}

fn facts<'a>(exchange: &'a Exchange, user: &User, data: Option<&'a SessionData>) -> Facts<'a> {
    let known = |data: &'a SessionData| {
        let (claims, login) = data.known();
        Known {
            claims,
            login,
            granted: data.tokens.scope.as_deref(),
            asked: &exchange.engine.config.scopes,
        }
    };
    Facts {
        email_verified: user.email_verified(),
        known: data.map(known),
        now: exchange.engine.now(),
        skew: exchange.engine.config.clock_skew,
    }
}

/// Writes down why the app could not decide.
fn failed(error: &BoxError) {
    tracing::error!(%error, "the app's own decision has failed, so that nobody is let through");
}
