//! Tests with people who are logged in by the test kit, and one that logs in at a MIRACL platform inside the test. No
//! account and no network are needed.

use miracl_platform::{Client, Platform, PlatformConfig};
use miracl_rocket::testing::TestUser;
use miracl_rocket::{Config, CookieKey, Miracl, MiraclAuth};
use rocket::http::Header;
use rocket::local::asynchronous::{self as local, LocalRequest};
use rocket::local::blocking;

use crate::{Hooks, app};

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

/// A browser that talks to the app in memory: Rocket's local client, which remembers cookies.
struct Browser {
    client: local::Client,
}

struct Answer {
    status: u16,
    location: Option<String>,
    text: String,
}

impl Answer {
    fn location(&self) -> String {
        self.location.clone().expect("a redirect")
    }
}

impl Browser {
    /// Opens a page.
    async fn open(&self, url: &str) -> Answer {
        let request = self.client.get(url.strip_prefix(SITE).unwrap_or(url));
        send(request, "navigate", "document").await
    }

    /// Calls the API from a script.
    async fn fetch(&self, url: &str) -> Answer {
        send(self.client.get(url), "cors", "empty").await
    }

    /// Sends a form of the app's own pages.
    async fn post(&self, url: &str) -> Answer {
        send(self.client.post(url), "navigate", "document").await
    }
}

async fn send(request: LocalRequest<'_>, mode: &'static str, dest: &'static str) -> Answer {
    let request = request
        .header(Header::new("sec-fetch-site", "same-origin"))
        .header(Header::new("sec-fetch-mode", mode))
        .header(Header::new("sec-fetch-dest", dest));
    let response = request.dispatch().await;
    Answer {
        status: response.status().code,
        location: response.headers().get_one("location").map(str::to_owned),
        text: response.into_string().await.unwrap_or_default(),
    }
}

/// The app, and a browser in front of it.
async fn browser(auth: &MiraclAuth) -> Browser {
    let client = local::Client::tracked(app(auth)).await;
    Browser {
        client: client.expect("a correct app"),
    }
}

/// Opens a page as somebody who is not logged in, and logs in on the way. Returns the page.
async fn log_in(browser: &Browser, platform: &Platform, page: &str, email: &str) -> Answer {
    // The page sends the browser to our login, and that to the platform.
    let mut at = browser.open(page).await.location();
    while at.starts_with('/') || at.starts_with(SITE) {
        at = browser.open(&at).await.location();
    }
    let callback = platform.log_in(&at, email, PIN).await.expect("a callback");
    let back = browser.open(&callback).await.location();
    browser.open(&back).await
}

#[rocket::async_test]
async fn a_person_logs_in_sees_the_page_and_logs_out() {
    let platform = platform().await;
    let browser = browser(&auth_at(platform.issuer())).await;
    assert!(browser.open("/").await.text.contains("Hello, stranger."));
    assert_eq!(browser.fetch("/api/me").await.status, 401);

    let page = log_in(&browser, &platform, "/members", EMAIL).await;
    assert_eq!(page.text, format!("Hello, {EMAIL}."));
    assert_eq!(browser.fetch("/api/me").await.text, format!("\"{EMAIL}\""));
    assert!(browser.open("/").await.text.contains("Log out"));

    let away = browser.post("/logout").await;
    assert!(away.location().starts_with(platform.issuer()));
    assert!(browser.open("/").await.text.contains("Hello, stranger."));
}

#[test]
fn a_page_for_admins_is_closed_to_others() {
    let auth = auth_at("https://login.example");
    let client = blocking::Client::untracked(app(&auth)).expect("a correct app");
    let alice = TestUser::new(EMAIL);
    let admin = TestUser::new("bob@example.com").claim("groups", ["admins"]);
    for (user, status) in [(alice, 403), (admin, 200)] {
        let cookie = Header::new("cookie", user.log_in_now(&auth));
        let page = client.get("/admin").header(cookie).dispatch();
        assert_eq!(page.status().code, status);
    }
}
