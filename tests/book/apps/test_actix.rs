//! The app of the page "Test my app", for actix-web.

use actix_web::web::{Redirect, ServiceConfig, get};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Responder, Result};
use miracl_actix::access::{Policy, Requirement};
use miracl_actix::error::ConfigError;
use miracl_actix::{AuthHandler, AuthSuccess, Authorized, Config, Miracl, MiraclAuth, User};
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

/// All routes. A test calls it with a login of its own.
pub fn routes(app: &mut ServiceConfig, auth: &MiraclAuth) {
    app.route("/members", get().to(members))
        .route("/admin", get().to(admin))
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

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;
    use actix_web::http::header;
    use actix_web::test::{TestRequest, call_service, init_service};
    use miracl_actix::config::CookieKey;
    use miracl_actix::testing::TestUser;
    use miracl_platform::{Client, Platform, PlatformConfig};
    use serde_json::json;
    use std::collections::BTreeMap;

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
        let request = TestRequest::with_uri(path).insert_header((header::COOKIE, cookie));
        let app = App::new().configure(|app| routes(app, auth));
        let app = init_service(app.wrap(auth.layer())).await;
        let response = call_service(&app, request.to_request()).await;
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body()).await.ok().unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[actix_web::test]
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

    #[actix_web::test]
    async fn a_page_for_admins_is_closed_to_others() {
        let auth = auth_at("https://login.example");
        let alice = TestUser::new("alice").claim("roles", ["admin"]);
        for (user, status) in [(alice, 200), (TestUser::new("bob"), 403)] {
            let cookie = user.log_in(&auth).await.unwrap();
            assert_eq!(get(&auth, "/admin", &cookie).await.0, status);
        }
    }

    #[actix_web::test]
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
        auth: MiraclAuth,
        cookies: BTreeMap<String, String>,
    }

    impl Browser {
        fn new(auth: MiraclAuth) -> Self {
            Self {
                auth,
                cookies: BTreeMap::new(),
            }
        }

        /// Opens a page, by its path or its address. Returns the status, and where to go on or what the page says.
        async fn open(&mut self, url: &str) -> (u16, String) {
            let request = TestRequest::get().uri(url.strip_prefix(SITE).unwrap_or(url));
            let request = request.insert_header(("sec-fetch-mode", "navigate"));
            self.send(request.insert_header(("sec-fetch-dest", "document")))
                .await
        }

        async fn send(&mut self, request: TestRequest) -> (u16, String) {
            let cookies = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            let cookies: Vec<String> = cookies.collect();
            let request = request
                .insert_header((header::HOST, "127.0.0.1:5000"))
                .insert_header((header::COOKIE, cookies.join("; ")));
            let app = App::new()
                .configure(|app| routes(app, &self.auth))
                .wrap(self.auth.layer());
            let app = init_service(app).await;
            let response = call_service(&app, request.to_request()).await;
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
            let body = to_bytes(response.into_body()).await.ok().unwrap();
            (status, String::from_utf8(body.to_vec()).unwrap())
        }
    }

    #[actix_web::test]
    async fn somebody_logs_in_and_out() {
        let platform = platform().await;
        let mut browser = Browser::new(auth_at(platform.issuer()));

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

        let log_out = TestRequest::post().uri("/logout");
        let log_out = log_out.insert_header(("sec-fetch-site", "same-origin"));
        assert_eq!(browser.send(log_out).await.0, 303);
        assert_eq!(browser.open("/members").await.0, 303);
    }
}
