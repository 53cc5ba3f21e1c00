//! The app of the page "Run below a sub-path".

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Redirect, Response, Result};
use axum::{Router, routing::get};
use miracl_axum::error::ConfigError;
use miracl_axum::{AuthHandler, AuthSuccess, Config, Miracl, MiraclAuth, User};
use std::error::Error;
use tokio::net::TcpListener;

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &mut Parts, login: AuthSuccess) -> Result<Response> {
        Ok(Redirect::to(login.return_to()).into_response())
    }
}

/// Links of your own: `link_to` puts the public path in front.
async fn home(State(miracl): State<Miracl>, user: Option<User>) -> Html<String> {
    Html(match user {
        Some(_) => {
            let (members, logout) = (miracl.link_to("/members"), miracl.link_to("/logout"));
            format!(
                r#"<a href="{members}">Members</a>
                   <form method="post" action="{logout}"><button>Log out</button></form>"#
            )
        }
        None => format!(r#"<a href="{}">Log in</a>"#, miracl.link_to("/login/start")),
    })
}

/// A redirect of your own.
async fn old_address(State(miracl): State<Miracl>) -> Redirect {
    Redirect::to(&miracl.link_to("/members"))
}

/// The whole app. Its routes do not have the public path.
pub fn app(config: Config) -> Result<Router, ConfigError> {
    let miracl = Miracl::new(config)?;
    let auth = MiraclAuth::new(miracl.clone(), Hooks);
    Ok(Router::new()
        .route("/", get(home))
        .route(
            "/members",
            get(async |user: User| format!("Hello, {}.", user.id())),
        )
        .route("/old", get(old_address))
        .with_state(miracl)
        .merge(auth.routes()) // /login, /login/start, /logout
        .layer(auth.layer()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = app(Config::load(None)?)?; // miracl.json, then the environment
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    Ok(axum::serve(listener, app).await?)
}
