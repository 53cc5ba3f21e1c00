//! Streams at one replica whose session another one ends. On the probe.

use miracl_tests::{Adapter, Browser, Demo, Provider, Redis, scenarios};
use serde_json::json;

use super::replicas::member;
use crate::session::{
    backchannel::accepted,
    ended::{Stream, log_in, log_out},
};

scenarios![
    a_log_out_at_another_replica_ends_the_streams_of_its_session,
    a_logout_token_at_another_replica_ends_them,
    while_redis_is_away_a_stream_stays_open,
];

/// A probe of this adapter, and a probe of the next one.
fn replicas(adapter: Adapter, provider: &Provider, redis: &Redis, in_redis: bool) -> [Demo; 2] {
    let mut adapters = adapter.rotation();
    [(); 2].map(|()| {
        let adapter = adapters.next().expect("two adapters");
        let probe = member(adapter.probe(), provider)
            .env("MARKS_STORE", &redis.url())
            .env("PROBE_LOG", "warn")
            .env("SESSION_CHECK_INTERVAL", "1");
        match in_redis {
            true => probe.env("SESSION_STORE", &redis.url()).start(),
            false => probe.start(),
        }
    })
}

async fn a_log_out_at_another_replica_ends_the_streams_of_its_session(adapter: Adapter) {
    for in_redis in [false, true] {
        let (provider, redis) = (Provider::start(), Redis::start());
        let [here, there] = replicas(adapter, &provider, &redis, in_redis);
        let (one, two) = (Browser::new(), Browser::new());
        log_in(&one, &there).await;
        log_in(&two, &there).await;
        let ending = Stream::open(&one, &here).await;
        let mut other = Stream::open(&two, &here).await;
        log_out(&one, &there).await;
        ending.ends("Ended(Elsewhere)").await;
        other.assert_open().await;
    }
}

async fn a_logout_token_at_another_replica_ends_them(adapter: Adapter) {
    for in_redis in [false, true] {
        let (provider, redis) = (Provider::start(), Redis::start());
        let [here, there] = replicas(adapter, &provider, &redis, in_redis);
        let browser = Browser::new();
        log_in(&browser, &here).await;
        let stream = Stream::open(&browser, &here).await;
        let token = provider.logout_token(|claims, _| claims["sub"] = json!(Provider::SUBJECT));
        accepted(&there, &token).await;
        stream.ends("Ended(Elsewhere)").await;
    }
}

async fn while_redis_is_away_a_stream_stays_open(adapter: Adapter) {
    for in_redis in [false, true] {
        let (provider, mut redis) = (Provider::start(), Redis::start());
        let [here, _] = replicas(adapter, &provider, &redis, in_redis);
        let browser = Browser::new();
        log_in(&browser, &here).await;
        let mut stream = Stream::open(&browser, &here).await;
        redis.kill();
        // Both looks fail.
        here.wait_for_log("it cannot be told whether sessions have ended");
        stream.assert_open().await;
        redis.restart();
        // The session lives on. It ends as soon as that can be written.
        while browser.fetch(here.url("/me")).await.status != 401 {
            log_out(&browser, &here).await;
        }
        stream.ends("Ended(LogOut)").await;
    }
}
