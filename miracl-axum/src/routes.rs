//! The routes of the login: callback, start, log-out.

use axum::{
    Router,
    body::to_bytes,
    extract::Request,
    http::request::Parts,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use miracl_core::{Answer, AuthFailure, Route};

use crate::{
    auth::MiraclAuth,
    extract::{LoginRequired, find, turn_to},
    reply::reply,
    request::View,
};

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(auth: &MiraclAuth) -> Router<S> {
    let mut router = Router::new();
    for mount in auth.miracl.routes() {
        let auth = auth.clone();
        let handler =
            move |request: Request| async move { auth.answer(mount.route, request).await };
        // axum answers `HEAD` where it answers `GET`.
        for method in mount.methods {
            router = match *method {
                "GET" => router.route(mount.path, get(handler.clone())),
                "POST" => router.route(mount.path, post(handler.clone())),
                _ => router,
            };
        }
    }
    router
}

impl MiraclAuth {
    async fn answer(self, route: Route, request: Request) -> Result<Response, LoginRequired> {
        let (mut parts, body) = request.into_parts();
        // Hooks find this visit, too.
        turn_to(&mut parts.extensions, &self.miracl)?;
        let visit = find(&parts.extensions, &View::from(&parts))?;
        let body = to_bytes(body, Route::MAX_BODY).await.ok();
        let view = View::from(&parts);
        Ok(match visit.answer(route, &view, body.as_deref()).await {
            Answer::Reply(answer) => reply(answer),
            Answer::Success(login) => match self.handler.on_auth_success(&mut parts, login).await {
                Ok(response) => match visit.confirm_login().await {
                    Ok(()) => response,
                    Err(failure) => self.failed(&mut parts, failure).await,
                },
                Err(veto) => {
                    visit.reject_login();
                    Err::<Response, _>(veto).into_response()
                }
            },
            Answer::Failure(failure) => self.failed(&mut parts, failure).await,
            Answer::LoggedOut(kind, answer) => {
                self.handler.on_logout(&mut parts, kind).await;
                reply(answer)
            }
            other => unreachable!("an answer of a newer engine: {other:?}"),
        })
    }

    async fn failed(&self, parts: &mut Parts, failure: AuthFailure) -> Response {
        let answer = self.handler.on_auth_failed(parts, failure).await;
        answer.into_response()
    }
}
