//! The routes of the login: callback, start, log-out.

use actix_web::{
    HttpRequest, HttpResponse as Response,
    http::Method,
    web::{self, Payload, ServiceConfig},
};
use miracl_core::{Answer, AuthFailure, Route};

use crate::{
    auth::MiraclAuth,
    extract::{LoginRequired, turn_back, turn_to, visit},
    reply::reply,
    request::View,
};

pub(crate) fn routes(auth: &MiraclAuth) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let auth = auth.clone();
    move |app| {
        for mount in auth.miracl.routes() {
            let mut resource = web::resource(mount.path);
            for method in mount.methods.iter().flat_map(|name| name.parse::<Method>()) {
                let auth = auth.clone();
                let handler = move |request: HttpRequest, body: Payload| {
                    auth.clone().answer(mount.route, request, body)
                };
                resource = resource.route(web::method(method).to(handler));
            }
            app.service(resource);
        }
    }
}

impl MiraclAuth {
    async fn answer(
        self,
        route: Route,
        request: HttpRequest,
        body: Payload,
    ) -> Result<Response, LoginRequired> {
        // Hooks find this visit, too.
        let before = turn_to(&request, &self.miracl)?;
        let response = self.answer_here(route, &request, body).await;
        turn_back(&request, before);
        response
    }

    async fn answer_here(
        &self,
        route: Route,
        request: &HttpRequest,
        body: Payload,
    ) -> Result<Response, LoginRequired> {
        let visit = visit(request)?;
        let body = body.to_bytes_limited(Route::MAX_BODY).await;
        let body = body.ok().and_then(Result::ok);
        let view = View::from(request);
        Ok(match visit.answer(route, &view, body.as_deref()).await {
            Answer::Reply(answer) => reply(answer),
            Answer::Success(login) => match self.handler.on_auth_success(request, login).await {
                Ok(response) => match visit.confirm_login().await {
                    Ok(()) => response,
                    Err(failure) => self.failed(request, failure).await,
                },
                Err(veto) => {
                    visit.reject_login();
                    Response::from_error(veto)
                }
            },
            Answer::Failure(failure) => self.failed(request, failure).await,
            Answer::LoggedOut(kind, answer) => {
                self.handler.on_logout(request, kind).await;
                reply(answer)
            }
            other => unreachable!("an answer of a newer engine: {other:?}"),
        })
    }

    async fn failed(&self, request: &HttpRequest, failure: AuthFailure) -> Response {
        let answer = self.handler.on_auth_failed(request, failure).await;
        answer.unwrap_or_else(Response::from_error)
    }
}
