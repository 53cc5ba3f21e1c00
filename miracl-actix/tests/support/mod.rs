//! Logins for the tests of this crate, and people who log in by them.
#![allow(dead_code, unused_imports, unused_macros)] // no test program needs all of it

use actix_web::{
    Error, HttpRequest, HttpResponse, Responder, Result,
    body::{MessageBody, to_bytes},
    dev::{Service, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, HeaderMap, HeaderName},
    },
    test::TestRequest,
    web::Redirect,
};
use miracl_actix::{AuthHandler, AuthSuccess, Category, Config, CookieKey, Miracl, MiraclAuth};
use miracl_actix::{Paths, RequestExt};
use miracl_platform::{Client, Platform, PlatformConfig};

pub(crate) const SITE: &str = "http://127.0.0.1:5000";

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, req: &HttpRequest, login: AuthSuccess) -> Result<HttpResponse> {
        let own = req.visit().miracl().config().client_id.clone();
        req.visit().flash(Category::Info, own);
        let back = Redirect::to(login.return_to().to_owned()).see_other();
        Ok(back.respond_to(req).map_into_boxed_body())
    }
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
    pub(crate) fn header(&self, name: HeaderName) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// What it sets, as a browser sends it back.
    pub(crate) fn cookies(&self) -> String {
        let lines = self.headers.get_all(header::SET_COOKIE);
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

pub(crate) fn request(method: Method, path: &str, cookie: &str) -> TestRequest {
    let request = TestRequest::with_uri(path)
        .method(method)
        .insert_header((header::HOST, "127.0.0.1:5000"));
    match cookie {
        "" => request,
        _ => request.insert_header((header::COOKIE, cookie)),
    }
}

/// Sends a request. `R` is the request that a server makes, whose type actix-web does not re-export.
pub(crate) async fn send<S, R, B>(app: &S, request: R) -> Answer
where
    S: Service<R, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let response = match app.call(request).await {
        Ok(response) => response.into_parts().1.map_into_boxed_body(),
        Err(error) => error.error_response(),
    };
    let (head, body) = response.into_parts();
    let body = to_bytes(body).await.map_err(|_| "no body").unwrap();
    Answer {
        status: head.status(),
        headers: head.headers().clone(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

/// Sends a `GET`. It is a macro because the type of actix-web's services cannot be named.
macro_rules! get_page {
    ($app:expr, $path:expr, $cookie:expr) => {
        support::send(
            $app,
            support::request(actix_web::http::Method::GET, $path, $cookie).to_request(),
        )
        .await
    };
}

/// Logs somebody in to the app of this name, and returns the cookies of their browser.
macro_rules! log_in {
    ($app:expr, $platform:expr, $name:literal, $email:expr) => {{
        let start = get_page!($app, concat!("/", $name, "/start"), "");
        let location = start.header(actix_web::http::header::LOCATION);
        let back = $platform.log_in(location, $email, "1234").await.unwrap();
        let back = back.strip_prefix(support::SITE).unwrap();
        let back = get_page!($app, back, &start.cookies());
        assert_eq!(back.status.as_u16(), 303, "{back:?}");
        back.cookies()
    }};
}

pub(crate) use {get_page, log_in};
