//! The pages of the local platform.

use miracl_platform::{Client, EmailVerification, Platform, PlatformConfig, Project};
use miracl_tests::{Adapter, Chrome, Demo, scenarios};

use super::Walk;
use crate::{EMAIL, PIN, enter_pin, page};

scenarios![
    every_page_of_a_login_is_of_the_family,
    every_page_of_the_portal_is_of_the_family,
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

async fn every_page_of_the_portal_is_of_the_family(_: Adapter) {
    let platform = platform("http://127.0.0.1:1/login".to_owned()).await;
    let chrome = Chrome::start().await;
    let walk = Walk::begin(&chrome, "platform");
    for (path, name) in [
        ("/", "home"),
        ("/portal", "portal"),
        ("/portal/app", "app"),
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
