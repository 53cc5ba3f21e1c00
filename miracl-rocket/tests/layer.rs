//! The fairing of the app: what it refuses, what it writes to a response, and the mistakes with which no app launches.
#![allow(clippy::unwrap_used)] // helpers of tests

mod support;

use rocket::{
    Build, Rocket,
    error::ErrorKind,
    fairing::AdHoc,
    http::{ContentType, Header, Method, Status},
    local::asynchronous::Client,
    routes,
};

use self::support::{SITE, app_at, auth, auth_of_another, client, header, quiet};

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
async fn head_is_seen_as_head_and_changes_nothing() {
    let client = client().await;
    for path in ["/login?code=a&state=b", "/login/start"] {
        let response = client.head(path).dispatch().await;
        assert_eq!(response.status(), Status::NoContent, "{path}");
        assert_eq!(response.headers().get_one("set-cookie"), None);
    }
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
        routes![support::required],
        routes![support::optional],
        routes![support::flash_and_fail],
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

/// Without a guard nothing stops the launch, so the first request shows the mistake.
#[rocket::async_test]
async fn routes_without_the_fairing_are_a_500() {
    let app = quiet().mount("/", auth("http://127.0.0.1:1").routes());
    let client = Client::untracked(app).await.unwrap();
    let response = client.get("/logout").dispatch().await;
    assert_eq!(response.status(), Status::InternalServerError);
}

#[rocket::async_test]
async fn missing_routes_are_an_error_and_no_404() {
    let app = quiet().attach(auth("http://127.0.0.1:1").fairing());
    let client = Client::untracked(app).await.unwrap();
    for path in ["/login", "/login/start?return_to=/x"] {
        let response = client.get(path).dispatch().await;
        assert_eq!(response.status(), Status::InternalServerError, "{path}");
        assert_eq!(response.into_string().await.unwrap_or_default(), "");
    }
    let response = client.get("/login/").dispatch().await;
    assert_eq!(response.status(), Status::NotFound);
}
