//! The probe of the adapter for warp.

use std::{convert::Infallible, error::Error};

use futures_util::StreamExt as _;
use hyper::{body::Bytes, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use miracl_probe as probe;
use miracl_warp::{
    AuthHandler, AuthSuccess, LoginOptions, MiraclAuth, ProjectUser, RequestExt, User, Visit,
    access::Refused, access::Requirement, authorized, authorized_project_user, event::AuthEvent,
    optional_authorized, optional_authorized_project_user, optional_user, page::Page, project_user,
    session_value, user, visit,
};
use tower::Layer as _;
use warp::{
    Filter, Rejection, Reply,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, LOCATION},
        request::Parts,
    },
    path::Tail,
    reject::Reject,
    reply::{Response, with_header, with_status},
    sse::{self, Event},
};

#[derive(Default)]
struct Hooks(probe::Table);

impl AsRef<probe::Table> for Hooks {
    fn as_ref(&self) -> &probe::Table {
        &self.0
    }
}

type Listed = probe::Listed<Hooks>;

#[derive(Debug)]
struct Veto;

impl Reject for Veto {}

impl AuthHandler for Hooks {
    async fn on_auth_success(
        &self,
        req: &Parts,
        login: AuthSuccess,
    ) -> Result<Response, Rejection> {
        if !probe::obey(&req.visit(), &login).await {
            return Err(Veto.into());
        }
        let redirect = with_status(warp::reply(), StatusCode::SEE_OTHER);
        Ok(with_header(redirect, LOCATION, login.return_to()).into_response())
    }

    async fn on_authorize_request(
        &self,
        _: &Parts,
        login: &mut LoginOptions,
    ) -> Result<(), Rejection> {
        match probe::own::authorize(login) {
            true => Ok(()),
            false => Err(Veto.into()),
        }
    }

    fn on_refused(&self, req: &Parts, refused: &Refused) -> Option<Response> {
        let body = probe::own::refused(|| req.visit().0, refused)?;
        let status = StatusCode::from_u16(probe::own::STATUS).unwrap_or_default();
        Some(with_status(body, status).into_response())
    }

    fn on_page(&self, page: &mut Page) {
        probe::own::page(page);
    }

    async fn on_event(&self, event: AuthEvent) {
        probe::note(event).await;
    }
}

async fn form(body: Bytes, visit: Visit) -> Response {
    match visit.user().await {
        Ok(Some(user)) => {
            format!("{}: {}", user.id(), String::from_utf8_lossy(&body)).into_response()
        }
        Ok(None) => StatusCode::UNAUTHORIZED.into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn recovered(rejection: Rejection) -> Result<StatusCode, Rejection> {
    let veto = rejection.find::<Veto>();
    veto.map(|_| StatusCode::FORBIDDEN).ok_or(rejection)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (listener, miracl) = probe::start()?;
    let auth = MiraclAuth::new(miracl, Hooks::default());
    let members = warp::path!("members")
        .and(user())
        .map(|user: User| user.id().to_owned());
    let deep = warp::path("deep").and(members.clone());
    let nested = warp::path("nested").and(members.or(deep));
    let guarded = warp::path("guarded")
        .and(auth.login_required())
        .and(warp::path!("members"))
        .map(|| "a member");
    let any = warp::path("guarded")
        .and(auth.login_required())
        .and(warp::path!("any"))
        .map(|| "a member");
    let other = MiraclAuth::new(probe::other(auth.miracl())?, Hooks::default());
    let lost = warp::path("lost")
        .and(other.login_required())
        .and(warp::path!("members"))
        .map(|| "a member");
    let me = warp::path!("me")
        .and(user())
        .map(|user: User| probe::me(user.id()));
    let optional = warp::path!("optional")
        .and(optional_user())
        .map(|user: Option<User>| {
            user.map_or_else(|| "nobody".to_owned(), |user| user.id().to_owned())
        });
    let form = warp::path!("form")
        .and(warp::post())
        .and(warp::body::bytes())
        .and(visit())
        .then(form);
    let flashes = warp::path!("flashes")
        .and(visit())
        .then(|visit: Visit| async move { probe::lines(&visit.take_flashes().await) });
    let watching = warp::path("watching")
        .and(auth.login_required_without_activity())
        .and(warp::path!("members"))
        .map(|| "a member");
    let peek = warp::path!("peek")
        .and(visit())
        .then(|visit: Visit| async move { probe::peek(&visit).await });
    let stream = warp::path!("stream")
        .and(visit())
        .then(|visit: Visit| async move {
            let event = |text| Ok::<_, Infallible>(Event::default().data(text));
            sse::reply(probe::stream::stream(&visit).await.map(event))
        });
    let streams = warp::path!("streams").map(probe::stream::open);
    let stream = stream.or(streams).boxed();
    let private = warp::path("private")
        .and(warp::path::tail())
        .and(visit())
        .then(|tail: Tail, visit: Visit| async move {
            let body = probe::private(&visit, tail.as_str() == "message").await;
            with_header(body, CACHE_CONTROL, probe::PRIVATE)
        });
    let data = warp::path!("data")
        .and(session_value())
        .map(probe::data::shown);
    let change = warp::path("data")
        .and(warp::post())
        .and(warp::path::tail())
        .and(visit())
        .then(|what: Tail, visit: Visit| async move {
            let (status, body) = probe::data::change(&visit, what.as_str()).await;
            with_status(body, StatusCode::from_u16(status).unwrap_or_default())
        });
    let data = data.or(change).boxed();
    let id = |user: User| user.id().to_owned();
    let admin = warp::path!("admin")
        .and(authorized::<probe::Admin>())
        .map(id);
    let optional_admin = warp::path!("optional")
        .and(optional_authorized::<probe::Admin>())
        .map(|user: Option<User>| {
            user.map_or_else(|| "nobody".to_owned(), |user| user.id().to_owned())
        });
    let strong = warp::path!("strong")
        .and(authorized::<probe::Strong>())
        .map(id);
    let broken = warp::path!("broken")
        .and(authorized::<probe::Broken>())
        .map(id);
    let both = warp::path!("both")
        .and(optional_authorized::<probe::Admin>())
        .and(authorized::<probe::Broken>())
        .map(|_, user: User| user.id().to_owned());
    // In boxes, so that the type of the whole app does not grow too deep for the compiler.
    let rights = admin.or(optional_admin).or(strong).or(broken).or(both);
    let rights = warp::path("rights").and(rights).boxed();
    let members = warp::path!("members").or(warp::path!("any")).unify();
    let admins = warp::path("admins")
        .and(auth.require(probe::Admin))
        .and(members)
        .map(|| "a member")
        .boxed();
    let id = |user: ProjectUser| user.id().to_owned();
    let called_admin = warp::path!("admin")
        .and(authorized_project_user::<probe::Admin>())
        .map(id);
    let called_optional = warp::path!("optional")
        .and(optional_authorized_project_user::<probe::Admin>())
        .map(|user: Option<ProjectUser>| {
            user.map_or_else(|| "nobody".to_owned(), |user| user.id().to_owned())
        });
    let called_strong = warp::path!("strong")
        .and(authorized_project_user::<probe::Strong>())
        .map(id);
    let called_scoped = warp::path!("scoped")
        .and(authorized_project_user::<probe::Scoped>())
        .map(id);
    let called_verified = warp::path!("verified")
        .and(authorized_project_user::<probe::Verified>())
        .map(id);
    let called_broken = warp::path!("broken")
        .and(authorized_project_user::<probe::Broken>())
        .map(id);
    let called_listed = warp::path!("listed")
        .and(authorized_project_user::<Listed>())
        .and(optional_authorized_project_user::<Listed>())
        .map(|_, _| probe::asked());
    let callers = called_admin.or(called_optional).or(called_strong).boxed();
    let callers = callers.or(called_scoped).or(called_verified).boxed();
    let callers = callers.or(called_broken).or(called_listed);
    let callers = warp::path("callers").and(callers).boxed();
    let called_member = warp::path!("members").and(project_user()).map(id);
    let called_any = warp::path!("any").map(|| "a member");
    let called = warp::path("called")
        .and(auth.require_project_user(probe::Admin))
        .and(called_member.or(called_any))
        .boxed();
    let asked = warp::path("asked")
        .and(auth.require(Requirement::of::<Listed>()))
        .and(warp::path!("members"))
        .and(authorized::<Listed>())
        .and(optional_authorized::<Listed>())
        .map(|_, _| probe::asked())
        .boxed();
    let app = me
        .or(rights)
        .or(data)
        .or(admins)
        .or(asked)
        .or(callers)
        .or(called)
        .or(stream)
        .or(watching)
        .or(peek)
        .or(private)
        .or(optional)
        .or(form)
        .or(flashes)
        .or(nested)
        .or(guarded)
        .or(any)
        .or(lost)
        .or(other.routes())
        .or(auth.routes())
        .recover(recovered)
        .boxed();
    let service = auth.layer().layer(warp::service(app));
    probe::greet(listener.local_addr()?);
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(connection);
    }
}
