//! The platform that a demo brings with it, without a line of script: forms are enough.

use miracl_tests::{Adapter, Answer, Browser, Demo, scenarios};

use crate::journey::subject;

scenarios![
    a_person_registers_and_logs_in_without_scripts,
    a_restart_keeps_sessions_and_identities,
];

const EMAIL: &str = "bob@example.com";

/// The name that a page of the platform gives itself.
fn page_name(page: &Answer) -> String {
    let body = page
        .tags()
        .into_iter()
        .find(|tag| tag.name == "body")
        .expect("a page");
    body.get("data-page").unwrap_or("of the demo").to_owned()
}

/// Sends the form of a page that has this field, filled in.
async fn fill_in(browser: &Browser, page: &Answer, field: &str, value: &str) -> Answer {
    let form = page
        .forms()
        .into_iter()
        .find(|form| form.fields.iter().any(|(name, _)| name == field))
        .unwrap_or_else(|| panic!("no form with {field}: {}", page.body));
    let answer = browser.submit(page, &form.with(field, value)).await;
    browser.follow(answer).await.expect(200)
}

/// Goes through the platform's pages until they lead back to the demo.
async fn log_in(browser: &Browser, demo: &Demo) -> Vec<String> {
    let mut page = browser.visit(demo.url("/login/start")).await.expect(200);
    let mut seen = Vec::new();
    while !page.url.as_str().starts_with(demo.origin()) {
        let name = page_name(&page);
        page = match name.as_str() {
            "register" => fill_in(browser, &page, "email", EMAIL).await,
            "mail" => {
                let inbox = browser
                    .visit(page.url.join("/inbox").expect("an address"))
                    .await
                    .expect(200);
                let confirm = inbox
                    .tags()
                    .into_iter()
                    .find(|tag| tag.get("id") == Some("confirm"));
                let confirm = confirm
                    .and_then(|tag| tag.get("href").map(str::to_owned))
                    .expect("a link");
                let answer = browser.click(&inbox, &confirm).await;
                browser.follow(answer).await.expect(200)
            }
            "new-pin" | "repeat-pin" | "enter-pin" => fill_in(browser, &page, "pin", "2468").await,
            other => panic!("lost at {other}: {}", page.body),
        };
        seen.push(name);
        assert!(seen.len() < 9, "going round in circles: {seen:?}");
    }
    assert!(
        page.has_alert("success", "Successfully logged in!"),
        "{}",
        page.body
    );
    seen
}

async fn a_person_registers_and_logs_in_without_scripts(adapter: Adapter) {
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
