//! The routes of the login: callback, start, log-out.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse as Response,
    http::{
        Method,
        header::{HeaderValue, LOCATION},
    },
    web::{self, Payload, ServiceConfig},
};
use miracl_core::{Answer, AuthFailure, Miracl, Route, Visit};

use crate::{
    extract::LoginRequired,
    handler::ErasedHandler,
    reply::reply,
    request::View,
    slot::{turn_back, turn_to, visit},
};

/// The routes of this engine, which call these hooks.
pub(crate) fn routes(
    miracl: &Miracl,
    handler: &Arc<dyn ErasedHandler>,
) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let (miracl, handler) = (miracl.clone(), Arc::clone(handler));
    move |app| {
        for mount in miracl.routes() {
            let endpoint = Endpoint {
                miracl: miracl.clone(),
                handler: Arc::clone(&handler),
                route: mount.route,
            };
            let answer =
                move |request: HttpRequest, body: Payload| endpoint.clone().answer(request, body);
            let mut resource = web::resource(mount.path);
            for method in mount.methods.iter().flat_map(|name| name.parse::<Method>()) {
                resource = resource.route(web::method(method).to(answer.clone()));
            }
            app.service(resource);
        }
    }
}

/// One of the routes.
#[derive(Clone)]
struct Endpoint {
    miracl: Miracl,
    handler: Arc<dyn ErasedHandler>,
    route: Route,
}

impl Endpoint {
    async fn answer(self, request: HttpRequest, body: Payload) -> Result<Response, LoginRequired> {
        // Hooks find this visit, too.
        let before = turn_to(&request, &self.miracl);
        let before = before.map_err(|no_visit| LoginRequired::new(&request, no_visit))?;
        let response = match visit(&request) {
            Ok(visit) => Ok(self.answer_with(&visit, &request, body).await),
            Err(no_visit) => Err(LoginRequired::new(&request, no_visit)),
        };
        turn_back(&request, before);
        response
    }

    async fn answer_with(&self, visit: &Visit, request: &HttpRequest, body: Payload) -> Response {
        let body = body.to_bytes_limited(Route::MAX_BODY).await;
        let body = body.ok().and_then(Result::ok);
        let view = View::from(request);
        let answer = visit.answer(self.route, &view, body.as_deref()).await;
        match answer {
            Answer::Reply(answer) => reply(answer),
            Answer::Success(login) => {
                let answer = self.handler.on_auth_success(request, login).await;
                match visit.conclude_login(answer).await {
                    Ok(answer) => {
                        let answer = answer.unwrap_or_else(Response::from_error);
                        let location = answer.headers().get(LOCATION);
                        let location = location.map(HeaderValue::as_bytes);
                        visit.note_answer(answer.status().as_u16(), location);
                        answer
                    }
                    Err(failure) => self.failed(request, failure).await,
                }
            }
            Answer::Failure(failure) => self.failed(request, failure).await,
            Answer::LoggedOut(kind, answer) => {
                self.handler.on_logout(request, kind).await;
                reply(answer)
            }
            other => unreachable!("an answer of a newer engine: {other:?}"),
        }
    }

    async fn failed(&self, request: &HttpRequest, failure: AuthFailure) -> Response {
        let answer = self.handler.on_auth_failed(request, failure).await;
        answer.unwrap_or_else(Response::from_error)
    }
}
