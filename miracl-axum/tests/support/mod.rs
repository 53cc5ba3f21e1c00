//! A login whose provider nobody asks: what the tests of this crate put around their pages.

use axum::{
    http::request::Parts,
    response::{Response, Result},
};
use miracl_axum::{AuthHandler, AuthSuccess, Config, CookieKey, Miracl, MiraclAuth};

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &mut Parts, _: AuthSuccess) -> Result<Response> {
        unreachable!("nobody logs in here")
    }
}

pub(crate) fn auth(cookie_prefix: &str) -> MiraclAuth {
    let miracl = Miracl::new(Config {
        issuer: "http://127.0.0.1:1".into(),
        client_id: "id".into(),
        client_secret: "secret".into(),
        redirect_uri: "http://127.0.0.1:5000/login".into(),
        cookie_keys: vec![CookieKey::generate()],
        cookie_prefix: cookie_prefix.into(),
        ..Config::default()
    });
    MiraclAuth::new(miracl.unwrap(), Hooks)
}
