//! The answer to a request that another site made a browser send.

use crate::{
    engine::Engine,
    web::{client::Client, cross_origin::CrossOrigin, reply::Reply, request::RequestView},
};

/// Checks that a request comes from a page of this site, or is one that other sites send on purpose. Otherwise returns
/// the answer: a 403 that names the setting.
pub(crate) fn check_origin(engine: &Engine, request: &impl RequestView) -> Result<(), Reply> {
    let checked = engine.site.check_origin(request);
    checked.map_err(|reason| refused(engine, request, reason))
}

/// Returns the 403, and logs the reason.
#[cold]
pub(crate) fn refused(engine: &Engine, request: &impl RequestView, reason: CrossOrigin) -> Reply {
    tracing::warn!(?reason, "a cross-origin request was refused");
    match Client::of(request).shows_pages() {
        true => engine.show(request, CrossOrigin::page(&engine.site.home_url())),
        false => CrossOrigin::problem(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, CookieKey, Miracl, web::request::tests::Request};

    #[tokio::test]
    async fn a_refusal_is_a_403_that_names_the_setting() {
        let miracl = Miracl::new(Config {
            issuer: "https://login.example".to_owned(),
            client_id: "app".to_owned(),
            client_secret: "secret".into(),
            redirect_uri: "https://app.example/login".to_owned(),
            home_path: "/?a=1&b".to_owned(),
            cookie_keys: vec![CookieKey::generate()],
            ..Config::default()
        });
        let miracl = miracl.unwrap();
        for (value, is_page) in [("document", true), ("iframe", true), ("empty", false)] {
            for reason in [CrossOrigin::FetchSite, CrossOrigin::Origin] {
                let request = Request::post("/logout").with("sec-fetch-dest", value);
                let reply = refused(miracl.engine(), &request, reason);
                assert_eq!(reply.status, 403);
                assert!(reply.body.contains("trusted_origins"), "{}", reply.body);
                let begins = reply.body.starts_with("<!doctype html>");
                assert_eq!(begins, is_page, "{value}");
                let link = reply
                    .body
                    .contains("href=\"https://app.example/?a=1&amp;b\"");
                assert_eq!(link, is_page, "{value}");
            }
        }
    }
}
