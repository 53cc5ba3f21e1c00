//! What one site can do to another. To a browser, `127.0.0.1`, where the demo is, and `localhost` are two sites;
//! ports make no difference.

use axum::{Router, response::Html};
use miracl_tests::{Adapter, Chrome, Demo, Endpoint, Provider, scenarios};

use crate::{arrived, cookies};

scenarios![
    a_form_of_another_site_is_refused_and_the_user_stays,
    an_image_and_a_frame_of_another_site_do_nothing,
    a_link_on_another_site_finds_the_user_logged_in,
    a_prefetch_starts_and_ends_nothing,
    a_visitor_by_the_other_host_name_logs_in_at_ours,
];

/// A site at `localhost` that shows this page at each of its addresses. It stops when the scenario ends.
async fn other_site(body: &str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0");
    let listener = listener.await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let page = format!("<!doctype html><title>Another site</title><body>{body}</body>");
    let router = Router::new().fallback(move || async move { Html(page) });
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://localhost:{port}/")
}

/// A demo, its provider, which approves every login at once, and a browser.
async fn begin(adapter: Adapter) -> (Demo, Provider, Chrome) {
    let provider = Provider::start();
    let demo = Demo::start(adapter, &provider);
    (demo, provider, Chrome::start().await)
}

/// A demo, its provider, and a browser that is logged in.
async fn logged_in(adapter: Adapter) -> (Demo, Provider, Chrome) {
    let (demo, provider, chrome) = begin(adapter).await;
    chrome.open(&demo.url("/login/start")).await;
    arrived(&chrome, &demo, "/").await;
    (demo, provider, chrome)
}

/// Fails unless the browser is still logged in.
async fn assert_logged_in(chrome: &Chrome, demo: &Demo) {
    chrome.open(&demo.url("/whoami")).await;
    assert_eq!(chrome.text().await.trim(), Provider::EMAIL);
}

async fn a_form_of_another_site_is_refused_and_the_user_stays(adapter: Adapter) {
    let (demo, _provider, chrome) = logged_in(adapter).await;
    for (path, field) in [
        ("/logout", ""),
        (
            "/profile",
            "<input name=\"display_name\" value=\"Mallory\">",
        ),
    ] {
        let site = other_site(&format!(
            "<form method=\"post\" action=\"{}\">{field}<button>Win a prize</button></form>",
            demo.url(path)
        ))
        .await;
        chrome.open(&site).await;
        chrome.click("button").await;
        chrome.wait_for_url(|url| url == demo.url(path)).await;
        chrome.wait_for_text("Cross-origin request refused").await;
        assert_logged_in(&chrome, &demo).await;
    }
    chrome.open(&demo.url("/profile")).await;
    let name = chrome.find("input[name=\"display_name\"]").await;
    let name = name.attr("value").await.expect("an attribute");
    assert_ne!(name.as_deref(), Some("Mallory"));
}

async fn an_image_and_a_frame_of_another_site_do_nothing(adapter: Adapter) {
    let (demo, _provider, chrome) = logged_in(adapter).await;
    let before = cookies(&chrome, adapter).await;
    let site = other_site(&format!(
        "<img src=\"{0}\" onerror=\"document.title = 'tried'\"><iframe src=\"{0}\"></iframe>\
         <script>fetch('{0}', {{ method: 'POST', mode: 'no-cors', credentials: 'include' }})\
         .finally(() => document.body.append('sent'))</script>",
        demo.url("/logout")
    ))
    .await;
    chrome.open(&site).await;
    chrome.wait_for_text("sent").await;
    assert_eq!(chrome.script("return document.title").await, "tried");
    // The frame shows nothing of the demo.
    chrome.client().enter_frame(0).await.expect("the frame");
    let framed = chrome.text().await;
    assert!(!framed.contains("Log out"), "{framed}");
    let parent = chrome.client().enter_parent_frame().await;
    parent.expect("the page");
    assert_logged_in(&chrome, &demo).await;
    assert_eq!(cookies(&chrome, adapter).await, before);
}

async fn a_link_on_another_site_finds_the_user_logged_in(adapter: Adapter) {
    let (demo, provider, chrome) = logged_in(adapter).await;
    let site = other_site(&format!(
        "<a id=\"members\" href=\"{}\">Members</a> <a id=\"logout\" href=\"{}\">Prizes</a>",
        demo.url("/members?tab=2"),
        demo.url("/logout")
    ))
    .await;
    chrome.open(&site).await;
    chrome.click("#members").await;
    chrome
        .wait_for_url(|url| url == demo.url("/members?tab=2"))
        .await;
    chrome.wait_for_text("Members").await;
    // `SameSite=Lax`: the user was known at once, without another login.
    assert_eq!(provider.count(Endpoint::Token), 1);
    chrome.open(&site).await;
    chrome.click("#logout").await;
    chrome.wait_for_text("You are about to log out.").await;
    assert_logged_in(&chrome, &demo).await;
}

async fn a_prefetch_starts_and_ends_nothing(adapter: Adapter) {
    let (demo, _provider, chrome) = logged_in(adapter).await;
    // A page without restrictions on its scripts.
    chrome.open(&demo.url("/public")).await;
    let before = cookies(&chrome, adapter).await;
    for (path, status) in [
        ("/login/start", 503),
        ("/login?code=x&state=y", 503),
        // The page that asks for confirmation of the log-out.
        ("/logout", 503),
    ] {
        let url = demo.url(path);
        chrome
            .script(&format!(
                "const link = document.createElement('link'); link.rel = 'prefetch'; link.href = '{url}'; \
                 link.onload = link.onerror = () => document.body.append('fetched {path}'); \
                 document.head.append(link);"
            ))
            .await;
        chrome.wait_for_text(&format!("fetched {path}")).await;
        let answered = format!("return performance.getEntriesByName('{url}')[0]?.responseStatus");
        assert_eq!(chrome.script(&answered).await, status, "{path}");
        assert_eq!(cookies(&chrome, adapter).await, before, "{path}");
    }
    // The same request by a script is no prefetch, and begins a login: the purpose made the difference.
    chrome
        .script(&format!(
            "fetch('{}', {{ redirect: 'manual' }}).finally(() => document.body.append('asked'));",
            demo.url("/login/start")
        ))
        .await;
    chrome.wait_for_text("asked").await;
    assert_ne!(cookies(&chrome, adapter).await, before);
    assert_logged_in(&chrome, &demo).await;
}

async fn a_visitor_by_the_other_host_name_logs_in_at_ours(adapter: Adapter) {
    let (demo, _provider, chrome) = begin(adapter).await;
    let other = demo.origin().replace("127.0.0.1", "localhost");
    let start = format!("{other}/login/start?return_to=%2Fmembers%3Ftab%3D2");
    chrome.open(&start).await;
    arrived(&chrome, &demo, "/members?tab=2").await;
    // A page that needs a login, under the other host name: there the user is not logged in, and is sent to the host
    // name where they are.
    chrome.open(&format!("{other}/members?tab=3")).await;
    arrived(&chrome, &demo, "/members?tab=3").await;
}
