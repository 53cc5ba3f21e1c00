//! The app of the page "Decide by role", for Rocket.

use miracl_rocket::error::ConfigError;
use miracl_rocket::{
    AuthHandler, AuthSuccess, Config, LoginRequired, Miracl, MiraclAuth, Response, User,
};
use rocket::http::Status;
use rocket::request::{FromRequest, Outcome};
use rocket::response::{Redirect, Responder};
use rocket::{Build, Request, Rocket, get, routes};
use std::{collections::HashSet, env, error::Error};

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(
        &self,
        req: &Request<'_>,
        login: AuthSuccess,
    ) -> miracl_rocket::Result<Response> {
        Redirect::to(login.return_to().to_owned()).respond_to(req)
    }
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

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Admin {
    type Error = Option<LoginRequired>;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        let user = match User::from_request(request).await {
            Outcome::Success(user) => user,
            Outcome::Error((status, refused)) => return Outcome::Error((status, Some(refused))),
            Outcome::Forward(status) => return Outcome::Forward(status),
        };
        let roles = request.rocket().state::<Roles>();
        match roles.is_some_and(|roles| roles.is_admin(&user)) {
            true => Outcome::Success(Self(user)),
            false => Outcome::Error((Status::Forbidden, None)),
        }
    }
}

#[get("/admin")]
fn admin(admin: Admin) -> String {
    format!("Admin {}.", admin.0.id())
}

#[get("/members")]
fn members(user: User) -> String {
    format!("Hello, {}.", user.id())
}

/// The whole app. A test calls it with settings of its own.
pub fn app(config: Config, roles: Roles) -> Result<Rocket<Build>, ConfigError> {
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    Ok(rocket::build()
        .manage(roles)
        .mount("/", routes![admin, members])
        .mount("/", auth.routes()) // /login, /login/start, /logout
        .attach(auth.fairing()))
}

#[rocket::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::load(None)?; // miracl.json, then the environment
    let roles = Roles::admins(&config.issuer, &env::var("ADMINS").unwrap_or_default());
    app(config, roles)?.launch().await?; // ROCKET_PORT=5000
    Ok(())
}
