//! More than a browser sends: floods of cookies, parameters and log-outs, and neighbours on the same host.

use miracl_tests::{Adapter, Browser, Demo, Provider, Request, Wire, scenarios};

use crate::{
    journey::{Journey, assert_refused, log_in, subject},
    session::frontchannel::{frame, frame_url, load, logged_in, with_sid},
};

scenarios![
    a_login_begins_among_a_flood_of_pending_ones_and_clears_it_away,
    a_flood_of_cookies_of_our_names_changes_no_answer,
    a_text_that_is_too_long_begins_no_login_and_is_named_in_the_log,
    very_many_parameters_do_no_harm,
    apps_whose_prefixes_begin_alike_leave_each_others_cookies_alone,
    sids_that_are_made_up_bring_no_session_back_and_hide_no_log_out,
];

/// How many bytes of cookies each of the servers accepts.
const FLOOD: usize = 60_000;

/// What the names of a demo's cookies begin with.
fn prefix(adapter: Adapter) -> String {
    format!("miracl-{}", adapter.name)
}

/// Cookies of this many bytes in all.
fn flood(cookie: impl Fn(usize) -> String) -> String {
    let mut header = String::new();
    for number in 0.. {
        let cookie = cookie(number);
        if header.len() + cookie.len() + 2 > FLOOD {
            break;
        }
        if number > 0 {
            header.push_str("; ");
        }
        header.push_str(&cookie);
    }
    header
}

async fn a_login_begins_among_a_flood_of_pending_ones_and_clears_it_away(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let prefix = prefix(adapter);
    let junk = flood(|number| format!("{prefix}-login-{number:08x}=x"));
    let request = Request::navigate(journey.url("/login/start")).header("cookie", &junk);
    let answer = journey.browser.send(request).await.expect(303);
    let (deleted, set): (Vec<_>, Vec<_>) = answer
        .set_cookies()
        .into_iter()
        .partition(|cookie| cookie.deleted);
    // Only a few at a time, because the headers of a response have a limit, too.
    assert_eq!((set.len(), deleted.len()), (1, 10));
    // Names that merely resemble ours are left alone.
    for odd in ["x", "1234567", "0123456789", "ABCDEF01", "session"] {
        let junk = flood(|_| format!("{prefix}-login-{odd}=x"));
        let request = Request::navigate(journey.url("/login/start")).header("cookie", &junk);
        let answer = Browser::new().send(request).await.expect(303);
        assert_eq!(answer.set_cookies().len(), 1, "{odd}");
    }
}

async fn a_flood_of_cookies_of_our_names_changes_no_answer(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let names = ["session", "data", "data-1", "data-2", "flash", "loop"];
    let prefix = prefix(adapter);
    let junk = flood(|number| format!("{prefix}-{}={number:043}", names[number % names.len()]));
    let plain = Browser::new();
    for (path, status) in [
        ("/", 200),
        ("/public", 200),
        ("/me", 401),
        ("/whoami", 401),
        ("/admins", 401),
        ("/login/start", 200),
        ("/login/initiate", 400),
        ("/login?state=x&code=y", 400),
        ("/logout", 303),
        ("/frontchannel-logout", 200),
        ("/signed-out", 303),
    ] {
        let request = Request::fetch(journey.url(path)).header("cookie", &junk);
        let answer = plain.send(request).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
    }
}

async fn a_text_that_is_too_long_begins_no_login_and_is_named_in_the_log(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let issuer = journey.provider.issuer();
    let of = |path: &str, name: &str, len: usize| {
        let iss = url::form_urlencoded::byte_serialize(issuer.as_bytes()).collect::<String>();
        journey.url(&format!("{path}?iss={iss}&{name}={}", "x".repeat(len)))
    };
    let mut cases = [
        "prerollid",
        "acttoken",
        "lang",
        "prompt",
        "acr_values",
        "login_hint",
        "ui_locales",
    ]
    .map(|name| ("/login/start", name))
    .to_vec();
    cases.push(("/login/initiate", "login_hint"));
    for (path, name) in cases {
        let answer = journey.browser.open(of(path, name, 512)).await.expect(303);
        let bytes: usize = answer.set_cookies().iter().map(|c| c.value.len()).sum();
        assert!(bytes < 2048, "{name}: {bytes}");
        for len in [513, 30_000] {
            let answer = journey.browser.open(of(path, name, len)).await;
            assert_refused(&answer);
            assert_eq!(answer.status, 400, "{name}");
            assert!(
                answer
                    .set_cookies()
                    .iter()
                    .all(|c| !c.name.contains("login"))
            );
            journey.demo.wait_for_log(&format!("`{name}`"));
        }
    }
    let answer = journey
        .browser
        .open(of("/login/start", "return_to", 30_000))
        .await;
    let set = answer.expect(303).set_cookies();
    assert_eq!(set.iter().filter(|cookie| !cookie.deleted).count(), 1);
    let target = format!("{}/{}", journey.demo.origin(), "x".repeat(30_000));
    let answer = journey
        .browser
        .open(of("/login/initiate", "target_link_uri", 30_000))
        .await;
    assert_refused(&answer);
    let answer = journey
        .browser
        .open(format!(
            "{}&target_link_uri={target}",
            of("/login/initiate", "x", 1)
        ))
        .await;
    assert_refused(&answer);
    journey.demo.wait_for_log("`target_link_uri`");
    // Every login that was begun has a small cookie.
    let cookies = journey.browser.cookies();
    let size: usize = cookies
        .iter()
        .map(|c| c.name.len() + c.value.len() + 3)
        .sum();
    assert!(size < 7 * 1024, "{size} bytes");
}

async fn very_many_parameters_do_no_harm(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let many = "a=b&".repeat(10_000);
    for (path, status) in [
        ("/login/start", 303),
        ("/login/initiate", 400),
        ("/login", 400),
        ("/frontchannel-logout", 200),
        ("/logout", 303),
    ] {
        let answer = journey
            .browser
            .open(journey.url(&format!("{path}?{many}")))
            .await;
        assert_eq!(answer.status, status, "{path}");
    }
    for (path, status) in [("/login/initiate", 400), ("/backchannel-logout", 400)] {
        let request = Request::script(journey.url(path))
            .method("POST")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(&many);
        let answer = journey.browser.send(request).await;
        assert_eq!(answer.status, status, "{path}");
    }
}

async fn apps_whose_prefixes_begin_alike_leave_each_others_cookies_alone(adapter: Adapter) {
    let provider = Provider::start();
    let prefixes = ["a", "a-login", "a-data", "a-session", "a-login-01234567"];
    let demos = prefixes.map(|prefix| {
        Demo::of(adapter, &provider)
            .env("COOKIE_PREFIX", prefix)
            .start()
    });
    let browser = Browser::new();
    for demo in &demos {
        log_in(&browser, demo).await;
    }
    // Cookies belong to a host and not to its port, so each app gets the cookies of all.
    for (one, demo) in demos.iter().enumerate() {
        for _ in 0..6 {
            browser.open(demo.url("/login/start")).await.expect(303);
        }
        browser.open(demo.url("/refresh")).await;
        for (other, neighbour) in demos.iter().enumerate() {
            let found = subject(&browser, neighbour).await;
            let (one, other) = (prefixes[one], prefixes[other]);
            assert!(found.is_some(), "{one} logged somebody out at {other}");
        }
    }
    // A log-out at one app leaves the others alone.
    for (one, demo) in demos.iter().enumerate() {
        browser.post(demo.url("/logout"), &[]).await.expect(303);
        for (other, neighbour) in demos.iter().enumerate() {
            let is_in = subject(&browser, neighbour).await.is_some();
            assert_eq!(is_in, other > one, "{} {}", prefixes[one], prefixes[other]);
        }
    }
}

/// Log-outs through the front channel, with more `sid`s than are remembered.
const SIDS: usize = 10_050;

async fn sids_that_are_made_up_bring_no_session_back_and_hide_no_log_out(adapter: Adapter) {
    let journey = logged_in(adapter, "first").await;
    let issuer = journey.provider.issuer();
    let end = async |sid: &str| {
        let parameters = [("iss", &*issuer), ("sid", sid)];
        load(&Browser::new(), frame(&journey, &parameters)).await;
    };
    let first = journey.browser.copy();
    end("first").await;
    with_sid(&journey, "second");
    let second = Browser::new();
    log_in(&second, &journey.demo).await;

    let target = |number: usize| {
        let mut url = frame_url(&journey, &[("iss", &issuer)]);
        let sid = format!("made-up-{number}");
        url.query_pairs_mut().append_pair("sid", &sid);
        url[url::Position::BeforePath..].to_owned()
    };
    let mut wire = Wire::connect(&journey.demo).await;
    for chunk in (0..SIDS).collect::<Vec<_>>().chunks(150) {
        wire.get_all(chunk.iter().map(|number| target(*number)), 200)
            .await;
    }
    journey.demo.wait_for_log("Somebody makes them up");

    assert_eq!(subject(&first, &journey.demo).await, None);
    assert!(subject(&second, &journey.demo).await.is_some());
    end("second").await;
    assert_eq!(subject(&second, &journey.demo).await, None);
    with_sid(&journey, "third");
    journey.log_in().await;
    journey.assert_still_logged_in().await;
    end("third").await;
    journey.assert_nobody().await;
}
