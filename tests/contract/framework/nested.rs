//! Routers in routers, guards, two logins, and handlers that read the body first: on the probe, an app made for that.

use miracl_tests::{Adapter, Browser, Cookie, Demo, Endpoint, Provider, Request, Wire, scenarios};

scenarios![
    a_challenge_in_a_nested_router_comes_back_to_the_whole_path,
    a_fetch_in_a_nested_router_is_told_where_to_log_in,
    a_body_that_was_read_does_not_hide_the_user,
    an_optional_user_is_none_when_the_cookie_is_broken,
    a_cookie_header_of_any_bytes_does_no_harm,
    no_method_gets_around_a_guard,
    a_form_of_another_site_that_names_another_method_is_refused,
    a_guard_whose_layer_is_missing_lets_nobody_in,
    routes_whose_layer_is_missing_begin_and_end_nothing,
    an_upload_that_a_guard_refuses_gets_its_answer,
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

async fn an_optional_user_is_none_when_the_cookie_is_broken(adapter: Adapter) {
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
        // Asking who is logged in does not open the cookie with the tokens.
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

/// Every method that each server accepts from a client.
const METHODS: &[&str] = &[
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE",
];

async fn a_form_of_another_site_that_names_another_method_is_refused(adapter: Adapter) {
    let (_provider, demo) = start(adapter);
    let browser = Browser::new();
    browser.visit(demo.url("/login/start")).await;
    // Some frameworks take the method from the form, and a method that only reads is not refused for where it is from.
    for method in [
        "GET", "HEAD", "TRACE", "OPTIONS", "PUT", "DELETE", "POST", "get",
    ] {
        for site in ["same-site", "cross-site"] {
            let form = [("_method", method), ("amount", "1")];
            let form = Request::form(demo.url("/guarded/any"), &form)
                .header("origin", "https://evil.example")
                .header("sec-fetch-site", site);
            browser.send(form).await.expect(403);
        }
    }
    // A form of our own is as it was.
    let form = [("_method", "TRACE"), ("amount", "1")];
    let ours = Request::form(demo.url("/guarded/any"), &form);
    let ours = ours.header("sec-fetch-site", "same-origin");
    browser.send(ours).await.expect(200);
}

async fn no_method_gets_around_a_guard(adapter: Adapter) {
    let (_provider, demo) = start(adapter);
    let browser = Browser::new();
    browser.visit(demo.url("/nested/members")).await.expect(200);
    for method in METHODS {
        let plain = || Request::script(demo.url("/guarded/any")).method(method);
        // The headers that make an `OPTIONS` a preflight, here on every method (Fetch, CORS-preflight).
        let preflight = || plain().header("access-control-request-method", "POST");
        for request in [&plain as &dyn Fn() -> Request, &preflight] {
            let answer = Browser::new().send(request()).await.expect(401);
            assert!(answer.is_no_store(), "{method}: {:?}", answer.headers);
            assert!(answer.set_cookies().is_empty(), "{method}");
            assert!(!answer.body.contains("a member"), "{method}");
            if *method != "HEAD" {
                let kind = answer.header("content-type").unwrap_or_default();
                assert!(kind.starts_with("application/problem+json"), "{kind}");
                assert!(answer.json()["login_url"].is_string(), "{}", answer.body);
            }
            let answer = browser.send(request()).await.expect(200);
            let body = if *method == "HEAD" { "" } else { "a member" };
            assert_eq!(answer.body, body, "{method}");
        }
    }
}

async fn a_guard_whose_layer_is_missing_lets_nobody_in(adapter: Adapter) {
    let (_provider, demo) = start(adapter);
    let browser = Browser::new();
    browser.visit(demo.url("/nested/members")).await.expect(200);
    for asks in [&browser, &Browser::new()] {
        for path in ["/lost/members", "/lost/nothing", "/lost/members?a=b"] {
            for request in [
                Request::navigate(demo.url(path)),
                Request::fetch(demo.url(path)),
                Request::script(demo.url(path)).method("HEAD"),
            ] {
                let answer = asks.send(request).await;
                assert!(matches!(answer.status, 404 | 500), "{}", answer.status);
                assert!(!answer.body.contains("a member"), "{}", answer.body);
                assert_eq!(answer.header("location"), None);
                assert!(answer.set_cookies().is_empty(), "{:?}", answer.headers);
            }
        }
        asks.open(demo.url("/lost/members")).await.expect(500);
    }
    demo.wait_for_log("the login around this route is another engine's");
}

async fn routes_whose_layer_is_missing_begin_and_end_nothing(adapter: Adapter) {
    let (provider, demo) = start(adapter);
    let browser = Browser::new();
    browser.visit(demo.url("/nested/members")).await.expect(200);
    let asked = provider.count(Endpoint::Token);
    for (path, methods) in [
        ("/other/start", &["GET", "HEAD"][..]),
        ("/other/login?code=a&state=b", &["GET", "HEAD"]),
        ("/other/initiate", &["GET", "POST"]),
        ("/other/logout", &["GET", "POST"]),
        ("/other/frontchannel-logout", &["GET"]),
        ("/other/backchannel-logout", &["POST"]),
    ] {
        for method in methods {
            let request = Request::script(demo.url(path)).method(method);
            let answer = browser.send(request).await.expect(500);
            assert_eq!(answer.header("location"), None, "{method} {path}");
            assert!(answer.set_cookies().is_empty(), "{method} {path}");
        }
    }
    assert_eq!(provider.count(Endpoint::Token), asked);
    let me = browser.open(demo.url("/me")).await.expect(200);
    assert!(me.body.contains(Provider::SUBJECT), "nobody was logged out");
    demo.wait_for_log("the login around this route is another engine's");
}

async fn an_upload_that_a_guard_refuses_gets_its_answer(adapter: Adapter) {
    let (_provider, demo) = start(adapter);
    for size in [100_000, 1_000_000] {
        let mut request = format!(
            "POST /guarded/any HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
             Content-Type: multipart/form-data; boundary=a\r\nContent-Length: {size}\r\n\r\n"
        )
        .into_bytes();
        request.resize(request.len() + size, b'a');
        let answer = Wire::ask(&demo, request).await;
        assert_eq!(answer.status, 401, "{answer:?}");
    }
}
