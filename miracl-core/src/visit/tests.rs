//! A visit's futures.

use super::*;
use crate::{Config, CookieKey, LoginOptions, web::request::tests::Request};

fn assert_send<T: Send>(_: T) {}

#[test]
fn what_a_visit_does_can_cross_threads() {
    let miracl = Miracl::new(Config {
        issuer: "http://127.0.0.1:1".into(),
        client_id: "id".into(),
        client_secret: "secret".into(),
        redirect_uri: "http://127.0.0.1/login".into(),
        cookie_keys: vec![CookieKey::generate()],
        ..Config::default()
    });
    let request = Request::get("/");
    let visit = miracl.unwrap().visit(&request);
    assert_send(visit.user());
    assert_send(visit.login_url_with(LoginOptions::default()));
    assert_send(visit.complete_login(""));
    assert_send(visit.refresh_user_data());
    assert_send(visit.answer(Route::Logout, &request, Some(b"")));
}
