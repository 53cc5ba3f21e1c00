//! The routes of the login: callback, start, log-out.

use std::sync::Arc;

use miracl_core::{Answer, AuthFailure, Miracl, Route};
use rocket::{
    Build, Data, Request, Rocket,
    http::Status,
    route::{Handler, Outcome},
};

use crate::{
    body::{closing, drop_rest, open, parts_of},
    handler::ErasedHandler,
    reply::{Response, Result, reply},
    sent::watched,
    slot::{Slot, visit},
};

/// What the routes are called in Rocket's log.
const NAME: &str = "MIRACL login";

/// The routes of this engine, which call these hooks.
pub(crate) fn routes(miracl: &Miracl, handler: &Arc<dyn ErasedHandler>) -> Vec<rocket::Route> {
    let mut routes = Vec::new();
    for mount in miracl.routes() {
        let endpoint = Endpoint {
            miracl: miracl.clone(),
            handler: Arc::clone(handler),
            route: mount.route,
            path: mount.path.to_owned(),
        };
        // `HEAD` has routes of its own: to those of `GET`, Rocket would show it as `GET`.
        for method in mount.methods.iter().flat_map(|name| name.parse()) {
            let mut route = rocket::Route::new(method, mount.path, endpoint.clone());
            route.name = Some(NAME.into());
            routes.push(route);
        }
    }
    routes
}

/// Whether the routes are where the engine's URLs point to.
pub(crate) fn are_at_the_root(rocket: &Rocket<Build>) -> bool {
    let mut ours = rocket
        .routes()
        .filter(|route| route.name.as_deref() == Some(NAME));
    ours.all(|route| route.uri.base() == "/")
}

/// One of the routes.
#[derive(Clone)]
struct Endpoint {
    miracl: Miracl,
    handler: Arc<dyn ErasedHandler>,
    route: Route,
    path: String,
}

#[rocket::async_trait]
impl Handler for Endpoint {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        // To Rocket `/login/` and `//login` are `/login`. To the engine they are not, and could be paths to return to.
        if request.uri().path() != self.path.as_str() {
            return Outcome::forward(data, Status::NotFound);
        }
        match self.answer(request, data).await {
            Ok(response) => Outcome::Success(response),
            Err(status) => Outcome::Error(status),
        }
    }
}

impl Endpoint {
    async fn answer(&self, request: &Request<'_>, body: Data<'_>) -> Result<Response> {
        let slot = Slot::of(request);
        let own = slot.lazy(request).check(&self.miracl);
        let visit = match own.and_then(|()| visit(request)) {
            Ok(visit) => visit,
            Err(no_visit) => return Ok(reply(no_visit.reply())),
        };
        let mut rest = open(body);
        let view = slot.view(request);
        let next = parts_of(&mut rest);
        let body = visit.read_body(self.route, &view, next).await;
        let answer = visit.answer(self.route, &view, body.as_deref()).await;
        let answer = match answer {
            Answer::Starting(mut start) => {
                let hook = self.handler.on_authorize_request(request, start.options());
                match hook.await {
                    Ok(()) => visit.begin_login(start).await,
                    Err(refused) => return Err(refused),
                }
            }
            answer => answer,
        };
        let ended = drop_rest(rest).await;
        let answer = match answer {
            Answer::Reply(answer) => Ok(reply(answer)),
            Answer::Success(login) => {
                let answer = self.handler.on_auth_success(request, login).await;
                match visit.conclude_login(answer).await {
                    Ok(answer) => answer.inspect(|answer| {
                        let location = answer.headers().get_one("Location");
                        let location = location.map(str::as_bytes);
                        visit.note_answer(answer.status().code, location);
                    }),
                    Err(failure) => self.failed(request, failure).await,
                }
            }
            Answer::Failure(failure) => self.failed(request, failure).await,
            Answer::LoggedOut(kind, answer) => {
                self.handler.on_logout(request, kind).await;
                Ok(reply(answer))
            }
            Answer::VerifyUser(asked) => {
                let answer = self.handler.on_verify_user(request, &asked).await;
                match visit.conclude_verification(&asked, answer).await {
                    Ok(page) => page,
                    Err(answer) => Ok(reply(answer)),
                }
            }
            other => unreachable!("an answer of a newer engine: {other:?}"),
        };
        // Rocket goes on with a request whose client has gone away.
        let answer = match visit.until_sent() {
            Some(unsent) => watched(answer?, unsent),
            None => answer?,
        };
        Ok(closing(answer, ended))
    }

    async fn failed(&self, request: &Request<'_>, failure: AuthFailure) -> Result<Response> {
        self.handler.on_auth_failed(request, failure).await
    }
}
