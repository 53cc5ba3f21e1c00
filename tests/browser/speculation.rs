//! Pages that Chromium fetches before anybody has clicked, because the app asks it to (speculation rules).

use miracl_tests::{Adapter, scenarios};

use crate::page_of_an_app::AppPage;

scenarios![
    a_click_after_a_prefetch_logs_in,
    a_page_that_was_prefetched_is_not_shown_after_the_log_out,
];

/// What a login begins with, and a page for members.
const LINKS: [&str; 2] = ["/login/start?return_to=%2Fmembers", "/members"];

/// A page whose links Chromium fetches (`prefetch`), or also renders (`prerender`), as soon as it is there.
fn page(action: &str) -> String {
    let rule = serde_json::json!({ "source": "list", "eagerness": "immediate", "urls": LINKS });
    let rules = serde_json::json!({ action: [rule] });
    let [login, members] = LINKS;
    format!(
        "<!doctype html><title>App</title><body>\
         <a id=\"login\" href=\"{login}\">Log in</a> <a id=\"members\" href=\"{members}\">Members</a>\
         <script type=\"speculationrules\">{rules}</script></body>"
    )
}

async fn begin(adapter: Adapter) -> AppPage {
    let file = |path, action| (path, "text/html", "", page(action));
    AppPage::begin(
        adapter,
        vec![file("/fetched", "prefetch"), file("/rendered", "prerender")],
    )
    .await
}

async fn a_click_after_a_prefetch_logs_in(adapter: Adapter) {
    let app = begin(adapter).await;
    for path in ["/fetched", "/rendered"] {
        for link in ["#members", "#login"] {
            let chrome = &app.chrome;
            chrome.client().delete_all_cookies().await.expect("cookies");
            app.open(path).await;
            for fetched in ["/members", "/login/start"] {
                app.wait_for(|asked| {
                    asked
                        .iter()
                        .any(|one| one.is_prefetch && one.path == fetched)
                })
                .await;
            }
            chrome.click(link).await;
            app.arrived("/members").await;
        }
    }
    // Every answer to a prefetch was one that is not kept.
    app.wait_for(|asked| {
        asked
            .iter()
            .all(|one| !one.is_prefetch || one.status == 503)
    })
    .await;
}

async fn a_page_that_was_prefetched_is_not_shown_after_the_log_out(adapter: Adapter) {
    let app = begin(adapter).await;
    for (times, path) in ["/fetched", "/rendered"].into_iter().enumerate() {
        app.log_in().await;
        let clicks = app.clicks("/members");
        app.open(path).await;
        app.wait_for(|asked| {
            let fetched = |one: &&crate::page_of_an_app::Asked| {
                one.is_prefetch && one.path == "/members" && one.status == 200
            };
            asked.iter().filter(fetched).count() > times
        })
        .await;
        // In another tab, for example: this page stays.
        let log_out =
            "fetch('/logout', { method: 'POST' }).then(() => document.body.append('logged out'));";
        app.chrome.script(log_out).await;
        app.chrome.wait_for_text("logged out").await;
        app.chrome.click("#members").await;
        // The provider logs in again without a question.
        app.arrived("/members").await;
        assert!(
            app.clicks("/members") > clicks,
            "{path}: the page from before was shown"
        );
    }
}
