//! The layer in front of an app, and what actix-web does in its own way.
#![allow(clippy::unwrap_used)] // helpers of tests

use actix_web::{
    App, Error, HttpRequest, HttpResponse, Result,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    error::ErrorBadGateway,
    http::{Method, StatusCode, header},
    middleware::from_fn,
    test::{TestRequest, init_service, read_body, try_call_service},
    web,
};
use miracl_actix::{
    AuthHandler, AuthSuccess, Category, Config, CookieKey, CredentialSource, Miracl, MiraclAuth,
    RequestExt, User, Visit,
};

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &HttpRequest, _: AuthSuccess) -> Result<HttpResponse> {
        Ok(HttpResponse::NoContent().finish())
    }
}

fn config() -> Config {
    Config {
        issuer: "http://127.0.0.1:1".to_owned(),
        client_id: "app".to_owned(),
        client_secret: "secret".into(),
        redirect_uri: "http://127.0.0.1:5000/login".to_owned(),
        cookie_keys: vec![CookieKey::generate()],
        ..Config::default()
    }
}

fn auth() -> MiraclAuth {
    MiraclAuth::new(Miracl::new(config()).unwrap(), Hooks)
}

/// A login whose sessions cannot be read, because nobody can tell which client they belong to.
fn auth_without_credentials() -> MiraclAuth {
    let vault = CredentialSource::new(|| async { Err("the vault is sealed".into()) });
    let config = Config {
        client_id: String::new(),
        client_secret: "".into(),
        credential_source: Some(vault),
        ..config()
    };
    MiraclAuth::new(Miracl::new(config).unwrap(), Hooks)
}

/// Pages that ask who is logged in, one by each extractor, and a page that does not ask.
fn pages(app: &mut web::ServiceConfig) {
    app.route("/public", web::to(async || "for everyone"))
        .route("/user", web::get().to(async |_: User| "somebody"))
        .route("/visit", web::get().to(async |_: Visit| "a visit"))
        .route(
            "/maybe",
            web::get().to(async |user: Option<User>| match user {
                Some(_) => "somebody",
                None => "nobody",
            }),
        );
}

async fn send<T>(app: App<T>, request: TestRequest) -> Result<ServiceResponse>
where
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse,
            Error = Error,
            InitError = (),
        > + 'static,
{
    try_call_service(&init_service(app).await, request.to_request()).await
}

fn navigation(path: &str) -> TestRequest {
    let request = TestRequest::get().uri(path);
    request.insert_header(("sec-fetch-mode", "navigate"))
}

async fn text(response: ServiceResponse) -> String {
    String::from_utf8(read_body(response).await.to_vec()).unwrap()
}

#[actix_web::test]
async fn an_app_has_a_visit_and_its_cookies_reach_the_response() {
    let seen = async |visit: Visit| {
        visit.flash(Category::Info, "seen");
        let known = visit.is_authenticated().await.unwrap();
        format!("known: {known}")
    };
    let app = App::new()
        .route("/", web::get().to(seen))
        .wrap(auth().layer());
    let answer = send(app, navigation("/")).await.unwrap();
    let cookie = answer.headers().get(header::SET_COOKIE).unwrap();
    let cookie = cookie.to_str().unwrap();
    assert!(cookie.starts_with("miracl-flash="), "{cookie}");
    assert_eq!(
        answer.headers().get(header::CACHE_CONTROL).unwrap(),
        "no-store"
    );
    assert_eq!(text(answer).await, "known: false");
}

#[actix_web::test]
async fn a_page_that_never_asks_gets_its_response_through_untouched() {
    let app = App::new().configure(pages).wrap(auth().layer());
    let answer = send(app, navigation("/public")).await.unwrap();
    let names: Vec<_> = answer.headers().keys().collect();
    assert_eq!(names, [header::CONTENT_TYPE]);
}

#[actix_web::test]
async fn an_unsafe_request_from_another_site_does_not_reach_the_app() {
    for (site, status) in [
        ("cross-site", StatusCode::FORBIDDEN),
        ("same-origin", StatusCode::OK),
    ] {
        let app = App::new().configure(pages).wrap(auth().layer());
        let post = TestRequest::post().uri("/public");
        let post = post.insert_header(("sec-fetch-site", site));
        let answer = send(app, post).await.unwrap();
        assert_eq!(answer.status(), status);
        assert!(!answer.headers().contains_key(header::SET_COOKIE));
    }
}

#[actix_web::test]
async fn a_rejection_goes_through_the_layer() {
    let app = App::new().configure(pages).wrap(auth().layer());
    let answer = send(app, navigation("/user")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let login = "http://127.0.0.1:5000/login/start?return_to=%2Fuser";
    assert_eq!(answer.headers().get(header::LOCATION).unwrap(), login);
    assert_eq!(
        answer.headers().get(header::CACHE_CONTROL).unwrap(),
        "no-store"
    );
}

#[actix_web::test]
async fn an_optional_user_is_nobody_also_when_the_session_cannot_be_read() {
    for (auth, required) in [
        (auth(), StatusCode::SEE_OTHER),
        (auth_without_credentials(), StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let app = || App::new().configure(pages).wrap(auth.layer());
        let answer = send(app(), navigation("/user")).await.unwrap();
        assert_eq!(answer.status(), required);

        let answer = send(app(), navigation("/maybe")).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(!answer.headers().contains_key(header::LOCATION));
        assert_eq!(text(answer).await, "nobody");
    }
}

#[actix_web::test]
async fn without_the_layer_the_answer_is_500_and_says_nothing_and_an_optional_user_is_nobody() {
    let app = || App::new().configure(pages).configure(auth().routes());
    for path in ["/user", "/visit", "/login", "/login/start", "/logout"] {
        let answer = send(app(), navigation(path)).await.unwrap();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        assert_eq!(text(answer).await, "", "{path}");
    }
    let answer = send(app(), navigation("/maybe")).await.unwrap();
    assert_eq!(text(answer).await, "nobody");
}

#[actix_web::test]
async fn an_error_of_another_middleware_keeps_the_cookies() {
    let app = App::new()
        .configure(pages)
        .wrap(from_fn(async |request: ServiceRequest, _| {
            let visit = request.request().visit();
            visit.flash(Category::Warning, "Please try again.");
            Err::<ServiceResponse, _>(ErrorBadGateway("the other server is away"))
        }))
        .wrap(auth().layer());
    let error = send(app, navigation("/visit")).await.unwrap_err();
    let answer = error.error_response();
    assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(answer.headers().get_all(header::SET_COOKIE).count(), 1);
    assert_eq!(
        answer.headers().get(header::CACHE_CONTROL).unwrap(),
        "no-store"
    );
}

#[actix_web::test]
async fn a_login_can_be_required_around_a_route_a_resource_and_a_scope() {
    let auth = auth();
    let page = || web::get().to(async || "for members");
    let app = || {
        App::new()
            .service(web::resource("/route").route(page().wrap(auth.login_required())))
            .service(
                web::resource("/resource")
                    .route(page())
                    .wrap(auth.login_required()),
            )
            .service(
                web::scope("/scope")
                    .route("/page", page())
                    .wrap(auth.login_required()),
            )
            .wrap(auth.layer())
    };
    for path in ["/route", "/resource", "/scope/page", "/scope/nothing"] {
        let answer = send(app(), navigation(path)).await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{path}");
        let fetch = TestRequest::get().uri(path);
        let answer = send(app(), fetch).await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    let delete = TestRequest::delete().uri("/route");
    let answer = send(app(), delete).await.unwrap();
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[actix_web::test]
async fn no_method_gets_around_a_guard_and_a_preflight_neither() {
    let auth = auth();
    let page = || web::to(async || "for members");
    let app = || {
        App::new()
            .service(
                web::scope("/api")
                    .default_service(page())
                    .wrap(auth.login_required()),
            )
            .service(web::resource("/resource").route(page().wrap(auth.login_required())))
            .service(
                web::resource("/default")
                    .route(web::get().to(HttpResponse::NoContent))
                    .default_service(page())
                    .wrap(auth.login_required()),
            )
            .wrap(auth.layer())
    };
    for path in ["/api/things", "/api", "/resource", "/default"] {
        for method in [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PURGE",
        ] {
            let method: Method = method.parse().unwrap();
            let preflight = TestRequest::with_uri(path)
                .method(method.clone())
                .insert_header((header::ACCESS_CONTROL_REQUEST_METHOD, "POST"));
            let answer = send(app(), preflight).await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
            assert!(!text(answer).await.contains("for members"));
        }
    }
}

#[actix_web::test]
async fn the_routes_of_the_login_answer_head_and_no_other_methods() {
    let auth = auth();
    let app = || App::new().configure(auth.routes()).wrap(auth.layer());
    for (path, status) in [
        ("/login", StatusCode::NO_CONTENT),
        ("/login/start", StatusCode::NO_CONTENT),
        ("/logout", StatusCode::SEE_OTHER),
        ("/logout/", StatusCode::NOT_FOUND),
    ] {
        let head = TestRequest::with_uri(path).method(Method::HEAD);
        let answer = send(app(), head).await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        assert!(!answer.headers().contains_key(header::SET_COOKIE), "{path}");
    }
    let put = TestRequest::put().uri("/login");
    let answer = send(app(), put).await.unwrap();
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers().get(header::ALLOW).unwrap(), "GET, HEAD");
}

#[actix_web::test]
#[should_panic(expected = "the login's route /login is at /x/login")]
async fn an_app_with_the_routes_in_a_scope_does_not_start() {
    let auth = auth();
    let app = App::new()
        .service(web::scope("/x").configure(auth.routes()))
        .wrap(auth.layer());
    let _ = send(app, navigation("/login")).await;
}

#[actix_web::test]
#[should_panic(expected = "the login's route /login is at /{tenant}/x/login")]
async fn an_app_with_the_routes_in_a_scope_of_a_scope_does_not_start() {
    let auth = auth();
    let scope = web::scope("/x").configure(|app| {
        app.service(web::scope("").configure(auth.routes()));
    });
    let app = App::new()
        .service(web::scope("/{tenant}").service(scope))
        .wrap(auth.layer());
    let _ = send(app, navigation("/login")).await;
}

#[actix_web::test]
async fn a_scope_without_a_path_may_have_the_routes() {
    let auth = auth();
    let app = || {
        App::new()
            .service(web::scope("").configure(auth.routes()))
            .wrap(auth.layer())
    };
    let answer = send(app(), navigation("/login")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
}

#[actix_web::test]
async fn missing_routes_are_an_error_and_no_404() {
    let app = || App::new().configure(pages).wrap(auth().layer());
    for path in ["/login", "/login/start?return_to=/x"] {
        let answer = send(app(), navigation(path)).await.unwrap();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        assert_eq!(text(answer).await, "", "{path}");
    }
    let answer = send(app(), navigation("/login/")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[test]
fn a_server_with_the_routes_in_a_scope_ends_at_once() {
    let (ended, end) = std::sync::mpsc::channel();
    let server = std::thread::spawn(move || {
        let _ended = ended;
        actix_web::rt::System::new().block_on(async {
            let auth = auth();
            let app = move || {
                App::new()
                    .service(web::scope("/x").configure(auth.routes()))
                    .wrap(auth.layer())
            };
            let server = actix_web::HttpServer::new(app).workers(1);
            server.bind("127.0.0.1:0").unwrap().run().await.unwrap();
        });
    });
    let patience = std::time::Duration::from_secs(60);
    let disconnected = std::sync::mpsc::RecvTimeoutError::Disconnected;
    assert_eq!(end.recv_timeout(patience), Err::<(), _>(disconnected));
    assert!(server.join().is_err());
}
