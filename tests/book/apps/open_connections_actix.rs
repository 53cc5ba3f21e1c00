//! The app of the page "Keep an event stream open", for actix-web.

use actix_web::web::{Bytes, Redirect, ServiceConfig, get, scope};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Responder, Result};
use futures_util::stream::{Stream, StreamExt, once, unfold};
use miracl_actix::error::ConfigError;
use miracl_actix::{AuthHandler, AuthSuccess, Config, Miracl, MiraclAuth, User, Visit};
use std::{convert::Infallible, time::Duration};
use tokio::time::interval;

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, req: &HttpRequest, login: AuthSuccess) -> Result<HttpResponse> {
        let back = Redirect::to(login.return_to().to_owned()).see_other();
        Ok(back.respond_to(req).map_into_boxed_body())
    }
}

/// Joins the engine and the hooks.
pub fn auth(config: Config) -> Result<MiraclAuth, ConfigError> {
    Ok(MiraclAuth::new(Miracl::new(config)?, Hooks))
}

/// What is new, every ten seconds: here a number.
fn numbers() -> impl Stream<Item = u64> {
    let every = interval(Duration::from_secs(10)); // the first one at once
    unfold((every, 1), async |(mut every, number)| {
        every.tick().await;
        Some((number, (every, number + 1)))
    })
}

/// The stream. It ends with the session, and says so.
async fn news(visit: Visit) -> HttpResponse {
    let events = numbers()
        .map(|number| format!("data: {number}\n\n"))
        .take_until(visit.ended())
        .chain(once(async { "event: ended\ndata: bye\n\n".to_owned() }))
        .map(|event| Ok::<_, Infallible>(Bytes::from(event)));
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .streaming(events)
}

async fn members(user: User) -> String {
    format!("Hello, {}.", user.id())
}

/// All routes. A test calls it with settings of its own.
pub fn routes(app: &mut ServiceConfig, auth: &MiraclAuth) {
    // A stream is no activity of the person: browsers open it again by themselves.
    let streams = scope("/news")
        .wrap(auth.login_required_without_activity())
        .route("", get().to(news));
    app.route("/members", get().to(members))
        .service(streams)
        .configure(auth.routes()); // /login, /login/start, /logout, /backchannel-logout
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let auth = auth(Config::load(None)?)?; // miracl.json, then the environment
    let app = move || {
        App::new()
            .configure(|app| routes(app, &auth))
            .wrap(auth.layer())
    };
    Ok(HttpServer::new(app).bind("127.0.0.1:5000")?.run().await?)
}
