//! Logins for the tests of this crate, and people who log in by them.
#![allow(dead_code)] // no test program needs all of it

use std::convert::Infallible;

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response, Result},
};
use miracl_axum::{AuthHandler, AuthSuccess, Category, Config, CookieKey, Miracl, MiraclAuth};
use miracl_axum::{Paths, RequestExt};
use miracl_platform::{Client, Platform, PlatformConfig};
use tower::{Service, ServiceExt};

const SITE: &str = "http://127.0.0.1:5000";

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, req: &mut Parts, login: AuthSuccess) -> Result<Response> {
        let own = req.visit().miracl().config().client_id.clone();
        req.visit().flash(Category::Info, own);
        Ok(Redirect::to(login.return_to()).into_response())
    }
}

/// A login whose provider is never asked.
pub(crate) fn auth(cookie_prefix: &str) -> MiraclAuth {
    auth_at("http://127.0.0.1:1", cookie_prefix)
}

/// A login with paths and cookies of its own, by its name.
pub(crate) fn auth_at(issuer: &str, name: &str) -> MiraclAuth {
    let miracl = Miracl::new(Config {
        issuer: issuer.into(),
        client_id: name.into(),
        client_secret: "secret".into(),
        redirect_uri: callback(name),
        paths: Paths {
            login_start: format!("/{name}/start"),
            login_initiate: format!("/{name}/initiate"),
            logout: format!("/{name}/logout"),
            backchannel_logout: format!("/{name}/backchannel"),
            frontchannel_logout: format!("/{name}/frontchannel"),
            ..Paths::default()
        },
        cookie_keys: vec![CookieKey::generate()],
        cookie_prefix: name.into(),
        ..Config::default()
    });
    MiraclAuth::new(miracl.unwrap(), Hooks)
}

fn callback(name: &str) -> String {
    format!("{SITE}/{name}/login")
}

/// A platform where Alice and Bob can log in to the apps `a` and `b`.
pub(crate) async fn platform() -> Platform {
    let client = |name| Client::new(name, "secret", callback(name));
    let config = PlatformConfig {
        clients: vec![client("a"), client("b")],
        ..PlatformConfig::default()
    };
    let platform = Platform::start(config).await.unwrap();
    for email in [ALICE, BOB] {
        platform.register_identity(email, "1234").unwrap();
    }
    platform
}

pub(crate) const ALICE: &str = "alice@example.com";
pub(crate) const BOB: &str = "bob@example.com";

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: header::HeaderName) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// What it sets, as a browser sends it back.
    pub(crate) fn cookies(&self) -> String {
        let lines = self.headers.get_all(header::SET_COOKIE).iter();
        let pairs: Vec<_> = lines
            .map(|line| line.to_str().unwrap())
            .filter(|line| !line.contains("Max-Age=0"))
            .filter_map(|line| line.split(';').next())
            .collect();
        pairs.join("; ")
    }

    /// Asserts that it is an empty 500 that sets no cookie and leads nowhere.
    pub(crate) fn assert_500(&self) {
        assert_eq!(self.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(self.body, "");
        assert_eq!(self.cookies(), "");
        assert_eq!(self.header(header::LOCATION), "");
    }
}

pub(crate) fn request(method: Method, path: &str, cookie: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    request = request.header(header::HOST, "127.0.0.1:5000");
    if !cookie.is_empty() {
        request = request.header(header::COOKIE, cookie);
    }
    request.body(Body::empty()).unwrap()
}

pub(crate) async fn send<S>(app: &S, request: Request<Body>) -> Answer
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone,
{
    let response = app.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = to_bytes(body, 100_000).await.unwrap();
    Answer {
        status: head.status,
        headers: head.headers,
        body: String::from_utf8(body.into()).unwrap(),
    }
}

pub(crate) async fn get_page<S>(app: &S, path: &str, cookie: &str) -> Answer
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone,
{
    send(app, request(Method::GET, path, cookie)).await
}

/// Logs somebody in to the app of this name, and returns the cookies of their browser.
pub(crate) async fn log_in<S>(app: &S, platform: &Platform, name: &str, email: &str) -> String
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone,
{
    let start = get_page(app, &format!("/{name}/start"), "").await;
    assert_eq!(start.status, StatusCode::SEE_OTHER, "{start:?}");
    let location = start.header(header::LOCATION);
    let back = platform.log_in(location, email, "1234").await.unwrap();
    let back = back.strip_prefix(SITE).unwrap();
    let back = get_page(app, back, &start.cookies()).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "{back:?}");
    back.cookies()
}
