//! The routes of the login: callback, start, log-out.

use std::sync::Arc;

use futures_util::Stream;
use miracl_core::{Answer, AuthFailure, Miracl, Route};
use warp::{
    Buf, Filter, Rejection,
    filters::BoxedFilter,
    http::{HeaderMap, HeaderValue, header::LOCATION, request::Parts},
    path::FullPath,
    reply::Response,
};

use crate::{
    body::parts_of,
    handler::ErasedHandler,
    reply::reply,
    request::View,
    slot::{Slot, asked},
};

/// The routes of this engine, which call these hooks.
pub(crate) fn routes(
    miracl: &Miracl,
    handler: &Arc<dyn ErasedHandler>,
) -> BoxedFilter<(Response,)> {
    let nothing = || async { Err::<Response, _>(warp::reject::not_found()) };
    let mut filter = warp::any().and_then(nothing).boxed();
    for mount in miracl.routes() {
        let endpoint = Endpoint {
            miracl: miracl.clone(),
            handler: Arc::clone(handler),
            route: mount.route,
        };
        // On the heap: each `or` around it moves what it waits in.
        let answer =
            move |slot, headers, body| Box::pin(endpoint.clone().answer(slot, headers, body));
        // warp answers `HEAD` where a filter says so.
        for method in mount.methods {
            let method = match *method {
                "GET" => warp::get().boxed(),
                "HEAD" => warp::head().boxed(),
                "POST" => warp::post().boxed(),
                _ => continue,
            };
            let request = at(mount.path)
                .and(method)
                .and(asked())
                .and(warp::body::stream());
            let answered = request.and_then(answer.clone());
            filter = filter.or(answered).unify().boxed();
        }
    }
    filter
}

/// One of the routes.
#[derive(Clone)]
struct Endpoint {
    miracl: Miracl,
    handler: Arc<dyn ErasedHandler>,
    route: Route,
}

impl Endpoint {
    async fn answer(
        self,
        slot: Slot,
        headers: HeaderMap,
        body: impl Stream<Item = Result<impl Buf, warp::Error>> + Send,
    ) -> Result<Response, Rejection> {
        let own = slot.turned_to(&self.miracl);
        let own = own.and_then(|own| Ok((own.visit(&headers)?, own)));
        // Hooks find this visit, too.
        let (visit, req) = match own {
            Ok((visit, own)) => (visit, own.request()),
            Err(no_visit) => return Ok(reply(no_visit.reply())),
        };
        let view = View::from(&req);
        let body = visit.read_body(self.route, &view, parts_of(body)).await;
        let answer = visit.answer(self.route, &view, body.as_deref()).await;
        let answer = match answer {
            Answer::Starting(mut start) => {
                let hook = self.handler.on_authorize_request(&req, start.options());
                match hook.await {
                    Ok(()) => visit.begin_login(start).await,
                    Err(refused) => return Err(refused),
                }
            }
            answer => answer,
        };
        match answer {
            Answer::Reply(answer) => Ok(reply(answer)),
            Answer::Success(login) => {
                let answer = self.handler.on_auth_success(&req, login).await;
                match visit.conclude_login(answer).await {
                    Ok(answer) => answer.inspect(|answer| {
                        let location = answer.headers().get(LOCATION);
                        let location = location.map(HeaderValue::as_bytes);
                        visit.note_answer(answer.status().as_u16(), location);
                    }),
                    Err(failure) => self.failed(&req, failure).await,
                }
            }
            Answer::Failure(failure) => self.failed(&req, failure).await,
            Answer::LoggedOut(kind, answer) => {
                self.handler.on_logout(&req, kind).await;
                Ok(reply(answer))
            }
            Answer::VerifyUser(asked) => {
                let answer = self.handler.on_verify_user(&req, &asked).await;
                match visit.conclude_verification(&asked, answer).await {
                    Ok(page) => page,
                    Err(answer) => Ok(reply(answer)),
                }
            }
            other => unreachable!("an answer of a newer engine: {other:?}"),
        }
    }

    async fn failed(&self, req: &Parts, failure: AuthFailure) -> Result<Response, Rejection> {
        self.handler.on_auth_failed(req, failure).await
    }
}

/// Matches one path as a whole. To `warp::path!`, a slash at the end would make no other.
fn at(path: &str) -> impl Filter<Extract = (), Error = Rejection> + Clone + use<> {
    let path: Arc<str> = path.into();
    warp::path::full()
        .and_then(move |asked: FullPath| {
            let found = asked.as_str() == &*path;
            async move { found.then_some(()).ok_or_else(warp::reject::not_found) }
        })
        .untuple_one()
}
