//! A person at the local platform's pages: registers, confirms, chooses a PIN, logs in.

use crate::browser::{Answer, Browser};

/// Who the person is.
pub const EMAIL: &str = "bob@example.com";

/// The name by which a page of the platform identifies itself.
fn page_name(page: &Answer) -> String {
    let body = page
        .tags()
        .into_iter()
        .find(|tag| tag.name == "body")
        .expect("a page");
    body.get("data-page").unwrap_or("of the demo").to_owned()
}

/// Fills in the form of a page that has this field, and sends it.
async fn fill_in(browser: &Browser, page: &Answer, field: &str, value: &str) -> Answer {
    let form = page
        .forms()
        .into_iter()
        .find(|form| form.fields.iter().any(|(name, _)| name == field))
        .unwrap_or_else(|| panic!("no form with {field}: {}", page.body));
    let answer = browser.submit(page, &form.with(field, value)).await;
    browser.follow(answer).await.expect(200)
}

/// Goes through the platform's pages until they lead back to `app`, and adds their names to `seen`.
pub async fn approve(
    browser: &Browser,
    mut page: Answer,
    app: &str,
    seen: &mut Vec<String>,
) -> Answer {
    while !page.url.as_str().starts_with(app) {
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
    page
}
