//! Other sites cannot act in the user's name.

use miracl_tests::{Adapter, Raw, Request, Wire, scenarios};
use tokio::task::JoinSet;

use crate::journey::Journey;

scenarios![
    a_post_from_another_site_is_refused,
    a_post_from_another_origin_of_the_same_site_is_refused,
    a_post_from_the_other_name_of_this_machine_is_refused,
    a_link_on_another_site_finds_the_user_logged_in,
    a_post_of_our_own_page_passes,
    a_post_the_user_began_passes,
    the_origin_header_decides_where_sec_fetch_site_is_missing,
    an_origin_of_null_is_refused,
    a_program_that_sends_neither_header_passes,
    the_host_header_decides_nothing,
    a_websocket_of_another_site_is_refused,
    a_websocket_of_our_own_page_or_of_a_program_passes,
    requests_that_only_read_pass_from_anywhere,
    a_person_is_shown_a_page_and_a_script_gets_json,
];

/// Posts the log-out with these headers, and returns whether it was let in.
async fn passes(journey: &Journey, request: Request) -> bool {
    let answer = journey.browser.send(request).await;
    match answer.status {
        303 => {
            journey.assert_nobody().await;
            journey.log_in().await;
            true
        }
        403 => {
            journey.assert_still_logged_in().await;
            assert!(
                answer.set_cookies().is_empty(),
                "{:?}",
                answer.set_cookies()
            );
            false
        }
        other => panic!("{other}: {}", answer.body),
    }
}

async fn a_post_from_another_site_is_refused(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let form = Request::form(journey.url("/logout"), &[]).from_page("https://evil.example/");
    assert!(!passes(&journey, form).await);
    let form = Request::form(journey.url("/profile"), &[("display_name", "Mallory")])
        .from_page("https://evil.example/");
    journey.browser.send(form).await.expect(403);
    let page = journey
        .browser
        .open(journey.url("/profile"))
        .await
        .expect(200);
    assert!(!page.body.contains("Mallory"), "{}", page.body);
}

async fn a_post_from_another_origin_of_the_same_site_is_refused(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let form = Request::form(journey.url("/logout"), &[]).from_page("http://127.0.0.1:1/");
    assert!(!passes(&journey, form).await);
}

async fn a_post_from_the_other_name_of_this_machine_is_refused(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let other = journey.demo.origin().replace("127.0.0.1", "localhost");
    let form = Request::form(journey.url("/logout"), &[]).from_page(&other);
    assert!(!passes(&journey, form).await);
    let post = Request::script(journey.url("/logout"))
        .method("POST")
        .header("origin", &other);
    assert!(!passes(&journey, post).await);
}

async fn a_link_on_another_site_finds_the_user_logged_in(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    for (path, text) in [
        ("/members", "Members"),
        ("/logout", "You are about to log out."),
    ] {
        let link = Request::navigate(journey.url(path)).from_page("https://elsewhere.example/");
        let page = journey.browser.send(link).await.expect(200);
        assert!(page.body.contains(text), "{path}: {}", page.body);
        assert!(page.set_cookies().is_empty(), "{path}: {:?}", page.headers);
    }
    journey.assert_still_logged_in().await;
}

async fn a_post_of_our_own_page_passes(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    assert!(passes(&journey, Request::form(journey.url("/logout"), &[])).await);
}

async fn a_post_the_user_began_passes(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let form = Request::form(journey.url("/logout"), &[]).header("sec-fetch-site", "none");
    assert!(passes(&journey, form).await);
}

async fn the_origin_header_decides_where_sec_fetch_site_is_missing(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let post = || Request::script(journey.url("/logout")).method("POST");
    assert!(passes(&journey, post().header("origin", journey.demo.origin())).await);
    for origin in [
        "https://evil.example",
        "http://127.0.0.1:1",
        "http://localhost",
        "garbage",
        "",
    ] {
        assert!(
            !passes(&journey, post().header("origin", origin)).await,
            "{origin:?}"
        );
    }
}

async fn an_origin_of_null_is_refused(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let post = Request::script(journey.url("/logout"))
        .method("POST")
        .header("origin", "null");
    assert!(!passes(&journey, post).await);
}

async fn a_program_that_sends_neither_header_passes(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    assert!(
        passes(
            &journey,
            Request::script(journey.url("/logout")).method("POST")
        )
        .await
    );
}

async fn the_host_header_decides_nothing(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let post = Request::script(journey.url("/logout"))
        .method("POST")
        .header("origin", "http://evil.example")
        .header("host", "evil.example")
        .header("x-forwarded-host", "evil.example");
    assert!(!passes(&journey, post).await);
}

/// Headers that turn a `GET` into one that opens a WebSocket, or asks for another protocol (RFC 6455 §4.1, RFC 9110
/// §7.8).
const UPGRADES: &[&[&str]] = &[
    &[
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ],
    &["upgrade: WebSocket"],
    &["UPGRADE: h2c, websocket"],
    &["Upgrade: h2c", "Upgrade: websocket"],
    &["Upgrade: something/1"],
    &["Sec-Fetch-Mode: websocket"],
];

/// Asks for a page of a logged-in user with these headers.
async fn ask(journey: &Journey, method: &str, path: &str, headers: &[&str]) -> Raw {
    Wire::ask(&journey.demo, request(journey, method, path, headers)).await
}

/// The request of a logged-in user for a page, with these headers.
fn request(journey: &Journey, method: &str, path: &str, headers: &[&str]) -> String {
    let cookies = journey.browser.cookies().into_iter();
    let pairs: Vec<_> = cookies
        .map(|cookie| format!("{}={}", cookie.name, cookie.value))
        .collect();
    let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    request += &format!("Host: {}\r\n", &journey.demo.origin()["http://".len()..]);
    request += &format!("Cookie: {}\r\n", pairs.join("; "));
    for header in headers {
        request += &format!("{header}\r\n");
    }
    request + "\r\n"
}

async fn a_websocket_of_another_site_is_refused(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let other_name = journey.demo.origin().replace("127.0.0.1", "localhost");
    for upgrade in UPGRADES {
        let mut asked = JoinSet::new();
        for elsewhere in [
            "Origin: http://127.0.0.1:1",
            "Origin: https://evil.example",
            "Origin: null",
            &format!("Origin: {other_name}"),
            "Sec-Fetch-Site: same-site",
            "Sec-Fetch-Site: cross-site",
        ] {
            let headers = [upgrade, &[elsewhere][..]].concat();
            for (method, path) in [
                ("GET", "/members"),
                ("GET", "/me"),
                ("GET", "/nothing-here"),
                ("GET", "/login/start"),
                ("HEAD", "/me"),
                ("OPTIONS", "/me"),
            ] {
                let request = request(&journey, method, path, &headers);
                let port = journey.demo.port();
                // All at once: actix-web keeps each such connection for a second.
                asked.spawn(async move {
                    let mut wire = Wire::try_connect(port).await.expect("the demo listens");
                    wire.send(&request).await;
                    (request, wire.answer().await)
                });
            }
        }
        for (request, answer) in asked.join_all().await {
            assert_eq!(answer.status, 403, "{request}");
            assert_eq!(answer.header("set-cookie"), None);
            assert!(!answer.body.contains("Canary"), "{}", answer.body);
        }
    }
    // As a browser sends it. After it, some servers keep the connection open for a while.
    let handshake = [UPGRADES[0], &["Connection: Upgrade", "Origin: null"]].concat();
    assert_eq!(ask(&journey, "GET", "/me", &handshake).await.status, 403);
    // What other sites send on purpose opens no WebSocket.
    let headers = ["Upgrade: websocket", "Origin: https://evil.example"];
    for path in [
        "/login?code=a&state=b",
        "/login/initiate",
        "/frontchannel-logout",
    ] {
        assert_eq!(ask(&journey, "GET", path, &headers).await.status, 403);
    }
    journey.assert_still_logged_in().await;
}

async fn a_websocket_of_our_own_page_or_of_a_program_passes(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let own = format!("Origin: {}", journey.demo.origin());
    for upgrade in UPGRADES {
        for from in [
            &[own.as_str()][..],
            &[own.as_str(), "Sec-Fetch-Site: same-origin"],
            &[],
        ] {
            let headers = [upgrade, from].concat();
            let answer = ask(&journey, "GET", "/me", &headers).await;
            assert_eq!(answer.status, 200, "{headers:?}");
            let answer = ask(&journey, "HEAD", "/me", &headers).await;
            assert_eq!(answer.status, 200, "HEAD {headers:?}");
        }
    }
}

async fn requests_that_only_read_pass_from_anywhere(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    for headers in [
        // A link, a picture, an event stream, and `fetch`: a browser lets no other site read the answer.
        &["Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: cross-site"][..],
        &["Sec-Fetch-Mode: no-cors", "Sec-Fetch-Site: cross-site"],
        &[
            "Accept: text/event-stream",
            "Origin: https://evil.example",
            "Sec-Fetch-Mode: cors",
            "Sec-Fetch-Site: same-site",
        ],
    ] {
        let answer = ask(&journey, "GET", "/me", headers).await;
        assert_eq!(answer.status, 200, "{headers:?}");
    }
}

async fn a_person_is_shown_a_page_and_a_script_gets_json(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let evil = "https://evil.example/";
    for path in ["/logout", "/profile", "/members", "/", "/no-such-page"] {
        let form = || Request::form(journey.url(path), &[]).from_page(evil);
        let old = Request::script(journey.url(path))
            .method("POST")
            .header("origin", "https://evil.example")
            .header("accept", "text/html,*/*;q=0.8");
        for request in [form(), form().header("sec-fetch-dest", "iframe"), old] {
            let page = journey.browser.send(request).await.expect(403);
            let kind = page.header("content-type").unwrap_or_default();
            assert!(kind.starts_with("text/html"), "{path}: {kind}");
            assert!(page.body.contains("<h1>Cross-origin request refused</h1>"));
            let home = format!("href=\"{}\"", journey.url("/"));
            assert!(page.body.contains(&home), "a way on: {}", page.body);
            let policy = page.header("content-security-policy").unwrap_or_default();
            assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
            assert!(page.set_cookies().is_empty());
        }
        let fetch = Request::fetch(journey.url(path)).method("POST");
        let answer = journey
            .browser
            .send(fetch.from_page(evil))
            .await
            .expect(403);
        let kind = answer.header("content-type");
        assert_eq!(kind, Some("application/problem+json"), "{path}");
        assert_eq!(answer.json()["status"], 403);
    }
    journey.assert_still_logged_in().await;
}
