//! MIRACL Trust besides the login, as people try it on the demos.

use miracl_platform::Project;
use miracl_tests::{Adapter, Chrome, Demo, scenarios};

use crate::mpin::{Stage, choose_pin};
use crate::{PIN, arrived, page};

scenarios![
    a_person_whom_the_app_verifies_registers_and_ends_where_they_wanted_to_be,
    a_front_end_of_the_apps_own_signs_calls_an_api_and_logs_in,
];

pub(crate) const USER: &str = "Customer-7";

/// Waits for a part of the page, and returns its text.
pub(crate) async fn text_of(chrome: &Chrome, css: &str) -> String {
    let element = chrome.find(css).await;
    element.text().await.expect("a text")
}

/// Waits until the verdict says this, and no earlier one.
pub(crate) async fn verdict(chrome: &Chrome, text: &str) {
    chrome.find("#check:not([hidden])").await;
    chrome.wait_for_text(text).await;
}

/// Registers the browser on the page that it shows, by the app's own code.
pub(crate) async fn register(chrome: &Chrome) {
    chrome.find("#ask-code:not([hidden])").await;
    chrome.type_into("#user-id", USER).await;
    chrome.click("#ask-code button").await;
    chrome.find("#register:not([hidden])").await;
    let code = text_of(chrome, "#shown-code").await;
    chrome.type_into("#code", &code).await;
    chrome.type_into("#new-pin", PIN).await;
    chrome.click("#register button").await;
    chrome.find("#prove:not([hidden])").await;
}

/// Enters a PIN on such a page.
pub(crate) async fn prove(chrome: &Chrome, pin: &str) {
    chrome.type_into("#pin", pin).await;
    chrome.click("#prove button[type=submit]").await;
}

async fn a_person_whom_the_app_verifies_registers_and_ends_where_they_wanted_to_be(
    adapter: Adapter,
) {
    let stage = Stage::begin(adapter, Project::default()).await;
    let (chrome, demo) = (&stage.chrome, &stage.demo);
    stage.platform.set_project(Project {
        verification_url: Some(demo.url("/verify")),
        ..Project::default()
    });
    chrome.open(&demo.url("/members")).await;
    page(chrome, "verify").await;
    chrome.click("#verify").await;
    chrome.type_into("#user-id", USER).await;
    chrome.click("main form button").await;
    let code = text_of(chrome, "#shown-code").await;
    chrome.type_into("#code", &code).await;
    chrome.click("main form button").await;
    choose_pin(chrome, PIN).await;
    arrived(chrome, demo, "/members").await;
    assert!(chrome.text().await.contains(USER));
}

async fn a_front_end_of_the_apps_own_signs_calls_an_api_and_logs_in(adapter: Adapter) {
    let demo = Demo::builder(adapter).start();
    let chrome = Chrome::start().await;
    chrome.open(&demo.url("/")).await;
    chrome.click("nav a[href=\"/trust\"]").await;
    chrome.click("a[href=\"/trust/sign\"]").await;
    register(&chrome).await;
    prove(&chrome, PIN).await;
    verdict(&chrome, "Valid: this person has signed this document.").await;
    chrome.type_into("#checked", " And more.").await;
    chrome.click("#check button").await;
    verdict(
        &chrome,
        "Not valid: it is the signature of another document.",
    )
    .await;
    prove(&chrome, "0000").await;
    verdict(&chrome, "Not valid: a wrong PIN").await;

    chrome.open(&demo.url("/trust/api")).await;
    chrome.click("#without").await;
    chrome.wait_for_text("401 ").await;
    prove(&chrome, PIN).await;
    chrome.wait_for_text(&format!("\"sub\":\"{USER}\"")).await;
    chrome.click("#again:not([disabled])").await;
    chrome.wait_for_text("invalid_token").await;

    chrome.open(&demo.url("/trust/login")).await;
    prove(&chrome, "0000").await;
    chrome.wait_for_text("2 tries are left.").await;
    prove(&chrome, PIN).await;
    arrived(&chrome, &demo, "/").await;
    assert!(chrome.text().await.contains(USER));
}
