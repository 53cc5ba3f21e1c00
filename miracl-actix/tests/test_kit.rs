//! The test kit with this framework: people who are logged in, with no provider to ask.
#![allow(clippy::unwrap_used)] // helpers of tests

mod support;

use std::{net::TcpListener, time::Duration, time::Instant};

use actix_web::{
    App, HttpRequest, HttpResponse, Result,
    http::Method,
    test::init_service,
    web::{ServiceConfig, get, post},
};
use miracl_actix::{
    AuthHandler, AuthSuccess, Authorized, Config, Miracl, MiraclAuth, User, access::Policy,
    access::Requirement, config::CookieKey, store::MemoryStore, store::SessionStorage,
    testing::TestUser,
};

use self::support::{get_page, request, send};

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &HttpRequest, _: AuthSuccess) -> Result<HttpResponse> {
        unreachable!("nobody logs in")
    }
}

struct Admin;

impl Policy for Admin {
    fn requirement() -> Requirement {
        Requirement::claim("roles").contains("admin")
    }
}

struct Payments;

impl Policy for Payments {
    fn requirement() -> Requirement {
        let fresh = Requirement::logged_in_within(Duration::from_secs(300));
        Requirement::acr(["2fa"]).and(fresh)
    }
}

/// A login with sessions in this place, at a provider that fails the test when it is asked.
fn auth(session_store: SessionStorage) -> (TcpListener, MiraclAuth) {
    let provider = TcpListener::bind("127.0.0.1:0").unwrap();
    provider.set_nonblocking(true).unwrap();
    let miracl = Miracl::new(Config {
        issuer: format!("http://{}", provider.local_addr().unwrap()),
        client_id: "app".into(),
        client_secret: "secret".into(),
        redirect_uri: "http://127.0.0.1:5000/login".into(),
        cookie_keys: vec![CookieKey::generate()],
        session_store,
        ..Config::default()
    });
    (provider, MiraclAuth::new(miracl.unwrap(), Hooks))
}

fn was_asked(provider: &TcpListener) -> bool {
    provider.accept().is_ok()
}

fn stores() -> [SessionStorage; 2] {
    let memory = SessionStorage::store(MemoryStore::default());
    [SessionStorage::default(), memory]
}

async fn members(user: User) -> String {
    format!("Hello, {}.", user.id())
}

async fn admin(user: Authorized<Admin>) -> String {
    user.id().to_owned()
}

async fn pay(_: Authorized<Payments>) -> &'static str {
    "paid"
}

fn pages(app: &mut ServiceConfig) {
    app.route("/members", get().to(members))
        .route("/admin", get().to(admin))
        .route("/pay", post().to(pay));
}

#[actix_web::test]
async fn a_test_user_meets_what_the_test_says_and_no_provider_is_asked() {
    for store in stores() {
        let (provider, auth) = auth(store);
        let app = App::new().configure(pages).configure(auth.routes());
        let app = init_service(app.wrap(auth.layer())).await;
        let alice = || TestUser::new("alice");
        let strong = alice().acr("2fa");
        let hour = Duration::from_secs(3600);
        for (user, method, path, status) in [
            (alice(), Method::GET, "/members", 200),
            (alice().expired(), Method::GET, "/members", 401),
            (alice(), Method::GET, "/admin", 403),
            (
                alice().claim("roles", ["admin"]),
                Method::GET,
                "/admin",
                200,
            ),
            (strong.clone(), Method::POST, "/pay", 200),
            (alice(), Method::POST, "/pay", 401),
            (strong.logged_in_ago(hour), Method::POST, "/pay", 401),
        ] {
            let cookie = user.log_in(&auth).await.unwrap();
            let answer = send(&app, request(method, path, &cookie).to_request()).await;
            assert_eq!(answer.status.as_u16(), status, "{path}: {answer:?}");
        }
        assert!(!was_asked(&provider));
    }
}

#[actix_web::test]
async fn a_hundred_requests_of_people_who_are_logged_in_take_less_than_a_second() {
    for store in stores() {
        let (provider, auth) = auth(store);
        let app = App::new().configure(pages).configure(auth.routes());
        let app = init_service(app.wrap(auth.layer())).await;
        let began = Instant::now();
        for number in 0..100 {
            let user = TestUser::new(format!("user {number}")).claim("roles", ["admin"]);
            let cookie = user.log_in(&auth).await.unwrap();
            let page = get_page!(&app, "/admin", &cookie);
            assert_eq!(page.body, format!("user {number}"));
        }
        let took = began.elapsed();
        println!("100 people and their requests: {took:?}");
        // Ten times the promise, so that a busy machine fails no test.
        assert!(took < Duration::from_secs(10), "{took:?}");
        assert!(!was_asked(&provider));
    }
}

#[actix_web::test]
async fn a_handler_can_be_called_with_a_user_that_no_session_is_behind() {
    let alice = User(TestUser::new("alice").user());
    assert_eq!(members(alice).await, "Hello, alice.");
}
