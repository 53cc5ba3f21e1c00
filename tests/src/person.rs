//! A person at the local platform's pages: registers, confirms, chooses a PIN, logs in.
//!
//! The pages are scripts, so this does what they do: it speaks M-Pin to the platform, and sends the forms.

use std::net::SocketAddr;

use miracl_platform::{MpinClient, MpinIdentity};
use serde_json::json;

use crate::browser::{Answer, Browser, Tag};

/// Who the person is.
pub const EMAIL: &str = "bob@example.com";

/// Their PIN.
const PIN: &str = "2468";

/// The name by which a page of the platform identifies itself.
fn page_name(page: &Answer) -> String {
    let tags = page.tags();
    let body = tags.iter().find(|tag| tag.name == "body").expect("a page");
    body.get("data-page").unwrap_or("of the demo").to_owned()
}

/// Registers the browser, by the link in the message.
async fn register(
    browser: &Browser,
    page: &Answer,
    client: &MpinClient,
    access_id: &str,
) -> MpinIdentity {
    let project_id = client.project_id().await.expect("a project");
    let mail = json!({ "userId": EMAIL, "projectId": project_id, "accessId": access_id });
    let sent = client.call("/verification/email", &mail).await;
    assert_eq!(sent.expect("a message")["method"], "link");
    let inbox = page.url.join("/inbox").expect("an address");
    let inbox = browser.visit(inbox).await.expect(200);
    // Others may register under this address at the same time. To open a link has no effect yet.
    let mut ours = None;
    for tag in inbox.tags().iter().filter(|tag| tag.has_class("confirm")) {
        let link = tag.get("href").expect("a link");
        let opened = browser.click(&inbox, link).await.expect(200);
        if attribute(&opened, "data-access-id").as_deref() == Some(access_id) {
            ours = Some(opened.url);
            break;
        }
    }
    let link = ours.expect("a message for this login");
    let token = client.confirm(link.as_str()).await.expect("a token");
    client
        .register(EMAIL, &token, PIN)
        .await
        .expect("an identity")
}

/// An attribute of the login on a page.
fn attribute(page: &Answer, name: &str) -> Option<String> {
    let tags = page.tags();
    let login = tags.iter().find(|tag| tag.get("id") == Some("login"));
    login.and_then(|tag: &Tag| tag.get(name)).map(str::to_owned)
}

fn address(page: &Answer) -> SocketAddr {
    let addresses = page.url.socket_addrs(|| None).expect("a port");
    let ipv4 = addresses.iter().find(|address| address.is_ipv4());
    *ipv4.or(addresses.first()).expect("an address")
}

/// Goes through the platform's pages until they lead back to `app`, and adds the names of the steps to `seen`.
pub async fn approve(browser: &Browser, page: Answer, app: &str, seen: &mut Vec<String>) -> Answer {
    assert_eq!(page_name(&page), "login", "{}", page.body);
    let access_id = attribute(&page, "data-access-id").expect("the id of the session");
    let client = MpinClient::at(address(&page));
    let project_id = attribute(&page, "data-project-id").expect("the id of the project");
    let mut identity = match browser.mpin_identity(&project_id) {
        Some(identity) => {
            seen.push("enter-pin".to_owned());
            identity
        }
        None => {
            seen.extend(["register", "mail", "new-pin", "repeat-pin"].map(str::to_owned));
            register(browser, &page, &client, &access_id).await
        }
    };
    let login = client.log_in(&mut identity, PIN, "oidc", Some(&access_id));
    login.await.expect("the right PIN");
    browser.keep_mpin_identity(&project_id, identity);
    let forms = page.forms();
    let finish = forms
        .into_iter()
        .find(|form| form.action.ends_with("/finish"));
    let answer = browser.submit(&page, &finish.expect("the last form")).await;
    let page = browser.follow(answer).await.expect(200);
    assert!(page.url.as_str().starts_with(app), "{}", page.url);
    page
}
