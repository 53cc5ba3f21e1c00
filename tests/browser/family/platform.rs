//! The pages of the local platform.

use miracl_platform::{Client, EmailVerification, Platform, PlatformConfig, Project};
use miracl_tests::{Adapter, Chrome, Demo, scenarios};

use super::Walk;
use crate::{EMAIL, PIN, enter_pin, page};

scenarios![
    every_page_of_a_login_is_of_the_family,
    every_page_of_the_portal_is_of_the_family,
    every_page_of_the_portal_with_something_on_it_is_of_the_family,
    the_portal_needs_neither_scripts_nor_a_mouse,
];

/// A platform with one app.
async fn platform(redirect_uri: String) -> Platform {
    let mut client = Client::new("app", "secret", redirect_uri);
    client.name = "An app with a rather long name".to_owned();
    let config = PlatformConfig {
        clients: vec![client],
        ..PlatformConfig::default()
    };
    Platform::start(config).await.expect("a platform")
}

async fn every_page_of_a_login_is_of_the_family(adapter: Adapter) {
    let demo = Demo::builder(adapter).start();
    let callback = demo.url("/public");
    let platform = platform(callback.clone()).await;
    let at = |path: &str| format!("{}{path}", platform.issuer());
    let authorize = |mode: &str| {
        at(&format!(
            "/authorize?client_id=app&redirect_uri={callback}&response_type=code&scope=openid&state=s{mode}"
        ))
    };
    let chrome = Chrome::start().await;
    let walk = Walk::begin(&chrome, "platform");

    // A message that is opened in another browser.
    chrome.open(&authorize("")).await;
    page(&chrome, "register").await;
    walk.look("register").await;
    chrome.type_into("#email", EMAIL).await;
    chrome.click("#register").await;
    page(&chrome, "mail").await;
    walk.look("mail").await;
    chrome.open(&at("/inbox")).await;
    chrome.forget_cookies().await;
    walk.look("inbox").await;
    chrome.click("#confirm").await;
    page(&chrome, "other-browser").await;
    walk.look("other-browser").await;
    chrome.click("#go-on").await;
    page(&chrome, "new-pin").await;
    chrome.open(&at("/inbox")).await;
    chrome.find(".message").await;
    walk.look("used-inbox").await;

    // The digits of a message.
    platform.set_project(Project {
        email_verification: EmailVerification::Code,
        ..Project::default()
    });
    chrome.open(&authorize("")).await;
    page(&chrome, "register").await;
    chrome.type_into("#email", "bob@example.com").await;
    chrome.click("#register").await;
    page(&chrome, "mail-code").await;
    walk.look("mail-code").await;
    platform.set_project(Project::default());

    chrome.open(&authorize("")).await;
    page(&chrome, "register").await;
    chrome.type_into("#email", EMAIL).await;
    chrome.click("#register").await;
    page(&chrome, "mail").await;
    chrome.click("#inbox").await;
    chrome.click("#confirm").await;
    page(&chrome, "new-pin").await;
    walk.look("new-pin").await;
    enter_pin(&chrome, PIN).await;
    page(&chrome, "repeat-pin").await;
    walk.look("repeat-pin").await;
    enter_pin(&chrome, PIN).await;
    chrome.wait_for_text("This page is for everyone.").await;

    // This page goes on by itself, unless its script is missing.
    chrome.block("*/form-post.js").await;
    chrome.open(&authorize("&response_mode=form_post")).await;
    page(&chrome, "enter-pin").await;
    enter_pin(&chrome, PIN).await;
    page(&chrome, "form-post").await;
    walk.look("form-post").await;

    chrome.open(&authorize("")).await;
    page(&chrome, "enter-pin").await;
    walk.look("enter-pin").await;
    enter_pin(&chrome, "0000").await;
    chrome.find("#tries-left").await;
    walk.look("wrong-pin").await;
    for left in ["1 try left", "blocked"] {
        enter_pin(&chrome, "0000").await;
        chrome.wait_for_text(left).await;
    }
    page(&chrome, "blocked").await;
    walk.look("blocked").await;
    chrome.click("#other-identity").await;
    page(&chrome, "choose").await;
    walk.look("choose").await;
    chrome.click(".remove-identity").await;
    page(&chrome, "remove").await;
    walk.look("remove").await;
    walk.end();
}

async fn every_page_of_the_portal_with_something_on_it_is_of_the_family(_: Adapter) {
    let platform = platform("http://127.0.0.1:1/login".to_owned()).await;
    let at = |path: &str| format!("{}{path}", platform.issuer());
    let login = "/authorize?client_id=app&redirect_uri=http://127.0.0.1:1/login&response_type=code&scope=openid";
    for (email, pin) in [
        (EMAIL, PIN),
        ("somebody.with.a.long.name@department.example.com", PIN),
    ] {
        platform.register_identity(email, PIN).expect("a person");
        let login = at(&format!("{login}&state=s"));
        platform.log_in(&login, email, pin).await.expect("a login");
    }
    let chrome = Chrome::start().await;
    let walk = Walk::begin(&chrome, "platform");
    let open = async |path: &str, name: &str| {
        chrome.open(&at(path)).await;
        page(&chrome, name).await;
    };

    // Forms that were wrong, and then right.
    open("/portal", "portal").await;
    chrome.click("#browser-login").await;
    chrome.click("#qr-login").await;
    chrome.click("#more").await;
    chrome.type_into("#base-url", "127.0.0.1:5000").await;
    chrome
        .type_into("#frontchannel-logout-uri", "nowhere")
        .await;
    chrome.click("#register-app").await;
    chrome.find("#notice").await;
    walk.look("portal-problem").await;
    for (field, text) in [
        ("#name", "Shop"),
        ("#base-url", "http://127.0.0.1:5000"),
        ("#frontchannel-logout-uri", ""),
    ] {
        chrome
            .script(&format!("document.querySelector('{field}').value = ''"))
            .await;
        chrome.type_into(field, text).await;
    }
    chrome.click("#qr-login").await;
    chrome.click("#register-app").await;
    page(&chrome, "app").await;
    walk.look("app").await;
    for question in ["#new-keys", "#remove-app"] {
        chrome.click(question).await;
        page(&chrome, "question").await;
        walk.look(&question[1..]).await;
        chrome.click("#no").await;
        page(&chrome, "app").await;
    }
    open("/portal", "portal").await;
    walk.look("portal-with-apps").await;

    open("/portal/project", "project").await;
    chrome.click("#verification-custom").await;
    chrome.type_into("#allowed-origins", "*").await;
    chrome.click("#save-project").await;
    chrome.find("#notice").await;
    walk.look("project-problem").await;

    open("/portal/accounts", "accounts").await;
    chrome.click("#create-account").await;
    chrome.find("#notice").await;
    walk.look("accounts-problem").await;
    chrome.type_into("#name", "Back end").await;
    chrome.click("#permission-audit").await;
    chrome.click("#create-account").await;
    chrome.find("#token").await;
    walk.look("account-with-token").await;
    open("/portal/accounts", "accounts").await;
    walk.look("accounts").await;

    open("/portal/devices", "devices").await;
    walk.look("devices").await;
    chrome.click(".revoke").await;
    page(&chrome, "question").await;
    walk.look("revoke").await;
    chrome.click("#yes").await;
    page(&chrome, "devices").await;
    chrome.wait_for_text("revoked").await;
    open("/portal/audit", "audit").await;
    walk.look("audit").await;
    walk.end();
}

async fn every_page_of_the_portal_is_of_the_family(_: Adapter) {
    let platform = platform("http://127.0.0.1:1/login".to_owned()).await;
    let chrome = Chrome::start().await;
    let walk = Walk::begin(&chrome, "platform");
    for (path, name) in [
        ("/", "home"),
        ("/portal", "portal"),
        ("/portal/apps/app", "app-of-the-program"),
        ("/portal/project", "project"),
        ("/portal/accounts", "no-accounts"),
        ("/portal/devices", "no-devices"),
        ("/portal/audit", "empty-audit"),
        ("/portal/audit?from=yesterday&to=tomorrow", "audit-problem"),
        ("/inbox", "empty-inbox"),
        ("/authorize?client_id=nobody", "problem"),
        ("/oidc/logout", "signed-out"),
        (
            "/oidc/logout?post_logout_redirect_uri=x",
            "signed-out-problem",
        ),
    ] {
        chrome.open(&format!("{}{path}", platform.issuer())).await;
        chrome.find("main").await;
        walk.look(name).await;
    }
    walk.end();
}

async fn the_portal_needs_neither_scripts_nor_a_mouse(_: Adapter) {
    let platform = Platform::start(PlatformConfig::default()).await;
    let platform = platform.expect("a platform");
    for chrome in [Chrome::start_without_scripts().await, Chrome::start().await] {
        chrome.open(&format!("{}/portal", platform.issuer())).await;
        page(&chrome, "portal").await;
        chrome.type_into("#name", "Keys only").await;
        // The return key sends the form.
        chrome
            .type_into("#base-url", "http://127.0.0.1:5000\u{e007}")
            .await;
        page(&chrome, "app").await;
        chrome.find("#client-secret").await;
        chrome.find("#download").await;
        chrome
            .open(&format!("{}/portal/accounts", platform.issuer()))
            .await;
        chrome.type_into("#name", "Back end").await;
        // The tabulator goes on to the first box, and the space bar checks it.
        chrome.type_into("#name", "\u{e004}").await;
        let client = chrome.client();
        let focused = client.active_element().await.expect("the box");
        focused.send_keys(" \u{e007}").await.expect("keys");
        page(&chrome, "account").await;
        chrome.find("#token").await;
    }
}
