//! Sessions that are kept in Redis, behind an opaque id in the browser's cookie.

use std::time::{Duration, Instant};

use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use miracl_tests::{
    Adapter, Answer, Answers, Browser, Demo, Endpoint, Muzzle, Provider, Redis, canary, scenarios,
};

use super::{
    devices::{listed, log_in_with},
    memory::{
        a_login_while_logged_in_makes_a_new_id_and_the_old_one_is_dead,
        a_logout_token_of_a_person_reaches_every_browser, an_unknown_session_id_logs_nobody_in,
        the_cookie_is_an_id_and_nothing_else, user_data_of_any_size_fits,
    },
};
use crate::{
    fleet::replicas::member,
    journey::{Journey, key, log_in, login_button, session_cookie, subject, with_parameter},
};

scenarios![
    the_cookie_is_an_id_and_nothing_else,
    a_login_while_logged_in_makes_a_new_id_and_the_old_one_is_dead,
    an_unknown_session_id_logs_nobody_in,
    user_data_of_any_size_fits,
    a_logout_token_of_a_person_reaches_every_browser,
    the_session_outlives_the_process,
    a_login_that_is_given_up_while_redis_is_slow_leaves_one_session,
    the_handle_of_a_session_is_nothing_that_redis_has,
    redis_is_told_no_token_no_address_and_no_id,
    a_session_of_other_keys_logs_nobody_in_and_stays,
    a_session_of_the_last_revision_does_not_count_and_a_login_makes_another,
    logins_that_fail_leave_nothing_for_longer_than_a_moment,
    while_redis_is_away_nobody_is_logged_in_or_out_and_nothing_hangs,
    the_app_starts_while_redis_is_away,
    the_start_line_says_redis_and_no_password,
];

/// How long requests may take in all while Redis is away.
const SOON: Duration = Duration::from_secs(10);

async fn the_session_outlives_the_process(adapter: Adapter) {
    let mut journey = Journey::logged_in(adapter).await;
    journey.demo.restart();
    journey.assert_still_logged_in().await;
    let me = journey.browser.fetch(journey.url("/me")).await.expect(200);
    assert_eq!(me.json()["name"], "Canary of the Tests", "{}", me.body);
}

async fn a_login_that_is_given_up_while_redis_is_slow_leaves_one_session(adapter: Adapter) {
    // The commands that a login sends to Redis while it is confirmed, and whose replies are held back: the look for
    // log-outs, the end of the earlier session, and the beginning of the new one. Redis still carries them out.
    for (word, old_lives, living) in [
        ("XRANGE", true, 1),
        ("return header", false, 0),
        ("~= ARGV[1] then return 0", false, 1),
    ] {
        let (provider, redis) = (Provider::start(), Redis::start());
        let muzzle = Muzzle::start(&redis, word).await;
        let [here, there] = [redis.port(), muzzle.port()].map(|port| {
            let demo = member(adapter, &provider).env("SESSION_STORE", &redis.url_by(port));
            demo.start()
        });
        let (browser, witness) = (Browser::new(), Browser::new());
        log_in(&witness, &here).await;
        log_in(&browser, &here).await;
        let old = browser.copy();
        let start = browser.open(there.url("/login/start")).await.expect(303);
        let callback = browser.step(&start).await.expect(302);
        tokio::select! {
            answer = browser.step(&callback) => panic!("{} came before it was given up", answer.status),
            () = muzzle.silent() => {}
        }
        drop(browser);
        // Redis may still be about to carry out the last command.
        loop {
            let others = listed(&witness, &here).await.len() - 1;
            let old_is_here = subject(&old, &here).await.is_some();
            assert!(others <= 1, "{word}: both sessions are there");
            if (others, old_is_here) == (living, old_lives) {
                break;
            }
        }
    }
}

/// A demo whose Redis the scenario controls.
async fn with_redis(adapter: Adapter) -> (Journey, Redis) {
    let redis = Redis::start();
    let settings = [("SESSION_STORE", &*redis.url()), ("COOKIE_KEYS", &*key(1))];
    let journey = Journey::begin_with(adapter, &settings);
    journey.log_in().await;
    (journey, redis)
}

async fn redis_is_told_no_token_no_address_and_no_id(adapter: Adapter) {
    let (journey, redis) = with_redis(adapter).await;
    let mut ids = vec![session_cookie(&journey.browser).value];
    journey.browser.visit(journey.url("/refresh")).await;
    journey.log_in().await;
    ids.push(session_cookie(&journey.browser).value);
    journey
        .browser
        .post(journey.url("/logout"), &[])
        .await
        .expect(303);
    let told = redis.everything();
    let text = String::from_utf8_lossy(&told);
    assert!(text.contains(":session:") && text.contains(":subject:"));
    let mut secrets = journey.provider.secrets();
    secrets.extend([
        Provider::EMAIL.to_owned(),
        Provider::SUBJECT.to_owned(),
        Provider::CLIENT_SECRET.to_owned(),
        "Canary of the Tests".to_owned(),
        key(1),
    ]);
    secrets.extend(ids.iter().cloned());
    for id in &ids {
        let id = BASE64URL.decode_to_vec(id.as_bytes()).expect("base64url");
        assert_eq!(id.len(), 32);
        secrets.push(id.iter().map(|byte| format!("{byte:02x}")).collect());
        let is_told = told.windows(id.len()).any(|window| window == id);
        assert!(!is_told, "Redis has the bytes of an id");
    }
    canary::assert_absent("Redis", &text, &secrets);
}

async fn the_handle_of_a_session_is_nothing_that_redis_has(adapter: Adapter) {
    let (journey, redis) = with_redis(adapter).await;
    let other = Browser::new();
    log_in_with(&other, &journey.demo, "Canary-Browser/1.0").await;
    let listed = listed(&journey.browser, &journey.demo).await;
    let id = listed[1].id.clone().expect("a handle");
    assert_eq!(listed[1].name, "Canary-Browser/1.0");
    let told = redis.everything();
    let text = String::from_utf8_lossy(&told);
    assert!(text.contains(":session:"));
    // The handle in hexadecimal is part of no key, and its bytes are in no index.
    let bytes: Vec<u8> = (0..id.len() / 2)
        .map(|at| u8::from_str_radix(&id[2 * at..2 * at + 2], 16).expect("hexadecimal"))
        .collect();
    assert!(!told.windows(bytes.len()).any(|window| window == bytes));
    let secrets = [id, "Canary-Browser".to_owned()];
    canary::assert_absent("Redis", &text, &secrets);
}

async fn a_session_of_other_keys_logs_nobody_in_and_stays(adapter: Adapter) {
    let (mut journey, _redis) = with_redis(adapter).await;
    journey
        .demo
        .restart_with(|settings| settings.env("COOKIE_KEYS", &key(2)));
    journey.assert_nobody().await;
    let home = journey.home().await;
    assert!(login_button(&home).is_some(), "{}", home.body);
    let both = format!("{},{}", key(2), key(1));
    journey
        .demo
        .restart_with(|settings| settings.env("COOKIE_KEYS", &both));
    journey.assert_still_logged_in().await;
}

async fn a_session_of_the_last_revision_does_not_count_and_a_login_makes_another(adapter: Adapter) {
    let (journey, redis) = with_redis(adapter).await;
    let sessions = redis.keys(":session:");
    let [(session, Some(_))] = &*sessions else {
        panic!("{sessions:?}");
    };
    // After the byte that names the format.
    let revision = u64::MAX.to_le_bytes();
    let told = redis.ask(&[b"SETRANGE", session.as_bytes(), b"1", &revision]);
    assert!(told.starts_with(':'), "{told}");
    for path in [
        "/me", "/whoami", "/members", "/profile", "/refresh", "/devices", "/",
    ] {
        let answer = journey.browser.open(journey.url(path)).await;
        assert!(
            answer.status < 500,
            "{path}: {} {}",
            answer.status,
            answer.body
        );
        assert_gives_nothing_away(&answer);
    }
    assert_eq!(subject(&journey.browser, &journey.demo).await, None);
    let url = journey.url("/logout");
    let answer = journey.browser.copy().post(url, &[]).await;
    assert!(answer.status < 500, "{} {}", answer.status, answer.body);
    journey.log_in().await;
    journey.assert_still_logged_in().await;
    assert!(!journey.demo.log().contains("panicked"));
}

/// How long a failed callback is remembered at most: longer than a callback takes, and far shorter than a login may
/// take.
const A_MOMENT: u64 = 90_000;

async fn logins_that_fail_leave_nothing_for_longer_than_a_moment(adapter: Adapter) {
    let (journey, redis) = with_redis(adapter).await;
    let marks = || -> Vec<u64> {
        let keys = [redis.keys(":used:"), redis.keys(":claim:")].concat();
        let left = keys.into_iter().map(|(_, left)| left.expect("an end"));
        left.collect()
    };
    let long = |marks: Vec<u64>| marks.into_iter().filter(|left| *left > A_MOMENT).count();
    assert_eq!(
        (marks().len(), long(marks())),
        (1, 1),
        "of the login that went well"
    );
    let json = r#"{"error":"invalid_grant"}"#.to_owned();
    let refused = Answers::With(400, "application/json", json);
    journey.provider.set(Endpoint::Token, refused);
    for (name, value) in [
        ("error", Some("access_denied")),
        ("code", Some("junk")),
        ("code", None),
        ("iss", Some("https://evil.example")),
    ] {
        for _ in 0..3 {
            let browser = Browser::new();
            let start = browser.open(journey.url("/login/start")).await.expect(303);
            let approved = browser.step(&start).await.expect(302);
            let good = approved.location().expect("the callback");
            let callback = with_parameter(&good, name, value);
            let copy = browser.copy();
            let failed = browser.open(callback).await;
            assert!(failed.status >= 400, "{name}: {}", failed.status);
            // While it is remembered it cannot be tried again, not even with the earlier cookies.
            let asked = journey.provider.count(Endpoint::Token);
            copy.open(good).await;
            assert_eq!(journey.provider.count(Endpoint::Token), asked, "{name}");
        }
    }
    assert_eq!((marks().len(), long(marks())), (13, 1));
}

async fn while_redis_is_away_nobody_is_logged_in_or_out_and_nothing_hangs(adapter: Adapter) {
    let (journey, mut redis) = with_redis(adapter).await;
    let leaving = Browser::new();
    log_in(&leaving, &journey.demo).await;
    let callback = {
        let browser = Browser::new();
        let start = browser.open(journey.url("/login/start")).await.expect(303);
        let approved = browser.step(&start).await.expect(302);
        (browser, approved)
    };
    for round in 0..2 {
        redis.kill();
        let began = Instant::now();
        let me = journey.browser.fetch(journey.url("/me")).await.expect(503);
        assert_gives_nothing_away(&me);
        for (path, statuses) in [
            ("/members", &[503][..]),
            ("/profile", &[503]),
            ("/devices", &[503]),
            ("/whoami", &[401, 503]),
            ("/", &[200, 503]),
            // It leads home, with a message that it failed.
            ("/refresh", &[303, 503]),
        ] {
            let answer = journey.browser.open(journey.url(path)).await;
            let (status, body) = (answer.status, &answer.body);
            assert!(statuses.contains(&status), "{path}: {status} {body}");
            assert_gives_nothing_away(&answer);
        }
        // A browser without cookies needs no Redis.
        let stranger = Browser::new();
        assert_eq!(subject(&stranger, &journey.demo).await, None);
        stranger.open(journey.url("/login/start")).await.expect(303);
        if round == 0 {
            let (browser, approved) = &callback;
            let failed = browser.step(approved).await;
            assert!(failed.status >= 500, "{} {}", failed.status, failed.body);
            assert_gives_nothing_away(&failed);
            assert!(browser.cookies_named("session").is_empty());
        }
        assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
        redis.restart();
        journey.assert_still_logged_in().await;
        assert!(subject(&leaving, &journey.demo).await.is_some());
    }
    // A user who logs out meanwhile is not told that it worked when it did not.
    redis.kill();
    let began = Instant::now();
    let answer = leaving.post(journey.url("/logout"), &[]).await;
    assert!(answer.status >= 500, "{} {}", answer.status, answer.body);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    redis.restart();
    journey.assert_still_logged_in().await;
    // Now it works.
    leaving.post(journey.url("/logout"), &[]).await.expect(303);
    assert_eq!(subject(&leaving, &journey.demo).await, None);
}

fn assert_gives_nothing_away(answer: &Answer) {
    assert!(!answer.body.contains(Provider::EMAIL), "{}", answer.body);
    assert!(!answer.body.contains("Canary"), "{}", answer.body);
}

async fn the_app_starts_while_redis_is_away(adapter: Adapter) {
    let mut redis = Redis::start();
    redis.kill();
    let provider = Provider::start();
    let demo = Demo::of(adapter, &provider).env("SESSION_STORE", &redis.url());
    let journey = Journey {
        demo: demo.start(),
        provider,
        browser: Browser::new(),
    };
    let home = journey.home().await;
    assert!(login_button(&home).is_some(), "{}", home.body);
    redis.restart();
    journey.log_in().await;
    journey.assert_still_logged_in().await;
}

async fn the_start_line_says_redis_and_no_password(adapter: Adapter) {
    let (journey, mut redis) = with_redis(adapter).await;
    redis.kill();
    journey.browser.fetch(journey.url("/me")).await.expect(503);
    journey.demo.wait_for_log("sessions in Redis, sealed");
    journey
        .demo
        .wait_for_log("Redis did not do what it was asked to");
    let log = journey.demo.log();
    canary::assert_absent("the log", &log, &[Redis::PASSWORD.to_owned()]);
}
