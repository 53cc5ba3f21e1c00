//! Where frameworks differ by nature: how they read a request, what they do with a slow one, and how they stop.

use std::time::{Duration, Instant};

use miracl_tests::{
    Adapter, Answers, Browser, Demo, Endpoint, Provider, Raw, Request, Wire, scenarios,
};

use crate::journey::{Journey, assert_refused};

scenarios![
    header_names_are_the_same_in_any_case,
    a_cookie_is_found_in_any_of_several_headers,
    a_head_is_a_get_without_its_body,
    a_head_and_a_prefetch_change_nothing,
    a_path_with_an_extra_slash_is_no_route_of_the_login,
    a_path_with_an_extra_slash_shows_nothing_to_strangers,
    an_escaped_path_is_the_same_path,
    a_target_with_another_host_leads_to_ours,
    a_request_of_http_1_0_is_answered,
    a_body_that_is_no_form_is_refused,
    slow_clients_hold_up_nobody,
    a_stop_lets_a_login_under_way_finish,
    a_stop_does_not_wait_for_ever,
    a_stop_waits_for_no_idle_connection,
    a_stop_right_after_the_greeting_ends_in_order,
];

/// How long a demo may take to stop, with clients of any kind.
const STOP: Duration = Duration::from_secs(15);

/// How long it may take at most when it has nothing to do. Its grace period for requests is longer.
const AT_ONCE: Duration = Duration::from_secs(2);

/// A request with these lines after the first, on a connection of its own.
fn request(line: &str, headers: &[&str]) -> String {
    let mut text = format!("{line}\r\nHost: 127.0.0.1\r\nConnection: close\r\n");
    for header in headers {
        text += &format!("{header}\r\n");
    }
    text + "\r\n"
}

/// The `Cookie` header of a browser, pair by pair.
fn pairs(browser: &Browser) -> Vec<String> {
    let cookies = browser.cookies().into_iter();
    cookies
        .map(|cookie| format!("{}={}", cookie.name, cookie.value))
        .collect()
}

async fn header_names_are_the_same_in_any_case(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let demo = &journey.demo;
    let cookies = pairs(&journey.browser).join("; ");
    for name in ["Cookie", "cookie", "COOKIE"] {
        let cookie = format!("{name}: {cookies}");
        let answer = Wire::ask(demo, request("GET /whoami HTTP/1.1", &[&cookie])).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, Provider::EMAIL),
            "{name}"
        );
    }
    for name in ["Sec-Fetch-Mode", "sec-fetch-mode", "SEC-FETCH-MODE"] {
        let mode = format!("{name}: navigate");
        let answer = Wire::ask(demo, request("GET /members HTTP/1.1", &[&mode])).await;
        assert_eq!(answer.status, 303, "{name}");
    }
    for name in ["HX-Request", "hx-request", "HX-REQUEST"] {
        let htmx = format!("{name}: true");
        let answer = Wire::ask(demo, request("GET /members HTTP/1.1", &[&htmx])).await;
        assert_eq!(answer.status, 401, "{name}");
        assert!(answer.header("hx-redirect").is_some(), "{answer:?}");
    }
    for name in ["Sec-Fetch-Site", "sec-fetch-site", "SEC-FETCH-SITE"] {
        let site = format!("{name}: cross-site");
        let headers = [site.as_str(), "Content-Length: 0"];
        let answer = Wire::ask(demo, request("POST /logout HTTP/1.1", &headers)).await;
        assert_eq!(answer.status, 403, "{name}");
    }
}

async fn a_cookie_is_found_in_any_of_several_headers(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let mut headers: Vec<_> = pairs(&journey.browser)
        .into_iter()
        .map(|pair| format!("Cookie: {pair}"))
        .collect();
    // As a proxy passes on an HTTP/2 request, where each cookie may be a header of its own.
    for _ in 0..headers.len() {
        headers.rotate_left(1);
        let mut all = vec!["Cookie: a=b", "Accept: */*"];
        all.extend(headers.iter().map(String::as_str));
        let answer = Wire::ask(&journey.demo, request("GET /me HTTP/1.1", &all)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(
            answer.body.contains("Canary of the Tests"),
            "{}",
            answer.body
        );
    }
}

async fn a_head_is_a_get_without_its_body(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let stranger = Browser::new();
    for browser in [&stranger, &journey.browser] {
        for path in [
            "/",
            "/members",
            "/profile",
            "/devices",
            "/me",
            "/whoami",
            "/admins",
            "/public",
            "/health",
            "/nothing-here",
        ] {
            let get = browser.open(journey.url(path)).await;
            let head = browser
                .send(Request::navigate(journey.url(path)).method("HEAD"))
                .await;
            assert_eq!(head.status, get.status, "{path}");
            assert_eq!(head.body, "", "{path}");
            assert!(head.set_cookies().is_empty(), "{path}");
            for name in [
                "content-type",
                "cache-control",
                "location",
                "content-security-policy",
            ] {
                assert_eq!(head.header(name), get.header(name), "{path}: {name}");
            }
        }
    }
}

async fn a_head_and_a_prefetch_change_nothing(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let asked = journey.provider.count(Endpoint::Userinfo);
    for path in [
        "/refresh",
        "/",
        "/members",
        "/profile",
        "/devices",
        "/login/start",
        "/login",
        "/logout",
    ] {
        let url = journey.url(path);
        for request in [
            Request::navigate(&url).method("HEAD"),
            Request::navigate(&url).header("sec-purpose", "prefetch;prerender"),
        ] {
            let answer = journey.browser.send(request).await;
            assert!(
                answer.set_cookies().is_empty(),
                "{path}: {:?}",
                answer.headers
            );
        }
    }
    assert_eq!(journey.provider.count(Endpoint::Userinfo), asked);
    journey.assert_still_logged_in().await;
}

async fn a_path_with_an_extra_slash_is_no_route_of_the_login(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    let query = callback.query().unwrap_or_default().to_owned();
    for path in [
        format!("/login/?{query}"),
        format!("//login?{query}"),
        "/login/start/".into(),
        "/login//start".into(),
        "/logout/".into(),
        "/signed-out/".into(),
    ] {
        let answer = Wire::ask(
            &journey.demo,
            request(
                &format!("GET {path} HTTP/1.1"),
                &[&format!("Cookie: {}", pairs(&journey.browser).join("; "))],
            ),
        )
        .await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("set-cookie"), None, "{path}");
    }
    // None of these requests has used up the login.
    journey.browser.visit(callback).await.expect(200);
    journey.assert_still_logged_in().await;
}

async fn a_path_with_an_extra_slash_shows_nothing_to_strangers(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for path in [
        "/members/",
        "//members",
        "/./members",
        "/x/../members",
        "/me/",
        "//me",
        "/MEMBERS",
    ] {
        let line = format!("GET {path} HTTP/1.1");
        let answer = Wire::ask(&journey.demo, request(&line, &["Sec-Fetch-Mode: navigate"])).await;
        // Rocket ignores an extra slash and challenges; the others do not know the path.
        assert!(
            matches!(answer.status, 303 | 400 | 401 | 404),
            "{path}: {answer:?}"
        );
        if let Some(target) = answer.header("location") {
            assert!(
                target.starts_with(&journey.url("/login/start")),
                "{path}: {target}"
            );
        }
    }
}

async fn an_escaped_path_is_the_same_path(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    // RFC 3986 §6.2.2.2: no framework may let `%6D` pass where it does not let `m` pass.
    let line = "GET /%6Dembers HTTP/1.1";
    let answer = Wire::ask(&journey.demo, request(line, &["Sec-Fetch-Mode: navigate"])).await;
    assert!(matches!(answer.status, 303 | 404), "{answer:?}");
    if let Some(target) = answer.header("location") {
        assert!(target.starts_with(&journey.url("/login/start")), "{target}");
    }
}

async fn a_target_with_another_host_leads_to_ours(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let ours = journey.url("/login/start");
    for (line, host) in [
        ("GET http://evil.example/members HTTP/1.1", "evil.example"),
        ("GET /members HTTP/1.1", "evil.example"),
        ("GET /members HTTP/1.1", "evil.example:80@127.0.0.1"),
    ] {
        let text = format!(
            "{line}\r\nHost: {host}\r\nX-Forwarded-Host: evil.example\r\n\
             Connection: close\r\nSec-Fetch-Mode: navigate\r\n\r\n"
        );
        let answer = Wire::ask(&journey.demo, text).await;
        assert!(matches!(answer.status, 303 | 400), "{line}: {answer:?}");
        if answer.status == 303 {
            let target = answer.header("location").unwrap_or_default();
            assert!(target.starts_with(&ours), "{line}: {target}");
            assert!(!target.contains("evil"), "{line}: {target}");
        }
        assert!(!answer.body.contains("evil"), "{line}: {}", answer.body);
    }
}

async fn a_request_of_http_1_0_is_answered(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let answer = Wire::ask(&journey.demo, "GET /me HTTP/1.0\r\n\r\n").await;
    assert_eq!(answer.status, 401, "{answer:?}");
    let answer = Wire::ask(&journey.demo, "GET /public HTTP/1.0\r\n\r\n").await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

async fn a_body_that_is_no_form_is_refused(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let form = Request::form(journey.url("/profile"), &[("display_name", "x")]);
    for kind in ["application/json", "text/plain"] {
        let answer = journey
            .browser
            .send(form.clone().header("content-type", kind))
            .await;
        assert!(
            (400..500).contains(&answer.status),
            "{kind}: {}",
            answer.status
        );
    }
    let other = Request::form(journey.url("/profile"), &[("other", "x")]);
    let answer = journey.browser.send(other).await;
    assert!((400..500).contains(&answer.status), "{}", answer.status);
    // A log-out needs no body, and does not read one.
    let answer = journey
        .browser
        .send(
            Request::form(journey.url("/logout"), &[("a", &"b".repeat(9_000))])
                .header("content-type", "x/y"),
        )
        .await;
    answer.expect(303);
    journey.assert_nobody().await;
}

async fn slow_clients_hold_up_nobody(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let text = request("GET /me HTTP/1.1", &["Accept: */*"]);
    let (begin, rest) = text.split_at(text.len() - 8);
    let mut slow = Vec::new();
    // More clients than there are threads: each sends some bytes and then waits.
    for _ in 0..24 {
        let mut wire = Wire::connect(&journey.demo).await;
        wire.send(begin).await;
        slow.push(wire);
    }
    journey.log_in().await;
    journey.assert_still_logged_in().await;
    // They are answered afterwards, which shows that they were still waiting.
    for byte in rest.bytes() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        for wire in &mut slow {
            wire.send([byte]).await;
        }
    }
    for wire in slow {
        let answer: Raw = wire.answer().await;
        assert_eq!(answer.status, 401, "{answer:?}");
    }
}

async fn a_stop_lets_a_login_under_way_finish(adapter: Adapter) {
    let mut journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    journey
        .provider
        .set(Endpoint::Token, Answers::Late(Duration::from_secs(3)));
    let browser = journey.browser.copy();
    let login = tokio::spawn(async move {
        let answer = browser.try_send(Request::navigate(callback)).await;
        (browser, answer)
    });
    while journey.provider.count(Endpoint::Token) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    journey.demo.terminate();
    // It accepts no new work once it has been told to stop.
    while Wire::try_connect(journey.demo.port()).await.is_ok() {
        assert!(!login.is_finished(), "it listens until all is done");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (browser, answer) = login.await.expect("the login ends");
    let answer = answer.expect("an answer").expect(303);
    assert_eq!(answer.location_path().as_deref(), Some("/"));
    assert_eq!(journey.demo.wait_for_end(STOP), Some(0), "it does not stop");
    // Its last response is kept: the session that it began counts.
    journey.demo.restart();
    let subject = crate::journey::subject(&browser, &journey.demo).await;
    assert_eq!(subject.as_deref(), Some(Provider::SUBJECT));
}

async fn a_stop_does_not_wait_for_ever(adapter: Adapter) {
    let mut journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    journey.provider.set(Endpoint::Token, Answers::Never);
    let browser = journey.browser.copy();
    let login = tokio::spawn(async move { browser.try_send(Request::navigate(callback)).await });
    while journey.provider.count(Endpoint::Token) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut slow = Wire::connect(&journey.demo).await;
    slow.send("GET /me HT").await;
    let _idle = Wire::connect(&journey.demo).await;
    journey.demo.terminate();
    assert_eq!(journey.demo.wait_for_end(STOP), Some(0), "it does not stop");
    // Either the login was given up in time, or nobody answers it any more.
    if let Ok(Ok(answer)) = login.await
        && answer.status < 500
    {
        assert_refused(&answer);
    }
}

async fn a_stop_waits_for_no_idle_connection(adapter: Adapter) {
    let provider = Provider::start();
    let mut took = Vec::new();
    // One try may take longer on a busy machine. A demo that waits is late each time.
    for _ in 0..3 {
        let mut demo = Demo::start(adapter, &provider);
        let mut idle = Wire::connect(&demo).await;
        idle.get_all(["/public".to_owned()], 200).await;
        let began = Instant::now();
        demo.terminate();
        assert_eq!(demo.wait_for_end(STOP), Some(0), "it does not stop");
        if began.elapsed() < AT_ONCE {
            return;
        }
        took.push(began.elapsed());
    }
    panic!("it waits for an idle connection: {took:?}");
}

async fn a_stop_right_after_the_greeting_ends_in_order(adapter: Adapter) {
    let provider = Provider::start();
    // A demo that is only about to listen for signals is not caught each time.
    for _ in 0..3 {
        let mut demo = Demo::start(adapter, &provider);
        demo.terminate();
        assert_eq!(demo.wait_for_end(STOP), Some(0), "SIGTERM ends it");
        let mut demo = Demo::start(adapter, &provider);
        demo.interrupt();
        assert_eq!(demo.wait_for_end(STOP), Some(0), "SIGINT ends it");
    }
}
