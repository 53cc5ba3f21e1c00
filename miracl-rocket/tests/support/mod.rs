//! Logins and an app for the tests of this crate, and people who log in.
#![allow(dead_code)] // no test program needs all of it
#![allow(clippy::needless_pass_by_value)] // Rocket's handlers take guards by value

use miracl_platform::{Client as App, Platform, PlatformConfig};
use miracl_rocket::{
    AuthHandler, AuthSuccess, Category, Config, CookieKey, LoginRequired, Miracl, MiraclAuth,
    Paths, Response, Result, User, Visit,
};
use rocket::{
    Build, Request, Rocket, catch, catchers,
    config::LogLevel,
    fs::FileServer,
    get,
    http::{Header, Status},
    local::asynchronous::{Client, LocalRequest, LocalResponse},
    post,
    response::{Redirect, Responder},
    routes,
};

pub(crate) const SITE: &str = "http://127.0.0.1:5000";

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, req: &Request<'_>, login: AuthSuccess) -> Result<Response> {
        match login.return_to() {
            "/veto" => Err(Status::PaymentRequired),
            "/panic" => panic!("a hook may"),
            to => Redirect::to(to.to_owned()).respond_to(req),
        }
    }
}

pub(crate) fn auth(issuer: &str) -> MiraclAuth {
    let miracl = Miracl::new(Config {
        issuer: issuer.to_owned(),
        client_id: "app".into(),
        client_secret: "secret".into(),
        redirect_uri: Config::redirect_uri_for(SITE),
        post_logout_redirect_uri: Some(format!("{SITE}/signed-out")),
        cookie_keys: vec![CookieKey::generate()],
        ..Config::default()
    });
    MiraclAuth::new(miracl.unwrap(), Hooks)
}

/// A login with paths of its own, whose fairing is nowhere attached.
pub(crate) fn auth_of_another() -> MiraclAuth {
    let miracl = Miracl::new(Config {
        issuer: "http://127.0.0.1:1".into(),
        client_id: "other".into(),
        client_secret: "secret".into(),
        redirect_uri: format!("{SITE}/other/login"),
        paths: Paths {
            login_start: "/other/start".into(),
            login_initiate: "/other/initiate".into(),
            logout: "/other/logout".into(),
            backchannel_logout: "/other/backchannel".into(),
            frontchannel_logout: "/other/frontchannel".into(),
            ..Paths::default()
        },
        cookie_keys: vec![CookieKey::generate()],
        cookie_prefix: "other".into(),
        ..Config::default()
    });
    MiraclAuth::new(miracl.unwrap(), Hooks)
}

pub(crate) fn quiet() -> Rocket<Build> {
    rocket::custom(rocket::Config {
        log_level: LogLevel::Off,
        ..rocket::Config::debug_default()
    })
}

#[get("/required")]
pub(crate) fn required(user: User) -> String {
    user.id().to_owned()
}

#[get("/optional/ok")]
pub(crate) fn optional(user: Option<User>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.id().to_owned())
}

/// The handler's own 401, by way of a catcher.
#[get("/optional/status")]
fn optional_by_status(user: Option<User>) -> Status {
    user.map_or(Status::Unauthorized, |_| Status::NoContent)
}

/// The handler's own 503, by itself.
#[get("/optional/503")]
fn optional_by_itself(_user: Option<User>) -> (Status, &'static str) {
    (Status::ServiceUnavailable, "mine")
}

#[get("/result")]
fn result(user: Result<User, LoginRequired>) -> Result<String, LoginRequired> {
    user.map(|user| user.id().to_owned())
}

/// A route that would take what another forwards.
#[get("/required", rank = 100)]
fn never() -> &'static str {
    "anybody"
}

#[get("/flash")]
async fn flash(visit: Visit, _user: User) {
    visit.take_flashes().await;
}

#[get("/flash-and-fail")]
pub(crate) fn flash_and_fail(visit: Visit) -> Status {
    visit.flash(Category::Warning, "Not today.");
    Status::ImATeapot
}

#[post("/unsafe")]
fn change() -> &'static str {
    "changed"
}

#[catch(401)]
fn unauthorized() -> &'static str {
    "the app's own 401"
}

#[catch(default)]
fn scoped(status: Status, _: &Request<'_>) -> String {
    format!("the app's own {}", status.code)
}

#[catch(default)]
fn away() -> Redirect {
    Redirect::to("/elsewhere")
}

pub(crate) fn app_at(issuer: &str) -> Rocket<Build> {
    let auth = auth(issuer);
    let routes = routes![
        required,
        never,
        optional,
        optional_by_status,
        optional_by_itself,
        result,
        flash,
        flash_and_fail,
        change
    ];
    quiet()
        .mount("/", routes.clone())
        .mount("/scope", routes.clone())
        .mount("/away", routes)
        .mount("/files", FileServer::from(env!("CARGO_MANIFEST_DIR")))
        .mount("/files", auth.login_required())
        .register("/", catchers![unauthorized])
        .register("/scope", catchers![scoped])
        .register("/away", catchers![away])
        .mount("/", auth.routes())
        .attach(auth.fairing())
}

pub(crate) async fn client() -> Client {
    Client::untracked(app_at("http://127.0.0.1:1"))
        .await
        .unwrap()
}

pub(crate) async fn platform() -> Platform {
    let config = PlatformConfig {
        clients: vec![App::new("app", "secret", Config::redirect_uri_for(SITE))],
        ..PlatformConfig::default()
    };
    let platform = Platform::start(config).await.unwrap();
    platform
        .register_identity("alice@example.com", "1234")
        .unwrap();
    platform
}

/// Logs Alice in, and returns the status of the callback's answer and where it leads.
pub(crate) async fn log_in(
    client: &Client,
    platform: &Platform,
    return_to: &str,
) -> (Status, String) {
    let start = format!("/login/start?return_to={return_to}");
    let started = client.get(start).dispatch().await;
    assert_eq!(started.status(), Status::SeeOther);
    let login = platform.log_in(header(&started, "location"), "alice@example.com", "1234");
    let callback = login.await.unwrap();
    let path = callback.strip_prefix(SITE).unwrap().to_owned();
    let back = client.get(path).dispatch().await;
    (back.status(), header(&back, "location").to_owned())
}

pub(crate) async fn who(client: &Client) -> String {
    let response = client.get("/optional/ok").dispatch().await;
    response.into_string().await.unwrap()
}

pub(crate) fn navigate(request: LocalRequest<'_>) -> LocalRequest<'_> {
    request.header(Header::new("sec-fetch-mode", "navigate"))
}

pub(crate) fn header<'a>(response: &'a LocalResponse<'_>, name: &str) -> &'a str {
    response.headers().get_one(name).unwrap_or_default()
}
