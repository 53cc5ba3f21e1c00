//! The app of the page "The Tornado guide, step by step", for Rocket.

use miracl_rocket::error::{ConfigError, RefreshError};
use miracl_rocket::session::Flash;
use miracl_rocket::{AuthFailure, AuthHandler, AuthSuccess, Category, Config, LogoutKind};
use miracl_rocket::{Miracl, MiraclAuth, RequestExt, Response, User, Visit, reply};
use rocket::http::Status;
use rocket::response::{Redirect, Responder, content::RawHtml};
use rocket::{Build, Request, Rocket, get, post, routes};
use std::collections::HashMap;
use std::error::Error;
use std::sync::{Mutex, PoisonError};

/// The users of this app, by issuer and id, with the number of their logins. Yours are in a database.
#[derive(Default)]
struct Users(Mutex<HashMap<(String, String), u32>>);

impl Users {
    /// Finds or adds a user, and returns how often they have logged in.
    fn log_in(&self, issuer: &str, id: &str) -> u32 {
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (issuer.to_owned(), id.to_owned());
        let logins = users.entry(key).or_default();
        *logins += 1;
        *logins
    }
}

impl AuthHandler for Users {
    async fn on_auth_success(
        &self,
        req: &Request<'_>,
        login: AuthSuccess,
    ) -> miracl_rocket::Result<Response> {
        let user = login.user();
        let logins = self.log_in(user.issuer(), user.id());
        let visit = req.visit();
        visit.flash(Category::Success, "Successfully logged in!");
        visit.flash(Category::Info, format!("This is login number {logins}."));
        Redirect::to(login.return_to().to_owned()).respond_to(req)
    }

    async fn on_auth_failed(
        &self,
        req: &Request<'_>,
        failure: AuthFailure,
    ) -> miracl_rocket::Result<Response> {
        let visit = req.visit();
        if failure.still_logged_in() || failure.see_at().is_some() {
            return Ok(reply(visit.failure_reply(&failure)));
        }
        visit.flash(Category::Danger, "Login failed!");
        let page = index_html(&visit.take_flashes().await, None, true);
        (Status::new(failure.status()), RawHtml(page)).respond_to(req)
    }

    async fn on_logout(&self, req: &Request<'_>, kind: LogoutKind) {
        if let LogoutKind::User = kind {
            req.visit().flash(Category::Info, "User logged out!");
        }
    }
}

/// The template of the page, as a function.
fn index_html(flashes: &[Flash], user: Option<&User>, retry: bool) -> String {
    let mut page = "<!doctype html><title>Rust example</title><h1>Rust example</h1>".to_owned();
    for Flash { category, text, .. } in flashes {
        page += &format!("<p class='alert alert-{category}'>{}</p>", escape(text));
    }
    page += &match user {
        Some(user) => format!(
            "<p>E-mail: {}</p><p>User ID: {}</p>\
             <form method=post action=/refresh><button>Refresh user data</button></form>\
             <form method=post action=/logout><button>Log out</button></form>",
            escape(user.email().unwrap_or_default()),
            escape(user.id()),
        ),
        None if retry => "<a href='/login/start'>Try again</a>".to_owned(),
        None => "<a href='/login/start'>Log in</a>".to_owned(),
    };
    page
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[get("/")]
async fn index(visit: Visit, user: Option<User>) -> RawHtml<String> {
    RawHtml(index_html(
        &visit.take_flashes().await,
        user.as_ref(),
        false,
    ))
}

#[post("/refresh")]
async fn refresh(visit: Visit) -> Redirect {
    match visit.refresh_user_data().await {
        Ok(_) => visit.flash(Category::Success, "User data refreshed."),
        Err(RefreshError::NotLoggedIn) => {}
        Err(_) => visit.flash(Category::Warning, "The user data could not be fetched."),
    }
    Redirect::to("/")
}

/// The whole app. A test calls it with settings of its own.
pub fn app(config: Config) -> Result<Rocket<Build>, ConfigError> {
    let auth = MiraclAuth::new(Miracl::new(config)?, Users::default());
    Ok(rocket::build()
        .mount("/", routes![index, refresh])
        .mount("/", auth.routes()) // /login, /login/start, /logout
        .attach(auth.fairing()))
}

#[rocket::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = app(Config::load(None)?)?; // miracl.json, then the environment
    app.launch().await?; // ROCKET_PORT=5000
    Ok(())
}
