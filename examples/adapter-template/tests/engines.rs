//! Two logins in one app, and requests that carry what was left in another: each guard, route and filter knows its
//! engine and its request.
#![allow(clippy::unwrap_used)] // helpers of tests

mod support;

use miracl_platform::Platform;
use miracl_warp::{MiraclAuth, User, Visit, optional_user, service::Kept, user, visit};
use tower::{Layer, ServiceExt, service_fn};
use warp::{
    Filter, Reply,
    filters::BoxedFilter,
    http::{HeaderValue, Method, Request, StatusCode, header},
};

use self::support::{ALICE, BOB, auth_at, get_page, log_in, platform, request, send};

/// Two logins of one provider.
async fn two() -> (Platform, MiraclAuth, MiraclAuth) {
    let platform = platform().await;
    let (a, b) = (
        auth_at(platform.issuer(), "a"),
        auth_at(platform.issuer(), "b"),
    );
    (platform, a, b)
}

/// Filters for members of each login, and filters for everybody.
fn filters(a: &MiraclAuth, b: &MiraclAuth) -> BoxedFilter<(impl Reply + use<>,)> {
    let of_a = warp::path("of-a")
        .and(a.login_required())
        .and(user())
        .map(|user: User| user.id().to_owned());
    let of_b = warp::path("of-b")
        .and(b.login_required())
        .and(user())
        .map(|user: User| user.id().to_owned());
    let optional = warp::path!("whoami")
        .and(optional_user())
        .map(|user: Option<User>| {
            user.map_or_else(|| "nobody".to_owned(), |user| user.id().to_owned())
        });
    let required = warp::path!("required")
        .and(user())
        .map(|user: User| user.id().to_owned());
    let engine = warp::path!("engine")
        .and(visit())
        .map(|visit: Visit| visit.miracl().config().client_id.clone());
    of_a.or(of_b)
        .or(optional)
        .or(required)
        .or(engine)
        .or(a.routes())
        .or(b.routes())
        .boxed()
}

#[tokio::test]
async fn each_login_works_within_both_layers_and_a_guard_wants_to_be_in_the_innermost() {
    let (platform, a, b) = two().await;
    let app = a
        .layer()
        .layer(b.layer().layer(warp::service(filters(&a, &b))));
    let alice = log_in(&app, &platform, "a", ALICE).await;
    let bob = log_in(&app, &platform, "b", BOB).await;
    let both = format!("{alice}; {bob}");
    let answer = get_page(&app, "/of-b", &both).await;
    assert_eq!((answer.status, &*answer.body), (StatusCode::OK, BOB));
    let answer = get_page(&app, "/of-b", &alice).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.body.contains("/b/start"), "{}", answer.body);
    for cookie in [&*alice, &*bob, &*both, ""] {
        get_page(&app, "/of-a", cookie).await.assert_500();
    }
    // Where there is no guard, the innermost layer decides.
    assert_eq!(get_page(&app, "/engine", &both).await.body, "b");
    assert_eq!(get_page(&app, "/whoami", &both).await.body, BOB);
    assert_eq!(get_page(&app, "/whoami", &alice).await.body, "nobody");
}

#[tokio::test]
async fn a_guard_and_routes_whose_layer_is_missing_do_nothing() {
    let (platform, a, b) = two().await;
    let app = a.layer().layer(warp::service(filters(&a, &b)));
    let alice = log_in(&app, &platform, "a", ALICE).await;
    for cookie in ["", &*alice] {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::OPTIONS] {
            send(&app, request(method, "/of-b", cookie))
                .await
                .assert_500();
        }
    }
    for mount in b.miracl().routes() {
        for method in mount.methods {
            let method = method.parse().unwrap();
            send(&app, request(method, mount.path, &alice))
                .await
                .assert_500();
        }
    }
    let answer = get_page(&app, "/of-a", &alice).await;
    assert_eq!((answer.status, &*answer.body), (StatusCode::OK, ALICE));
}

#[tokio::test]
async fn a_request_with_other_cookies_finds_nothing_of_the_one_whose_extensions_it_has() {
    let (platform, a, b) = two().await;
    let plain = a.layer().layer(warp::service(filters(&a, &b)));
    let alice = log_in(&plain, &platform, "a", ALICE).await;
    let bob = log_in(&plain, &platform, "a", BOB).await;
    // Between the layer and the filter, the request gets the cookies of another person, or none.
    for other in [Some(&*bob), Some("theme=dark"), None] {
        let other = other.map(|text| HeaderValue::from_str(text).unwrap());
        let inner = warp::service(filters(&a, &b));
        let swap = service_fn(move |mut request: Request<Kept<String>>| {
            request.headers_mut().remove(header::COOKIE);
            if let Some(other) = &other {
                let other = other.clone();
                request.headers_mut().insert(header::COOKIE, other);
            }
            inner.clone().oneshot(request)
        });
        let app = a.layer().layer(swap);
        for path in ["/whoami", "/required", "/engine", "/of-a", "/a/logout"] {
            get_page(&app, path, &alice).await.assert_500();
        }
    }
    // With its own cookies it is the request that came to the layer, also on another task.
    let inner = warp::service(filters(&a, &b));
    let spawn = service_fn(move |request: Request<Kept<String>>| {
        let inner = inner.clone();
        async move { tokio::spawn(inner.oneshot(request)).await.unwrap() }
    });
    let app = a.layer().layer(spawn);
    let (one, other) = tokio::join!(
        get_page(&app, "/whoami", &alice),
        get_page(&app, "/whoami", &bob)
    );
    assert_eq!((&*one.body, &*other.body), (ALICE, BOB));
}

#[tokio::test]
async fn a_cors_filter_around_a_guard_answers_preflights_and_the_guard_everything_else() {
    let (_, a, _) = two().await;
    let cors = warp::cors()
        .allow_origin("https://admin.example")
        .allow_credentials(true)
        .allow_methods(["GET", "POST"]);
    let api = warp::path("api")
        .and(a.login_required())
        .and(warp::path!("things"))
        .map(|| "for members")
        .with(cors);
    let app = a.layer().layer(warp::service(api));
    for (origin, status) in [
        ("https://admin.example", StatusCode::OK),
        ("https://evil.example", StatusCode::FORBIDDEN),
    ] {
        let preflight = Request::builder()
            .method(Method::OPTIONS)
            .uri("/api/things")
            .header(header::ORIGIN, origin)
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .body(String::new());
        let answer = app.clone().oneshot(preflight.unwrap()).await.unwrap();
        assert_eq!(answer.status(), status);
    }
    let answer = get_page(&app, "/api/things", "").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let answer = send(&app, request(Method::OPTIONS, "/api/things", "")).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}
