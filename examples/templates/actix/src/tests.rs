//! Tests with people who are logged in by the test kit, and one that logs in at a MIRACL platform inside the test. No
//! account and no network are needed.

use std::collections::BTreeMap;

use actix_web::App;
use actix_web::body::to_bytes;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap};
use actix_web::test::{TestRequest, call_service, init_service};
use miracl_actix::testing::TestUser;
use miracl_actix::{Config, CookieKey, Miracl, MiraclAuth};
use miracl_platform::{Client, Platform, PlatformConfig};

use crate::{Hooks, pages};

const SITE: &str = "http://127.0.0.1:5000";
const EMAIL: &str = "alice@example.com";
const PIN: &str = "1234";

/// The login of this app at this provider. Nothing asks the provider before somebody logs in there.
fn auth_at(issuer: &str) -> MiraclAuth {
    let miracl = Miracl::new(Config {
        issuer: issuer.to_owned(),
        client_id: "app".to_owned(),
        client_secret: "secret".into(),
        redirect_uri: Config::redirect_uri_for(SITE),
        cookie_keys: vec![CookieKey::generate()],
        ..Config::default()
    });
    MiraclAuth::new(miracl.expect("complete settings"), Hooks)
}

/// A platform that knows this app and one person.
async fn platform() -> Platform {
    let callback = Config::redirect_uri_for(SITE);
    let platform = Platform::start(PlatformConfig {
        clients: vec![Client::new("app", "secret", &callback)],
        ..PlatformConfig::default()
    });
    let platform = platform.await.expect("the platform starts");
    platform.register_identity(EMAIL, PIN).expect("a person with a PIN");
    platform
}

/// A browser that talks to the app in memory and remembers its cookies.
struct Browser {
    auth: MiraclAuth,
    cookies: BTreeMap<String, String>,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn location(&self) -> String {
        let location = self.headers.get(header::LOCATION).expect("a redirect");
        location.to_str().expect("an address").to_owned()
    }
}

impl Browser {
    /// Opens a page.
    async fn open(&mut self, url: &str) -> Answer {
        self.send(Method::GET, url, "navigate", "document").await
    }

    /// Calls the API from a script.
    async fn fetch(&mut self, url: &str) -> Answer {
        self.send(Method::GET, url, "cors", "empty").await
    }

    /// Sends a form of the app's own pages.
    async fn post(&mut self, url: &str) -> Answer {
        self.send(Method::POST, url, "navigate", "document").await
    }

    async fn send(&mut self, method: Method, url: &str, mode: &str, dest: &str) -> Answer {
        let request = TestRequest::with_uri(url.strip_prefix(SITE).unwrap_or(url))
            .method(method)
            .insert_header((header::HOST, "127.0.0.1:5000"))
            .insert_header((header::COOKIE, self.cookie()))
            .insert_header(("sec-fetch-site", "same-origin"))
            .insert_header(("sec-fetch-mode", mode))
            .insert_header(("sec-fetch-dest", dest));
        let app = App::new()
            .configure(pages)
            .configure(self.auth.routes())
            .wrap(self.auth.layer());
        let app = init_service(app).await;
        let response = call_service(&app, request.to_request()).await;
        let (head, body) = response.into_parts().1.into_parts();
        self.remember(head.headers());
        let body = to_bytes(body).await.expect("a body");
        Answer {
            status: head.status().as_u16(),
            headers: head.headers().clone(),
            text: String::from_utf8(body.to_vec()).expect("text"),
        }
    }

    fn remember(&mut self, headers: &HeaderMap) {
        for line in headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().expect("a cookie");
            let (cookie, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = cookie.split_once('=').expect("a name and a value");
            if attributes.to_ascii_lowercase().contains("max-age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// What the browser sends as its cookies.
    fn cookie(&self) -> String {
        let pairs = self.cookies.iter();
        let pairs: Vec<_> = pairs.map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }
}

/// Opens a page as somebody who is not logged in, and logs in on the way. Returns the page.
async fn log_in(browser: &mut Browser, platform: &Platform, page: &str, email: &str) -> Answer {
    // The page sends the browser to our login, and that to the platform.
    let mut at = browser.open(page).await.location();
    while at.starts_with('/') || at.starts_with(SITE) {
        at = browser.open(&at).await.location();
    }
    let callback = platform.log_in(&at, email, PIN).await.expect("a callback");
    let back = browser.open(&callback).await.location();
    browser.open(&back).await
}

#[actix_web::test]
async fn a_person_logs_in_sees_the_page_and_logs_out() {
    let platform = platform().await;
    let auth = auth_at(platform.issuer());
    let mut browser = Browser {
        auth,
        cookies: BTreeMap::new(),
    };
    assert!(browser.open("/").await.text.contains("Hello, stranger."));
    assert_eq!(browser.fetch("/api/me").await.status, 401);

    let page = log_in(&mut browser, &platform, "/members", EMAIL).await;
    assert_eq!(page.text, format!("Hello, {EMAIL}."));
    assert_eq!(browser.fetch("/api/me").await.text, format!("\"{EMAIL}\""));
    assert!(browser.open("/").await.text.contains("Log out"));

    let away = browser.post("/logout").await;
    assert!(away.location().starts_with(platform.issuer()));
    assert!(browser.open("/").await.text.contains("Hello, stranger."));
}

#[actix_web::test]
async fn a_page_for_admins_is_closed_to_others() {
    let auth = auth_at("https://login.example");
    let alice = TestUser::new(EMAIL);
    let admin = TestUser::new("bob@example.com").claim("groups", ["admins"]);
    for (user, status) in [(alice, 403), (admin, 200)] {
        let cookie = user.log_in(&auth).await.expect("a session");
        let pairs = cookie.split("; ").filter_map(|pair| pair.split_once('='));
        let mut browser = Browser {
            auth: auth.clone(),
            cookies: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        };
        assert_eq!(browser.open("/admin").await.status, status);
    }
}
