//! Log-out at npm's `oidc-provider`, which tells its apps through the back channel.

use miracl_tests::{Adapter, Answer, Browser, Demo, DemoBuilder, OidcProvider, scenarios};
use serde_json::{Value, json};

use crate::{CLIENT_ID, CLIENT_SECRET, log_in};

scenarios![
    signing_out_at_oidc_provider_ends_the_session_here_and_no_other,
    oidc_provider_ends_every_session_of_a_person_where_it_names_none,
    logging_out_of_one_app_ends_the_session_of_the_other,
];

/// The metadata with which a client registers to be told of log-outs.
pub(crate) fn told_at(origin: &str, which_session: bool) -> Value {
    json!({
        "backchannel_logout_uri": format!("{origin}/backchannel-logout"),
        "backchannel_logout_session_required": which_session,
    })
}

pub(crate) fn demo_of(provider: &OidcProvider, adapter: Adapter, client_id: &str) -> DemoBuilder {
    Demo::builder(adapter)
        .env("ISSUER", provider.issuer())
        .env("CLIENT_ID", client_id)
        .env("CLIENT_SECRET", CLIENT_SECRET)
}

/// A demo that is told of log-outs.
fn start(adapter: Adapter, which_session: bool) -> (OidcProvider, Demo) {
    let mut provider = OidcProvider::start();
    let demo = demo_of(&provider, adapter, CLIENT_ID).start();
    let client = told_at(demo.origin(), which_session);
    provider.register(CLIENT_ID, CLIENT_SECRET, demo.origin(), &client);
    (provider, demo)
}

/// Signs a browser out on the provider's own page.
pub(crate) async fn sign_out(browser: &Browser, provider: &OidcProvider) {
    let url = format!("{}/session/end", provider.issuer());
    confirm(browser, browser.visit(url).await).await.expect(200);
    provider.wait_for_log("backchannel.success");
    let log = provider.log();
    assert!(!log.contains("error"), "{log}");
}

/// Confirms the provider's question whether to sign out.
async fn confirm(browser: &Browser, page: Answer) -> Answer {
    let form = page.forms().into_iter().next().expect("the provider asks");
    let page = browser.submit(&page, &form.with("logout", "yes")).await;
    browser.follow(page).await
}

pub(crate) async fn is_logged_in(browser: &Browser, origin: &str) -> bool {
    let me = browser.fetch(format!("{origin}/me")).await;
    assert!(matches!(me.status, 200 | 401), "{} {}", me.status, me.body);
    me.status == 200
}

async fn signing_out_at_oidc_provider_ends_the_session_here_and_no_other(adapter: Adapter) {
    let (provider, demo) = start(adapter, true);
    let (browser, other) = (Browser::new(), Browser::new());
    for browser in [&browser, &other] {
        log_in(browser, &demo).await;
    }
    let copy = browser.copy();
    sign_out(&browser, &provider).await;
    for browser in [&browser, &copy] {
        assert!(!is_logged_in(browser, demo.origin()).await);
        browser.open(demo.url("/members")).await.expect(303);
    }
    assert!(is_logged_in(&other, demo.origin()).await);
    demo.wait_for_log("the provider logged somebody out");
    // The next login counts.
    log_in(&browser, &demo).await;
    assert!(is_logged_in(&browser, demo.origin()).await);
    assert!(!is_logged_in(&copy, demo.origin()).await);
}

async fn oidc_provider_ends_every_session_of_a_person_where_it_names_none(adapter: Adapter) {
    let (provider, demo) = start(adapter, false);
    let (browser, other) = (Browser::new(), Browser::new());
    for browser in [&browser, &other] {
        log_in(browser, &demo).await;
    }
    sign_out(&browser, &provider).await;
    for browser in [&browser, &other] {
        assert!(!is_logged_in(browser, demo.origin()).await);
    }
    demo.wait_for_log("the provider logged somebody out");
    // A login within the same second lives.
    log_in(&other, &demo).await;
    assert!(is_logged_in(&other, demo.origin()).await);
}

async fn logging_out_of_one_app_ends_the_session_of_the_other(adapter: Adapter) {
    let mut provider = OidcProvider::start();
    let names = [CLIENT_ID, "another app"];
    let demos: Vec<_> = adapter
        .rotation()
        .zip(names)
        .map(|(adapter, name)| demo_of(&provider, adapter, name).start())
        .collect();
    let clients: Vec<_> = demos
        .iter()
        .zip(names)
        .map(|(demo, name)| {
            let told = told_at(demo.origin(), true);
            OidcProvider::client(name, CLIENT_SECRET, demo.origin(), &told)
        })
        .collect();
    provider.register_all(&clients);
    let browser = Browser::new();
    for demo in &demos {
        log_in(&browser, demo).await;
    }
    let (here, left) = (&demos[0], &demos[1]);
    let asked = browser.post(left.url("/logout"), &[]).await.expect(303);
    assert!(is_logged_in(&browser, here.origin()).await);
    let page = browser.follow(asked).await;
    let page = confirm(&browser, page).await.expect(200);
    assert_eq!(page.url.as_str(), left.url("/"));
    here.wait_for_log("the provider logged somebody out");
    for demo in &demos {
        assert!(!is_logged_in(&browser, demo.origin()).await);
    }
}
