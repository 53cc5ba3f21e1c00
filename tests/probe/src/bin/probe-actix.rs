//! The probe of miracl-actix.

use std::{convert::Infallible, error::Error};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, Responder, Result,
    error::ErrorForbidden,
    http::{StatusCode, header::CACHE_CONTROL},
    web::{self, Bytes, Redirect, get, post, scope},
};
use futures_util::StreamExt as _;
use miracl_actix::{
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
    async fn on_auth_success(&self, req: &HttpRequest, login: AuthSuccess) -> Result<HttpResponse> {
        if !probe::obey(&req.visit(), &login).await {
            return Err(ErrorForbidden("no"));
        }
        let back = Redirect::to(login.return_to().to_owned()).see_other();
        Ok(back.respond_to(req).map_into_boxed_body())
    }

    async fn on_auth_failed(
        &self,
        req: &HttpRequest,
        failure: AuthFailure,
    ) -> Result<HttpResponse> {
        Ok(miracl_actix::reply(req.visit().failure_reply(&failure)))
    }

    async fn on_authorize_request(&self, _: &HttpRequest, login: &mut LoginOptions) -> Result<()> {
        match probe::own::authorize(login) {
            true => Ok(()),
            false => Err(ErrorForbidden("no")),
        }
    }

    fn on_refused(&self, req: &HttpRequest, refused: &Refused) -> Option<HttpResponse> {
        let body = probe::own::refused(|| req.visit().0, refused)?;
        let status = StatusCode::from_u16(probe::own::STATUS).unwrap_or_default();
        Some(HttpResponse::build(status).body(body))
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

async fn stream(visit: Visit) -> HttpResponse {
    let event = |text| Ok::<_, Infallible>(Bytes::from(format!("data: {text}\n\n")));
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .streaming(probe::stream::stream(&visit).await.map(event))
}

async fn streams() -> String {
    probe::stream::open()
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

async fn form(body: String, visit: Visit) -> HttpResponse {
    match visit.user().await {
        Ok(Some(user)) => HttpResponse::Ok().body(format!("{}: {body}", user.id())),
        Ok(None) => HttpResponse::Unauthorized().finish(),
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}

async fn flashes(visit: Visit) -> String {
    probe::lines(&visit.take_flashes().await)
}

async fn peek(visit: Visit) -> String {
    probe::peek(&visit).await
}

async fn private(visit: Visit, req: HttpRequest) -> HttpResponse {
    let body = probe::private(&visit, req.path().ends_with("message")).await;
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, probe::PRIVATE))
        .body(body)
}

async fn data(notes: SessionValue<probe::data::Notes>) -> String {
    probe::data::shown(notes.0)
}

async fn change(visit: Visit, what: web::Path<String>) -> HttpResponse {
    let (status, body) = probe::data::change(&visit, &what).await;
    HttpResponse::build(StatusCode::from_u16(status).unwrap_or_default()).body(body)
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

#[actix_web::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    let (listener, miracl) = probe::start()?;
    let auth = MiraclAuth::new(miracl, Hooks::default());
    let other = MiraclAuth::new(probe::other(auth.miracl())?, Hooks::default());
    probe::greet(listener.local_addr()?);
    let app = move || {
        let deep = scope("/deep").route("/members", get().to(members));
        let nested = scope("/nested")
            .route("/members", get().to(members))
            .service(deep);
        let behind = scope("/guarded")
            .wrap(auth.login_required())
            .route("/members", get().to(guarded))
            .route("/any", web::to(guarded));
        let lost = scope("/lost")
            .wrap(other.login_required())
            .route("/members", get().to(guarded));
        let watching = scope("/watching")
            .wrap(auth.login_required_without_activity())
            .route("/members", get().to(guarded));
        let rights = scope("/rights")
            .route("/admin", get().to(admin))
            .route("/optional", get().to(optional_admin))
            .route("/strong", web::to(strong))
            .route("/broken", get().to(broken))
            .route("/both", get().to(both));
        let admins = scope("/admins")
            .wrap(auth.require(probe::Admin))
            .route("/members", get().to(guarded))
            .route("/any", web::to(guarded));
        let asked = scope("/asked")
            .wrap(auth.require(Requirement::of::<Listed>()))
            .route("/members", get().to(asked));
        let callers = scope("/callers")
            .route("/admin", web::to(called_admin))
            .route("/optional", get().to(called_optional))
            .route("/strong", web::to(called_strong))
            .route("/scoped", get().to(called_scoped))
            .route("/verified", get().to(called_verified))
            .route("/broken", get().to(called_broken))
            .route("/listed", get().to(called_listed));
        let called = scope("/called")
            .wrap(auth.require_project_user(probe::Admin))
            .route("/members", get().to(called))
            .route("/any", web::to(guarded));
        App::new()
            .service(callers)
            .service(called)
            .service(rights)
            .service(admins)
            .service(asked)
            .route("/stream", get().to(stream))
            .route("/streams", get().to(streams))
            .route("/peek", get().to(peek))
            .route("/private", get().to(private))
            .route("/private/message", get().to(private))
            .service(watching)
            .route("/data", get().to(data))
            .route("/data/{what:.*}", post().to(change))
            .route("/me", get().to(me))
            .route("/optional", get().to(optional))
            .route("/form", post().to(form))
            .route("/flashes", get().to(flashes))
            .service(nested)
            .service(behind)
            .service(lost)
            .configure(other.routes())
            .configure(auth.routes())
            .default_service(web::to(HttpResponse::NotFound))
            .wrap(auth.layer())
    };
    HttpServer::new(app)
        .workers(1)
        // A request is dropped with its browser's connection.
        .h1_allow_half_closed(false)
        // It ends by the signal itself, as the other probes do.
        .disable_signals()
        .listen(listener)?
        .run()
        .await?;
    Ok(())
}
