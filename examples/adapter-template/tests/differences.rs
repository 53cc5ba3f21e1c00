//! What warp does in its own way, and what the adapter makes of it.
#![allow(clippy::unwrap_used)] // helpers of tests

use http_body_util::BodyExt;
use miracl_warp::{
    AuthHandler, AuthSuccess, Category, Config, CookieKey, Miracl, MiraclAuth, User, Visit,
    optional_user, user, visit,
};
use tower::{Layer, ServiceExt};
use warp::{
    Filter, Rejection,
    filters::BoxedFilter,
    http::{Method, Request, StatusCode, header, request::Parts},
    reply::Response,
};

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &Parts, _: AuthSuccess) -> Result<Response, Rejection> {
        unreachable!("nobody logs in here")
    }
}

fn auth() -> MiraclAuth {
    let miracl = Miracl::new(Config {
        issuer: "http://127.0.0.1:1".into(),
        client_id: "id".into(),
        client_secret: "secret".into(),
        redirect_uri: "http://127.0.0.1:5000/login".into(),
        cookie_keys: vec![CookieKey::generate()],
        ..Config::default()
    });
    MiraclAuth::new(miracl.unwrap(), Hooks)
}

/// Filters for members, and behind them everything that could answer in their place.
fn app(auth: &MiraclAuth) -> BoxedFilter<(impl warp::Reply + use<>,)> {
    let members =
        warp::path!("members")
            .and(visit())
            .and(user())
            .map(|visit: Visit, user: User| {
                visit.flash(Category::Info, "seen");
                user.id().to_owned()
            });
    let group = warp::path("group")
        .and(auth.login_required())
        .and(warp::path::end())
        .map(|| "for members");
    let optional = warp::path!("optional")
        .and(optional_user())
        .map(|user: Option<User>| user.map_or("nobody", |_| "somebody"));
    let flash = warp::path!("flash")
        .and(visit())
        .and_then(|visit: Visit| async move {
            visit.flash(Category::Info, "seen");
            Err::<&str, _>(warp::reject::not_found())
        });
    let anybody = warp::path::param().map(|_: String| "anybody");
    members
        .or(group)
        .or(optional)
        .or(flash)
        .or(auth.routes())
        .or(anybody)
        .recover(|_| async { Ok::<_, Rejection>("recovered") })
        .boxed()
}

async fn call(method: Method, path: &str) -> (Head, String) {
    let auth = auth();
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("sec-fetch-mode", "navigate")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET")
        .body(String::new())
        .unwrap();
    let service = auth.layer().layer(warp::service(app(&auth)));
    answer(service.oneshot(request).await.unwrap()).await
}

type Head = warp::http::response::Parts;

async fn answer(response: Response) -> (Head, String) {
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn neither_or_nor_recover_can_answer_where_somebody_must_log_in() {
    for path in ["/members", "/group", "/group/not-there"] {
        let (head, text) = call(Method::GET, path).await;
        assert_eq!(head.status, StatusCode::SEE_OTHER, "{path}");
        let location = head.headers[header::LOCATION].to_str().unwrap();
        assert!(location.contains("/login/start"), "{path}: {location}");
        assert_eq!(head.headers[header::CACHE_CONTROL], "no-store", "{path}");
        assert_eq!(text, "", "{path}");
    }
}

#[tokio::test]
async fn where_anybody_may_enter_filters_answer_as_ever() {
    assert_eq!(call(Method::GET, "/optional").await.1, "nobody");
    assert_eq!(call(Method::GET, "/somewhere").await.1, "anybody");
    assert_eq!(call(Method::GET, "/").await.1, "recovered");
}

#[tokio::test]
async fn no_method_gets_around_a_guard_and_a_preflight_neither() {
    for method in [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PURGE",
    ] {
        let method: Method = method.parse().unwrap();
        for path in ["/group", "/group/", "/group/not-there", "/members"] {
            let (head, text) = call(method.clone(), path).await;
            let refused = [StatusCode::SEE_OTHER, StatusCode::UNAUTHORIZED];
            assert!(refused.contains(&head.status), "{method} {path}: {head:?}");
            assert!(!text.contains("for members"), "{method} {path}: {text}");
        }
    }
}

#[tokio::test]
async fn cookies_reach_the_response_that_a_rejection_became() {
    let (head, text) = call(Method::GET, "/flash").await;
    assert_eq!(text, "anybody");
    let cookie = head.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("miracl-flash="), "{cookie}");
}

#[tokio::test]
async fn the_routes_of_the_login_answer_their_exact_paths_only() {
    let (head, _) = call(Method::GET, "/logout").await;
    assert_eq!(head.headers[header::CACHE_CONTROL], "no-store");
    let (head, text) = call(Method::GET, "/logout/").await;
    assert!(!head.headers.contains_key(header::CACHE_CONTROL));
    assert_eq!(text, "anybody");
}

#[tokio::test]
async fn a_filter_that_never_asks_gets_its_response_through_untouched() {
    let (head, _) = call(Method::GET, "/somewhere").await;
    assert_eq!(head.headers.len(), 1, "{:?}", head.headers);
    assert!(head.headers.contains_key(header::CONTENT_TYPE));
}

#[tokio::test]
async fn without_the_layer_the_answer_is_500() {
    let auth = auth();
    let required = warp::path!("members").and(auth.login_required());
    let filter = required.map(|| "for members").or(auth.routes());
    for path in ["/members", "/login/start"] {
        let request = Request::get(path).body(String::new()).unwrap();
        let response = warp::service(filter.clone()).oneshot(request).await;
        let (head, text) = answer(response.unwrap()).await;
        assert_eq!(head.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(text, "Missing request extension");
    }
}

#[tokio::test]
async fn routes_behind_a_path_or_missing_are_an_error_and_no_404() {
    let auth = auth();
    let behind = warp::path("x").and(auth.routes()).boxed();
    let missing = warp::path!("page").map(warp::reply).boxed();
    let get = |path: &str| Request::get(path).body(String::new()).unwrap();
    for path in ["/login", "/login/start?return_to=/x"] {
        let service = auth.layer().layer(warp::service(behind.clone()));
        let (head, text) = answer(service.oneshot(get(path)).await.unwrap()).await;
        assert_eq!((head.status.as_u16(), &*text), (500, ""), "{path}");
        let service = auth.layer().layer(warp::service(missing.clone()));
        let (head, text) = answer(service.oneshot(get(path)).await.unwrap()).await;
        assert_eq!((head.status.as_u16(), &*text), (500, ""), "{path}");
    }
    let service = auth.layer().layer(warp::service(missing));
    let (head, _) = answer(service.oneshot(get("/login/")).await.unwrap()).await;
    assert_eq!(head.status, StatusCode::NOT_FOUND);
}
