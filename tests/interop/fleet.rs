//! Log-out at a provider that none of us wrote, which tells one replica of a fleet.

use miracl_tests::{Adapter, Browser, Front, OidcProvider, scenarios};

use crate::{
    CLIENT_ID, CLIENT_SECRET, log_in_at,
    logout::{demo_of, is_logged_in, rotation, sign_out, told_at},
};

scenarios![signing_out_at_oidc_provider_is_known_to_every_replica];

/// One replica of every framework, of which one is told.
async fn signing_out_at_oidc_provider_is_known_to_every_replica(adapter: Adapter) {
    let mut provider = OidcProvider::start();
    let front = Front::start().await;
    let demos: Vec<_> = rotation(adapter)
        .map(|adapter| {
            demo_of(&provider, adapter, CLIENT_ID)
                .env(
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
    for demo in &demos {
        front.choose(demo);
        for browser in [&browser, &copy] {
            assert!(!is_logged_in(browser, &origin).await);
        }
    }
    demos[1].wait_for_log("the provider logged somebody out");
}
