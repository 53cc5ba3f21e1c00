//! {{project-name}}: an app that logs people in with MIRACL.

use std::{env, error::Error};

use actix_web::web::{Html, Json, Redirect, ServiceConfig, get};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Responder, Result};
use miracl_actix::access::{Policy, Requirement};
use miracl_actix::{AuthFailure, AuthHandler, AuthSuccess, Authorized, RequestExt, User, reply};
use miracl_actix::{Config, Miracl, MiraclAuth};

#[cfg(test)]
mod tests;

/// What happens at a login. Your database goes in here.
struct Hooks;

impl AuthHandler for Hooks {
    /// Find or add your own user by `login.user().issuer()` and `login.user().id()`. An `Err` refuses the login.
    async fn on_auth_success(&self, req: &HttpRequest, login: AuthSuccess) -> Result<HttpResponse> {
        let back = Redirect::to(login.return_to().to_owned()).see_other();
        Ok(back.respond_to(req).map_into_boxed_body())
    }

    async fn on_auth_failed(&self, req: &HttpRequest, why: AuthFailure) -> Result<HttpResponse> {
        Ok(reply(req.visit().failure_reply(&why)))
    }
}

const STRANGER: &str = r#"<!doctype html><title>{{project-name}}</title>
<p>Hello, stranger. <a href="/login/start?return_to=/members">Log in</a></p>"#;

const WELCOME: &str = r#"<!doctype html><title>{{project-name}}</title>
<p>Welcome back. <a href="/members">Members</a></p>
<form method="post" action="/logout"><button>Log out</button></form>"#;

async fn index(user: Option<User>) -> Html {
    Html::new(user.map_or(STRANGER, |_| WELCOME))
}

/// Sends a browser to log in, and back here.
async fn members(user: User) -> String {
    format!("Hello, {}.", user.id())
}

/// Answers a script: 401 with a `login_url` where nobody is logged in.
async fn me(user: User) -> Json<String> {
    Json(user.id().to_owned())
}

/// People whom the provider puts into the group `admins`.
struct Admin;

impl Policy for Admin {
    fn requirement() -> Requirement {
        Requirement::claim("groups").contains("admins")
    }
}

/// For admins. Others who are logged in get a 403.
async fn admin(_: Authorized<Admin>) -> &'static str {
    "For admins only."
}

fn pages(app: &mut ServiceConfig) {
    app.route("/", get().to(index))
        .route("/members", get().to(members))
        .route("/api/me", get().to(me))
        .route("/admin", get().to(admin));
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::load(None)?; // miracl.json, then the environment
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    let app = move || {
        App::new()
            .configure(pages)
            .configure(auth.routes()) // /login, /login/start, /logout
            .wrap(auth.layer())
    };
    let port = env::var("PORT").unwrap_or("5000".into());
    let server = HttpServer::new(app).bind(format!("127.0.0.1:{port}"))?;
    println!("listening on http://{}", server.addrs()[0]);
    Ok(server.run().await?)
}
