//! The routes of the login: callback, start, log-out.

use std::{future::ready, rc::Rc, sync::Arc, task::Context};

use actix_web::{
    Error, HttpRequest, HttpResponse as Response,
    dev::{
        AppService, HttpServiceFactory, ResourceDef, ResourceMap, ServiceRequest, fn_factory,
        fn_service,
    },
    guard::fn_guard,
    http::{
        Method,
        header::{HeaderValue, LOCATION},
    },
    web::{self, Payload, ServiceConfig},
};
use futures_util::StreamExt as _;
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
        let mounts = miracl.routes();
        app.service(AtTheRoot(
            mounts.iter().map(|mount| mount.path.to_owned()).collect(),
        ));
    }
}

/// Checks that the routes are where the engine's URLs point to. An app in which a scope adds to their paths does not
/// start.
struct AtTheRoot(Vec<String>);

impl HttpServiceFactory for AtTheRoot {
    fn register(self, config: &mut AppService) {
        if config.is_root() {
            return;
        }
        for path in self.0 {
            check_path(path, config);
        }
    }
}

/// Adds a service that is never called. When it is made, the app knows the whole path of everything in its scopes.
fn check_path(path: String, config: &mut AppService) {
    let pattern = ResourceDef::new(&*path);
    let mut map = ResourceMap::new(pattern.clone());
    map.add(&mut ResourceDef::new(""), None);
    let map = Rc::new(map);
    let here = Rc::clone(&map);
    let service = fn_factory(move || {
        let found = here.match_pattern(&path);
        if let Some(found) = found.filter(|found| *found != path) {
            panic!(
                "the login's route {path} is at {found}, where no browser looks for it: add \
                 `.configure(auth.routes())` to the app itself, not to a scope with a path"
            );
        }
        let never = async |request: ServiceRequest| {
            Ok::<_, Error>(request.into_response(Response::NotFound()))
        };
        ready(Ok::<_, ()>(fn_service(never)))
    });
    let never = fn_guard(|_| false);
    config.register_service(pattern, Some(vec![Box::new(never)]), service, Some(map));
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

    async fn answer_with(
        &self,
        visit: &Visit,
        request: &HttpRequest,
        mut body: Payload,
    ) -> Response {
        let view = View::from(request);
        let next = |cx: &mut Context<'_>| body.poll_next_unpin(cx);
        let body = visit.read_body(self.route, &view, next).await;
        let answer = visit.answer(self.route, &view, body.as_deref()).await;
        let answer = match answer {
            Answer::Starting(mut start) => {
                let hook = self.handler.on_authorize_request(request, start.options());
                match hook.await {
                    Ok(()) => visit.begin_login(start).await,
                    Err(refused) => return Response::from_error(refused),
                }
            }
            answer => answer,
        };
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
            Answer::VerifyUser(asked) => {
                let answer = self.handler.on_verify_user(request, &asked).await;
                match visit.conclude_verification(&asked, answer).await {
                    Ok(page) => page.unwrap_or_else(Response::from_error),
                    Err(answer) => reply(answer),
                }
            }
            other => unreachable!("an answer of a newer engine: {other:?}"),
        }
    }

    async fn failed(&self, request: &HttpRequest, failure: AuthFailure) -> Response {
        let answer = self.handler.on_auth_failed(request, failure).await;
        answer.unwrap_or_else(Response::from_error)
    }
}
