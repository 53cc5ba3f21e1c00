//! How an app tests its own login: without a provider, and with one inside the test.
//!
//! To copy it into an app of yours, take [`Browser`], [`platform`] and [`log_in`]. No port is opened for the app,
//! no network is used, and nothing of the login is replaced by a stand-in.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::Response;
use demo_shared::{Codes, Database, Pages, Users};
use miracl_axum::{Config, CookieKey, Miracl, MiraclRouter};
use miracl_platform::{Client, Fault, Platform, PlatformConfig};
use tower::ServiceExt;

use crate::app::{App, router};

const SITE: &str = "http://127.0.0.1:5000";

/// The app under test, with a login at `issuer` and an empty user table.
fn app_at(issuer: &str) -> MiraclRouter {
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
        pages: Arc::new(Pages::new("axum", issuer, None)),
        users: Users::open(&Database::Memory).unwrap(),
        codes: Codes::default(),
    };
    router(miracl.unwrap(), app)
}

/// Without a provider: nothing is fetched before a login, so most pages need none.
fn app() -> MiraclRouter {
    app_at("http://127.0.0.1:1")
}

/// A browser that talks to the app in memory and remembers its cookies.
struct Browser {
    app: MiraclRouter,
    cookies: BTreeMap<String, String>,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn location(&self) -> &str {
        self.headers[header::LOCATION].to_str().unwrap()
    }
}

impl Browser {
    fn new(app: MiraclRouter) -> Self {
        Self {
            app,
            cookies: BTreeMap::new(),
        }
    }

    /// Opens a page of the app, given by its path or its URL.
    async fn get(&mut self, url: &str) -> Answer {
        let request = Request::get(url.strip_prefix(SITE).unwrap_or(url));
        let navigation = request
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document");
        self.send(navigation.body(Body::empty()).unwrap()).await
    }

    /// Sends a form of the app's own pages.
    async fn post(&mut self, path: &str, form: &'static str) -> Answer {
        let request = Request::post(path)
            .header("sec-fetch-site", "same-origin")
            .header("sec-fetch-mode", "navigate")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form)).unwrap()).await
    }

    async fn send(&mut self, mut request: Request<Body>) -> Answer {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let headers = request.headers_mut();
        headers.insert(header::HOST, "127.0.0.1:5000".parse().unwrap());
        if !cookies.is_empty() {
            headers.insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        }
        let response = self.app.clone().oneshot(request).await.unwrap();
        self.remember(&response);
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    fn remember(&mut self, response: &Response) {
        for line in response.headers().get_all(header::SET_COOKIE) {
            let (cookie, attributes) = line.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = cookie.split_once('=').unwrap();
            if attributes.to_ascii_lowercase().contains("max-age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Opens a page and follows its redirects as long as they stay in the app.
    async fn follow(&mut self, url: &str) -> Answer {
        let mut answer = self.get(url).await;
        while answer.status == StatusCode::SEE_OTHER
            && (answer.location().starts_with('/') || answer.location().starts_with(SITE))
        {
            let next = answer.location().to_owned();
            answer = self.get(&next).await;
        }
        answer
    }
}

#[tokio::test]
async fn the_home_page_offers_a_login_without_asking_the_provider() {
    let answer = Browser::new(app()).get("/?return_to=/members").await;
    assert_eq!(answer.status, StatusCode::OK);
    let button = format!(r#"<a id="login" data-authurl="{SITE}/login/start?return_to="#);
    assert!(answer.text.contains(&button), "{}", answer.text);
    assert!(!answer.headers.contains_key(header::SET_COOKIE));
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    let policy = answer.headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(policy.contains("frame-ancestors 'none'"));
}

#[tokio::test]
async fn the_public_page_has_nothing_of_the_login_on_it() {
    let answer = Browser::new(app()).get("/public").await;
    assert_eq!(answer.status, StatusCode::OK);
    let mut names: Vec<_> = answer
        .headers
        .keys()
        .map(header::HeaderName::as_str)
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["content-length", "content-type"]);
}

#[tokio::test]
async fn apis_answer_401_and_never_redirect() {
    let mut browser = Browser::new(app());
    let me = browser.get("/me").await;
    assert_eq!(me.status, StatusCode::UNAUTHORIZED);
    assert_eq!(me.headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(
        browser.get("/whoami").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn an_anonymous_refresh_leads_home() {
    let answer = Browser::new(app()).get("/refresh").await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, "/")
    );
}

#[tokio::test]
async fn a_callback_nobody_waits_for_is_a_page_with_another_try() {
    let answer = Browser::new(app()).get("/login?code=x&state=y").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
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
async fn log_in(browser: &mut Browser, platform: &Platform, page: &str) -> Answer {
    let away = browser.follow(page).await;
    let login = platform.log_in(away.location(), "alice@example.com", "1234");
    browser.follow(&login.await.unwrap()).await
}

#[tokio::test]
async fn a_member_logs_in_comes_back_changes_their_name_and_logs_out() {
    let platform = platform().await;
    let mut browser = Browser::new(app_at(platform.issuer()));

    let members = log_in(&mut browser, &platform, "/members").await;
    assert_eq!(members.status, StatusCode::OK);
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
        (StatusCode::SEE_OTHER, "/profile")
    );
    let profile = browser.get("/profile").await;
    assert!(profile.text.contains("Saved.") && profile.text.contains(r#"value="Alice""#));

    let left = browser.post("/logout", "").await;
    assert_eq!(left.status, StatusCode::SEE_OTHER);
    assert!(left.location().starts_with(platform.issuer()));
    assert_eq!(browser.get("/me").await.status, StatusCode::UNAUTHORIZED);
    assert!(
        browser
            .follow("/signed-out")
            .await
            .text
            .contains("User logged out!")
    );

    let again = log_in(&mut browser, &platform, "/profile").await;
    assert!(
        again.text.contains("Welcome back, Alice."),
        "{}",
        again.text
    );
}

#[tokio::test]
async fn somebody_without_an_email_logs_in_too() {
    let platform = platform().await;
    platform.set_fault(Some(Fault::UserinfoWithoutEmail));
    let mut browser = Browser::new(app_at(platform.issuer()));
    let profile = log_in(&mut browser, &platform, "/profile").await;
    assert_eq!(profile.status, StatusCode::OK);
    let me: serde_json::Value = serde_json::from_str(&browser.get("/me").await.text).unwrap();
    assert_eq!(me["sub"], "alice@example.com");
    assert_eq!(me.get("email"), None);
    assert_eq!(me["email_verified"], false);
}

#[tokio::test]
async fn refresh_keeps_the_old_data_while_the_provider_is_ill_and_logs_out_when_the_token_is_refused()
 {
    let platform = platform().await;
    let mut browser = Browser::new(app_at(platform.issuer()));
    log_in(&mut browser, &platform, "/profile").await;

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
    assert_eq!(browser.get("/me").await.status, StatusCode::UNAUTHORIZED);
}
