//! The routes and the catcher that answer where somebody must be logged in and is not.

use std::task::Poll;

use miracl_core::{Miracl, app::access::Requirement};
use rocket::{
    Catcher, Data, Request, Response, Route, catcher,
    http::{Method, Status},
    response::Responder,
    route::{Handler, Outcome},
};

use crate::{
    authorized::{authorized, project_user},
    body::{closing, drop_rest, open},
    extract::{LoginRequired, REFUSED, required_user},
    slot::{Slot, authorized_at_once, user_at_once},
};

/// Every method that Rocket knows.
const METHODS: [Method; 9] = [
    Method::Get,
    Method::Head,
    Method::Post,
    Method::Put,
    Method::Patch,
    Method::Delete,
    Method::Options,
    Method::Trace,
    Method::Connect,
];

/// The routes of [`login_required`](crate::MiraclAuth::login_required). They let requests of people who are logged in
/// through, and answer all others as the guard [`User`](crate::User) does. With a requirement they let those through
/// who meet it: people who are logged in, or callers with a project JWT.
///
/// That includes CORS preflights: see [`MiraclAuth::login_required`](crate::MiraclAuth::login_required).
pub(crate) fn routes(
    miracl: &Miracl,
    is_activity: bool,
    requirement: Option<Requirement>,
    by_project_jwt: bool,
) -> Vec<Route> {
    let guard = LoggedInOnly {
        miracl: miracl.clone(),
        is_activity,
        requirement,
        by_project_jwt,
    };
    // After the protection against other sites, before everything else.
    METHODS
        .map(|method| first(isize::MIN + 1, method, guard.clone()))
        .into()
}

/// A route of this rank for every path.
pub(crate) fn first(rank: isize, method: Method, handler: impl Handler) -> Route {
    Route::ranked(rank, method, "/<path..>", handler)
}

#[derive(Clone)]
struct LoggedInOnly {
    miracl: Miracl,
    is_activity: bool,
    /// Besides a login.
    requirement: Option<Requirement>,
    /// Whether a project JWT has to meet it, in place of a login.
    by_project_jwt: bool,
}

#[rocket::async_trait]
impl Handler for LoggedInOnly {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        match self.check(request).await {
            Ok(()) => Outcome::forward(data, Status::NotFound),
            Err(_) => {
                if !drop_rest(open(data)).await {
                    Slot::of(request).leaves_body();
                }
                Outcome::Error(REFUSED)
            }
        }
    }
}

impl LoggedInOnly {
    /// Turns away everybody who is not logged in by this engine, or does not meet the requirement.
    async fn check(&self, request: &Request<'_>) -> Result<(), LoginRequired> {
        let slot = Slot::of(request);
        let own = slot.lazy(request).check(&self.miracl);
        own.map_err(|no_visit| LoginRequired(slot.refuse(no_visit)))?;
        if !self.is_activity {
            slot.lazy(request).without_activity();
        }
        if let Some(requirement) = &self.requirement {
            if self.by_project_jwt {
                return project_user(requirement, request).await.map(drop);
            }
            return match authorized_at_once(request, requirement) {
                Some(_) => Ok(()),
                None => authorized(requirement, request).await.map(drop),
            };
        }
        match user_at_once(request) {
            Poll::Ready(Some(_)) => Ok(()),
            _ => required_user(request).await.map(drop),
        }
    }
}

/// The catcher that answers where the guard [`User`](crate::User) failed.
pub(crate) fn catcher() -> Catcher {
    let mut catcher = Catcher::new(REFUSED.code, Challenge);
    catcher.name = Some("MIRACL login required".into());
    catcher
}

#[derive(Clone)]
struct Challenge;

#[rocket::async_trait]
impl catcher::Handler for Challenge {
    async fn handle<'r>(&self, status: Status, request: &'r Request<'_>) -> catcher::Result<'r> {
        let slot = Slot::of(request);
        match slot.refused() {
            Some(refusal) => {
                let answer = LoginRequired(refusal).respond_to(request)?;
                Ok(closing(answer, !slot.left_body()))
            }
            // The app uses this status itself.
            None => Ok(Response::build().status(status).finalize()),
        }
    }
}

/// Puts the answer of the [`catcher()`] in place of another one.
pub(crate) fn answer_instead<'r>(request: &'r Request<'_>, response: &mut Response<'r>) {
    let slot = Slot::of(request);
    let refused = slot.refused().map(LoginRequired);
    if let Some(Ok(answer)) = refused.map(|refused| refused.respond_to(request)) {
        *response = closing(answer, !slot.left_body());
    }
}
