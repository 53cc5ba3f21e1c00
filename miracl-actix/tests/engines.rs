//! Two logins in one app: each guard, route and hook knows to which of them it belongs.
#![allow(clippy::unwrap_used)] // helpers of tests

mod support;

use std::sync::{Arc, Mutex};

use actix_web::{
    App,
    body::BoxBody,
    dev::ServiceRequest,
    http::{Method, StatusCode, header},
    middleware::{Next, from_fn},
    test::init_service,
    web::{self, ServiceConfig},
};
use miracl_actix::{AuthHandler, Miracl, MiraclAuth, RequestExt, User, Visit};
use miracl_platform::Platform;

use self::support::{ALICE, BOB, auth_at, get_page, log_in, platform, request, send};

/// Two logins of one provider.
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
    fn pages(&self) -> impl FnOnce(&mut ServiceConfig) + use<> {
        let (a, b) = (self.a.clone(), self.b.clone());
        let member = || web::to(async |user: User| user.id().to_owned());
        move |app| {
            app.service(
                web::scope("/of-a")
                    .default_service(member())
                    .wrap(a.login_required()),
            )
            .service(
                web::scope("/of-b")
                    .default_service(member())
                    .wrap(b.login_required()),
            )
            .service(
                web::scope("/of-both")
                    .service(web::resource("/b").route(member()).wrap(b.login_required()))
                    .service(web::resource("/a").route(member()))
                    .wrap(a.login_required()),
            )
            .route("/whoami", web::get().to(whoami))
            .route("/engine", web::get().to(engine))
            .configure(a.routes())
            .configure(b.routes());
        }
    }
}

async fn whoami(user: Option<User>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.id().to_owned())
}

async fn engine(visit: Visit) -> String {
    visit.miracl().config().client_id.clone()
}

#[actix_web::test]
async fn each_guard_asks_its_own_login_and_so_does_what_is_behind_it() {
    let two = Two::new().await;
    for (inner, outer, name) in [(&two.a, &two.b, "a"), (&two.b, &two.a, "b")] {
        let app = App::new()
            .configure(two.pages())
            .wrap(inner.layer())
            .wrap(outer.layer());
        let app = init_service(app).await;
        let alice = log_in!(&app, two.platform, "a", ALICE);
        let bob = log_in!(&app, two.platform, "b", BOB);
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
            let answer = get_page!(&app, path, cookie);
            assert_eq!(answer.status, status, "{path}");
            assert!(answer.body.contains(body), "{path}: {}", answer.body);
            assert_eq!(answer.header(header::CACHE_CONTROL), "no-store", "{path}");
        }
        // Where there is no guard, the innermost layer decides.
        assert_eq!(get_page!(&app, "/engine", &both).body, name);
    }
}

#[actix_web::test]
async fn a_guard_whose_layer_is_missing_lets_nobody_in() {
    let two = Two::new().await;
    let app = App::new().configure(two.pages()).wrap(two.a.layer());
    let app = init_service(app).await;
    let alice = log_in!(&app, two.platform, "a", ALICE);
    for cookie in ["", &alice] {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::OPTIONS] {
            send(&app, request(method, "/of-b", cookie).to_request())
                .await
                .assert_500();
        }
    }
    get_page!(&app, "/of-both/b", &alice).assert_500();
    // The other login is not disturbed.
    let answer = get_page!(&app, "/of-a", &alice);
    assert_eq!((answer.status, &*answer.body), (StatusCode::OK, ALICE));
}

#[actix_web::test]
async fn routes_whose_layer_is_missing_begin_and_end_nothing() {
    let two = Two::new().await;
    let app = App::new().configure(two.pages()).wrap(two.a.layer());
    let app = init_service(app).await;
    let alice = log_in!(&app, two.platform, "a", ALICE);
    for mount in two.b.miracl().routes() {
        for method in mount.methods {
            let method: Method = method.parse().unwrap();
            send(&app, request(method, mount.path, &alice).to_request())
                .await
                .assert_500();
        }
    }
    assert_eq!(get_page!(&app, "/whoami", &alice).body, ALICE);
}

#[actix_web::test]
async fn each_around_its_own_routes_they_do_not_meet() {
    let two = Two::new().await;
    let member = || web::to(async |user: User| user.id().to_owned());
    let app = App::new()
        .service(
            web::scope("/for-a")
                .default_service(member())
                .wrap(two.a.login_required())
                .wrap(two.a.layer()),
        )
        .service(
            web::scope("/for-b")
                .default_service(member())
                .wrap(two.b.login_required())
                .wrap(two.b.layer()),
        )
        .service(
            web::scope("")
                .configure(two.pages())
                .wrap(two.a.layer())
                .wrap(two.b.layer()),
        );
    let app = init_service(app).await;
    let alice = log_in!(&app, two.platform, "a", ALICE);
    let bob = log_in!(&app, two.platform, "b", BOB);
    for (path, cookie, status) in [
        ("/for-a", &alice, StatusCode::OK),
        ("/for-a", &bob, StatusCode::UNAUTHORIZED),
        ("/for-b", &bob, StatusCode::OK),
        ("/for-b", &alice, StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(get_page!(&app, path, cookie).status, status, "{path}");
    }
}

/// A request has the same extensions on its way out, and a middleware may ask there.
#[actix_web::test]
async fn a_middleware_that_asks_on_the_way_out_finds_the_layer_around_it() {
    let two = Two::new().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = || {
        let seen = Arc::clone(&seen);
        from_fn(move |request: ServiceRequest, next: Next<BoxBody>| {
            let seen = Arc::clone(&seen);
            async move {
                let name = |visit: Visit| visit.miracl().config().client_id.clone();
                let before = name(request.request().visit());
                let response = next.call(request).await?;
                let after = name(response.request().visit());
                seen.lock().unwrap().push([before, after]);
                Ok(response)
            }
        })
    };
    // The guards and routes turn to their own login, and the inner layer leaves its own.
    macro_rules! assert_seen {
        ($app:expr, $inner:expr, $outer:expr) => {
            let app = init_service($app).await;
            let alice = log_in!(&app, two.platform, "a", ALICE);
            let bob = log_in!(&app, two.platform, "b", BOB);
            for (path, cookie) in [
                ("/of-a", &alice),
                ("/of-a", &bob),
                ("/of-b", &bob),
                ("/of-both/a", &alice),
                ("/a/logout", &alice),
                ("/b/logout", &bob),
            ] {
                get_page!(&app, path, cookie);
            }
            for pair in std::mem::take(&mut *seen.lock().unwrap()).chunks(2) {
                assert_eq!(pair, [[$inner, $inner], [$outer, $outer]]);
            }
        };
    }
    let (a, b, pages) = (&two.a, &two.b, || App::new().configure(two.pages()));
    let between = pages()
        .wrap(note())
        .wrap(b.layer())
        .wrap(note())
        .wrap(a.layer());
    assert_seen!(between, "b", "a");
    let inside = pages()
        .wrap(note())
        .wrap(note())
        .wrap(a.layer())
        .wrap(b.layer());
    assert_seen!(inside, "a", "a");
}

/// An equal configuration makes another engine; a clone is the same engine.
#[actix_web::test]
async fn logins_are_told_apart_by_identity() {
    struct Nothing;
    impl AuthHandler for Nothing {
        async fn on_auth_success(
            &self,
            _: &actix_web::HttpRequest,
            _: miracl_actix::AuthSuccess,
        ) -> actix_web::Result<actix_web::HttpResponse> {
            unreachable!("nobody logs in here")
        }
    }
    let two = Two::new().await;
    let twin = Miracl::new(two.a.miracl().config().clone()).unwrap();
    let twin = MiraclAuth::new(twin, Nothing);
    let clone = two.a.clone();
    let page = || web::to(async || "for members");
    let app = App::new()
        .service(
            web::resource("/own")
                .route(page())
                .wrap(clone.login_required()),
        )
        .service(
            web::resource("/twin")
                .route(page())
                .wrap(twin.login_required()),
        )
        .configure(two.a.routes())
        .wrap(two.a.layer());
    let app = init_service(app).await;
    let alice = log_in!(&app, two.platform, "a", ALICE);
    assert_eq!(get_page!(&app, "/own", &alice).body, "for members");
    get_page!(&app, "/twin", &alice).assert_500();
}
