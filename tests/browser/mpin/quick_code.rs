//! QuickCodes: one browser is registered, and vouches for another one.

use miracl_platform::Project;
use miracl_tests::{Adapter, Chrome, scenarios};

use super::{Stage, choose_pin};
use crate::{EMAIL, PIN, arrived, enter_pin, page};

scenarios![
    a_quick_code_registers_another_browser_without_mail,
    a_quick_code_that_is_wrong_used_or_somebody_elses_is_refused,
    a_project_without_quick_codes_offers_none,
];

/// Makes a code on the page of a login, where the PIN pad is on the screen.
pub(super) async fn make(chrome: &Chrome, pin: &str) -> String {
    page(chrome, "enter-pin").await;
    chrome.click("#make-quick-code").await;
    chrome.wait_for_text("Make a QuickCode").await;
    enter_pin(chrome, pin).await;
    page(chrome, "quick-code").await;
    let code = chrome.find("#quick-code").await.text().await;
    let code = code.expect("a text").trim().to_owned();
    assert!(
        code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()),
        "{code}"
    );
    code
}

/// Types a code where a browser registers.
pub(super) async fn use_code(chrome: &Chrome, email: &str, code: &str) {
    page(chrome, "register").await;
    chrome.click("#use-quick-code").await;
    page(chrome, "use-quick-code").await;
    try_code(chrome, email, code).await;
}

async fn try_code(chrome: &Chrome, email: &str, code: &str) {
    chrome
        .script("for (const id of ['email', 'code']) document.getElementById(id).value = ''")
        .await;
    chrome.type_into("#email", email).await;
    chrome.type_into("#code", code).await;
    chrome.click("#submit-code").await;
}

async fn a_quick_code_registers_another_browser_without_mail(adapter: Adapter) {
    let stage = Stage::begin(adapter, Project::default()).await;
    let (chrome, demo) = (&stage.chrome, &stage.demo);
    stage.register().await;
    stage.start().await;
    let code = make(chrome, PIN).await;
    chrome.screenshot("27-quick-code").await;
    chrome.wait_for_text("Good for 10 more minutes").await;

    let another = Chrome::start().await;
    another.open(&demo.url("/login/start")).await;
    use_code(&another, "Alice@Example.com", &code).await;
    choose_pin(&another, "8642").await;
    arrived(&another, demo, "/").await;
    assert!(another.text().await.contains(EMAIL));
    assert_eq!(stage.platform.count("/verification/email"), 1, "one mail");

    // The login, of which the code was a detour, goes on.
    chrome.click("#back-to-login").await;
    page(chrome, "enter-pin").await;
    enter_pin(chrome, PIN).await;
    arrived(chrome, demo, "/").await;

    // The page of its own makes one as well.
    chrome
        .open(&format!("{}/quick-code", stage.platform.issuer()))
        .await;
    page(chrome, "enter-pin").await;
    enter_pin(chrome, PIN).await;
    page(chrome, "quick-code").await;
}

async fn a_quick_code_that_is_wrong_used_or_somebody_elses_is_refused(adapter: Adapter) {
    let stage = Stage::begin(adapter, Project::default()).await;
    stage.register().await;
    stage.start().await;
    let code = make(&stage.chrome, PIN).await;
    let wrong = if code == "123456" { "654321" } else { "123456" };

    let another = Chrome::start().await;
    another.open(&stage.demo.url("/login/start")).await;
    use_code(&another, EMAIL, wrong).await;
    another.wait_for_text("This QuickCode is not right").await;
    another.screenshot("28-wrong-quick-code").await;
    try_code(&another, "bob@example.com", &code).await;
    another.wait_for_text("made for another address").await;
    try_code(&another, EMAIL, &code).await;
    page(&another, "new-pin").await;

    another.open(&stage.demo.url("/login/start")).await;
    use_code(&another, EMAIL, &code).await;
    another.wait_for_text("This QuickCode is not right").await;
}

async fn a_project_without_quick_codes_offers_none(adapter: Adapter) {
    let project = Project {
        quick_code: false,
        ..Project::default()
    };
    let stage = Stage::begin(adapter, project).await;
    let chrome = &stage.chrome;
    stage.start().await;
    page(chrome, "register").await;
    assert!(!chrome.text().await.contains("QuickCode"));
    stage.register().await;
    stage.start().await;
    page(chrome, "enter-pin").await;
    assert!(!chrome.text().await.contains("Register another device"));
    chrome
        .open(&format!("{}/quick-code", stage.platform.issuer()))
        .await;
    chrome.wait_for_text("does not use QuickCodes").await;
}
