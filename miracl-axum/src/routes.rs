//! The routes of the login: callback, start, log-out.

use std::sync::Arc;

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, header::LOCATION, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use miracl_core::{Answer, AuthFailure, Miracl, Route};

use crate::{
    body::parts_of,
    extract::LoginRequired,
    handler::ErasedHandler,
    reply::reply,
    request::View,
    slot::{missing_routes, turn_to, visit},
};

/// The routes of this engine, which call these hooks.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(
    miracl: &Miracl,
    handler: &Arc<dyn ErasedHandler>,
) -> Router<S> {
    let mut router = Router::new();
    for mount in miracl.routes() {
        let endpoint = Endpoint {
            miracl: miracl.clone(),
            handler: Arc::clone(handler),
            route: mount.route,
            path: mount.path.into(),
        };
        let answer = move |request: Request| async move { endpoint.answer(request).await };
        // axum answers `HEAD` where it answers `GET`.
        for method in mount.methods {
            router = match *method {
                "GET" => router.route(mount.path, get(answer.clone())),
                "POST" => router.route(mount.path, post(answer.clone())),
                _ => router,
            };
        }
    }
    router
}

/// One of the routes.
#[derive(Clone)]
struct Endpoint {
    miracl: Miracl,
    handler: Arc<dyn ErasedHandler>,
    route: Route,
    path: Arc<str>,
}

impl Endpoint {
    async fn answer(self, request: Request) -> Result<Response, LoginRequired> {
        let (mut parts, body) = request.into_parts();
        // Under a prefix nobody comes here but by mistake: the engine's URLs have none.
        if View::from(&parts).path() != &*self.path {
            return Err(missing_routes().into());
        }
        // Hooks find this visit, too.
        turn_to(&mut parts.extensions, &self.miracl)?;
        let visit = visit(&View::from(&parts))?;
        let view = View::from(&parts);
        let body = visit.read_body(self.route, &view, parts_of(body)).await;
        let answer = visit.answer(self.route, &view, body.as_deref()).await;
        let answer = match answer {
            Answer::Starting(mut start) => {
                let hook = self
                    .handler
                    .on_authorize_request(&mut parts, start.options());
                match hook.await {
                    Ok(()) => visit.begin_login(start).await,
                    Err(refused) => return Ok(Err::<Response, _>(refused).into_response()),
                }
            }
            answer => answer,
        };
        Ok(match answer {
            Answer::Reply(answer) => reply(answer),
            Answer::Success(login) => {
                let answer = self.handler.on_auth_success(&mut parts, login).await;
                match visit.conclude_login(answer).await {
                    Ok(answer) => {
                        let answer = answer.into_response();
                        let location = answer.headers().get(LOCATION);
                        let location = location.map(HeaderValue::as_bytes);
                        visit.note_answer(answer.status().as_u16(), location);
                        answer
                    }
                    Err(failure) => self.failed(&mut parts, failure).await,
                }
            }
            Answer::Failure(failure) => self.failed(&mut parts, failure).await,
            Answer::LoggedOut(kind, answer) => {
                self.handler.on_logout(&mut parts, kind).await;
                reply(answer)
            }
            Answer::VerifyUser(asked) => {
                let answer = self.handler.on_verify_user(&mut parts, &asked).await;
                match visit.conclude_verification(&asked, answer).await {
                    Ok(page) => page.into_response(),
                    Err(answer) => reply(answer),
                }
            }
            other => unreachable!("an answer of a newer engine: {other:?}"),
        })
    }

    async fn failed(&self, parts: &mut Parts, failure: AuthFailure) -> Response {
        let answer = self.handler.on_auth_failed(parts, failure).await;
        answer.into_response()
    }
}
