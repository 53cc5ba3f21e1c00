//! The app of the page "Test my app", for axum.

use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response, Result};
use axum::{Router, routing::get};
use miracl_axum::access::{Policy, Requirement};
use miracl_axum::error::ConfigError;
use miracl_axum::{AuthHandler, AuthSuccess, Authorized, Config, Miracl, MiraclAuth, User};
use std::error::Error;
use tokio::net::TcpListener;

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &mut Parts, login: AuthSuccess) -> Result<Response> {
        Ok(Redirect::to(login.return_to()).into_response())
    }
}

/// Joins the engine and the hooks.
pub fn auth(config: Config) -> Result<MiraclAuth, ConfigError> {
    Ok(MiraclAuth::new(Miracl::new(config)?, Hooks))
}

struct Admin;

impl Policy for Admin {
    fn requirement() -> Requirement {
        Requirement::claim("roles").contains("admin")
    }
}

async fn members(user: User) -> String {
    format!("Hello, {}.", user.id())
}

async fn admin(_: Authorized<Admin>) -> &'static str {
    "For admins only."
}

/// The whole app. A test calls it with a login of its own.
pub fn app(auth: &MiraclAuth) -> Router {
    Router::new()
        .route("/members", get(members))
        .route("/admin", get(admin))
        .merge(auth.routes()) // /login, /login/start, /logout
        .layer(auth.layer())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let auth = auth(Config::load(None)?)?; // miracl.json, then the environment
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    Ok(axum::serve(listener, app(&auth)).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::{Request, header};
    use miracl_axum::config::CookieKey;
    use miracl_axum::testing::TestUser;
    use miracl_platform::{Client, Platform, PlatformConfig};
    use serde_json::json;
    use std::collections::BTreeMap;
    use tower::ServiceExt;

    const SITE: &str = "http://127.0.0.1:5000";

    /// The login of the app at this provider. Nothing asks the provider before somebody logs in there.
    fn auth_at(issuer: &str) -> MiraclAuth {
        let config = Config {
            issuer: issuer.to_owned(),
            client_id: "app".to_owned(),
            client_secret: "secret".into(),
            redirect_uri: Config::redirect_uri_for(SITE),
            cookie_keys: vec![CookieKey::generate()],
            ..Config::default()
        };
        auth(config).unwrap()
    }

    /// Requests a page from the app in memory, as a script with these cookies does.
    async fn get(auth: &MiraclAuth, path: &str, cookie: &str) -> (u16, String) {
        let request = Request::get(path).header(header::COOKIE, cookie);
        let request = request.body(Body::empty()).unwrap();
        let response = app(auth).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_page_greets_the_person_who_is_logged_in() {
        let auth = auth_at("https://login.example");
        let cookie = TestUser::new("alice").log_in(&auth).await.unwrap();
        let page = get(&auth, "/members", &cookie).await;
        assert_eq!(page, (200, "Hello, alice.".to_owned()));
        // A session that has ended, and none at all.
        let ended = TestUser::new("alice").expired().log_in(&auth).await;
        assert_eq!(get(&auth, "/members", &ended.unwrap()).await.0, 401);
        assert_eq!(get(&auth, "/members", "").await.0, 401);
    }

    #[tokio::test]
    async fn a_page_for_admins_is_closed_to_others() {
        let auth = auth_at("https://login.example");
        let alice = TestUser::new("alice").claim("roles", ["admin"]);
        for (user, status) in [(alice, 200), (TestUser::new("bob"), 403)] {
            let cookie = user.log_in(&auth).await.unwrap();
            assert_eq!(get(&auth, "/admin", &cookie).await.0, status);
        }
    }

    #[tokio::test]
    async fn a_handler_can_be_called_directly() {
        let alice = User(TestUser::new("alice").user());
        assert_eq!(members(alice).await, "Hello, alice.");
    }

    /// A MIRACL platform inside the test, with the app as its client and one person who has an account.
    async fn platform() -> Platform {
        let config = PlatformConfig {
            clients: vec![Client::new("app", "secret", Config::redirect_uri_for(SITE))],
            ..PlatformConfig::default()
        };
        let platform = Platform::start(config).await.unwrap();
        let claims = [("roles", json!(["admin"]))];
        platform
            .register_identity_with_claims("alice@example.com", "1234", claims)
            .unwrap();
        platform
    }

    /// A browser that talks to the app in memory. It keeps cookies, and sends the headers that a browser sends.
    struct Browser {
        app: Router,
        cookies: BTreeMap<String, String>,
    }

    impl Browser {
        fn new(app: Router) -> Self {
            Self {
                app,
                cookies: BTreeMap::new(),
            }
        }

        /// Opens a page, by its path or its address. Returns the status, and where to go on or what the page says.
        async fn open(&mut self, url: &str) -> (u16, String) {
            let request = Request::get(url.strip_prefix(SITE).unwrap_or(url))
                .header("sec-fetch-mode", "navigate")
                .header("sec-fetch-dest", "document");
            self.send(request).await
        }

        async fn send(&mut self, request: axum::http::request::Builder) -> (u16, String) {
            let cookies = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            let cookies: Vec<String> = cookies.collect();
            let request = request
                .header(header::HOST, "127.0.0.1:5000")
                .header(header::COOKIE, cookies.join("; "));
            let request = request.body(Body::empty()).unwrap();
            let response = self.app.clone().oneshot(request).await.unwrap();
            for line in response.headers().get_all(header::SET_COOKIE) {
                let (cookie, attributes) = line.to_str().unwrap().split_once(';').unwrap();
                let (name, value) = cookie.split_once('=').unwrap();
                match attributes.contains("Max-Age=0") {
                    true => self.cookies.remove(name),
                    false => self.cookies.insert(name.to_owned(), value.to_owned()),
                };
            }
            let status = response.status().as_u16();
            if let Some(location) = response.headers().get(header::LOCATION) {
                return (status, location.to_str().unwrap().to_owned());
            }
            let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            (status, String::from_utf8(body.to_vec()).unwrap())
        }
    }

    #[tokio::test]
    async fn somebody_logs_in_and_out() {
        let platform = platform().await;
        let mut browser = Browser::new(app(&auth_at(platform.issuer())));

        // The page leads to the login, and that to the platform.
        let (_, start) = browser.open("/members").await;
        let (_, away) = browser.open(&start).await;
        // What the person does there.
        let callback = platform
            .log_in(&away, "alice@example.com", "1234")
            .await
            .unwrap();
        // The platform sends the browser back, and the app to the page.
        assert_eq!(browser.open(&callback).await, (303, "/members".to_owned()));
        let page = browser.open("/members").await;
        assert_eq!(page, (200, "Hello, alice@example.com.".to_owned()));
        assert_eq!(browser.open("/admin").await.0, 200);

        let log_out = Request::post("/logout").header("sec-fetch-site", "same-origin");
        assert_eq!(browser.send(log_out).await.0, 303);
        assert_eq!(browser.open("/members").await.0, 303);
    }
}
