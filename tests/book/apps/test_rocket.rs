//! The app of the page "Test my app", for Rocket.

use miracl_rocket::access::{Policy, Requirement};
use miracl_rocket::error::ConfigError;
use miracl_rocket::{AuthHandler, AuthSuccess, Authorized, Config, Miracl, MiraclAuth};
use miracl_rocket::{Response, User};
use rocket::response::{Redirect, Responder};
use rocket::{Build, Request, Rocket, get, routes};
use std::error::Error;

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

#[get("/members")]
fn members(user: User) -> String {
    format!("Hello, {}.", user.id())
}

#[get("/admin")]
fn admin(_admin: Authorized<Admin>) -> &'static str {
    "For admins only."
}

/// The whole app. A test calls it with a login of its own.
pub fn app(auth: &MiraclAuth) -> Rocket<Build> {
    rocket::build()
        .mount("/", routes![members, admin])
        .mount("/", auth.routes()) // /login, /login/start, /logout
        .attach(auth.fairing())
}

#[rocket::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let auth = auth(Config::load(None)?)?; // miracl.json, then the environment
    app(&auth).launch().await?; // ROCKET_PORT=5000
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use miracl_platform::{Client, Platform, PlatformConfig};
    use miracl_rocket::config::CookieKey;
    use miracl_rocket::testing::TestUser;
    use rocket::http::Header;
    use rocket::local::asynchronous::{Client as Browser, LocalRequest};
    use rocket::local::blocking;
    use serde_json::json;

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

    /// Requests a page from the app in memory, as a script with these cookies does. This client needs no runtime.
    fn get(auth: &MiraclAuth, path: &str, cookie: &str) -> (u16, String) {
        let client = blocking::Client::untracked(app(auth)).unwrap();
        let cookie = Header::new("cookie", cookie.to_owned());
        let response = client.get(path).header(cookie).dispatch();
        let status = response.status().code;
        (status, response.into_string().unwrap_or_default())
    }

    #[test]
    fn a_page_greets_the_person_who_is_logged_in() {
        let auth = auth_at("https://login.example");
        let cookie = TestUser::new("alice").log_in_now(&auth);
        let page = get(&auth, "/members", &cookie);
        assert_eq!(page, (200, "Hello, alice.".to_owned()));
        // A session that has ended, and none at all.
        let ended = TestUser::new("alice").expired().log_in_now(&auth);
        assert_eq!(get(&auth, "/members", &ended).0, 401);
        assert_eq!(get(&auth, "/members", "").0, 401);
    }

    #[test]
    fn a_page_for_admins_is_closed_to_others() {
        let auth = auth_at("https://login.example");
        let alice = TestUser::new("alice").claim("roles", ["admin"]);
        for (user, status) in [(alice, 200), (TestUser::new("bob"), 403)] {
            let cookie = user.log_in_now(&auth);
            assert_eq!(get(&auth, "/admin", &cookie).0, status);
        }
    }

    #[test]
    fn a_handler_can_be_called_directly() {
        let alice = User(TestUser::new("alice").user());
        assert_eq!(members(alice), "Hello, alice.");
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

    /// A browser that talks to the app in memory, as a client of this platform. It keeps cookies.
    async fn browser_at(platform: &Platform) -> Browser {
        let app = app(&auth_at(platform.issuer()));
        Browser::tracked(app).await.unwrap()
    }

    /// Opens a page, by its path or its address.
    async fn open(browser: &Browser, url: &str) -> (u16, String) {
        let request = browser.get(url.strip_prefix(SITE).unwrap_or(url).to_owned());
        let request = request.header(Header::new("sec-fetch-mode", "navigate"));
        send(request.header(Header::new("sec-fetch-dest", "document"))).await
    }

    /// Returns the status, and where to go on or what the page says.
    async fn send(request: LocalRequest<'_>) -> (u16, String) {
        let response = request.dispatch().await;
        let status = response.status().code;
        match response.headers().get_one("location").map(str::to_owned) {
            Some(location) => (status, location),
            None => (status, response.into_string().await.unwrap_or_default()),
        }
    }

    #[rocket::async_test]
    async fn somebody_logs_in_and_out() {
        let platform = platform().await;
        let browser = browser_at(&platform).await;

        // The page leads to the login, and that to the platform.
        let (_, start) = open(&browser, "/members").await;
        let (_, away) = open(&browser, &start).await;
        // What the person does there.
        let callback = platform
            .log_in(&away, "alice@example.com", "1234")
            .await
            .unwrap();
        // The platform sends the browser back, and the app to the page.
        assert_eq!(
            open(&browser, &callback).await,
            (303, "/members".to_owned())
        );
        let page = open(&browser, "/members").await;
        assert_eq!(page, (200, "Hello, alice@example.com.".to_owned()));
        assert_eq!(open(&browser, "/admin").await.0, 200);

        let log_out = browser.post("/logout");
        let log_out = log_out.header(Header::new("sec-fetch-site", "same-origin"));
        assert_eq!(send(log_out).await.0, 303);
        assert_eq!(open(&browser, "/members").await.0, 303);
    }
}
