//! Log-out at npm's `oidc-provider`, which tells one replica of a fleet.

use std::time::{Duration, Instant};

use miracl_tests::{Adapter, Browser, Front, OidcProvider, Redis, Scenario, Suite, scenarios};

use crate::{
    CLIENT_ID, CLIENT_SECRET, log_in_at,
    logout::{demo_of, is_logged_in, sign_out, told_at},
};

scenarios![signing_out_at_oidc_provider_is_known_to_every_replica];

/// A fleet whose sessions are in cookies, and whose marks are in Redis.
pub(crate) fn with_marks() -> Suite {
    let scenario = Scenario::new(
        "signing_out_at_oidc_provider_ends_cookies_at_every_replica",
        |adapter| {
            Box::pin(async move {
                let redis = Redis::start();
                play(adapter, Some(&redis)).await;
            })
        },
    );
    Suite::of("marks_fleet", vec![scenario])
}

async fn signing_out_at_oidc_provider_is_known_to_every_replica(adapter: Adapter) {
    play(adapter, None).await;
}

/// One replica of every framework, of which one is told.
async fn play(adapter: Adapter, marks: Option<&Redis>) {
    let mut provider = OidcProvider::start();
    let front = Front::start().await;
    let demos: Vec<_> = adapter
        .rotation()
        .map(|adapter| {
            let demo = demo_of(&provider, adapter, CLIENT_ID);
            let demo = match marks {
                Some(redis) => demo.env("MARKS_STORE", &redis.url()),
                None => demo,
            };
            demo.env(
                "COOKIE_KEYS",
                "MTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3BxcnN0dXY=",
            )
            .env("COOKIE_PREFIX", "fleet")
            .env("REDIRECT_URL", &front.url("/login"))
            .start()
        })
        .collect();
    let origin = front.url("");
    let client = told_at(&origin, true);
    provider.register(CLIENT_ID, CLIENT_SECRET, &origin, &client);
    front.choose(&demos[0]);
    let browser = Browser::new();
    log_in_at(&browser, &origin).await;
    let copy = browser.copy();
    for demo in &demos {
        front.choose(demo);
        assert!(is_logged_in(&browser, &origin).await);
    }
    front.choose(&demos[1]);
    sign_out(&browser, &provider).await;
    let signed_out = Instant::now();
    for demo in &demos {
        front.choose(demo);
        for browser in [&browser, &copy] {
            // The end of a session in cookies is known within a second, and on a busy machine a little later.
            while marks.is_some() && is_logged_in(&browser.copy(), &origin).await {
                assert!(signed_out.elapsed() < Duration::from_secs(5));
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            assert!(!is_logged_in(browser, &origin).await);
        }
    }
    demos[1].wait_for_log("the provider logged somebody out");
}
