//! People of the test kit, whose sessions are in Redis.

use std::borrow::Cow;

use miracl_core::{
    Config, CookieKey, MarkStorage, Miracl, RequestView, SessionStorage, app::testing::TestUser,
};

use super::*;

struct Request(String);

impl RequestView for Request {
    fn method(&self) -> &str {
        "GET"
    }

    fn path_and_query(&self) -> Cow<'_, str> {
        "/".into()
    }

    fn host(&self) -> Option<&str> {
        Some("127.0.0.1:5000")
    }

    fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        (name == "cookie").then_some(self.0.as_bytes()).into_iter()
    }
}

pub(crate) async fn people_of_the_test_kit_are_logged_in_and_an_expired_one_is_not() {
    let server = Server::start(NOTHING);
    let miracl = Miracl::new(Config {
        issuer: "https://login.example".into(),
        client_id: "app".into(),
        client_secret: "secret".into(),
        redirect_uri: "http://127.0.0.1:5000/login".into(),
        cookie_keys: vec![CookieKey::generate()],
        session_store: SessionStorage::store(server.store()),
        marks_store: MarkStorage::store(server.store()),
        ..Config::default()
    });
    let miracl = miracl.unwrap();
    let alice = TestUser::new("alice").claim("sid", "one");
    for (user, is_in) in [(alice.clone(), true), (alice.expired(), false)] {
        let cookie = user.log_in(&miracl).await.unwrap();
        let visit = miracl.visit(&Request(cookie));
        assert_eq!(visit.is_authenticated().await.unwrap(), is_in);
    }
}
