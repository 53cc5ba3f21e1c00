//! The probe of miracl-axum.

use std::{convert::Infallible, error::Error};

use axum::{
    Router,
    body::to_bytes,
    extract::{Path, Request},
    http::{StatusCode, Uri, header::CACHE_CONTROL, request::Parts},
    response::{IntoResponse, Redirect, Response, Result, Sse, sse::Event},
    routing::{any, get, post},
};
use futures_util::StreamExt as _;
use miracl_axum::{
    AuthFailure, AuthHandler, AuthSuccess, Authorized, LoginOptions, MiraclAuth, ProjectUser,
    RequestExt, SessionValue, User, Visit, access::Refused, access::Requirement, event::AuthEvent,
    page::Page,
};
use miracl_probe as probe;

#[derive(Default)]
struct Hooks(probe::Table);

impl AsRef<probe::Table> for Hooks {
    fn as_ref(&self) -> &probe::Table {
        &self.0
    }
}

type Listed = probe::Listed<Hooks>;
type ByJwt<P> = Authorized<P, ProjectUser>;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, req: &mut Parts, login: AuthSuccess) -> Result<Response> {
        if !probe::obey(&req.visit(), &login).await {
            return Err(StatusCode::FORBIDDEN.into());
        }
        Ok(Redirect::to(login.return_to()).into_response())
    }

    async fn on_auth_failed(&self, req: &mut Parts, failure: AuthFailure) -> Result<Response> {
        Ok(miracl_axum::reply(req.visit().failure_reply(&failure)))
    }

    async fn on_authorize_request(&self, _: &mut Parts, login: &mut LoginOptions) -> Result<()> {
        match probe::own::authorize(login) {
            true => Ok(()),
            false => Err(StatusCode::FORBIDDEN.into()),
        }
    }

    fn on_refused(&self, req: &Parts, refused: &Refused) -> Option<Response> {
        let body = probe::own::refused(|| req.visit().0, refused)?;
        let status = StatusCode::from_u16(probe::own::STATUS).unwrap_or_default();
        Some((status, body).into_response())
    }

    fn on_page(&self, page: &mut Page) {
        probe::own::page(page);
    }

    async fn on_event(&self, event: AuthEvent) {
        probe::note(event).await;
    }
}

async fn members(user: User) -> String {
    user.id().to_owned()
}

async fn stream(visit: Visit) -> impl IntoResponse {
    let event = |text| Ok::<_, Infallible>(Event::default().data(text));
    Sse::new(probe::stream::stream(&visit).await.map(event))
}

async fn guarded() -> &'static str {
    "a member"
}

async fn optional(user: Option<User>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.id().to_owned())
}

async fn me(user: User) -> String {
    probe::me(user.id())
}

async fn form(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 10_000).await.unwrap_or_default();
    match parts.visit().user().await {
        Ok(Some(user)) => {
            format!("{}: {}", user.id(), String::from_utf8_lossy(&body)).into_response()
        }
        Ok(None) => StatusCode::UNAUTHORIZED.into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn flashes(visit: Visit) -> String {
    probe::lines(&visit.take_flashes().await)
}

async fn peek(visit: Visit) -> String {
    probe::peek(&visit).await
}

async fn private(visit: Visit, uri: Uri) -> impl IntoResponse {
    let body = probe::private(&visit, uri.path().ends_with("message")).await;
    ([(CACHE_CONTROL, probe::PRIVATE)], body)
}

async fn data(SessionValue(notes): SessionValue<probe::data::Notes>) -> String {
    probe::data::shown(notes)
}

async fn change(visit: Visit, Path(what): Path<String>) -> impl IntoResponse {
    let (status, body) = probe::data::change(&visit, &what).await;
    let status = StatusCode::from_u16(status).unwrap_or_default();
    (status, body)
}

async fn admin(user: Authorized<probe::Admin>) -> String {
    user.id().to_owned()
}

async fn optional_admin(user: Option<Authorized<probe::Admin>>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.id().to_owned())
}

async fn strong(user: Authorized<probe::Strong>) -> String {
    user.id().to_owned()
}

async fn broken(user: Authorized<probe::Broken>) -> String {
    user.id().to_owned()
}

async fn both(_: Option<Authorized<probe::Admin>>, user: Authorized<probe::Broken>) -> String {
    user.id().to_owned()
}

async fn asked(_: Authorized<Listed>, _: Option<Authorized<Listed>>) -> String {
    probe::asked()
}

async fn called_admin(user: ByJwt<probe::Admin>) -> String {
    user.id().to_owned()
}

async fn called_optional(user: Option<ByJwt<probe::Admin>>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.id().to_owned())
}

async fn called_strong(user: ByJwt<probe::Strong>) -> String {
    user.id().to_owned()
}

async fn called_scoped(user: ByJwt<probe::Scoped>) -> String {
    user.id().to_owned()
}

async fn called_verified(user: ByJwt<probe::Verified>) -> String {
    user.id().to_owned()
}

async fn called_broken(user: ByJwt<probe::Broken>) -> String {
    user.id().to_owned()
}

async fn called_listed(_: ByJwt<Listed>, _: Option<ByJwt<Listed>>) -> String {
    probe::asked()
}

async fn called(user: ProjectUser) -> String {
    user.id().to_owned()
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    let (listener, miracl) = probe::start()?;
    let auth = MiraclAuth::new(miracl, Hooks::default());
    let deep = Router::new().route("/members", get(members));
    let nested = Router::new()
        .route("/members", get(members))
        .nest("/deep", deep);
    let behind = Router::new()
        .route("/members", get(guarded))
        .route("/any", any(guarded))
        .route_layer(auth.login_required());
    let other = MiraclAuth::new(probe::other(auth.miracl())?, Hooks::default());
    let lost = Router::new()
        .route("/members", get(guarded))
        .route_layer(other.login_required());
    let watching = Router::new()
        .route("/members", get(guarded))
        .route_layer(auth.login_required_without_activity());
    let rights = Router::new()
        .route("/admin", get(admin))
        .route("/optional", get(optional_admin))
        .route("/strong", any(strong))
        .route("/broken", get(broken))
        .route("/both", get(both));
    let admins = Router::new()
        .route("/members", get(guarded))
        .route("/any", any(guarded))
        .route_layer(auth.require(probe::Admin));
    let callers = Router::new()
        .route("/admin", any(called_admin))
        .route("/optional", get(called_optional))
        .route("/strong", any(called_strong))
        .route("/scoped", get(called_scoped))
        .route("/verified", get(called_verified))
        .route("/broken", get(called_broken))
        .route("/listed", get(called_listed));
    let called = Router::new()
        .route("/members", get(called))
        .route("/any", any(guarded))
        .route_layer(auth.require_project_user(probe::Admin));
    let asked = Router::new()
        .route("/members", get(asked))
        .route_layer(auth.require(Requirement::of::<Listed>()));
    let app = Router::new()
        .nest("/rights", rights)
        .nest("/admins", admins)
        .nest("/asked", asked)
        .nest("/callers", callers)
        .nest("/called", called)
        .route("/stream", get(stream))
        .route("/streams", get(async || probe::stream::open()))
        .route("/peek", get(peek))
        .route("/private", get(private))
        .route("/private/message", get(private))
        .nest("/watching", watching)
        .route("/data", get(data))
        .route("/data/{*what}", post(change))
        .route("/me", get(me))
        .route("/optional", get(optional))
        .route("/form", post(form))
        .route("/flashes", get(flashes))
        .nest("/nested", nested)
        .nest("/guarded", behind)
        .nest("/lost", lost)
        .merge(other.routes())
        .merge(auth.routes())
        .layer(auth.layer());
    probe::greet(listener.local_addr()?);
    Ok(axum::serve(tokio::net::TcpListener::from_std(listener)?, app).await?)
}
