//! The test kit with this framework: people who are logged in, with no provider to ask.
#![allow(clippy::unwrap_used)] // helpers of tests
#![allow(clippy::needless_pass_by_value)] // Rocket's handlers take guards by value

mod support;

use std::{net::TcpListener, time::Duration, time::Instant};

use miracl_rocket::{
    AuthHandler, AuthSuccess, Authorized, Config, Miracl, MiraclAuth, Response, Result, User,
    access::Policy, access::Requirement, config::CookieKey, store::MemoryStore,
    store::SessionStorage, testing::TestUser,
};
use rocket::{
    Build, Request, Rocket, get,
    http::{Header, Method},
    local::{asynchronous, blocking},
    post, routes,
};

use self::support::quiet;

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &Request<'_>, _: AuthSuccess) -> Result<Response> {
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

#[get("/members")]
fn members(user: User) -> String {
    format!("Hello, {}.", user.id())
}

#[get("/admin")]
fn admin(user: Authorized<Admin>) -> String {
    user.id().to_owned()
}

#[post("/pay")]
fn pay(_user: Authorized<Payments>) -> &'static str {
    "paid"
}

fn app(auth: &MiraclAuth) -> Rocket<Build> {
    quiet()
        .mount("/", routes![members, admin, pay])
        .mount("/", auth.routes())
        .attach(auth.fairing())
}

#[rocket::async_test]
async fn a_test_user_meets_what_the_test_says_and_no_provider_is_asked() {
    for store in stores() {
        let (provider, auth) = auth(store);
        let client = asynchronous::Client::untracked(app(&auth)).await.unwrap();
        let alice = || TestUser::new("alice");
        let strong = alice().acr("2fa");
        let hour = Duration::from_secs(3600);
        for (user, method, path, status) in [
            (alice(), Method::Get, "/members", 200),
            (alice().expired(), Method::Get, "/members", 401),
            (alice(), Method::Get, "/admin", 403),
            (
                alice().claim("roles", ["admin"]),
                Method::Get,
                "/admin",
                200,
            ),
            (strong.clone(), Method::Post, "/pay", 200),
            (alice(), Method::Post, "/pay", 401),
            (strong.logged_in_ago(hour), Method::Post, "/pay", 401),
        ] {
            let cookie = user.log_in(&auth).await.unwrap();
            let request = client
                .req(method, path)
                .header(Header::new("cookie", cookie));
            assert_eq!(request.dispatch().await.status().code, status, "{path}");
        }
        assert!(!was_asked(&provider));
    }
}

#[test]
fn a_hundred_requests_of_people_who_are_logged_in_take_less_than_a_second() {
    for store in stores() {
        let (provider, auth) = auth(store);
        let client = blocking::Client::untracked(app(&auth)).unwrap();
        let began = Instant::now();
        for number in 0..100 {
            let user = TestUser::new(format!("user {number}")).claim("roles", ["admin"]);
            let request = client.get("/admin");
            let request = request.header(Header::new("cookie", user.log_in_now(&auth)));
            let page = request.dispatch().into_string();
            assert_eq!(page, Some(format!("user {number}")));
        }
        let took = began.elapsed();
        println!("100 people and their requests: {took:?}");
        // Ten times the promise, so that a busy machine fails no test.
        assert!(took < Duration::from_secs(10), "{took:?}");
        assert!(!was_asked(&provider));
    }
}

#[test]
fn a_handler_can_be_called_with_a_user_that_no_session_is_behind() {
    let alice = User(TestUser::new("alice").user());
    assert_eq!(members(alice), "Hello, alice.");
}
