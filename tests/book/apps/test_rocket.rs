//! The app of the page "Test my app", for Rocket.

use miracl_rocket::error::ConfigError;
use miracl_rocket::{AuthHandler, AuthSuccess, Config, Miracl, MiraclAuth, Response, User};
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

#[get("/members")]
fn members(user: User) -> String {
    format!("Hello, {}.", user.id())
}

/// The whole app. A test calls it with settings of its own.
pub fn app(config: Config) -> Result<Rocket<Build>, ConfigError> {
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks);
    Ok(rocket::build()
        .mount("/", routes![members])
        .mount("/", auth.routes()) // /login, /login/start, /logout
        .attach(auth.fairing()))
}

#[rocket::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = app(Config::load(None)?)?; // miracl.json, then the environment
    app.launch().await?; // ROCKET_PORT=5000
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use miracl_platform::{Client, Platform, PlatformConfig};
    use miracl_rocket::config::CookieKey;
    use rocket::http::Header;
    use rocket::local::asynchronous::{Client as Browser, LocalRequest};

    const SITE: &str = "http://127.0.0.1:5000";

    /// A MIRACL platform inside the test, with the app as its client and one person who has an account.
    async fn platform() -> Platform {
        let config = PlatformConfig {
            clients: vec![Client::new("app", "secret", Config::redirect_uri_for(SITE))],
            ..PlatformConfig::default()
        };
        let platform = Platform::start(config).await.unwrap();
        platform
            .register_identity("alice@example.com", "1234")
            .unwrap();
        platform
    }

    /// A browser that talks to the app in memory, as a client of this platform. It keeps cookies.
    async fn browser_at(platform: &Platform) -> Browser {
        let config = Config {
            issuer: platform.issuer().to_owned(),
            client_id: "app".to_owned(),
            client_secret: "secret".into(),
            redirect_uri: Config::redirect_uri_for(SITE),
            cookie_keys: vec![CookieKey::generate()],
            ..Config::default()
        };
        Browser::tracked(app(config).unwrap()).await.unwrap()
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

        let log_out = browser.post("/logout");
        let log_out = log_out.header(Header::new("sec-fetch-site", "same-origin"));
        assert_eq!(send(log_out).await.0, 303);
        assert_eq!(open(&browser, "/members").await.0, 303);
    }

    #[rocket::async_test]
    async fn a_script_that_is_not_logged_in_gets_a_401() {
        let platform = platform().await;
        let browser = browser_at(&platform).await;
        let fetch = browser.get("/members");
        let fetch = fetch.header(Header::new("sec-fetch-mode", "cors"));
        assert_eq!(send(fetch).await.0, 401);
    }
}
