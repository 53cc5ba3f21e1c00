//! Which visit a request finds: its own or none, whatever runs between the layer and the code that asks.
#![allow(clippy::unwrap_used)] // helpers of tests

mod support;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use actix_web::{
    App, HttpMessage, HttpRequest,
    body::{BoxBody, to_bytes},
    dev::ServiceRequest,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    middleware::{Next, from_fn},
    rt::{spawn, task::yield_now},
    test::{TestRequest, init_service},
    web::{self, ServiceConfig},
};
use futures_util::{
    FutureExt,
    future::{LocalBoxFuture, Shared},
};
use miracl_actix::{MiraclAuth, RequestExt, User};

use self::support::{ALICE, BOB, auth_at, get_page, log_in, platform, request, send};

async fn whoami(user: Option<User>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.id().to_owned())
}

async fn required(user: User) -> String {
    user.id().to_owned()
}

async fn who(req: &HttpRequest) -> String {
    let user = req.visit().user().await.unwrap();
    user.map_or_else(|| "nobody".to_owned(), |user| user.id().to_owned())
}

fn pages(auth: &MiraclAuth) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let auth = auth.clone();
    move |app| {
        app.route("/whoami", web::get().to(whoami))
            .route("/required", web::get().to(required))
            .service(
                web::resource("/guarded")
                    .route(web::to(async || "for members"))
                    .wrap(auth.login_required()),
            )
            .configure(auth.routes());
    }
}

#[actix_web::test]
async fn requests_that_share_an_answer_still_know_who_they_are() {
    type Answered = Shared<LocalBoxFuture<'static, String>>;
    let platform = platform().await;
    let auth = auth_at(platform.issuer(), "a");
    let open = Rc::new(Cell::new(false));
    let first: Rc<RefCell<Option<Answered>>> = Rc::default();
    let slow = {
        let open = Rc::clone(&open);
        move |req: HttpRequest| {
            let open = Rc::clone(&open);
            async move {
                while !open.get() {
                    yield_now().await;
                }
                who(&req).await
            }
        }
    };
    let together = {
        let first = Rc::clone(&first);
        from_fn(move |request: ServiceRequest, next: Next<BoxBody>| {
            let first = Rc::clone(&first);
            async move {
                let own = TestRequest::default().to_srv_request();
                let req = request.request().clone();
                let run = async move {
                    // Reads the answer, as a middleware does that sends it to many.
                    let answer = next.call(request).await.unwrap().into_body();
                    let body = to_bytes(answer).await.map_err(|_| "no body").unwrap();
                    String::from_utf8(body.to_vec()).unwrap()
                };
                let shared = {
                    let mut first = first.borrow_mut();
                    first
                        .get_or_insert_with(|| run.boxed_local().shared())
                        .clone()
                };
                let answer = shared.await;
                let text = format!("{}, and the first was {answer}", who(&req).await);
                let response = actix_web::HttpResponse::Ok().body(text);
                Ok(own.into_response(response))
            }
        })
    };
    let app = App::new()
        .configure(pages(&auth))
        .service(
            web::resource("/slow")
                .route(web::get().to(slow))
                .wrap(together),
        )
        .wrap(auth.layer());
    let app = init_service(app).await;
    let alice = log_in!(&app, platform, "a", ALICE);
    let bob = log_in!(&app, platform, "a", BOB);

    // Alice asks first, and hangs up.
    let asked = send(
        &app,
        request(actix_web::http::Method::GET, "/slow", &alice).to_request(),
    )
    .now_or_never();
    assert!(asked.is_none(), "she waits");
    assert!(first.borrow().is_some(), "she was the first");
    open.set(true);
    let answer = get_page!(&app, "/slow", &bob);
    assert_eq!(answer.body, format!("{BOB}, and the first was {ALICE}"));
    let answer = get_page!(&app, "/slow", "");
    assert_eq!(answer.body, format!("nobody, and the first was {ALICE}"));
}

#[actix_web::test]
async fn a_request_that_another_task_carries_on_is_whose_it_was() {
    let platform = platform().await;
    let auth = auth_at(platform.issuer(), "a");
    let app = App::new()
        .configure(pages(&auth))
        .wrap(from_fn(
            async |request: ServiceRequest, next: Next<BoxBody>| {
                spawn(async move {
                    yield_now().await;
                    next.call(request).await
                })
                .await
                .unwrap()
            },
        ))
        .wrap(auth.layer());
    let app = init_service(app).await;
    let alice = log_in!(&app, platform, "a", ALICE);
    let bob = log_in!(&app, platform, "a", BOB);
    let ask = |cookie: &str| {
        let request = request(actix_web::http::Method::GET, "/whoami", cookie);
        send(&app, request.to_request())
    };
    for _ in 0..2 {
        let asked = futures_util::future::join3(ask(&alice), ask(&bob), ask(""));
        let (one, other, nobody) = asked.await;
        let found = [&*one.body, &*other.body, &*nobody.body];
        assert_eq!(found, [ALICE, BOB, "nobody"]);
    }
}

#[actix_web::test]
async fn the_heads_of_two_requests_on_one_task_are_of_two_people() {
    let platform = platform().await;
    let auth = auth_at(platform.issuer(), "a");
    let left: Rc<RefCell<Vec<HttpRequest>>> = Rc::default();
    let leave = {
        let left = Rc::clone(&left);
        move |req: HttpRequest| {
            left.borrow_mut().push(req);
            async { "left" }
        }
    };
    let app = App::new()
        .configure(pages(&auth))
        .route("/leave", web::get().to(leave))
        .wrap(auth.layer());
    let app = init_service(app).await;
    let alice = log_in!(&app, platform, "a", ALICE);
    let bob = log_in!(&app, platform, "a", BOB);
    for cookie in [&*alice, &*bob, ""] {
        get_page!(&app, "/leave", cookie);
    }
    let all = left.take();
    for _ in 0..2 {
        let found = [who(&all[1]).await, who(&all[0]).await, who(&all[2]).await];
        assert_eq!(found, [BOB, ALICE, "nobody"]);
    }
}

#[actix_web::test]
async fn a_request_made_by_hand_is_nobody_elses() {
    let platform = platform().await;
    let auth = auth_at(platform.issuer(), "a");
    let app = App::new().configure(pages(&auth)).wrap(auth.layer());
    let app = init_service(app).await;
    let alice = log_in!(&app, platform, "a", ALICE);
    let bob = log_in!(&app, platform, "a", BOB);

    // An app that hands what was left in one request on to another.
    let bare = App::new()
        .route("/whoami", web::get().to(whoami))
        .route("/required", web::get().to(required));
    let bare = Rc::new(init_service(bare).await);
    for ask_first in [false, true] {
        for (path, cookie, status, found) in [
            ("/required", None, StatusCode::INTERNAL_SERVER_ERROR, ""),
            (
                "/required",
                Some(&bob),
                StatusCode::INTERNAL_SERVER_ERROR,
                "",
            ),
            ("/required", Some(&alice), StatusCode::OK, ALICE),
            ("/whoami", None, StatusCode::OK, "nobody"),
            ("/whoami", Some(&bob), StatusCode::OK, "nobody"),
            ("/whoami", Some(&alice), StatusCode::OK, ALICE),
        ] {
            let sub = {
                let (bare, cookie) = (Rc::clone(&bare), cookie.cloned());
                move |req: HttpRequest| {
                    let (bare, cookie) = (Rc::clone(&bare), cookie.clone());
                    async move {
                        if ask_first {
                            who(&req).await;
                        }
                        let cookie = cookie.unwrap_or_default();
                        let sub = request(actix_web::http::Method::GET, path, &cookie).to_request();
                        *sub.extensions_mut() = std::mem::take(&mut *req.extensions_mut());
                        let answer = send(&*bare, sub).await;
                        format!("{} {}", answer.status.as_u16(), answer.body)
                    }
                }
            };
            let app = App::new()
                .route("/ask", web::get().to(sub))
                .wrap(auth.layer());
            let app = init_service(app).await;
            let answer = get_page!(&app, "/ask", &alice);
            assert_eq!(answer.body, format!("{} {found}", status.as_u16()));
            assert_eq!(answer.cookies(), "", "nothing of Bob's comes to Alice");
        }
    }
    // Without a layer around it, nothing is known of a request.
    for cookie in ["", &alice, &bob] {
        let answer = get_page!(&*bare, "/required", cookie);
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(get_page!(&*bare, "/whoami", cookie).body, "nobody");
    }
}

#[actix_web::test]
async fn cookies_that_change_inside_of_the_layer_are_not_believed() {
    let platform = platform().await;
    let auth = auth_at(platform.issuer(), "a");
    let plain = App::new().configure(pages(&auth)).wrap(auth.layer());
    let plain = init_service(plain).await;
    let bob = log_in!(&plain, platform, "a", BOB);
    let swap = {
        let bob = HeaderValue::from_str(&bob).unwrap();
        from_fn(move |mut request: ServiceRequest, next: Next<BoxBody>| {
            request.headers_mut().insert(header::COOKIE, bob.clone());
            async move { next.call(request).await }
        })
    };
    let app = App::new()
        .configure(pages(&auth))
        .wrap(swap)
        .wrap(auth.layer());
    let app = init_service(app).await;
    for path in ["/required", "/guarded"] {
        let answer = get_page!(&app, path, "a-session=of-alice");
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        assert_eq!(answer.body, "", "{path}");
        assert_eq!(get_page!(&app, path, &bob).status, StatusCode::OK, "{path}");
    }
    let answer = get_page!(&app, "/whoami", "a-session=of-alice");
    assert_eq!(answer.body, "nobody");
}
