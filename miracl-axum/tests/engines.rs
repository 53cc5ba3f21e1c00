//! Two logins in one app: each guard, route and hook knows to which of them it belongs.
#![allow(clippy::unwrap_used)] // helpers of tests

mod support;

use axum::{
    Router,
    http::{Method, StatusCode, header},
    response::Response,
    routing::{any, get},
};
use miracl_axum::{MiraclAuth, User, Visit};
use miracl_platform::Platform;

use self::support::{ALICE, BOB, auth_at, get_page, log_in, platform, request, send};

/// Two logins of one provider, and apps with both around them, in each order and by each way to add a layer.
struct Two {
    platform: Platform,
    a: MiraclAuth,
    b: MiraclAuth,
}

impl Two {
    async fn new() -> Self {
        let platform = platform().await;
        let (a, b) = (
            auth_at(platform.issuer(), "a"),
            auth_at(platform.issuer(), "b"),
        );
        Self { platform, a, b }
    }

    /// Pages for members of each login, and pages for everybody.
    fn pages(&self) -> Router {
        let members = |auth: &MiraclAuth| {
            Router::new()
                .route("/", any(async |user: User| user.id().to_owned()))
                .layer(auth.login_required())
        };
        let of_both = Router::new()
            .route("/b", any(async |user: User| user.id().to_owned()))
            .layer(self.b.login_required())
            .route("/a", any(async |user: User| user.id().to_owned()))
            .layer(self.a.login_required());
        Router::new()
            .nest("/of-a", members(&self.a))
            .nest("/of-b", members(&self.b))
            .nest("/of-both", of_both)
            .route(
                "/whoami",
                get(async |user: Option<User>| {
                    user.map_or_else(|| "nobody".to_owned(), |user| user.id().to_owned())
                }),
            )
            .route(
                "/engine",
                get(async |visit: Visit| visit.miracl().config().client_id.clone()),
            )
            .merge(self.a.routes())
            .merge(self.b.routes())
    }

    /// The pages with both layers around them, and the name of the inner one.
    fn apps(&self) -> Vec<(Router, &'static str)> {
        let (a, b, pages) = (&self.a, &self.b, || self.pages());
        let service = |wrapped| Router::new().fallback_service(wrapped);
        vec![
            (pages().layer(a.layer()).layer(b.layer()), "a"),
            (pages().layer(b.layer()).layer(a.layer()), "b"),
            (service(b.wrap(service(a.wrap(pages())))), "a"),
            (service(a.wrap(pages().layer(b.layer()))), "b"),
            (service(b.wrap(pages())).layer(a.layer()), "b"),
        ]
    }
}

#[tokio::test]
async fn each_guard_asks_its_own_login_and_so_does_what_is_behind_it() {
    let two = Two::new().await;
    for (app, inner) in two.apps() {
        let alice = log_in(&app, &two.platform, "a", ALICE).await;
        let bob = log_in(&app, &two.platform, "b", BOB).await;
        assert!(
            alice
                .split("; ")
                .all(|cookie| cookie.starts_with("a-") || cookie.starts_with("a=")),
            "{alice}"
        );
        let both = format!("{alice}; {bob}");
        for (path, cookie, status, body) in [
            ("/of-a", &alice, StatusCode::OK, ALICE),
            ("/of-a", &both, StatusCode::OK, ALICE),
            ("/of-a", &bob, StatusCode::UNAUTHORIZED, "/a/start"),
            ("/of-b", &bob, StatusCode::OK, BOB),
            ("/of-b", &both, StatusCode::OK, BOB),
            ("/of-b", &alice, StatusCode::UNAUTHORIZED, "/b/start"),
            ("/of-both/a", &both, StatusCode::OK, ALICE),
            ("/of-both/a", &alice, StatusCode::OK, ALICE),
            ("/of-both/b", &both, StatusCode::OK, BOB),
            ("/of-both/b", &alice, StatusCode::UNAUTHORIZED, "/b/start"),
            ("/of-both/b", &bob, StatusCode::UNAUTHORIZED, "/a/start"),
        ] {
            let answer = get_page(&app, path, cookie).await;
            assert_eq!(answer.status, status, "{path}");
            assert!(answer.body.contains(body), "{path}: {}", answer.body);
            assert_eq!(answer.header(header::CACHE_CONTROL), "no-store", "{path}");
        }
        // Where there is no guard, the innermost layer decides.
        let answer = get_page(&app, "/engine", &both).await;
        assert_eq!(answer.body, inner);
        let (member, stranger) = match inner {
            "a" => (&alice, &bob),
            _ => (&bob, &alice),
        };
        let answer = get_page(&app, "/whoami", stranger).await;
        assert_eq!(answer.body, "nobody");
        let answer = get_page(&app, "/whoami", member).await;
        assert!([ALICE, BOB].contains(&&*answer.body), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_guard_whose_layer_is_missing_lets_nobody_in() {
    let two = Two::new().await;
    let with_a: fn(&Two) -> Router = |two| two.pages().layer(two.a.layer());
    let wrapped: fn(&Two) -> Router = |two| Router::new().fallback_service(two.a.wrap(two.pages()));
    for app in [with_a(&two), wrapped(&two)] {
        let alice = log_in(&app, &two.platform, "a", ALICE).await;
        for cookie in ["", &alice] {
            for method in [Method::GET, Method::HEAD, Method::POST, Method::OPTIONS] {
                send(&app, request(method, "/of-b", cookie))
                    .await
                    .assert_500();
            }
        }
        get_page(&app, "/of-both/b", &alice).await.assert_500();
        // The other login is not disturbed.
        let answer = get_page(&app, "/of-a", &alice).await;
        assert_eq!((answer.status, &*answer.body), (StatusCode::OK, ALICE));
    }
}

#[tokio::test]
async fn routes_whose_layer_is_missing_begin_and_end_nothing() {
    let two = Two::new().await;
    let app = two.pages().layer(two.a.layer());
    let alice = log_in(&app, &two.platform, "a", ALICE).await;
    for mount in two.b.miracl().routes() {
        for method in mount.methods {
            let method: Method = method.parse().unwrap();
            send(&app, request(method, mount.path, &alice))
                .await
                .assert_500();
        }
    }
    let answer = get_page(&app, "/whoami", &alice).await;
    assert_eq!(answer.body, ALICE, "nobody was logged out");
}

#[tokio::test]
async fn each_around_its_own_routes_they_do_not_meet() {
    let two = Two::new().await;
    let around = |auth: &MiraclAuth, path: &str| -> Router {
        Router::new()
            .route(path, any(async |user: User| user.id().to_owned()))
            .route_layer(auth.login_required())
            .merge(auth.routes())
            .layer(auth.layer())
    };
    let app = around(&two.a, "/for-a").merge(around(&two.b, "/for-b"));
    let alice = log_in(&app, &two.platform, "a", ALICE).await;
    let bob = log_in(&app, &two.platform, "b", BOB).await;
    for (path, cookie, status) in [
        ("/for-a", &alice, StatusCode::OK),
        ("/for-a", &bob, StatusCode::UNAUTHORIZED),
        ("/for-b", &bob, StatusCode::OK),
        ("/for-b", &alice, StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(get_page(&app, path, cookie).await.status, status, "{path}");
    }
}

/// An equal configuration makes another engine; a clone is the same engine.
#[tokio::test]
async fn logins_are_told_apart_by_identity() {
    let two = Two::new().await;
    let twin = miracl_axum::Miracl::new(two.a.miracl().config().clone()).unwrap();
    let twin = MiraclAuth::new(twin, Nothing);
    let members = |guard: &MiraclAuth| -> Router {
        Router::new()
            .route("/members", get(async || "for members"))
            .layer(guard.login_required())
            .merge(two.a.routes())
            .layer(two.a.layer())
    };
    let app = members(&two.a.clone());
    let alice = log_in(&app, &two.platform, "a", ALICE).await;
    assert_eq!(get_page(&app, "/members", &alice).await.body, "for members");
    get_page(&members(&twin), "/members", &alice)
        .await
        .assert_500();
}

/// Of two apps on one engine, nobody could say whose hooks count.
#[test]
#[should_panic(expected = "this `Miracl` has a `MiraclAuth` already")]
fn a_second_login_on_one_engine_is_refused() {
    let first = self::support::auth("first");
    let _ = MiraclAuth::new(first.miracl().clone(), Nothing);
}

struct Nothing;

impl miracl_axum::AuthHandler for Nothing {
    async fn on_auth_success(
        &self,
        _: &mut axum::http::request::Parts,
        _: miracl_axum::AuthSuccess,
    ) -> axum::response::Result<Response> {
        unreachable!("nobody logs in here")
    }
}
