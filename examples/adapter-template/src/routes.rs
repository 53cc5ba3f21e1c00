//! The routes of the login: callback, start, log-out.

use std::sync::Arc;

use miracl_core::{Answer, AuthFailure, Route};
use warp::{
    Filter, Rejection, filters::BoxedFilter, http::request::Parts, path::FullPath, reply::Response,
};

use crate::{
    auth::MiraclAuth,
    extract::{RequestExt, Slot, slot},
    reply::reply,
    request::View,
};

pub(crate) fn routes(auth: &MiraclAuth) -> BoxedFilter<(Response,)> {
    let nothing = || async { Err::<Response, _>(warp::reject::not_found()) };
    let mut filter = warp::any().and_then(nothing).boxed();
    for (route, path) in auth.miracl.routes() {
        // warp answers `HEAD` where a filter says so.
        for method in route.methods() {
            let method = match *method {
                "GET" => warp::get().boxed(),
                "HEAD" => warp::head().boxed(),
                "POST" => warp::post().boxed(),
                _ => continue,
            };
            let auth = auth.clone();
            let answer = move |slot| auth.clone().answer(route, slot);
            let at = at(path).and(method).and(slot()).and_then(answer);
            filter = filter.or(at).unify().boxed();
        }
    }
    filter
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

impl MiraclAuth {
    async fn answer(self, route: Route, slot: Slot) -> Result<Response, Rejection> {
        let req = slot.request();
        let visit = req.visit();
        match visit.answer(route, &View::from(&req)).await {
            Answer::Reply(answer) => Ok(reply(answer)),
            Answer::Success(login) => match self.handler.on_auth_success(&req, login).await {
                Ok(response) => match visit.confirm_login().await {
                    Ok(()) => Ok(response),
                    Err(failure) => self.failed(&req, failure).await,
                },
                Err(veto) => {
                    visit.reject_login();
                    Err(veto)
                }
            },
            Answer::Failure(failure) => self.failed(&req, failure).await,
            Answer::LoggedOut(kind, answer) => {
                self.handler.on_logout(&req, kind).await;
                Ok(reply(answer))
            }
            other => unreachable!("an answer of a newer engine: {other:?}"),
        }
    }

    async fn failed(&self, req: &Parts, failure: AuthFailure) -> Result<Response, Rejection> {
        self.handler.on_auth_failed(req, failure).await
    }
}
