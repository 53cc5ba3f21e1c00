//! The platform that a demo brings along.

use miracl_tests::{
    Adapter, Browser, Demo,
    person::{EMAIL, approve},
    scenarios,
};

use crate::journey::subject;

scenarios![
    a_person_registers_and_logs_in_by_m_pin,
    without_scripts_the_login_says_what_it_needs,
    a_restart_keeps_sessions_and_identities,
    a_log_out_at_the_platform_ends_the_session_here,
];

/// Logs a browser in at the platform, and returns the names of the pages on the way.
async fn log_in(browser: &Browser, demo: &Demo) -> Vec<String> {
    let page = browser.visit(demo.url("/login/start")).await.expect(200);
    let mut seen = Vec::new();
    let page = approve(browser, page, demo.origin(), &mut seen).await;
    assert!(
        page.has_alert("success", "Successfully logged in!"),
        "{}",
        page.body
    );
    seen
}

async fn a_person_registers_and_logs_in_by_m_pin(adapter: Adapter) {
    let demo = Demo::builder(adapter).start();
    let browser = Browser::new();
    assert_eq!(
        log_in(&browser, &demo).await,
        ["register", "mail", "new-pin", "repeat-pin"]
    );
    assert_eq!(subject(&browser, &demo).await.as_deref(), Some(EMAIL));
    let answer = browser.post(demo.url("/logout"), &[]).await;
    let page = browser.follow(answer).await.expect(200);
    assert!(
        page.has_alert("info", "User logged out!"),
        "{:?}",
        page.alerts()
    );
    assert_eq!(log_in(&browser, &demo).await, ["enter-pin"]);
}

async fn without_scripts_the_login_says_what_it_needs(adapter: Adapter) {
    let demo = Demo::builder(adapter).start();
    let browser = Browser::new();
    let page = browser.visit(demo.url("/login/start")).await.expect(200);
    let (_, rest) = page.body.split_once("<noscript>").expect("a sentence");
    let (sentence, _) = rest.split_once("</noscript>").expect("its end");
    assert!(sentence.contains("M-Pin needs JavaScript"), "{sentence}");
    for form in page.forms() {
        assert!(form.fields.is_empty(), "{form:?}");
    }
    // It can be cancelled.
    let forms = page.forms();
    let cancel = forms.iter().find(|form| form.action.ends_with("/cancel"));
    let answer = browser.submit(&page, cancel.expect("a way back")).await;
    let page = browser.follow(answer).await;
    assert!(page.url.as_str().starts_with(demo.origin()), "{}", page.url);
}

async fn a_restart_keeps_sessions_and_identities(adapter: Adapter) {
    let mut demo = Demo::builder(adapter).start();
    let browser = Browser::new();
    log_in(&browser, &demo).await;
    demo.restart();
    assert_eq!(subject(&browser, &demo).await.as_deref(), Some(EMAIL));
    let answer = browser.post(demo.url("/logout"), &[]).await;
    browser.follow(answer).await.expect(200);
    assert_eq!(log_in(&browser, &demo).await, ["enter-pin"]);
}

async fn a_log_out_at_the_platform_ends_the_session_here(adapter: Adapter) {
    let mut demo = Demo::builder(adapter).start();
    let (browser, other) = (Browser::new(), Browser::new());
    log_in(&browser, &demo).await;
    log_in(&other, &demo).await;
    // Both sides remember the session that is about to end.
    demo.restart();
    let start = browser.open(demo.url("/login/start")).await;
    let platform = start.location().expect("the platform");
    let platform = platform.join("/oidc/logout").expect("an address");
    let page = browser.visit(platform).await.expect(200);
    assert!(page.body.contains("class=\"told\""), "{}", page.body);
    assert_eq!(subject(&browser, &demo).await, None);
    assert_eq!(subject(&other, &demo).await.as_deref(), Some(EMAIL));
}
