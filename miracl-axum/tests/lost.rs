//! What becomes of visits that a middleware inside a wrapped router carries to another task. In a process of its own: it is remembered.

#![allow(clippy::unwrap_used)] // helpers of tests

mod support;

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{StatusCode, header},
    middleware::{self, Next},
    routing::get,
};
use miracl_axum::User;
use tower::ServiceExt;

use self::support::auth;

#[tokio::test]
async fn the_first_lost_visit_is_a_503_and_no_other_is_lost() {
    let router = Router::new()
        .route(
            "/whoami",
            get(async |user: Option<User>| user.is_some().to_string()),
        )
        .layer(middleware::from_fn(async |request: Request, next: Next| {
            tokio::spawn(next.run(request)).await.unwrap()
        }));
    let app = auth("miracl").wrap(router);
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
