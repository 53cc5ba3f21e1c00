//! The layer in front of a plain tower service, without axum's router and extractors.
#![allow(clippy::unwrap_used)] // helpers of tests

mod support;

use std::convert::Infallible;

use axum::{
    Router,
    body::Body,
    http::{Method, Request, Response, StatusCode, header},
    middleware::{self, Next},
    response::IntoResponse,
    routing::{any, get},
};
use miracl_axum::{Category, RequestExt};
use tower::{Layer, Service, ServiceExt, service_fn};

use self::support::auth;

/// Asks who is logged in, leaves a message, and says so. Under `/public` it does neither.
async fn service(request: Request<String>) -> Result<Response<String>, Infallible> {
    let (parts, body) = request.into_parts();
    if parts.uri.path() == "/public" {
        return Ok(Response::new(body));
    }
    let visit = parts.visit();
    let known = visit.is_authenticated().await.unwrap();
    visit.flash(Category::Info, "seen");
    Ok(Response::new(format!("known: {known}")))
}

async fn call(method: Method, path: &str, site: &str) -> Response<Body> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("sec-fetch-site", site)
        .body("public".to_owned())
        .unwrap();
    let mut service = auth("miracl").layer().layer(service_fn(service));
    service.ready().await.unwrap().call(request).await.unwrap()
}

#[tokio::test]
async fn a_plain_service_has_a_visit_and_its_cookies_reach_the_response() {
    let response = call(Method::GET, "/", "none").await;
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("miracl-flash="), "{cookie}");
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let body = axum::body::to_bytes(response.into_body(), 100).await;
    assert_eq!(body.unwrap(), "known: false");
}

#[tokio::test]
async fn a_service_that_never_asks_gets_its_response_through_untouched() {
    let response = call(Method::GET, "/public", "none").await;
    assert!(response.headers().is_empty());
}

#[tokio::test]
async fn an_unsafe_request_from_another_site_does_not_reach_the_service() {
    let response = call(Method::POST, "/", "cross-site").await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(!response.headers().contains_key(header::SET_COOKIE));
    let response = call(Method::POST, "/", "same-origin").await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_websocket_of_another_site_does_not_reach_the_service_in_http_2_either() {
    // RFC 8441 §4: hyper has `:protocol` in the extensions, and the method tells.
    for (method, upgrade) in [(Method::CONNECT, ""), (Method::GET, "websocket")] {
        for (origin, status) in [
            ("https://evil.example", StatusCode::FORBIDDEN),
            ("null", StatusCode::FORBIDDEN),
            ("http://127.0.0.1:5000", StatusCode::OK),
        ] {
            let mut request = Request::builder()
                .method(method.clone())
                .uri("/public")
                .header("origin", origin)
                .body("public".to_owned())
                .unwrap();
            if !upgrade.is_empty() {
                let upgrade = header::HeaderValue::from_static(upgrade);
                request.headers_mut().insert(header::UPGRADE, upgrade);
            }
            let service = auth("miracl").layer().layer(service_fn(service));
            let response = service.oneshot(request).await.unwrap();
            assert_eq!(response.status(), status, "{method} {origin}");
        }
    }
}

#[tokio::test]
async fn a_cors_layer_around_a_guard_answers_preflights_and_the_guard_everything_else() {
    let auth = auth("miracl");
    let cors = middleware::from_fn(async |request: axum::extract::Request, next: Next| {
        let headers = request.headers();
        let origin = headers.get("origin");
        let ours = origin.is_some_and(|origin| origin == "https://admin.example");
        let asks = headers.contains_key("access-control-request-method");
        let preflight = asks && request.method() == Method::OPTIONS;
        match ours && preflight {
            true => StatusCode::NO_CONTENT.into_response(),
            false => next.run(request).await,
        }
    });
    let app: Router = Router::new()
        .route("/things", any(async || "for members"))
        .layer(auth.login_required())
        .layer(cors)
        .layer(auth.layer());
    for (method, origin, status) in [
        ("OPTIONS", "https://admin.example", StatusCode::NO_CONTENT),
        ("OPTIONS", "https://evil.example", StatusCode::UNAUTHORIZED),
        ("GET", "https://admin.example", StatusCode::UNAUTHORIZED),
    ] {
        let request = Request::builder()
            .method(method)
            .uri("/things")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .body(Body::empty())
            .unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status, "{method} {origin}");
    }
}

#[tokio::test]
async fn without_the_layer_the_answer_is_500_and_says_nothing() {
    let app: axum::Router = auth("miracl").routes();
    let request = Request::get("/miracl/start").body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let body = axum::body::to_bytes(response.into_body(), 100).await;
    assert!(body.unwrap().is_empty());
}

#[tokio::test]
async fn no_method_gets_around_a_guard_and_a_preflight_neither() {
    let auth = auth("miracl");
    let page = || any(async || "for members");
    let nested = Router::new().route("/page", page()).fallback(page());
    let only_get = get(async || "for members").fallback(async || "for members");
    let guarded = Router::new()
        .route("/page", page())
        .route("/only-get", only_get)
        .nest("/nested", nested)
        .fallback(page())
        .layer(auth.login_required());
    let by_route = Router::new()
        .route("/by-route", page())
        .route(
            "/by-route-get",
            get(async || "for members").fallback(page()),
        )
        .route_layer(auth.login_required());
    let app: Router = by_route.merge(guarded);
    for app in [
        app.clone().layer(auth.layer()),
        Router::new().fallback_service(auth.wrap(app)),
    ] {
        for path in [
            "/page",
            "/page/",
            "/only-get",
            "/nested/page",
            "/nested/nothing",
            "/nothing",
            "//page",
            "/by-route",
            "/by-route-get",
        ] {
            for method in [
                "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT",
                "PURGE",
            ] {
                let preflight = Request::builder()
                    .method(method)
                    .uri(path)
                    .header("access-control-request-method", "POST")
                    .body(Body::empty())
                    .unwrap();
                let response = app.clone().oneshot(preflight).await.unwrap();
                assert_eq!(
                    response.status(),
                    StatusCode::UNAUTHORIZED,
                    "{method} {path}"
                );
            }
        }
    }
}

#[tokio::test]
async fn routes_that_are_nested_or_missing_are_an_error_and_no_404() {
    let auth = support::auth("miracl");
    let nested = || Router::new().nest("/x", auth.routes());
    let twice = || Router::new().nest("/y", nested());
    let missing = || Router::<()>::new().fallback(async || (StatusCode::NOT_FOUND, "not here"));
    for (app, paths) in [
        (
            nested().layer(auth.layer()),
            ["/miracl/start", "/x/miracl/start"],
        ),
        (
            twice().layer(auth.layer()),
            ["/miracl/start", "/y/x/miracl/start"],
        ),
        (
            missing().layer(auth.layer()),
            ["/miracl/start", "/miracl/login"],
        ),
        (
            Router::new().nest("/x", auth.routes().layer(auth.layer())),
            ["/x/miracl/start", "/x/miracl/login"],
        ),
        (
            Router::new().fallback_service(auth.wrap(nested())),
            ["/miracl/start", "/x/miracl/login"],
        ),
    ] {
        for path in paths {
            let request = Request::get(format!("{path}?a=b")).body(Body::empty());
            let response = app.clone().oneshot(request.unwrap()).await.unwrap();
            assert_eq!(
                response.status(),
                StatusCode::INTERNAL_SERVER_ERROR,
                "{path}"
            );
            let body = axum::body::to_bytes(response.into_body(), 100).await;
            assert!(body.unwrap().is_empty(), "{path}");
        }
    }
    // Other paths, and other methods, may be unknown.
    for (method, path) in [
        ("GET", "/x"),
        ("POST", "/miracl/start"),
        ("GET", "/miracl/start/"),
    ] {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Body::empty()).unwrap();
        let response = missing().layer(auth.layer()).oneshot(request).await;
        assert_eq!(
            response.unwrap().status(),
            StatusCode::NOT_FOUND,
            "{method} {path}"
        );
    }
    // At the root they answer, whatever else is nested.
    let app = Router::new()
        .merge(auth.routes())
        .nest("/x", missing())
        .layer(auth.layer());
    let request = Request::get("/miracl/login").body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert!(response.status().is_client_error(), "{response:?}");
    assert_ne!(response.status(), StatusCode::NOT_FOUND);
}
