//! The app of the page "Decide by role", for actix-web.

use actix_web::dev::Payload;
use actix_web::error::ErrorForbidden;
use actix_web::web::{Data, Redirect, ServiceConfig, get};
use actix_web::{
    App, Error, FromRequest, HttpRequest, HttpResponse, HttpServer, Responder, Result,
};
use miracl_actix::error::ConfigError;
use miracl_actix::{AuthHandler, AuthSuccess, Config, Miracl, MiraclAuth, User};
use std::{collections::HashSet, env, pin::Pin};

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

/// Your own table of roles. A person is issuer and id together.
#[derive(Default)]
pub struct Roles(HashSet<(String, String)>);

impl Roles {
    /// Makes people admins, by their ids at one issuer.
    pub fn admins(issuer: &str, ids: &str) -> Self {
        let ids = ids.split_whitespace();
        Self(ids.map(|id| (issuer.to_owned(), id.to_owned())).collect())
    }

    fn is_admin(&self, user: &User) -> bool {
        self.0
            .contains(&(user.issuer().to_owned(), user.id().to_owned()))
    }
}

/// Somebody who is logged in and an admin: 403 for everybody else who is logged in.
struct Admin(User);

impl FromRequest for Admin {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let user = User::from_request(req, payload);
        let roles = Data::<Roles>::extract(req);
        Box::pin(async move {
            let user = user.await?;
            match roles.await?.is_admin(&user) {
                true => Ok(Self(user)),
                false => Err(ErrorForbidden("For admins only.")),
            }
        })
    }
}

async fn admin(Admin(user): Admin) -> String {
    format!("Admin {}.", user.id())
}

async fn members(user: User) -> String {
    format!("Hello, {}.", user.id())
}

/// All routes. A test calls it with settings of its own.
pub fn routes(app: &mut ServiceConfig, auth: &MiraclAuth, roles: &Data<Roles>) {
    app.app_data(roles.clone())
        .route("/admin", get().to(admin))
        .route("/members", get().to(members))
        .configure(auth.routes()); // /login, /login/start, /logout
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::load(None)?; // miracl.json, then the environment
    let admins = env::var("ADMINS").unwrap_or_default();
    let roles = Data::new(Roles::admins(&config.issuer, &admins));
    let auth = auth(config)?;
    let app = move || {
        App::new()
            .configure(|app| routes(app, &auth, &roles))
            .wrap(auth.layer())
    };
    Ok(HttpServer::new(app).bind("127.0.0.1:5000")?.run().await?)
}
