//! What Rocket does in its own way, and what the adapter makes of it: guards, catchers, paths and settings.
#![allow(clippy::unwrap_used)] // helpers of tests

mod support;

use miracl_rocket::MiraclAuth;
use rocket::{
    http::{Header, Method, Status},
    local::asynchronous::Client,
};

use self::support::{SITE, app_at, client, header, log_in, navigate, platform, who};

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
