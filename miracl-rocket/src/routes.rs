//! The routes of the login: callback, start, log-out.

use miracl_core::{Answer, AuthFailure, Route};
use rocket::{
    Build, Data, Request, Rocket,
    data::{Capped, ToByteUnit as _},
    http::Status,
    route::{Handler, Outcome},
};

use crate::{
    auth::MiraclAuth,
    extract::{Slot, visit},
    handler::{Response, Result},
    reply::reply,
    request::View,
};

/// What the routes are called in Rocket's log.
const NAME: &str = "MIRACL login";

pub(crate) fn routes(auth: &MiraclAuth) -> Vec<rocket::Route> {
    let mut mounted = Vec::new();
    for mount in auth.miracl.routes() {
        // `HEAD` has routes of its own: to those of `GET`, Rocket would show it as `GET`.
        for method in mount.methods.iter().flat_map(|name| name.parse()) {
            let at = At(auth.clone(), mount.route, mount.path.to_owned());
            let mut route = rocket::Route::new(method, mount.path, at);
            route.name = Some(NAME.into());
            mounted.push(route);
        }
    }
    mounted
}

/// Whether the routes are where the engine's URLs point to.
pub(crate) fn are_at_the_root(rocket: &Rocket<Build>) -> bool {
    let mut ours = rocket
        .routes()
        .filter(|route| route.name.as_deref() == Some(NAME));
    ours.all(|route| route.uri.base() == "/")
}

#[derive(Clone)]
struct At(MiraclAuth, Route, String);

#[rocket::async_trait]
impl Handler for At {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        // To Rocket `/login/` and `//login` are `/login`. To the engine they are not, and could be paths to return to.
        if request.uri().path() != self.2.as_str() {
            return Outcome::forward(data, Status::NotFound);
        }
        match self.0.answer(self.1, request, data).await {
            Ok(response) => Outcome::Success(response),
            Err(status) => Outcome::Error(status),
        }
    }
}

impl MiraclAuth {
    async fn answer(
        &self,
        route: Route,
        request: &Request<'_>,
        body: Data<'_>,
    ) -> Result<Response> {
        let own = Slot::of(request).visit(request).check(&self.miracl);
        let visit = match own.and_then(|()| visit(request)) {
            Ok(visit) => visit,
            Err(no_visit) => return Ok(reply(no_visit.reply())),
        };
        let body = body.open(Route::MAX_BODY.bytes()).into_bytes().await;
        let body = body.ok().filter(Capped::is_complete);
        let view = View::from(request);
        let body = body.as_ref().map(|body| body.as_slice());
        match visit.answer(route, &view, body).await {
            Answer::Reply(answer) => Ok(reply(answer)),
            Answer::Success(login) => match self.handler.on_auth_success(request, login).await {
                Ok(response) => match visit.confirm_login().await {
                    Ok(()) => Ok(response),
                    Err(failure) => self.failed(request, failure).await,
                },
                Err(veto) => {
                    visit.reject_login();
                    Err(veto)
                }
            },
            Answer::Failure(failure) => self.failed(request, failure).await,
            Answer::LoggedOut(kind, answer) => {
                self.handler.on_logout(request, kind).await;
                Ok(reply(answer))
            }
            other => unreachable!("an answer of a newer engine: {other:?}"),
        }
    }

    async fn failed(&self, request: &Request<'_>, failure: AuthFailure) -> Result<Response> {
        self.handler.on_auth_failed(request, failure).await
    }
}
