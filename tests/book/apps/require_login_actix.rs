//! The app of the page "Require a login", for actix-web.

use actix_web::web::{Html, Json, Redirect, ServiceConfig, get, scope};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Responder, Result};
use miracl_actix::error::ConfigError;
use miracl_actix::{AuthHandler, AuthSuccess, Config, Miracl, MiraclAuth, User};
use serde_json::{Value, json};
use std::error::Error;

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

/// For everybody.
async fn home(user: Option<User>) -> Html {
    Html::new(match user {
        Some(_) => r#"<form method="post" action="/logout"><button>Log out</button></form>"#,
        None => r#"<a href="/login/start?return_to=/orders">Log in</a>"#,
    })
}

/// A page: a browser is sent to log in, and comes back.
async fn orders(user: User) -> String {
    format!("Orders of {}.", user.id())
}

/// An API: a script that is not logged in gets a 401.
async fn api_orders(user: User) -> Json<Value> {
    Json(json!({ "of": user.id(), "orders": [] }))
}

/// All routes. A test calls it with settings of its own.
pub fn routes(app: &mut ServiceConfig, auth: &MiraclAuth) {
    // A group of pages.
    let account = scope("/account")
        .wrap(auth.login_required())
        .route("", get().to(async || "Your account."))
        .route("/address", get().to(async || "Your address."));
    app.route("/", get().to(home))
        .route("/orders", get().to(orders))
        .route("/api/orders", get().to(api_orders))
        .service(account)
        .configure(auth.routes()); // /login, /login/start, /logout
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let auth = auth(Config::load(None)?)?; // miracl.json, then the environment
    let app = move || {
        App::new()
            .configure(|app| routes(app, &auth))
            .wrap(auth.layer())
    };
    Ok(HttpServer::new(app).bind("127.0.0.1:5000")?.run().await?)
}
