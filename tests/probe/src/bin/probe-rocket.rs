//! The probe of miracl-rocket.

#![expect(
    clippy::needless_pass_by_value,
    reason = "Rocket's handlers take guards by value"
)]

use std::{collections::HashSet, error::Error, io::Cursor, path::PathBuf};

use futures_util::{Stream, StreamExt as _};
use miracl_probe as probe;
use miracl_rocket::{
    AuthFailure, AuthHandler, AuthSuccess, Authorized, LoginOptions, MiraclAuth, ProjectUser,
    RequestExt, Response, Result, SessionValue, User, Visit, access::Refused, access::Requirement,
    event::AuthEvent, page::Page,
};
use rocket::{
    Config, Data, Request, Route,
    config::{LogLevel, Shutdown},
    fairing::AdHoc,
    get,
    http::{Header, Method, Status},
    post,
    response::{
        Redirect, Responder,
        stream::{Event, EventStream},
    },
    route::{BoxFuture, Outcome},
    routes,
};

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
    async fn on_auth_success(&self, req: &Request<'_>, login: AuthSuccess) -> Result<Response> {
        if !probe::obey(&req.visit(), &login).await {
            return Err(Status::Forbidden);
        }
        Redirect::to(login.return_to().to_owned()).respond_to(req)
    }

    async fn on_auth_failed(&self, req: &Request<'_>, failure: AuthFailure) -> Result<Response> {
        Ok(miracl_rocket::reply(req.visit().failure_reply(&failure)))
    }

    async fn on_authorize_request(&self, _: &Request<'_>, login: &mut LoginOptions) -> Result<()> {
        match probe::own::authorize(login) {
            true => Ok(()),
            false => Err(Status::Forbidden),
        }
    }

    fn on_refused(&self, req: &Request<'_>, refused: &Refused) -> Option<Response> {
        let body = probe::own::refused(|| req.visit().0, refused)?;
        let mut response = Response::build();
        response.status(Status::new(probe::own::STATUS));
        response.sized_body(body.len(), Cursor::new(body));
        Some(response.finalize())
    }

    fn on_page(&self, page: &mut Page) {
        probe::own::page(page);
    }

    async fn on_event(&self, event: AuthEvent) {
        probe::note(event).await;
    }
}

#[get("/members")]
fn members(user: User) -> String {
    user.id().to_owned()
}

#[get("/stream")]
async fn stream(visit: Visit) -> EventStream<impl Stream<Item = Event>> {
    EventStream::from(probe::stream::stream(&visit).await.map(Event::data))
}

#[get("/streams")]
fn streams() -> String {
    probe::stream::open()
}

#[get("/members")]
fn guarded() -> &'static str {
    "a member"
}

/// The guarded route for every method.
fn any() -> Vec<Route> {
    fn member<'r>(request: &'r Request<'_>, _: Data<'r>) -> BoxFuture<'r> {
        Outcome::from(request, guarded()).pin()
    }
    [
        Method::Get,
        Method::Head,
        Method::Post,
        Method::Put,
        Method::Patch,
        Method::Delete,
        Method::Options,
        Method::Trace,
    ]
    .map(|method| Route::new(method, "/any", member))
    .into()
}

#[get("/optional")]
fn optional(user: Option<User>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.id().to_owned())
}

#[get("/me")]
fn me(user: User) -> String {
    probe::me(user.id())
}

#[post("/form", data = "<body>")]
async fn form(body: String, visit: Visit) -> Result<String> {
    match visit.user().await {
        Ok(Some(user)) => Ok(format!("{}: {body}", user.id())),
        Ok(None) => Err(Status::Unauthorized),
        Err(_) => Err(Status::ServiceUnavailable),
    }
}

#[get("/flashes")]
async fn flashes(visit: Visit) -> String {
    probe::lines(&visit.take_flashes().await)
}

#[get("/peek")]
async fn peek(visit: Visit) -> String {
    probe::peek(&visit).await
}

#[derive(Responder)]
struct Private {
    body: String,
    cache_control: Header<'static>,
}

/// A page with a `Cache-Control` of its own.
async fn own(visit: Visit, message: bool) -> Private {
    Private {
        body: probe::private(&visit, message).await,
        cache_control: Header::new("Cache-Control", probe::PRIVATE),
    }
}

#[get("/private")]
async fn private(visit: Visit) -> Private {
    own(visit, false).await
}

#[get("/private/message")]
async fn private_message(visit: Visit) -> Private {
    own(visit, true).await
}

#[get("/data")]
fn data(notes: SessionValue<probe::data::Notes>) -> String {
    probe::data::shown(notes.0)
}

#[post("/data/<what..>")]
async fn change(visit: Visit, what: PathBuf) -> (Status, String) {
    let what = what.to_string_lossy();
    let (status, body) = probe::data::change(&visit, &what).await;
    (Status::new(status), body)
}

#[get("/admin")]
fn admin(user: Authorized<probe::Admin>) -> String {
    user.id().to_owned()
}

#[get("/optional")]
fn optional_admin(user: Option<Authorized<probe::Admin>>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.id().to_owned())
}

#[get("/both")]
fn both(_admin: Option<Authorized<probe::Admin>>, user: Authorized<probe::Broken>) -> String {
    user.id().to_owned()
}

#[get("/strong")]
fn strong(user: Authorized<probe::Strong>) -> String {
    user.id().to_owned()
}

#[post("/strong")]
fn post_strong(user: Authorized<probe::Strong>) -> String {
    user.id().to_owned()
}

#[get("/broken")]
fn broken(user: Authorized<probe::Broken>) -> String {
    user.id().to_owned()
}

#[get("/members")]
fn asked(_listed: Authorized<Listed>, _again: Option<Authorized<Listed>>) -> String {
    probe::asked()
}

#[get("/admin")]
fn called_admin(user: ByJwt<probe::Admin>) -> String {
    user.id().to_owned()
}

#[post("/admin")]
fn post_called_admin(user: ByJwt<probe::Admin>) -> String {
    user.id().to_owned()
}

#[get("/optional")]
fn called_optional(user: Option<ByJwt<probe::Admin>>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.id().to_owned())
}

#[get("/strong")]
fn called_strong(user: ByJwt<probe::Strong>) -> String {
    user.id().to_owned()
}

#[get("/scoped")]
fn called_scoped(user: ByJwt<probe::Scoped>) -> String {
    user.id().to_owned()
}

#[get("/verified")]
fn called_verified(user: ByJwt<probe::Verified>) -> String {
    user.id().to_owned()
}

#[get("/broken")]
fn called_broken(user: ByJwt<probe::Broken>) -> String {
    user.id().to_owned()
}

#[get("/listed")]
fn called_listed(_listed: ByJwt<Listed>, _again: Option<ByJwt<Listed>>) -> String {
    probe::asked()
}

#[get("/members")]
fn called(user: ProjectUser) -> String {
    user.id().to_owned()
}

#[rocket::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    let (listener, miracl) = probe::start()?;
    let auth = MiraclAuth::new(miracl, Hooks::default());
    let other = MiraclAuth::new(probe::other(auth.miracl())?, Hooks::default());
    let address = listener.local_addr()?;
    // Rocket opens its socket by itself.
    drop(listener);
    let config = Config {
        address: address.ip(),
        port: address.port(),
        log_level: LogLevel::Off,
        // It ends by the signal itself, as the other probes do.
        shutdown: Shutdown {
            ctrlc: false,
            signals: HashSet::new(),
            ..Shutdown::default()
        },
        ..Config::release_default()
    };
    let greet = AdHoc::on_liftoff("Greeting", move |_| {
        Box::pin(async move { probe::greet(address) })
    });
    rocket::custom(config)
        .mount("/", routes![me, optional, form, flashes, stream, streams])
        .mount("/", routes![peek, private, private_message, data, change])
        .mount("/rights", routes![admin, optional_admin, both])
        .mount("/rights", routes![strong, post_strong, broken])
        .mount("/admins", routes![guarded])
        .mount("/admins", any())
        .mount("/admins", auth.require(probe::Admin))
        .mount("/callers", routes![called_admin, post_called_admin])
        .mount("/callers", routes![called_optional, called_strong])
        .mount("/callers", routes![called_scoped, called_verified])
        .mount("/callers", routes![called_broken, called_listed])
        .mount("/called", routes![called])
        .mount("/called", any())
        .mount("/called", auth.require_project_user(probe::Admin))
        .mount("/asked", routes![asked])
        .mount("/asked", auth.require(Requirement::of::<Listed>()))
        .mount("/watching", routes![guarded])
        .mount("/watching", auth.login_required_without_activity())
        .mount("/nested", routes![members])
        .mount("/nested/deep", routes![members])
        .mount("/guarded", routes![guarded])
        .mount("/guarded", any())
        .mount("/guarded", auth.login_required())
        .mount("/lost", routes![guarded])
        .mount("/lost", other.login_required())
        .mount("/", other.routes())
        .mount("/", auth.routes())
        .attach(auth.fairing())
        .attach(greet)
        .launch()
        .await?;
    Ok(())
}
