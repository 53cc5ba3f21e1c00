//! The app of the page "Customise the pages".

use axum::http::{StatusCode, header::CONTENT_TYPE, request::Parts};
use axum::response::{Html, IntoResponse, Redirect, Response, Result};
use axum::{Router, routing::get};
use miracl_axum::access::{RefusalKind, Refused};
use miracl_axum::error::ConfigError;
use miracl_axum::page::{Page, PageKind};
use miracl_axum::{AuthFailure, AuthHandler, AuthSuccess, Category, Config, LogoutKind};
use miracl_axum::{Miracl, MiraclAuth, RequestExt, User, Visit, reply};
use std::error::Error;
use tokio::net::TcpListener;

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, req: &mut Parts, login: AuthSuccess) -> Result<Response> {
        req.visit().flash(Category::Success, "You are logged in.");
        Ok(Redirect::to(login.return_to()).into_response())
    }

    /// A page of your own for a login that failed.
    async fn on_auth_failed(&self, req: &mut Parts, failure: AuthFailure) -> Result<Response> {
        let visit = req.visit();
        // Nothing has failed for a person who is still logged in, or the engine's own page has to look again.
        if failure.still_logged_in() || failure.see_at().is_some() {
            return Ok(reply(visit.failure_reply(&failure)));
        }
        let what = match failure.was_cancelled() {
            true => "You have cancelled the login.",
            false => failure.message(),
        };
        let status = StatusCode::from_u16(failure.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let body = format!(
            r#"<p>{what}</p><p><a href="/login/start">Try again</a></p><p>Reference: {}</p>"#,
            failure.id()
        );
        Ok((status, Html(layout(&body))).into_response())
    }

    /// The API below `/api/` is for scripts: it answers 401 or 403, and redirects nobody.
    fn on_refused(&self, req: &Parts, refused: &Refused) -> Option<Response> {
        if !req.uri.path().starts_with("/api/") {
            return None; // the engine's answer
        }
        let (status, error) = match refused.kind() {
            RefusalKind::LoginRequired | RefusalKind::StepUp => {
                (StatusCode::UNAUTHORIZED, "log in first")
            }
            RefusalKind::Denied => (StatusCode::FORBIDDEN, "not allowed"),
            _ => return None,
        };
        let body = format!(r#"{{"error":"{error}"}}"#);
        Some((status, [(CONTENT_TYPE, "application/json")], body).into_response())
    }

    /// The words of the engine's own pages.
    fn on_page(&self, page: &mut Page) {
        if page.kind() == PageKind::LogoutQuestion {
            page.title = "Leaving the shop?".to_owned();
            page.sentence = "Your basket stays as it is.".to_owned();
        }
    }

    /// A message for the page after a log-out.
    async fn on_logout(&self, req: &mut Parts, kind: LogoutKind) {
        if kind == LogoutKind::User {
            req.visit().flash(Category::Info, "You are logged out.");
        }
    }
}

/// For scripts.
async fn orders(user: User) -> String {
    format!(r#"{{"of":"{}"}}"#, user.id())
}

/// What all of your pages share.
fn layout(body: &str) -> String {
    format!("<!doctype html><html lang=\"en\"><title>My shop</title><h1>My shop</h1>{body}</html>")
}

/// A page that shows the messages.
async fn home(visit: Visit, user: Option<User>) -> Html<String> {
    let mut body = String::new();
    for flash in visit.take_flashes().await {
        // These texts are your own. Escape every text that can contain a visitor's input.
        body += &format!(
            r#"<p class="{}">{}</p>"#,
            flash.category.as_str(),
            flash.text
        );
    }
    body += match user {
        Some(_) => r#"<form method="post" action="/logout"><button>Log out</button></form>"#,
        None => r#"<a href="/login/start">Log in</a>"#,
    };
    Html(layout(&body))
}

/// The whole app. A test calls it with settings of its own.
pub fn app(config: Config) -> Result<Router, ConfigError> {
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    Ok(Router::new()
        .route("/", get(home))
        .route("/api/orders", get(orders))
        .merge(auth.routes()) // /login, /login/start, /logout, /signed-out
        .layer(auth.layer()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = app(Config::load(None)?)?; // miracl.json, then the environment
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    Ok(axum::serve(listener, app).await?)
}
