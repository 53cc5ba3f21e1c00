//! The app in the README.

use actix_web::web::{Html, Redirect, get};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Responder, Result};
use miracl_actix::{AuthFailure, AuthHandler, AuthSuccess, RequestExt, User, reply};
use miracl_actix::{Config, Miracl, MiraclAuth};
use std::{env, error::Error};

struct Hooks; // Your database goes in here.

impl AuthHandler for Hooks {
    // Find or add your own user by login.user().issuer() and login.user().id(). An Err refuses the login.
    async fn on_auth_success(&self, req: &HttpRequest, login: AuthSuccess) -> Result<HttpResponse> {
        let back = Redirect::to(login.return_to().to_owned()).see_other();
        Ok(back.respond_to(req).map_into_boxed_body())
    }

    async fn on_auth_failed(&self, req: &HttpRequest, why: AuthFailure) -> Result<HttpResponse> {
        Ok(reply(req.visit().failure_reply(&why)))
    }
}

async fn index(user: Option<User>) -> Html {
    Html::new(match user {
        None => "Hello, stranger. <a href='/login/start?return_to=/members'>Log in</a>",
        Some(_) => "Welcome back. <form method=post action=/logout><button>Log out</button></form>",
    })
}

async fn members(user: User) -> String {
    format!("Hello, {}.", user.id())
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::load(None)?; // miracl.json, then the environment
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    let app = move || {
        App::new()
            .route("/", get().to(index))
            .route("/members", get().to(members))
            .configure(auth.routes()) // /login, /login/start, /logout
            .wrap(auth.layer())
    };
    let port = env::var("PORT").unwrap_or("5000".into());
    let server = HttpServer::new(app).bind(format!("127.0.0.1:{port}"))?;
    Ok(server.run().await?)
}
