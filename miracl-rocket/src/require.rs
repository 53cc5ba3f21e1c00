//! For routes that need somebody to be logged in: what answers when nobody is.

use miracl_core::Miracl;
use rocket::{
    Catcher, Data, Request, Response, Route, catcher,
    http::{Method, Status},
    response::Responder,
    route::{Handler, Outcome},
};

use crate::{
    extract::{Slot, answer_for},
    layer::first,
};

/// The status by which a guard of ours fails. It never leaves the app.
///
/// A plain 401 could not be told from one that a handler with an `Option<User>` answers by itself.
pub(crate) const REFUSED: Status = Status { code: 441 };

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

/// The routes of [`login_required`](crate::MiraclAuth::login_required). They let requests of logged-in people through,
/// and answer all others as the guard [`User`](crate::User) does.
///
/// That includes CORS preflights: see [`MiraclAuth::login_required`](crate::MiraclAuth::login_required).
pub(crate) fn routes(miracl: &Miracl) -> Vec<Route> {
    // After the protection against other sites, before everything else.
    METHODS
        .map(|method| first(isize::MIN + 1, method, LoggedInOnly(miracl.clone())))
        .into()
}

#[derive(Clone)]
struct LoggedInOnly(Miracl);

#[rocket::async_trait]
impl Handler for LoggedInOnly {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        if answer_for(&self.0, request).await.is_ok() {
            Outcome::forward(data, Status::NotFound)
        } else {
            Outcome::Error(REFUSED)
        }
    }
}

/// The catcher that answers where a guard of ours failed.
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
        match Slot::of(request).refused() {
            Some(refused) => refused.respond_to(request),
            // The app's own use of the number.
            None => Ok(Response::build().status(status).finalize()),
        }
    }
}

/// Puts the answer of the [`catcher()`] in place of another one.
pub(crate) fn answer_instead<'r>(request: &'r Request<'_>, response: &mut Response<'r>) {
    let refused = Slot::of(request).refused();
    if let Some(Ok(answer)) = refused.map(|refused| refused.respond_to(request)) {
        *response = answer;
    }
}
