//! How an app tests its own login: without a provider, and with one inside the test.
//!
//! To copy it into an app of yours, take [`Browser`], [`platform`] and [`log_in`]. No port is opened for the app,
//! no network is used, and nothing of the login is replaced by a stand-in.

use std::sync::Arc;

use demo_shared::{Codes, Database, Pages, Users};
use miracl_platform::{Client, Fault, Platform, PlatformConfig};
use miracl_rocket::{Config, CookieKey, Miracl};
use rocket::config::{Ident, LogLevel};
use rocket::http::{ContentType, Header, HeaderMap, Status};
use rocket::local::asynchronous::{self as local, LocalRequest};
use rocket::{Build, Rocket};

use crate::app::{App, rocket};

const SITE: &str = "http://127.0.0.1:5000";

/// The app under test, with a login at `issuer` and an empty user table.
fn app_at(issuer: &str) -> Rocket<Build> {
    let miracl = Miracl::new(Config {
        issuer: issuer.to_owned(),
        client_id: "demo".to_owned(),
        client_secret: "secret".into(),
        redirect_uri: Config::redirect_uri_for(SITE),
        post_logout_redirect_uri: Some(format!("{SITE}/signed-out")),
        cookie_keys: vec![CookieKey::generate()],
        ..Config::default()
    });
    let app = App {
        pages: Arc::new(Pages::new("rocket", issuer, None)),
        users: Users::open(&Database::Memory).unwrap(),
        codes: Codes::default(),
    };
    let quiet = rocket::Config {
        ident: Ident::none(),
        log_level: LogLevel::Off,
        ..rocket::Config::debug_default()
    };
    rocket(quiet, miracl.unwrap(), app)
}

/// Without a provider: nothing is fetched before a login, so most pages need none.
fn app() -> Rocket<Build> {
    app_at("http://127.0.0.1:1")
}

/// A browser that talks to the app in memory: Rocket's local client, which remembers cookies.
struct Browser {
    client: local::Client,
}

struct Answer {
    status: Status,
    headers: HeaderMap<'static>,
    text: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get_one(name).unwrap()
    }

    fn location(&self) -> &str {
        self.header("location")
    }
}

impl Browser {
    async fn new(app: Rocket<Build>) -> Self {
        Self {
            client: local::Client::tracked(app).await.unwrap(),
        }
    }

    /// Opens a page of the app, given by its path or its URL.
    async fn get(&self, url: &str) -> Answer {
        let path = url.strip_prefix(SITE).unwrap_or(url);
        let navigation = self
            .client
            .get(path)
            .header(Header::new("sec-fetch-mode", "navigate"))
            .header(Header::new("sec-fetch-dest", "document"));
        self.send(navigation).await
    }

    /// Sends a form of the app's own pages.
    async fn post(&self, path: &str, form: &str) -> Answer {
        let request = self
            .client
            .post(path)
            .header(Header::new("sec-fetch-site", "same-origin"))
            .header(Header::new("sec-fetch-mode", "navigate"))
            .header(ContentType::Form);
        self.send(request.body(form)).await
    }

    async fn send(&self, request: LocalRequest<'_>) -> Answer {
        let response = request.dispatch().await;
        let mut headers = HeaderMap::new();
        for header in response.headers().iter() {
            headers.add_raw(header.name().to_string(), header.value().to_owned());
        }
        Answer {
            status: response.status(),
            headers,
            text: response.into_string().await.unwrap_or_default(),
        }
    }

    /// Opens a page and follows its redirects as long as they stay in the app.
    async fn follow(&self, url: &str) -> Answer {
        let mut answer = self.get(url).await;
        while answer.status == Status::SeeOther
            && (answer.location().starts_with('/') || answer.location().starts_with(SITE))
        {
            let next = answer.location().to_owned();
            answer = self.get(&next).await;
        }
        answer
    }
}

#[rocket::async_test]
async fn the_home_page_offers_a_login_without_asking_the_provider() {
    let answer = Browser::new(app()).await.get("/?return_to=/members").await;
    assert_eq!(answer.status, Status::Ok);
    let button = format!(r#"<a id="login" data-authurl="{SITE}/login/start?return_to="#);
    assert!(answer.text.contains(&button), "{}", answer.text);
    assert!(!answer.headers.contains("set-cookie"));
    assert_eq!(answer.header("cache-control"), "no-store");
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("frame-ancestors 'none'"));
}

#[rocket::async_test]
async fn the_public_page_has_nothing_of_the_login_on_it() {
    let answer = Browser::new(app()).await.get("/public").await;
    assert_eq!(answer.status, Status::Ok);
    let mut names: Vec<_> = answer
        .headers
        .iter()
        .map(|header| header.name().as_str().to_ascii_lowercase())
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "content-type",
            "permissions-policy",
            "x-content-type-options",
            "x-frame-options"
        ]
    );
}

#[rocket::async_test]
async fn apis_answer_401_and_never_redirect() {
    let browser = Browser::new(app()).await;
    let me = browser.get("/me").await;
    assert_eq!(me.status, Status::Unauthorized);
    assert_eq!(me.header("content-type"), "application/json");
    assert_eq!(browser.get("/whoami").await.status, Status::Unauthorized);
}

#[rocket::async_test]
async fn an_anonymous_refresh_leads_home() {
    let answer = Browser::new(app()).await.get("/refresh").await;
    assert_eq!((answer.status, answer.location()), (Status::SeeOther, "/"));
}

#[rocket::async_test]
async fn a_callback_nobody_waits_for_is_a_page_with_another_try() {
    let answer = Browser::new(app()).await.get("/login?code=x&state=y").await;
    assert_eq!(answer.status, Status::BadRequest);
    assert!(
        answer
            .text
            .contains(r#"class="alert alert-danger" role="alert">Login failed!"#)
    );
    assert!(answer.text.contains(r#"<a id="login""#));
}

/// A MIRACL platform in this process, with one person who has an account.
async fn platform() -> Platform {
    let mut client = Client::new("demo", "secret", Config::redirect_uri_for(SITE));
    client
        .post_logout_redirect_uris
        .push(format!("{SITE}/signed-out"));
    let config = PlatformConfig {
        clients: vec![client],
        ..PlatformConfig::default()
    };
    let platform = Platform::start(config).await.unwrap();
    platform
        .register_identity("alice@example.com", "1234")
        .unwrap();
    platform
}

/// Asks for a page that needs a login, logs Alice in, and returns what she sees in the end.
async fn log_in(browser: &Browser, platform: &Platform, page: &str) -> Answer {
    let away = browser.follow(page).await;
    let login = platform.log_in(away.location(), "alice@example.com", "1234");
    browser.follow(&login.await.unwrap()).await
}

#[rocket::async_test]
async fn a_member_logs_in_comes_back_changes_their_name_and_logs_out() {
    let platform = platform().await;
    let browser = Browser::new(app_at(platform.issuer())).await;

    let members = log_in(&browser, &platform, "/members").await;
    assert_eq!(members.status, Status::Ok);
    assert!(
        members.text.contains("<h1>Members</h1>"),
        "{}",
        members.text
    );
    assert!(
        members.text.contains("Successfully logged in!"),
        "{}",
        members.text
    );
    assert!(
        members.text.contains("your first login"),
        "{}",
        members.text
    );
    assert_eq!(browser.get("/whoami").await.text, "alice@example.com");
    assert!(browser.get("/").await.text.contains("confirmed"));

    let saved = browser.post("/profile", "display_name=Alice").await;
    assert_eq!(
        (saved.status, saved.location()),
        (Status::SeeOther, "/profile")
    );
    let profile = browser.get("/profile").await;
    assert!(profile.text.contains("Saved.") && profile.text.contains(r#"value="Alice""#));

    let left = browser.post("/logout", "").await;
    assert_eq!(left.status, Status::SeeOther);
    assert!(left.location().starts_with(platform.issuer()));
    assert_eq!(browser.get("/me").await.status, Status::Unauthorized);
    assert!(
        browser
            .follow("/signed-out")
            .await
            .text
            .contains("User logged out!")
    );

    let again = log_in(&browser, &platform, "/profile").await;
    assert!(
        again.text.contains("Welcome back, Alice."),
        "{}",
        again.text
    );
}

#[rocket::async_test]
async fn somebody_without_an_email_logs_in_too() {
    let platform = platform().await;
    platform.set_fault(Some(Fault::UserinfoWithoutEmail));
    let browser = Browser::new(app_at(platform.issuer())).await;
    let profile = log_in(&browser, &platform, "/profile").await;
    assert_eq!(profile.status, Status::Ok);
    let me: serde_json::Value = serde_json::from_str(&browser.get("/me").await.text).unwrap();
    assert_eq!(me["sub"], "alice@example.com");
    assert_eq!(me.get("email"), None);
    assert_eq!(me["email_verified"], false);
}

#[rocket::async_test]
async fn refresh_keeps_the_old_data_while_the_provider_is_ill_and_logs_out_when_the_token_is_refused()
 {
    let platform = platform().await;
    let browser = Browser::new(app_at(platform.issuer())).await;
    log_in(&browser, &platform, "/profile").await;

    platform.set_fault(Some(Fault::UserinfoServerError));
    let home = browser.follow("/refresh").await;
    assert!(
        home.text.contains("alert-warning") && home.text.contains("Refresh user data"),
        "{}",
        home.text
    );

    platform.set_fault(None);
    let home = browser.follow("/refresh").await;
    assert!(
        home.text.contains("User data refreshed.") && !home.text.contains("alert-warning"),
        "{}",
        home.text
    );

    platform.set_fault(Some(Fault::UserinfoUnauthorizedJson));
    let home = browser.follow("/refresh").await;
    assert!(home.text.contains("Please log in again"), "{}", home.text);
    assert_eq!(browser.get("/me").await.status, Status::Unauthorized);
}
