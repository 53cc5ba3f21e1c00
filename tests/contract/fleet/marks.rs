//! Marks that a fleet shares in Redis: sessions stay in cookies, and still end everywhere.

use std::time::{Duration, Instant};

use miracl_tests::{Adapter, Answers, Browser, Demo, Endpoint, Muzzle, Provider, Redis, scenarios};
use serde_json::json;

use super::replicas::member;
use crate::{
    journey::{Journey, assert_refused, key, log_in, subject},
    session::logout_during_login::{NAMES, log_out_during},
};

scenarios![
    a_logout_at_one_replica_kills_a_copied_cookie_at_every_other,
    a_logout_token_at_one_replica_counts_at_every_other_and_once,
    a_log_out_at_another_replica_reaches_a_login_under_way,
    a_frame_at_another_replica_counts_as_proven_only_for_the_sid_of_a_login,
    a_callback_is_used_once_in_the_whole_fleet,
    a_log_out_outlives_the_process,
    a_hundred_requests_all_over_the_fleet_make_one_refresh,
    a_replica_killed_after_its_lease_leaves_the_refresh_to_another_and_nobody_is_logged_out,
    a_replica_killed_while_it_asks_leaves_the_refresh_to_another,
    while_redis_is_away_nobody_is_logged_in_or_out,
    an_app_may_treat_a_session_that_cannot_be_read_as_anonymous,
];

/// How long it may take until a log-out is known everywhere, and how much longer on a busy machine.
const SOON: Duration = Duration::from_secs(1);
const BUSY: Duration = Duration::from_secs(4);
/// How long the others wait for a replica that has leased a refresh and is silent since.
const LEASED: Duration = Duration::from_secs(5);

/// This many replicas of each framework, in cookie mode unless `sessions` says otherwise.
fn fleet(
    adapter: Adapter,
    provider: &Provider,
    redis: &Redis,
    each: usize,
    sessions: Option<&str>,
) -> Vec<Demo> {
    let adapters = adapter
        .rotation()
        .flat_map(|adapter| std::iter::repeat_n(adapter, each));
    adapters
        .map(|adapter| {
            let demo = member(adapter, provider).env("MARKS_STORE", &redis.url());
            match sessions {
                Some(place) => demo.env("SESSION_STORE", place).start(),
                None => demo.start(),
            }
        })
        .collect()
}

/// Waits until the user is logged in nowhere, which may take a second.
async fn assert_nobody_soon(browser: &Browser, demos: &[Demo]) {
    let began = Instant::now();
    for demo in demos {
        while browser.copy().fetch(demo.url("/me")).await.status == 200 {
            assert!(began.elapsed() < SOON + BUSY, "{}", demo.origin());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(subject(&browser.copy(), demo).await, None);
    }
}

async fn a_logout_at_one_replica_kills_a_copied_cookie_at_every_other(adapter: Adapter) {
    let (provider, redis) = (Provider::start(), Redis::start());
    let demos = fleet(adapter, &provider, &redis, 1, None);
    for leaving in &demos {
        let browser = Browser::new();
        log_in(&browser, &demos[0]).await;
        let copy = browser.copy();
        for demo in &demos {
            assert!(subject(&copy, demo).await.is_some());
        }
        browser.post(leaving.url("/logout"), &[]).await.expect(303);
        assert_eq!(subject(&copy.copy(), leaving).await, None);
        assert_nobody_soon(&copy, &demos).await;
        log_in(&browser, leaving).await;
        for demo in &demos {
            assert!(subject(&browser, demo).await.is_some(), "a new login lives");
        }
    }
}

async fn a_logout_token_at_one_replica_counts_at_every_other_and_once(adapter: Adapter) {
    let (provider, redis) = (Provider::start(), Redis::start());
    let demos = fleet(adapter, &provider, &redis, 1, None);
    let browser = Browser::new();
    log_in(&browser, &demos[1]).await;
    let token = provider.logout_token(|claims, _| claims["sub"] = json!(Provider::SUBJECT));
    let form = [("logout_token", &*token)];
    let post = |demo: &Demo| demo.url("/backchannel-logout");
    Browser::new()
        .post(post(&demos[0]), &form)
        .await
        .expect(200);
    assert_nobody_soon(&browser, &demos).await;
    for demo in &demos {
        let again = Browser::new().post(post(demo), &form).await.expect(400);
        assert!(again.body.contains("used before"), "{}", again.body);
    }
}

async fn a_log_out_at_another_replica_reaches_a_login_under_way(adapter: Adapter) {
    for in_redis in [false, true] {
        let (provider, redis) = (Provider::start(), Redis::start());
        let url = redis.url();
        let sessions = in_redis.then_some(url.as_str());
        let demos = fleet(adapter, &provider, &redis, 1, sessions);
        for question in [Endpoint::Token, Endpoint::Userinfo] {
            for names in NAMES {
                let at = [&demos[1], &demos[0]];
                let (browser, answer) = log_out_during(&provider, question, at, names).await;
                assert_refused(&answer);
                assert_nobody_soon(&browser, &demos).await;
            }
        }
    }
}

async fn a_frame_at_another_replica_counts_as_proven_only_for_the_sid_of_a_login(adapter: Adapter) {
    const UNPROVEN: &str = ":ended-unproven";
    let (provider, redis) = (Provider::start(), Redis::start());
    let demos = fleet(adapter, &provider, &redis, 1, None);
    let (here, there) = (&demos[0], &demos[1]);
    let end = async |sid: &str| {
        let mut url = url::Url::parse(&there.url("/frontchannel-logout")).expect("an address");
        url.query_pairs_mut()
            .append_pair("iss", &provider.issuer())
            .append_pair("sid", sid);
        Browser::new().open(url).await.expect(200);
    };
    for _ in 0..2 {
        provider.set(Endpoint::IdToken, Answers::member("sid", json!("first")));
        let browser = Browser::new();
        log_in(&browser, here).await;
        end("first").await;
        assert_nobody_soon(&browser, &demos).await;
        assert_eq!(redis.times_heard(UNPROVEN), 0, "there was a login");
    }
    // The second time, there is nothing left to end.
    end("first").await;
    assert_eq!(redis.times_heard(UNPROVEN), 0);
    end("made-up").await;
    assert_ne!(redis.times_heard(UNPROVEN), 0);
}

async fn a_callback_is_used_once_in_the_whole_fleet(adapter: Adapter) {
    let (provider, redis) = (Provider::start(), Redis::start());
    let demos = fleet(adapter, &provider, &redis, 1, None);
    let browser = Browser::new();
    let start = browser.open(demos[0].url("/login/start")).await.expect(303);
    let approved = browser.step(&start).await.expect(302);
    let callback = approved.location().expect("the callback");
    let copy = browser.copy();
    browser.open(callback.clone()).await.expect(303);
    let asked = provider.count(Endpoint::Token);
    for demo in &demos[1..] {
        let mut elsewhere = callback.clone();
        elsewhere.set_port(Some(demo.port())).expect("a port");
        copy.copy().open(elsewhere).await;
        assert_eq!(subject(&copy.copy(), demo).await, None);
    }
    assert_eq!(provider.count(Endpoint::Token), asked, "no code is sent");
}

/// A demo in cookie mode, whose Redis for marks the scenario controls.
async fn with_marks(adapter: Adapter, settings: &[(&str, &str)]) -> (Journey, Redis) {
    let redis = Redis::start();
    let own = [("MARKS_STORE", &*redis.url()), ("COOKIE_KEYS", &*key(1))];
    let journey = Journey::begin_with(adapter, &[&own, settings].concat());
    journey.log_in().await;
    (journey, redis)
}

async fn a_log_out_outlives_the_process(adapter: Adapter) {
    let (mut journey, _redis) = with_marks(adapter, &[]).await;
    let copy = journey.browser.copy();
    let url = journey.url("/logout");
    journey.browser.post(url, &[]).await.expect(303);
    journey.demo.restart();
    assert_eq!(subject(&copy, &journey.demo).await, None);
}

/// A user of a fleet whose access token has expired.
async fn run_out(provider: &Provider, demo: &Demo) -> Browser {
    provider.give_refresh_tokens(0);
    let browser = Browser::new();
    let start = browser.open(demo.url("/login/start")).await.expect(303);
    let approved = browser.step(&start).await.expect(302);
    browser.step(&approved).await.expect(303);
    assert_eq!(provider.refreshes(), 0);
    browser
}

async fn a_hundred_requests_all_over_the_fleet_make_one_refresh(adapter: Adapter) {
    for in_redis in [false, true] {
        let (provider, redis) = (Provider::start(), Redis::start());
        let url = redis.url();
        let sessions = in_redis.then_some(url.as_str());
        let demos = fleet(adapter, &provider, &redis, 3, sessions);
        let browser = run_out(&provider, &demos[0]).await;
        provider.set(Endpoint::Token, Answers::Late(Duration::from_millis(300)));
        let mut requests = tokio::task::JoinSet::new();
        for (number, demo) in (0..100).zip(demos.iter().cycle()) {
            let (browser, url) = (browser.copy(), demo.url("/me"));
            requests.spawn(async move { (number, browser.fetch(url).await.status) });
        }
        while let Some(ended) = requests.join_next().await {
            let (number, status) = ended.expect("a request");
            assert_eq!(status, 200, "request {number}, in Redis: {in_redis}");
        }
        assert_eq!(provider.refreshes(), 1, "in Redis: {in_redis}");
    }
}

async fn a_replica_killed_after_its_lease_leaves_the_refresh_to_another_and_nobody_is_logged_out(
    adapter: Adapter,
) {
    const LEASE: &str = ":claim:";
    for in_redis in [false, true] {
        let (provider, redis) = (Provider::start(), Redis::start());
        let muzzle = Muzzle::start(&redis, LEASE).await;
        let mut demos: Vec<_> = adapter
            .rotation()
            .zip([muzzle.port(), redis.port()])
            .map(|(adapter, port)| {
                let demo = member(adapter, &provider).env("MARKS_STORE", &redis.url_by(port));
                match in_redis {
                    true => demo.env("SESSION_STORE", &redis.url()).start(),
                    false => demo.start(),
                }
            })
            .collect();
        // The login takes a lease as well, which the muzzle must let pass.
        let browser = run_out(&provider, &demos[1]).await;
        let leases = redis.times_heard(LEASE);
        let (first, dying) = (demos.remove(0), browser.copy());
        // Redis has granted the lease, and the replica does not know it yet.
        let leased = async {
            muzzle.silent().await;
            while redis.times_heard(LEASE) == leases {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            answer = dying.fetch(first.url("/me")) => panic!("{} came before it was killed", answer.status),
            () = leased => {}
        }
        drop(first);
        assert_eq!(provider.refreshes(), 0);
        let began = Instant::now();
        browser.fetch(demos[0].url("/me")).await.expect(200);
        assert!(began.elapsed() < LEASED + BUSY, "it hangs");
        assert_eq!(provider.refreshes(), 1, "in Redis: {in_redis}");
        // A request with the earlier cookies, too.
        dying.fetch(demos[0].url("/me")).await.expect(200);
        assert_eq!(provider.refreshes(), 1, "in Redis: {in_redis}");
    }
}

async fn a_replica_killed_while_it_asks_leaves_the_refresh_to_another(adapter: Adapter) {
    let (provider, redis) = (Provider::start(), Redis::start());
    let mut demos = fleet(adapter, &provider, &redis, 1, None);
    let browser = run_out(&provider, &demos[0]).await;
    // The replica is killed while it waits for the answer. The provider has used nothing up before it answers.
    provider.set(Endpoint::Token, Answers::Late(Duration::from_secs(60)));
    let first = demos.remove(0);
    let dying = browser.copy();
    let asked = async {
        while provider.refreshes() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = dying.fetch(first.url("/me")) => panic!("{} came before it was killed", answer.status),
        () = asked => {}
    }
    drop(first);
    provider.set(Endpoint::Token, Answers::Well);
    let began = Instant::now();
    let me = browser.fetch(demos[0].url("/me")).await;
    assert!(matches!(me.status, 200 | 401), "{} {}", me.status, me.body);
    assert!(began.elapsed() < LEASED + BUSY, "it hangs");
    assert!(provider.refreshes() <= 2, "at most one more");
}

/// The answer of `/me` as soon as the demo's copy of the marks is too old to count.
async fn status_when_old(journey: &Journey) -> u16 {
    let began = Instant::now();
    loop {
        let status = journey.browser.fetch(journey.url("/me")).await.status;
        if status != 200 {
            return status;
        }
        assert!(
            began.elapsed() < SOON + BUSY,
            "its copy of the marks is old"
        );
    }
}

/// Waits until the demo has read the marks again, which may fail while Redis starts, and then checks the answer of
/// `/me`.
async fn assert_back(journey: &Journey, away: u16) {
    let began = Instant::now();
    while journey.browser.fetch(journey.url("/me")).await.status == away {
        assert!(began.elapsed() < SOON + BUSY, "it has not noticed");
    }
    journey.assert_still_logged_in().await;
}

async fn while_redis_is_away_nobody_is_logged_in_or_out(adapter: Adapter) {
    let (journey, mut redis) = with_marks(adapter, &[]).await;
    redis.kill();
    assert_eq!(status_when_old(&journey).await, 503);
    let url = journey.url("/logout");
    journey.browser.post(url, &[]).await.expect(503);
    journey
        .browser
        .open(journey.url("/public"))
        .await
        .expect(200);
    redis.restart();
    assert_back(&journey, 503).await;
}

async fn an_app_may_treat_a_session_that_cannot_be_read_as_anonymous(adapter: Adapter) {
    let settings = [("SESSION_UNAVAILABLE", "anonymous")];
    let (journey, mut redis) = with_marks(adapter, &settings).await;
    redis.kill();
    assert_eq!(status_when_old(&journey).await, 401);
    redis.restart();
    assert_back(&journey, 401).await;
}
