//! Whether the caller with a project JWT may do what they ask for: the requirements of sessions, by the JWT's claims.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    access::{
        decision::{Facts, Known, Outcome, Progress},
        requirement::Requirement,
        step_up::StepUp,
    },
    engine::Engine,
    exchange::Exchange,
    flow::{
        authorize::ask,
        project_user::{NoProjectUser, challenge, project_user},
    },
    provider::{claims::time, login_claims::login_claims, user_data::UserData},
    session::extension::Extension,
    trust::project_jwt::ProjectUser,
    web::{reply::Reply, request::RequestView},
};

/// Why a caller is turned away.
#[derive(Debug, Clone)]
pub(crate) enum NotAuthorized {
    /// There is no valid project JWT.
    NoProjectUser(NoProjectUser),
    /// They may not do it.
    Denied,
    /// The JWT lacks these scopes, separated by spaces.
    Scope(String),
    /// The JWT tells of a login that is too old or too weak.
    StepUp(StepUp),
    /// The app's own decision has failed, which the log explains.
    Undecided,
}

impl NotAuthorized {
    /// The answer: never a page and never a redirect, because programs ask.
    pub(crate) fn reply(&self) -> Reply {
        match self {
            Self::NoProjectUser(refused) => refused.reply(),
            Self::Denied => Reply::problem(403, "Not allowed", []),
            // RFC 6750 §3.1.
            Self::Scope(scopes) => challenge(
                403,
                "The project JWT lacks a scope",
                format!(
                    "Bearer error=\"insufficient_scope\", scope=\"{}\"",
                    quoted(scopes)
                ),
            ),
            // RFC 9470 §3.
            Self::StepUp(step_up) => {
                let title = "A newer or stronger login is needed";
                challenge(401, title, insufficient(step_up))
            }
            Self::Undecided => {
                let title = "It cannot be decided at the moment who may do this";
                // No `Retry-After`: the same JWT may be used up.
                let detail = "Try again in a few seconds, with a new JWT.".to_owned();
                Reply::problem(503, title, [("detail", detail)])
            }
        }
    }
}

fn insufficient(step_up: &StepUp) -> String {
    let mut header = "Bearer error=\"insufficient_user_authentication\", \
        error_description=\"a newer or stronger login is needed\""
        .to_owned();
    if let Some(values) = &step_up.acr_values {
        header += &format!(", acr_values=\"{}\"", quoted(&values.join(" ")));
    }
    if let Some(max_age) = step_up.max_age {
        header += &format!(", max_age=\"{max_age}\"");
    }
    header
}

/// A text of the app's own between the quotes of a header (RFC 9110 §5.6.4). What no header may have is left out.
fn quoted(text: &str) -> String {
    let printable = text.chars().filter(|char| matches!(char, ' '..='~'));
    let escaped = printable.flat_map(|char| {
        let backslash = matches!(char, '"' | '\\').then_some('\\');
        backslash.into_iter().chain([char])
    });
    escaped.collect()
}

/// Compares the caller with a requirement.
pub(crate) async fn authorize(
    exchange: &Arc<Exchange>,
    requirement: &Requirement,
    request: &impl RequestView,
) -> Result<ProjectUser, NotAuthorized> {
    let user = project_user(exchange, request).await;
    let user = user.map_err(NotAuthorized::NoProjectUser)?;
    let engine = &exchange.engine;
    let scope = user.claims().get("scope").and_then(Value::as_str);
    let scope = scope.unwrap_or_default();
    let facts = facts(engine, &user, scope);
    let known = exchange
        .lock()
        .project_user
        .as_ref()
        .map(|known| known.1.clone());
    let mut answers = known.unwrap_or_default();
    loop {
        match requirement.decide(&facts, &answers) {
            Progress::Over(Outcome::Met) => return Ok(user),
            Progress::Over(Outcome::StepUp(step_up)) => return Err(NotAuthorized::StepUp(step_up)),
            Progress::Over(Outcome::Unknown) => return Err(NotAuthorized::Undecided),
            Progress::Over(Outcome::Denied) => break,
            Progress::Asks(decide) => {
                let answer = ask(engine, decide, user.clone(), request).await;
                answers.add(decide.id.clone(), answer);
                if let Some(known) = &mut exchange.lock().project_user {
                    known.1 = answers.clone();
                }
            }
        }
    }
    // With all scopes, would it still be denied?
    let mut wanted = requirement.scopes();
    let all = wanted.join(" ");
    let with_all = self::facts(engine, &user, &all);
    let decided = requirement.decide(&with_all, &answers);
    if matches!(decided, Progress::Over(Outcome::Denied)) {
        return Err(NotAuthorized::Denied);
    }
    wanted.retain(|wanted| scope.split_ascii_whitespace().all(|has| has != *wanted));
    Err(NotAuthorized::Scope(wanted.join(" ")))
}

/// What the JWT says, with these scopes.
fn facts<'a>(engine: &Engine, user: &ProjectUser, scope: &'a str) -> Facts<'a> {
    let claims = UserData::new(user.claims(), &Map::new());
    let issued_at = || time(user.claims(), "iat").ok().flatten();
    Facts {
        email_verified: claims.email_verified(),
        quick: Extension::default(),
        asked_at: engine.config.asks_every_time.then(issued_at).flatten(),
        known: Some(Known {
            login: login_claims(user.claims()),
            claims,
            granted: Some(scope),
            asked: &[],
        }),
        now: engine.now(),
        skew: engine.config.clock_skew,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_app_names_stays_inside_of_the_quotes_of_a_header() {
        let step_up = StepUp {
            acr_values: Some(vec!["a\"b".into(), "c\\d".into(), "e\r\nf\u{e9}".into()]),
            max_age: Some(300),
        };
        assert_eq!(
            insufficient(&step_up),
            "Bearer error=\"insufficient_user_authentication\", \
             error_description=\"a newer or stronger login is needed\", \
             acr_values=\"a\\\"b c\\\\d ef\", max_age=\"300\""
        );
    }
}
