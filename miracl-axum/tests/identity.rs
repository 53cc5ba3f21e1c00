//! Which visit a request finds: its own or none, whatever runs between the layer and the code that asks.
#![allow(clippy::unwrap_used)] // helpers of tests

mod support;

use std::sync::{Arc, Mutex};

use axum::{
    Extension, Router,
    body::{Body, to_bytes},
    extract::{Path, Request},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use miracl_axum::{Category, MiraclAuth, RequestExt, User, Visit};
use tokio::sync::{Notify, mpsc, oneshot};
use tower::ServiceExt;

use self::support::{ALICE, BOB, auth, auth_at, get_page, log_in, platform, request, send};

async fn whoami(user: Option<User>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.id().to_owned())
}

async fn who(parts: &Parts) -> String {
    let user = parts.visit().user().await.unwrap();
    user.map_or_else(|| "nobody".to_owned(), |user| user.id().to_owned())
}

fn pages() -> Router {
    Router::new()
        .route("/whoami", get(whoami))
        .route("/panic", get(panic))
        .route(
            "/say/{text}",
            get(async |visit: Visit, Path(text): Path<String>| visit.flash(Category::Info, text)),
        )
        .route(
            "/said",
            get(async |visit: Visit| {
                tokio::task::yield_now().await;
                let said = visit.take_flashes().await;
                said.into_iter().map(|flash| flash.text).collect::<String>()
            }),
        )
}

async fn panic(_: Visit) {
    panic!("a page that fails")
}

/// An app with the login around it, in each of the two ways.
fn both(auth: &MiraclAuth, pages: &Router) -> [Router; 2] {
    let app = pages.clone().merge(auth.routes());
    let wrapped = auth.wrap(app.clone());
    [
        app.layer(auth.layer()),
        Router::new().fallback_service(wrapped),
    ]
}

/// Asks who is logged in with the cookies of Alice, of Bob, and without any, in turn.
async fn assert_everybody_is_themselves(app: &Router, path: &str, alice: &str, bob: &str) {
    for (cookie, name) in [
        (alice, ALICE),
        ("", "nobody"),
        (bob, BOB),
        (alice, ALICE),
        (bob, BOB),
        ("", "nobody"),
    ] {
        let answer = get_page(app, path, cookie).await;
        assert_eq!((answer.status, &*answer.body), (StatusCode::OK, name));
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    }
}

/// A middleware that puts requests for the same page together: later ones wait for the answer to the first, and drive
/// it on. Then it asks who is logged in.
#[derive(Clone, Default)]
struct Together(Arc<Mutex<Option<Shared<BoxFuture<'static, String>>>>>);

async fn together(
    Extension(Together(first)): Extension<Together>,
    request: Request,
    next: Next,
) -> String {
    let (parts, body) = request.into_parts();
    let whole = Request::from_parts(parts.clone(), body);
    let run = async move {
        let answer = next.run(whole).await.into_body();
        let body = to_bytes(answer, 1_000).await.unwrap();
        String::from_utf8(body.into()).unwrap()
    };
    let shared = {
        let mut first = first.lock().unwrap();
        first.get_or_insert_with(|| run.boxed().shared()).clone()
    };
    let answer = shared.await;
    format!("{}, and the first was {answer}", who(&parts).await)
}

#[tokio::test]
async fn requests_that_share_an_answer_still_know_who_they_are() {
    let platform = platform().await;
    let auth = auth_at(platform.issuer(), "a");
    for at in 0..2 {
        let (gate, first) = (Arc::new(Notify::new()), Together::default());
        let wait = {
            let gate = Arc::clone(&gate);
            async move |visit: Visit| {
                gate.notified().await;
                let user = visit.user().await.unwrap();
                user.map_or_else(|| "nobody".to_owned(), |user| user.id().to_owned())
            }
        };
        let slow = Router::new()
            .route("/slow", get(wait))
            .layer(middleware::from_fn(together))
            .layer(Extension(first.clone()));
        let app = &both(&auth, &pages().merge(slow))[at];
        let alice = log_in(app, &platform, "a", ALICE).await;
        let bob = log_in(app, &platform, "a", BOB).await;

        // Alice asks first, and hangs up.
        let asked = app
            .clone()
            .oneshot(request(Method::GET, "/slow", &alice))
            .now_or_never();
        assert!(asked.is_none(), "she waits");
        assert!(first.0.lock().unwrap().is_some(), "she was the first");
        gate.notify_one();
        let answer = get_page(app, "/slow", &bob).await;
        assert_eq!(answer.body, format!("{BOB}, and the first was {ALICE}"));
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
        let answer = get_page(app, "/slow", "").await;
        assert_eq!(answer.body, format!("nobody, and the first was {ALICE}"));
    }
}

/// What a worker is asked to do.
type Job = (Request, Next, oneshot::Sender<Response>);

#[tokio::test]
async fn a_request_that_another_task_carries_on_is_whose_it_was() {
    let platform = platform().await;
    let auth = auth_at(platform.issuer(), "a");
    let spawn = middleware::from_fn(async |request: Request, next: Next| {
        tokio::spawn(next.run(request)).await.unwrap()
    });
    // One worker for everybody, as behind tower's `Buffer`.
    let (jobs, mut queue) = mpsc::unbounded_channel::<Job>();
    let worker = tokio::spawn(async move {
        while let Some((request, next, answer)) = queue.recv().await {
            let _ = answer.send(next.run(request).await);
        }
    });
    let hand_over = middleware::from_fn(move |request: Request, next: Next| {
        let jobs = jobs.clone();
        async move {
            let (answer, answered) = oneshot::channel();
            jobs.send((request, next, answer)).ok().unwrap();
            answered.await.unwrap()
        }
    });
    let apps = both(&auth, &pages().layer(spawn).layer(hand_over));
    for app in apps {
        let alice = log_in(&app, &platform, "a", ALICE).await;
        let bob = log_in(&app, &platform, "a", BOB).await;
        assert_everybody_is_themselves(&app, "/whoami", &alice, &bob).await;
        let (one, other) = tokio::join!(
            get_page(&app, "/whoami", &alice),
            get_page(&app, "/whoami", &bob)
        );
        assert_eq!((&*one.body, &*other.body), (ALICE, BOB));
    }
    worker.await.unwrap();
}

#[tokio::test]
async fn the_heads_of_two_requests_on_one_task_are_of_two_people() {
    let platform = platform().await;
    let auth = auth_at(platform.issuer(), "a");
    for at in 0..2 {
        let (heads, mut came) = mpsc::unbounded_channel::<Parts>();
        let leave = Router::new().route(
            "/leave",
            any(async move |request: Request| {
                heads.send(request.into_parts().0).unwrap();
            }),
        );
        let app = &both(&auth, &pages().merge(leave))[at];
        let alice = log_in(app, &platform, "a", ALICE).await;
        let bob = log_in(app, &platform, "a", BOB).await;
        for cookie in [&*alice, &*bob, ""] {
            get_page(app, "/leave", cookie).await;
        }
        let mut all = Vec::new();
        for _ in 0..3 {
            all.push(came.recv().await.unwrap());
        }
        for _ in 0..2 {
            let found = [who(&all[1]).await, who(&all[0]).await, who(&all[2]).await];
            assert_eq!(found, [BOB, ALICE, "nobody"]);
        }
    }
}

/// How a page asks a router of its own who is logged in.
#[derive(Clone)]
struct Inner {
    router: Router,
    cookie: Option<HeaderValue>,
    extensions: bool,
    ask_first: bool,
}

/// Asks the inner router who is logged in, and asks for this page before or after that.
async fn ask_inner(Extension(inner): Extension<Inner>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    if inner.ask_first {
        who(&parts).await;
    }
    let mut sub = Request::get("/whoami").body(Body::empty()).unwrap();
    if inner.extensions {
        *sub.extensions_mut() = parts.extensions.clone();
    }
    if let Some(cookie) = inner.cookie {
        sub.headers_mut().insert(header::COOKIE, cookie);
    }
    let answer = inner.router.oneshot(sub).await.unwrap();
    let status = answer.status().as_u16();
    let body = to_bytes(answer.into_body(), 1_000).await.unwrap();
    let found = String::from_utf8(body.into()).unwrap();
    format!("{}: {status} {found}", who(&parts).await).into_response()
}

#[tokio::test]
async fn a_request_made_by_hand_is_nobody_elses() {
    let platform = platform().await;
    let auth = auth_at(platform.issuer(), "a");
    let pages = pages().route("/ask", get(ask_inner));
    for at in 0..2 {
        let app = &both(&auth, &pages)[at];
        let alice = log_in(app, &platform, "a", ALICE).await;
        let bob = log_in(app, &platform, "a", BOB).await;
        let cookie = |text: &str| Some(HeaderValue::from_str(text).unwrap());
        let (bare, with_layer) = (
            Router::new().route("/whoami", get(whoami)),
            Router::new()
                .route("/whoami", get(whoami))
                .layer(auth.layer()),
        );
        let cases = [
            // Without a layer nothing is known of a request that was made here.
            (&bare, None, false, "500 ".to_owned()),
            (&bare, cookie(&bob), false, "500 ".to_owned()),
            (&bare, cookie(&alice), false, "500 ".to_owned()),
            // With the extensions of the page's request: they are Alice's, and good for her cookies alone.
            (&bare, None, true, "500 ".to_owned()),
            (&bare, cookie(&bob), true, "500 ".to_owned()),
            (&bare, cookie("theme=dark"), true, "500 ".to_owned()),
            (&bare, cookie(&alice), true, format!("200 {ALICE}")),
            // A layer of its own decides by the cookies that come to it.
            (&with_layer, None, false, "200 nobody".to_owned()),
            (&with_layer, None, true, "200 nobody".to_owned()),
            (&with_layer, cookie(&bob), false, format!("200 {BOB}")),
            (&with_layer, cookie(&bob), true, format!("200 {BOB}")),
        ];
        for (router, cookie, extensions, expected) in cases {
            for ask_first in [false, true] {
                let inner = Inner {
                    router: router.clone(),
                    cookie: cookie.clone(),
                    extensions,
                    ask_first,
                };
                let app = app.clone().layer(Extension(inner));
                let answer = get_page(&app, "/ask", &alice).await;
                assert_eq!(answer.status, StatusCode::OK);
                assert_eq!(answer.body, format!("{ALICE}: {expected}"), "{ask_first}");
                assert_eq!(answer.cookies(), "", "nothing of Bob's comes to Alice");
            }
        }
    }
}

#[tokio::test]
async fn cookies_that_change_inside_of_the_layer_are_not_believed() {
    let platform = platform().await;
    let auth = auth_at(platform.issuer(), "a");
    let bob = {
        let [app, _] = both(&auth, &pages());
        log_in(&app, &platform, "a", BOB).await
    };
    let swap = {
        let bob = HeaderValue::from_str(&bob).unwrap();
        middleware::from_fn(move |mut request: Request, next: Next| {
            let bob = bob.clone();
            async move {
                request.headers_mut().insert(header::COOKIE, bob);
                next.run(request).await
            }
        })
    };
    let guarded = Router::new()
        .route("/guarded", any(async || "for members"))
        .layer(auth.login_required());
    let pages = pages().merge(guarded);
    for app in both(&auth, &pages.layer(swap)) {
        for path in ["/whoami", "/said", "/guarded"] {
            let answer = get_page(&app, path, "a-session=of-alice").await;
            assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
            assert_eq!(answer.body, "", "{path}");
            let answer = get_page(&app, path, &bob).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
        }
    }
}

#[tokio::test]
async fn a_hook_of_middleware_that_shows_other_cookies_fails_loudly() {
    let ask = Router::new().route(
        "/ask",
        get(async |request: Request| {
            let (mut parts, _) = request.into_parts();
            parts.headers.clear();
            who(&parts).await
        }),
    );
    for app in both(&auth("app"), &ask) {
        let asked = tokio::spawn(async move { get_page(&app, "/ask", "a=b").await.status });
        assert!(asked.await.unwrap_err().is_panic());
    }
}

#[tokio::test]
async fn requests_that_run_in_turns_on_one_thread_find_their_own_visits() {
    let pause = middleware::from_fn(async |request: Request, next: Next| {
        tokio::task::yield_now().await;
        let response = next.run(request).await;
        tokio::task::yield_now().await;
        response
    });
    for app in both(&auth("app"), &pages().layer(pause)) {
        let mut cookies = Vec::new();
        for number in 0..50 {
            let answer = get_page(&app, &format!("/say/message-{number}"), "").await;
            assert_eq!(answer.status, StatusCode::OK);
            cookies.push(answer.cookies());
        }
        let all = cookies.into_iter().enumerate().map(|(number, cookie)| {
            let app = app.clone();
            async move {
                let answer = get_page(&app, "/said", &cookie).await;
                assert_eq!(answer.body, format!("message-{number}"));
                assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
                let deleted = answer.header(header::SET_COOKIE);
                assert!(deleted.contains("Max-Age=0"), "{deleted}");
            }
        });
        futures_util::future::join_all(all).await;
    }
}

#[tokio::test]
async fn a_panic_leaves_no_visit_behind_for_the_next_request() {
    for app in both(&auth("app"), &pages()) {
        let panicked = tokio::spawn({
            let app = app.clone();
            async move { get_page(&app, "/panic", "").await.status }
        });
        assert!(panicked.await.unwrap_err().is_panic());
        // Without a login around it nothing is found, on this thread or another.
        let answer = get_page(&pages(), "/whoami", "").await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        let answer = send(&app, request(Method::GET, "/whoami", "")).await;
        assert_eq!((answer.status, &*answer.body), (StatusCode::OK, "nobody"));
    }
}
