//! The app of the page "Keep an event stream open", for axum.

use axum::http::request::Parts;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Redirect, Response, Result};
use axum::{Router, routing::get};
use futures_util::stream::{Stream, StreamExt, once, unfold};
use miracl_axum::error::ConfigError;
use miracl_axum::{AuthHandler, AuthSuccess, Config, Miracl, MiraclAuth, User, Visit};
use std::{convert::Infallible, error::Error, time::Duration};
use tokio::{net::TcpListener, time::interval};

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &mut Parts, login: AuthSuccess) -> Result<Response> {
        Ok(Redirect::to(login.return_to()).into_response())
    }
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
async fn news(visit: Visit) -> impl IntoResponse {
    let events = numbers()
        .map(|number| Event::default().data(number.to_string()))
        .take_until(visit.ended())
        .chain(once(async { Event::default().event("ended").data("bye") }))
        .map(Ok::<_, Infallible>);
    Sse::new(events).keep_alive(KeepAlive::default())
}

/// The whole app. A test calls it with settings of its own.
pub fn app(config: Config) -> Result<Router, ConfigError> {
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    // A stream is no activity of the person: browsers open it again by themselves.
    let streams = Router::new()
        .route("/news", get(news))
        .route_layer(auth.login_required_without_activity());
    Ok(Router::new()
        .route(
            "/members",
            get(async |user: User| format!("Hello, {}.", user.id())),
        )
        .merge(streams)
        .merge(auth.routes()) // /login, /login/start, /logout, /backchannel-logout
        .layer(auth.layer()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = app(Config::load(None)?)?; // miracl.json, then the environment
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    Ok(axum::serve(listener, app).await?)
}
