//! What Rocket does in its own way, and what the adapter makes of it.

#![expect(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "these are tests, and Rocket's handlers take guards by value"
)]

use miracl_platform::{Client as App, Platform, PlatformConfig};
use miracl_rocket::{
    AuthHandler, AuthSuccess, Category, Config, CookieKey, LoginRequired, Miracl, MiraclAuth,
    Paths, Response, Result, User, Visit,
};
use rocket::{
    Build, Request, Rocket, catch, catchers,
    config::LogLevel,
    error::ErrorKind,
    fairing::AdHoc,
    fs::FileServer,
    get,
    http::{ContentType, Header, Method, Status},
    local::asynchronous::{Client, LocalRequest, LocalResponse},
    post,
    response::{Redirect, Responder},
    routes,
};

const SITE: &str = "http://127.0.0.1:5000";

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, req: &Request<'_>, login: AuthSuccess) -> Result<Response> {
        match login.return_to() {
            "/veto" => Err(Status::PaymentRequired),
            "/panic" => panic!("a hook may"),
            to => Redirect::to(to.to_owned()).respond_to(req),
        }
    }
}

#[get("/required")]
fn required(user: User) -> String {
    user.id().to_owned()
}

#[get("/optional/ok")]
fn optional(user: Option<User>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.id().to_owned())
}

/// The handler's own 401, by way of a catcher.
#[get("/optional/status")]
fn optional_by_status(user: Option<User>) -> Status {
    user.map_or(Status::Unauthorized, |_| Status::NoContent)
}

/// The handler's own 503, by itself.
#[get("/optional/503")]
fn optional_by_itself(_user: Option<User>) -> (Status, &'static str) {
    (Status::ServiceUnavailable, "mine")
}

#[get("/result")]
fn result(user: Result<User, LoginRequired>) -> Result<String, LoginRequired> {
    user.map(|user| user.id().to_owned())
}

/// A route that would take what another forwards.
#[get("/required", rank = 100)]
fn never() -> &'static str {
    "anybody"
}

#[get("/flash")]
async fn flash(visit: Visit, _user: User) {
    visit.take_flashes().await;
}

#[get("/flash-and-fail")]
fn flash_and_fail(visit: Visit) -> Status {
    visit.flash(Category::Warning, "Not today.");
    Status::ImATeapot
}

#[post("/unsafe")]
fn change() -> &'static str {
    "changed"
}

#[catch(401)]
fn unauthorized() -> &'static str {
    "the app's own 401"
}

#[catch(default)]
fn scoped(status: Status, _: &Request<'_>) -> String {
    format!("the app's own {}", status.code)
}

#[catch(default)]
fn away() -> Redirect {
    Redirect::to("/elsewhere")
}

fn auth(issuer: &str) -> MiraclAuth {
    let miracl = Miracl::new(Config {
        issuer: issuer.to_owned(),
        client_id: "app".into(),
        client_secret: "secret".into(),
        redirect_uri: Config::redirect_uri_for(SITE),
        post_logout_redirect_uri: Some(format!("{SITE}/signed-out")),
        cookie_keys: vec![CookieKey::generate()],
        ..Config::default()
    });
    MiraclAuth::new(miracl.unwrap(), Hooks)
}

fn quiet() -> Rocket<Build> {
    rocket::custom(rocket::Config {
        log_level: LogLevel::Off,
        ..rocket::Config::debug_default()
    })
}

fn app_at(issuer: &str) -> Rocket<Build> {
    let auth = auth(issuer);
    let routes = routes![
        required,
        never,
        optional,
        optional_by_status,
        optional_by_itself,
        result,
        flash,
        flash_and_fail,
        change
    ];
    quiet()
        .mount("/", routes.clone())
        .mount("/scope", routes.clone())
        .mount("/away", routes)
        .mount("/files", FileServer::from(env!("CARGO_MANIFEST_DIR")))
        .mount("/files", auth.login_required())
        .register("/", catchers![unauthorized])
        .register("/scope", catchers![scoped])
        .register("/away", catchers![away])
        .mount("/", auth.routes())
        .attach(auth.fairing())
}

async fn client() -> Client {
    Client::untracked(app_at("http://127.0.0.1:1"))
        .await
        .unwrap()
}

fn navigate(request: LocalRequest<'_>) -> LocalRequest<'_> {
    request.header(Header::new("sec-fetch-mode", "navigate"))
}

fn header<'a>(response: &'a LocalResponse<'_>, name: &str) -> &'a str {
    response.headers().get_one(name).unwrap_or_default()
}

#[rocket::async_test]
async fn a_required_user_is_challenged_as_in_the_siblings() {
    let client = client().await;
    for path in ["/required", "/result", "/flash", "/scope/required"] {
        let page = navigate(client.get(path)).dispatch().await;
        assert_eq!(page.status(), Status::SeeOther, "{path}");
        assert!(header(&page, "location").starts_with(&format!("{SITE}/login/start?return_to=")));
        assert_eq!(header(&page, "cache-control"), "no-store", "{path}");

        let api = client.get(path).dispatch().await;
        assert_eq!(api.status(), Status::Unauthorized, "{path}");
        assert_eq!(header(&api, "content-type"), "application/problem+json");
        assert_eq!(header(&api, "cache-control"), "no-store");
        assert!(api.into_string().await.unwrap().contains("login_url"));

        let htmx = client.get(path).header(Header::new("hx-request", "true"));
        let htmx = htmx.dispatch().await;
        assert_eq!(htmx.status(), Status::Unauthorized, "{path}");
        assert!(header(&htmx, "hx-redirect").starts_with(SITE));
    }
}

#[rocket::async_test]
async fn a_catcher_that_answers_with_a_status_of_its_own_has_the_last_word() {
    let response = navigate(client().await.get("/away/required"))
        .dispatch()
        .await
        .headers()
        .get_one("location")
        .map(str::to_owned);
    assert_eq!(response.as_deref(), Some("/elsewhere"));
}

#[rocket::async_test]
async fn what_a_handler_with_an_optional_user_answers_is_left_alone() {
    let client = client().await;
    for (path, status, body) in [
        ("/optional/ok", Status::Ok, "nobody"),
        (
            "/optional/status",
            Status::Unauthorized,
            "the app's own 401",
        ),
        ("/optional/503", Status::ServiceUnavailable, "mine"),
        (
            "/scope/optional/status",
            Status::Unauthorized,
            "the app's own 401",
        ),
    ] {
        let response = navigate(client.get(path)).dispatch().await;
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(header(&response, "cache-control"), "no-store", "{path}");
        assert_eq!(response.into_string().await.unwrap(), body, "{path}");
    }
}

#[rocket::async_test]
async fn cookies_survive_a_catcher() {
    let client = client().await;
    for path in ["/flash-and-fail", "/scope/flash-and-fail"] {
        let response = client.get(path).dispatch().await;
        assert_eq!(response.status(), Status::ImATeapot, "{path}");
        assert!(header(&response, "set-cookie").starts_with("miracl"));
        assert_eq!(header(&response, "cache-control"), "no-store");
    }
}

#[rocket::async_test]
async fn login_required_covers_files_below_its_path_and_nothing_else() {
    let client = client().await;
    for path in [
        "/files",
        "/files/",
        "/files/Cargo.toml",
        "/files/src/lib.rs",
        "/files/%43argo.toml",
        "/files/nothing",
    ] {
        let response = client.get(path).dispatch().await;
        assert_eq!(response.status(), Status::Unauthorized, "{path}");
        let response = client.head(path).dispatch().await;
        assert_eq!(response.status(), Status::Unauthorized, "HEAD {path}");
    }
    assert_eq!(
        client.get("/file").dispatch().await.status(),
        Status::NotFound
    );
    for method in [
        Method::Options,
        Method::Post,
        Method::Put,
        Method::Patch,
        Method::Delete,
        Method::Trace,
        Method::Connect,
    ] {
        let preflight = client
            .req(method, "/files/x")
            .header(Header::new("access-control-request-method", "PUT"));
        let answer = preflight.dispatch().await;
        assert_eq!(answer.status(), Status::Unauthorized, "{method}");
        assert_eq!(header(&answer, "content-type"), "application/problem+json");
    }
}

#[rocket::async_test]
async fn another_site_cannot_send_an_unsafe_request_anywhere() {
    let client = client().await;
    for method in [Method::Post, Method::Put, Method::Patch, Method::Delete] {
        for path in [
            "/unsafe",
            "/unsafe?a=b",
            "/scope/unsafe",
            "/nothing/here",
            "/",
            "/logout",
            "/files/x",
            "//unsafe",
        ] {
            let cross = || Header::new("sec-fetch-site", "cross-site");
            let foreign = client.req(method, path).header(cross());
            let refused = foreign.dispatch().await;
            assert_eq!(refused.status(), Status::Forbidden, "{method} {path}");
            assert_eq!(header(&refused, "content-type"), "application/problem+json");
            // Rocket takes a form's `_method` for the method, before anything else looks at it.
            let dressed = client.post(path).header(cross());
            let dressed = dressed.header(ContentType::Form).body("_method=put");
            assert_eq!(dressed.dispatch().await.status(), Status::Forbidden);
        }
    }
    let own = client.post("/unsafe");
    let own = own.header(Header::new("sec-fetch-site", "same-origin"));
    assert_eq!(own.dispatch().await.into_string().await.unwrap(), "changed");
}

#[rocket::async_test]
async fn head_is_seen_as_head_and_changes_nothing() {
    let client = client().await;
    for path in ["/login?code=a&state=b", "/login/start"] {
        let response = client.head(path).dispatch().await;
        assert_eq!(response.status(), Status::NoContent, "{path}");
        assert_eq!(response.headers().get_one("set-cookie"), None);
    }
}

#[rocket::async_test]
async fn what_is_not_exactly_a_route_of_the_login_is_not_found() {
    let client = client().await;
    for path in [
        "/login/",
        "//login",
        "/%6Cogin",
        "/login/start/",
        "/login//start",
        "/logout/",
        "/signed-out/",
    ] {
        let response = client.get(path).dispatch().await;
        assert_eq!(response.status(), Status::NotFound, "{path}");
    }
    assert_eq!(
        client.put("/logout").dispatch().await.status(),
        Status::NotFound
    );
}

/// Why an app does not launch.
async fn refusal(app: Rocket<Build>) -> String {
    let error = app.ignite().await.unwrap_err();
    match error.kind() {
        ErrorKind::SentinelAborts(_) => "sentinel".to_owned(),
        ErrorKind::FailedFairings(_) => "fairing".to_owned(),
        other => other.to_string(),
    }
}

#[rocket::async_test]
async fn an_app_with_wiring_missing_does_not_launch() {
    let auth = auth("http://127.0.0.1:1");
    for routes in [
        routes![required],
        routes![optional],
        routes![flash_and_fail],
    ] {
        assert_eq!(refusal(quiet().mount("/", routes)).await, "sentinel");
    }
    let twice = quiet().attach(auth.fairing()).attach(auth.fairing());
    assert_eq!(refusal(twice).await, "fairing");
    let another = quiet()
        .attach(auth.fairing())
        .attach(auth_of_another().fairing());
    assert_eq!(refusal(another).await, "fairing");
    let elsewhere = quiet().mount("/auth", auth.routes()).attach(auth.fairing());
    assert_eq!(refusal(elsewhere).await, "fairing");
}

/// A login with paths of its own, whose fairing is nowhere attached.
fn auth_of_another() -> MiraclAuth {
    let miracl = Miracl::new(Config {
        issuer: "http://127.0.0.1:1".into(),
        client_id: "other".into(),
        client_secret: "secret".into(),
        redirect_uri: format!("{SITE}/other/login"),
        paths: Paths {
            login_start: "/other/start".into(),
            login_initiate: "/other/initiate".into(),
            logout: "/other/logout".into(),
            backchannel_logout: "/other/backchannel".into(),
            frontchannel_logout: "/other/frontchannel".into(),
        },
        cookie_keys: vec![CookieKey::generate()],
        cookie_prefix: "other".into(),
        ..Config::default()
    });
    MiraclAuth::new(miracl.unwrap(), Hooks)
}

#[rocket::async_test]
async fn guard_and_routes_of_another_login_let_nobody_in_and_begin_nothing() {
    let platform = platform().await;
    let other = auth_of_another();
    let app = app_at(platform.issuer())
        .mount("/others", FileServer::from(env!("CARGO_MANIFEST_DIR")))
        .mount("/others", other.login_required())
        .mount("/", other.routes());
    let client = Client::tracked(app).await.unwrap();
    for logged_in in [false, true] {
        if logged_in {
            log_in(&client, &platform, "/").await;
        }
        for method in [Method::Get, Method::Head, Method::Post, Method::Options] {
            let answer = client.req(method, "/others/Cargo.toml").dispatch().await;
            assert_eq!(answer.status(), Status::InternalServerError, "{method}");
            assert_eq!(answer.into_string().await.unwrap_or_default(), "");
        }
        for mount in other.miracl().routes() {
            for method in mount.methods {
                let request = client.req(method.parse().unwrap(), mount.path.to_owned());
                let answer = request.dispatch().await;
                assert_eq!(answer.status(), Status::InternalServerError, "{method}");
                assert_eq!(answer.headers().get_one("set-cookie"), None);
                assert_eq!(answer.headers().get_one("location"), None);
            }
        }
    }
    assert_eq!(who(&client).await, "alice@example.com", "still logged in");
}

/// Rocket's local requests share what was left in the one that they are copies of.
#[rocket::async_test]
async fn a_copy_of_a_request_with_other_cookies_is_not_the_same_person() {
    let platform = platform().await;
    let client = Client::tracked(app_at(platform.issuer())).await.unwrap();
    log_in(&client, &platform, "/").await;
    for (path, status, body) in [
        ("/required", Status::InternalServerError, ""),
        ("/files/Cargo.toml", Status::InternalServerError, ""),
        ("/optional/ok", Status::Ok, "nobody"),
        ("/logout", Status::InternalServerError, ""),
    ] {
        let first = client.get(path);
        let copy = first.clone();
        let again = first.clone();
        assert_eq!(first.dispatch().await.status(), Status::Ok, "{path}");
        let other = copy.header(Header::new("cookie", "theme=dark"));
        let other = other.dispatch().await;
        assert_eq!(other.status(), status, "{path}");
        assert_eq!(other.headers().get_one("set-cookie"), None, "{path}");
        assert_eq!(other.into_string().await.unwrap_or_default(), body);
        assert_eq!(again.dispatch().await.status(), Status::Ok, "{path}");
    }
}

#[rocket::async_test]
async fn a_websocket_of_another_site_comes_to_no_route() {
    let client = client().await;
    for path in ["/optional/ok", "/", "/nothing", "/files/x", "//optional/ok"] {
        for method in [Method::Get, Method::Head, Method::Options] {
            let opens = |origin: &'static str| {
                client
                    .req(method, path)
                    .header(Header::new("upgrade", "websocket"))
                    .header(Header::new("origin", origin))
            };
            let refused = opens("https://evil.example").dispatch().await;
            assert_eq!(refused.status(), Status::Forbidden, "{method} {path}");
            let passes = opens(SITE).dispatch().await;
            assert_ne!(passes.status(), Status::Forbidden, "{method} {path}");
        }
    }
}

/// The fairing that `login_required` is documented with.
#[rocket::async_test]
async fn a_cors_fairing_answers_preflights_in_place_of_the_guard() {
    let cors = AdHoc::on_response("CORS", |request, response| {
        Box::pin(async move {
            let header = |name| request.headers().get_one(name);
            let ours = header("origin") == Some("https://admin.example");
            let asks = header("access-control-request-method").is_some();
            if ours && asks && request.method() == Method::Options {
                response.set_status(Status::NoContent);
                response.set_sized_body(0, std::io::Cursor::new(""));
            }
        })
    });
    let app = app_at("http://127.0.0.1:1").attach(cors);
    let client = Client::untracked(app).await.unwrap();
    for (origin, status) in [
        ("https://admin.example", Status::NoContent),
        ("https://evil.example", Status::Unauthorized),
    ] {
        let preflight = client
            .req(Method::Options, "/files/x")
            .header(Header::new("origin", origin))
            .header(Header::new("access-control-request-method", "PUT"));
        let answer = preflight.dispatch().await;
        assert_eq!(answer.status(), status, "{origin}");
        if status == Status::NoContent {
            assert_eq!(answer.into_string().await.unwrap_or_default(), "");
        }
    }
}

/// Routes without the fairing: nothing to guard the launch, so a request is told.
#[rocket::async_test]
async fn routes_without_the_fairing_are_a_500() {
    let app = quiet().mount("/", auth("http://127.0.0.1:1").routes());
    let client = Client::untracked(app).await.unwrap();
    let response = client.get("/logout").dispatch().await;
    assert_eq!(response.status(), Status::InternalServerError);
}

async fn platform() -> Platform {
    let config = PlatformConfig {
        clients: vec![App::new("app", "secret", Config::redirect_uri_for(SITE))],
        ..PlatformConfig::default()
    };
    let platform = Platform::start(config).await.unwrap();
    platform
        .register_identity("alice@example.com", "1234")
        .unwrap();
    platform
}

/// Logs Alice in and returns where that led.
async fn log_in(client: &Client, platform: &Platform, return_to: &str) -> (Status, String) {
    let start = format!("/login/start?return_to={return_to}");
    let started = client.get(start).dispatch().await;
    assert_eq!(started.status(), Status::SeeOther);
    let login = platform.log_in(header(&started, "location"), "alice@example.com", "1234");
    let callback = login.await.unwrap();
    let path = callback.strip_prefix(SITE).unwrap().to_owned();
    let back = client.get(path).dispatch().await;
    (back.status(), header(&back, "location").to_owned())
}

async fn who(client: &Client) -> String {
    let response = client.get("/optional/ok").dispatch().await;
    response.into_string().await.unwrap()
}

#[rocket::async_test]
async fn a_veto_and_a_panic_of_the_hook_log_nobody_in() {
    let platform = platform().await;
    let client = Client::tracked(app_at(platform.issuer())).await.unwrap();
    let (status, _) = log_in(&client, &platform, "/veto").await;
    assert_eq!(status, Status::PaymentRequired);
    assert_eq!(who(&client).await, "nobody");
    let (status, _) = log_in(&client, &platform, "/panic").await;
    assert_eq!(status, Status::InternalServerError);
    assert_eq!(who(&client).await, "nobody");
}

#[rocket::async_test]
async fn a_login_reaches_every_guard_and_every_path_to_return_to() {
    let platform = platform().await;
    let client = Client::tracked(app_at(platform.issuer())).await.unwrap();
    for return_to in [
        "/required",
        "/required?a=b%26c=d",
        "/required?a=%7B%22%5B%5D%7C%5E%60%7D%3C%3E%27%5C",
        "/%7B%5B%7C%5E%60%5C%3C",
        "/a%2525b%2520c%25C3%25A9",
        "/%C3%A9%20%25",
    ] {
        let (status, location) = log_in(&client, &platform, return_to).await;
        assert_eq!(status, Status::SeeOther, "{return_to}");
        assert!(location.starts_with('/'), "{return_to}: {location}");
    }
    for path in ["/required", "/result", "/optional/ok", "/scope/required"] {
        let response = client.get(path).dispatch().await;
        assert_eq!(
            response.into_string().await.unwrap(),
            "alice@example.com",
            "{path}"
        );
    }
    let file = client.get("/files/Cargo.toml").dispatch().await;
    assert_eq!(file.status(), Status::Ok);
    assert_eq!(header(&file, "cache-control"), "no-store");
    let missing = client.get("/files/nothing").dispatch().await;
    assert_eq!(missing.status(), Status::NotFound);

    let page = client.get("/logout").dispatch().await;
    assert_eq!(page.status(), Status::Ok);
    let left = client.post("/logout").dispatch().await;
    assert_eq!(left.status(), Status::SeeOther);
    assert_eq!(who(&client).await, "nobody");
}

#[test]
fn the_settings_of_the_login_may_stand_in_rockets_own() {
    let figment = rocket::Config::figment()
        .merge(("miracl.issuer", "https://issuer.example"))
        .merge(("miracl.client_secret", "s3cr3t"))
        .merge(("miracl.session_idle_timeout", 60));
    let config = MiraclAuth::config(&figment).unwrap();
    assert_eq!(config.issuer, "https://issuer.example");
    assert_eq!(config.client_secret.expose(), "s3cr3t");
    assert_eq!(config.session_idle_timeout.as_secs(), 60);

    let none = MiraclAuth::config(&rocket::Config::figment()).unwrap();
    assert!(none.issuer.is_empty());

    let wrong = rocket::Config::figment().merge(("miracl.pkce", "perhaps"));
    let error = MiraclAuth::config(&wrong).unwrap_err();
    assert_eq!(error.problems()[0].key, "pkce");
    let no_table = rocket::Config::figment().merge(("miracl", 7));
    assert!(MiraclAuth::config(&no_table).is_err());
}
