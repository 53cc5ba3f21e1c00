//! Routers in routers, and handlers that read the body first: on the probe, an app made for that.

use miracl_tests::{Adapter, Browser, Cookie, Demo, Provider, Request, Wire, scenarios};

scenarios![
    a_challenge_in_a_nested_router_comes_back_to_the_whole_path,
    a_fetch_in_a_nested_router_is_told_where_to_log_in,
    a_body_that_was_read_does_not_hide_the_user,
    an_optional_user_is_nobody_when_the_cookie_is_broken,
    a_cookie_header_of_any_bytes_does_no_harm,
];

const NESTED: &[&str] = &[
    "/nested/members",
    "/nested/deep/members",
    "/guarded/members",
    "/nested/deep/members?page=2&of=%2F9",
    "/guarded/members?page=2",
];

fn start(adapter: Adapter) -> (Provider, Demo) {
    let provider = Provider::start();
    let demo = Demo::start(adapter.probe(), &provider);
    (provider, demo)
}

async fn a_challenge_in_a_nested_router_comes_back_to_the_whole_path(adapter: Adapter) {
    let (_provider, demo) = start(adapter);
    for path in NESTED {
        let browser = Browser::new();
        let challenge = browser.open(demo.url(path)).await.expect(303);
        assert!(challenge.is_no_store(), "{path}: {:?}", challenge.headers);
        assert!(challenge.set_cookies().is_empty());
        let page = browser.follow(challenge).await.expect(200);
        assert_eq!(page.url.as_str(), demo.url(path));
        assert!(page.is_no_store(), "{path}: {:?}", page.headers);
    }
}

async fn a_fetch_in_a_nested_router_is_told_where_to_log_in(adapter: Adapter) {
    let (_provider, demo) = start(adapter);
    for path in NESTED {
        let answer = Browser::new().fetch(demo.url(path)).await.expect(401);
        let kind = answer.header("content-type").unwrap_or_default();
        assert!(kind.starts_with("application/problem+json"), "{kind}");
        let url = answer.json()["login_url"].as_str().map(str::to_owned);
        assert!(
            url.is_some_and(|url| url.starts_with(&demo.url("/login/start"))),
            "{path}: {}",
            answer.body
        );
    }
}

async fn a_body_that_was_read_does_not_hide_the_user(adapter: Adapter) {
    let (_provider, demo) = start(adapter);
    let browser = Browser::new();
    let form = Request::form(demo.url("/form"), &[("text", "one & two")]);
    browser.send(form.clone()).await.expect(401);
    let challenge = browser.open(demo.url("/nested/members")).await;
    browser.follow(challenge).await.expect(200);
    let answer = browser.send(form).await.expect(200);
    let expected = format!("{}: text=one+%26+two", Provider::SUBJECT);
    assert_eq!(answer.body, expected);
    assert!(answer.is_no_store());
}

async fn an_optional_user_is_nobody_when_the_cookie_is_broken(adapter: Adapter) {
    let (_provider, demo) = start(adapter);
    let browser = Browser::new();
    let optional = async |browser: &Browser| {
        let answer = browser.open(demo.url("/optional")).await.expect(200);
        assert!(answer.is_no_store(), "{:?}", answer.headers);
        answer.body
    };
    assert_eq!(optional(&browser).await, "nobody");
    browser.visit(demo.url("/nested/members")).await.expect(200);
    assert_eq!(optional(&browser).await, Provider::SUBJECT);
    for cookie in browser.cookies() {
        let other = browser.copy();
        let value = cookie.value[..cookie.value.len() / 2].to_owned();
        // The one with tokens is opened by nobody who only asks who is there.
        let small = !cookie.name.ends_with("-data");
        other.keep(Cookie { value, ..cookie });
        let who = optional(&other).await;
        assert!(
            who == "nobody" || !small && who == Provider::SUBJECT,
            "{who}"
        );
    }
}

async fn a_cookie_header_of_any_bytes_does_no_harm(adapter: Adapter) {
    let (_provider, demo) = start(adapter);
    for value in [
        &b"miracl-session=\xff\xfe"[..],
        b"\xff=1; miracl-session=x",
        b"=; ;;, =\t",
        b"miracl-session",
        b"miracl-session=\"\\\"",
        b"miracl-session=%00%0d%0a",
    ] {
        let mut request =
            b"GET /optional HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: ".to_vec();
        request.extend_from_slice(value);
        request.extend_from_slice(b"\r\n\r\n");
        let answer = Wire::ask(&demo, request).await;
        assert_eq!(
            (answer.status, answer.body.contains("nobody")),
            (200, true),
            "{value:?}: {answer:?}"
        );
    }
}
