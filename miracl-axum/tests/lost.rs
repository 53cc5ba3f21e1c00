//! What becomes of visits that a middleware inside a wrapped router carries to another task. In a process of its own: it is remembered.

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::{Response, Result},
    routing::get,
};
use miracl_axum::{
    AuthFailure, AuthHandler, AuthSuccess, Config, CookieKey, Miracl, MiraclAuth, User,
};
use tower::ServiceExt;

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &mut Parts, _: AuthSuccess) -> Result<Response> {
        Ok(Response::default())
    }

    async fn on_auth_failed(&self, _: &mut Parts, _: AuthFailure) -> Result<Response> {
        Ok(Response::default())
    }
}

#[tokio::test]
async fn the_first_lost_visit_is_a_503_and_no_other_is_lost() {
    let miracl = Miracl::new(Config {
        issuer: "http://127.0.0.1:1".to_owned(),
        client_id: "id".to_owned(),
        client_secret: "secret".into(),
        redirect_uri: "http://127.0.0.1:5000/login".to_owned(),
        cookie_keys: vec![CookieKey::generate()],
        ..Config::default()
    });
    let auth = MiraclAuth::new(miracl.unwrap(), Hooks);
    let router = Router::new()
        .route(
            "/whoami",
            get(async |user: Option<User>| user.is_some().to_string()),
        )
        .layer(middleware::from_fn(async |request: Request, next: Next| {
            tokio::spawn(next.run(request)).await.unwrap()
        }));
    let app = auth.wrap(router);
    let ask = async || {
        let request = Request::get("/whoami").body(Body::empty()).unwrap();
        app.clone().oneshot(request).await.unwrap()
    };
    let first = ask().await;
    assert_eq!(first.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(first.headers()[header::RETRY_AFTER], "1");
    for _ in 0..3 {
        let next = ask().await;
        assert_eq!(next.status(), StatusCode::OK);
        assert_eq!(next.headers()[header::CACHE_CONTROL], "no-store");
    }
}
