//! Two logins in one app, and requests that share what was left in one of them: each guard and route knows its engine
//! and its request.
#![allow(clippy::unwrap_used)] // helpers of tests

mod support;

use rocket::{
    fs::FileServer,
    http::{Header, Method, Status},
    local::asynchronous::Client,
};

use self::support::{app_at, auth_of_another, log_in, platform, who};

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

/// A copy of a local request shares what Rocket has left in the original.
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
