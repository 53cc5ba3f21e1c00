//! Two logins in one app, and requests that carry what was left in another: each guard, route and filter knows its
//! engine and its request.
#![allow(clippy::unwrap_used)] // helpers of tests

use std::convert::Infallible;

use http_body_util::BodyExt;
use miracl_platform::{Client, Platform, PlatformConfig};
use miracl_warp::{
    AuthHandler, AuthSuccess, Category, Config, CookieKey, Miracl, MiraclAuth, Paths, RequestExt,
    User, Visit, optional_user, user, visit,
};
use tower::{Layer, Service, ServiceExt, service_fn};
use warp::{
    Filter, Rejection, Reply,
    filters::BoxedFilter,
    http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header, request::Parts},
    reply::Response,
};

const SITE: &str = "http://127.0.0.1:5000";
const ALICE: &str = "alice@example.com";
const BOB: &str = "bob@example.com";

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, req: &Parts, _: AuthSuccess) -> Result<Response, Rejection> {
        let own = req.visit().miracl().config().client_id.clone();
        req.visit().flash(Category::Info, own);
        Ok(StatusCode::NO_CONTENT.into_response())
    }
}

fn callback(name: &str) -> String {
    format!("{SITE}/{name}/login")
}

/// A login with paths and cookies of its own, by its name.
fn auth_at(issuer: &str, name: &str) -> MiraclAuth {
    let miracl = Miracl::new(Config {
        issuer: issuer.into(),
        client_id: name.into(),
        client_secret: "secret".into(),
        redirect_uri: callback(name),
        paths: Paths {
            login_start: format!("/{name}/start"),
            login_initiate: format!("/{name}/initiate"),
            logout: format!("/{name}/logout"),
            backchannel_logout: format!("/{name}/backchannel"),
            frontchannel_logout: format!("/{name}/frontchannel"),
        },
        cookie_keys: vec![CookieKey::generate()],
        cookie_prefix: name.into(),
        ..Config::default()
    });
    MiraclAuth::new(miracl.unwrap(), Hooks)
}

/// A platform, and two logins of it.
async fn two() -> (Platform, MiraclAuth, MiraclAuth) {
    let client = |name| Client::new(name, "secret", callback(name));
    let config = PlatformConfig {
        clients: vec![client("a"), client("b")],
        ..PlatformConfig::default()
    };
    let platform = Platform::start(config).await.unwrap();
    for email in [ALICE, BOB] {
        platform.register_identity(email, "1234").unwrap();
    }
    let (a, b) = (
        auth_at(platform.issuer(), "a"),
        auth_at(platform.issuer(), "b"),
    );
    (platform, a, b)
}

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    /// What it sets, as a browser sends it back.
    fn cookies(&self) -> String {
        let lines = self.headers.get_all(header::SET_COOKIE).iter();
        let pairs: Vec<_> = lines
            .map(|line| line.to_str().unwrap())
            .filter(|line| !line.contains("Max-Age=0"))
            .filter_map(|line| line.split(';').next())
            .collect();
        pairs.join("; ")
    }

    fn is_500(&self) {
        assert_eq!(self.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(self.body, "");
        assert_eq!(self.cookies(), "");
        assert!(!self.headers.contains_key(header::LOCATION));
    }
}

async fn send<S>(app: &S, method: Method, path: &str, cookie: &str) -> Answer
where
    S: Service<Request<String>, Response = Response, Error = Infallible> + Clone,
{
    let mut request = Request::builder().method(method).uri(path);
    request = request.header(header::HOST, "127.0.0.1:5000");
    if !cookie.is_empty() {
        request = request.header(header::COOKIE, cookie);
    }
    let request = request.body(String::new()).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer {
        status: head.status,
        headers: head.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

async fn get<S>(app: &S, path: &str, cookie: &str) -> Answer
where
    S: Service<Request<String>, Response = Response, Error = Infallible> + Clone,
{
    send(app, Method::GET, path, cookie).await
}

/// Logs somebody in to the app of this name, and returns the cookies of their browser.
async fn log_in<S>(app: &S, platform: &Platform, name: &str, email: &str) -> String
where
    S: Service<Request<String>, Response = Response, Error = Infallible> + Clone,
{
    let start = get(app, &format!("/{name}/start"), "").await;
    let location = start.headers[header::LOCATION].to_str().unwrap();
    let back = platform.log_in(location, email, "1234").await.unwrap();
    let back = back.strip_prefix(SITE).unwrap();
    let back = get(app, back, &start.cookies()).await;
    assert_eq!(back.status, StatusCode::NO_CONTENT, "{back:?}");
    back.cookies()
}

/// Filters for members of either, and for whoever is there.
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
    let answer = get(&app, "/of-b", &both).await;
    assert_eq!((answer.status, &*answer.body), (StatusCode::OK, BOB));
    let answer = get(&app, "/of-b", &alice).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.body.contains("/b/start"), "{}", answer.body);
    for cookie in [&*alice, &*bob, &*both, ""] {
        get(&app, "/of-a", cookie).await.is_500();
    }
    // Where no guard is, the innermost layer tells.
    assert_eq!(get(&app, "/engine", &both).await.body, "b");
    assert_eq!(get(&app, "/whoami", &both).await.body, BOB);
    assert_eq!(get(&app, "/whoami", &alice).await.body, "nobody");
}

#[tokio::test]
async fn a_guard_and_routes_whose_layer_is_missing_do_nothing() {
    let (platform, a, b) = two().await;
    let app = a.layer().layer(warp::service(filters(&a, &b)));
    let alice = log_in(&app, &platform, "a", ALICE).await;
    for cookie in ["", &*alice] {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::OPTIONS] {
            send(&app, method, "/of-b", cookie).await.is_500();
        }
    }
    for mount in b.miracl().routes() {
        for method in mount.methods {
            let method = method.parse().unwrap();
            send(&app, method, mount.path, &alice).await.is_500();
        }
    }
    let answer = get(&app, "/of-a", &alice).await;
    assert_eq!((answer.status, &*answer.body), (StatusCode::OK, ALICE));
}

#[tokio::test]
async fn a_request_with_other_cookies_finds_nothing_of_the_one_whose_extensions_it_has() {
    let (platform, a, b) = two().await;
    let plain = a.layer().layer(warp::service(filters(&a, &b)));
    let alice = log_in(&plain, &platform, "a", ALICE).await;
    let bob = log_in(&plain, &platform, "a", BOB).await;
    // Between the layer and the filter: the same request with the cookies of somebody else, or none.
    for other in [Some(&*bob), Some("theme=dark"), None] {
        let other = other.map(|text| HeaderValue::from_str(text).unwrap());
        let inner = warp::service(filters(&a, &b));
        let swap = service_fn(move |mut request: Request<String>| {
            request.headers_mut().remove(header::COOKIE);
            if let Some(other) = &other {
                let other = other.clone();
                request.headers_mut().insert(header::COOKIE, other);
            }
            inner.clone().oneshot(request)
        });
        let app = a.layer().layer(swap);
        for path in ["/whoami", "/required", "/engine", "/of-a", "/a/logout"] {
            get(&app, path, &alice).await.is_500();
        }
    }
    // The same cookies are the same request, also on another task.
    let inner = warp::service(filters(&a, &b));
    let spawn = service_fn(move |request: Request<String>| {
        let inner = inner.clone();
        async move { tokio::spawn(inner.oneshot(request)).await.unwrap() }
    });
    let app = a.layer().layer(spawn);
    let (one, other) = tokio::join!(get(&app, "/whoami", &alice), get(&app, "/whoami", &bob));
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
    let answer = get(&app, "/api/things", "").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let answer = send(&app, Method::OPTIONS, "/api/things", "").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}
