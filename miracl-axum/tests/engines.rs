//! A router that the login is wrapped around: each request finds its own visit, whoever runs on the same thread in between.
#![allow(clippy::unwrap_used)] // helpers of tests

mod support;

use std::convert::Infallible;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Path,
    http::{HeaderMap, Request, StatusCode, header},
    middleware::{self, Next},
    response::Response,
    routing::get,
};
use miracl_axum::{Category, User, Visit};
use tower::{Service, ServiceExt};

use self::support::auth;

/// Waits for others in between, as a middleware does that asks a database.
async fn pause(request: axum::extract::Request, next: Next) -> Response {
    tokio::task::yield_now().await;
    let response = next.run(request).await;
    tokio::task::yield_now().await;
    response
}

/// Hands the request over to another task, so that it ends though the client goes away.
async fn spawn(request: axum::extract::Request, next: Next) -> Response {
    tokio::spawn(next.run(request)).await.unwrap()
}

fn pages() -> Router {
    Router::new()
        .route(
            "/say/{text}",
            get(async |visit: Visit, Path(text): Path<String>| {
                visit.flash(Category::Info, text);
            }),
        )
        .route(
            "/said",
            get(async |visit: Visit| {
                tokio::task::yield_now().await;
                let said = visit.take_flashes().await;
                said.into_iter().map(|flash| flash.text).collect::<String>()
            }),
        )
        .route(
            "/whoami",
            get(async |user: Option<User>| if user.is_some() { "you" } else { "nobody" }),
        )
        .route("/panic", get(panic))
}

async fn panic(_: Visit) {
    panic!("a page that fails")
}

async fn get_page<S>(app: &S, path: &str, cookie: &str) -> (StatusCode, HeaderMap, String)
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone,
{
    let request = Request::get(path)
        .header("host", "127.0.0.1:5000")
        .header("cookie", cookie);
    let response = app.clone().oneshot(request.body(Body::empty()).unwrap());
    let (head, body) = response.await.unwrap().into_parts();
    let body = to_bytes(body, 10_000).await.unwrap();
    (
        head.status,
        head.headers,
        String::from_utf8(body.into()).unwrap(),
    )
}

fn cookie(headers: &HeaderMap) -> &str {
    let line = headers[header::SET_COOKIE].to_str().unwrap();
    line.split(';').next().unwrap()
}

#[tokio::test]
async fn requests_that_run_in_turns_on_one_thread_find_their_own_visits() {
    let app = auth("app").wrap(pages().layer(middleware::from_fn(pause)));
    let mut cookies = Vec::new();
    for number in 0..50 {
        let (status, headers, _) = get_page(&app, &format!("/say/message-{number}"), "").await;
        assert_eq!(status, StatusCode::OK);
        cookies.push(cookie(&headers).to_owned());
    }
    let asked = tokio::task::LocalSet::new();
    asked
        .run_until(async {
            let all = cookies.into_iter().enumerate().map(|(number, cookie)| {
                let app = app.clone();
                tokio::task::spawn_local(async move {
                    let (_, headers, said) = get_page(&app, "/said", &cookie).await;
                    assert_eq!(said, format!("message-{number}"));
                    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
                    assert!(
                        headers[header::SET_COOKIE]
                            .to_str()
                            .unwrap()
                            .contains("Max-Age=0")
                    );
                })
            });
            for one in all.collect::<Vec<_>>() {
                one.await.unwrap();
            }
        })
        .await;
}

#[tokio::test]
async fn a_panic_leaves_no_visit_behind_for_the_next_request() {
    let app = auth("app").wrap(pages());
    let panicked = tokio::spawn({
        let app = app.clone();
        async move { get_page(&app, "/panic", "").await }
    });
    assert!(panicked.await.unwrap_err().is_panic());
    // Without a login around it nothing is found, on this thread as on any other.
    let (status, ..) = get_page(&pages(), "/whoami", "").await;
    assert!(status.is_server_error(), "{status}");
    let (status, _, text) = get_page(&app, "/whoami", "").await;
    assert_eq!((status, text.as_str()), (StatusCode::OK, "nobody"));
}

#[tokio::test]
async fn of_two_logins_the_inner_one_counts() {
    let (inner, outer) = (auth("inner"), auth("outer"));
    let by_layer = pages().layer(inner.layer());
    let by_wrap = Router::new().fallback_service(inner.wrap(pages()));
    for router in [by_layer, by_wrap] {
        let wrapped = get_page(&outer.wrap(router.clone()), "/say/a", "").await.1;
        let layered = get_page(&router.layer(outer.layer()), "/say/a", "").await.1;
        for headers in [wrapped, layered] {
            assert!(cookie(&headers).starts_with("inner-flash="), "{headers:?}");
        }
    }
}

#[tokio::test]
async fn a_middleware_that_spawns_loses_no_visit_of_the_layer() {
    let app = pages()
        .layer(middleware::from_fn(spawn))
        .layer(auth("app").layer());
    let (status, headers, text) = get_page(&app, "/whoami", "").await;
    assert_eq!((status, text.as_str()), (StatusCode::OK, "nobody"));
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
}
