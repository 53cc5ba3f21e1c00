//! Pages for those who meet a requirement: a form that takes a fresh login, and a page that is not for everybody. And a
//! login that is remembered, or not, when the browser is closed.

use std::time::{SystemTime, UNIX_EPOCH};

use miracl_tests::{Adapter, Chrome, Demo, scenarios};
use serde_json::{Value, json};

use crate::{
    EMAIL, PIN, arrived, enter_pin, page,
    provider::{Sites, nothing},
    register_as,
};

scenarios![
    a_form_that_needs_a_fresh_login_comes_back_unsent_and_counts_when_sent_again,
    a_provider_that_does_not_log_in_afresh_ends_on_a_page_and_changes_nothing,
    a_form_is_not_sent_for_somebody_else_who_logs_in_meanwhile,
    a_page_that_is_not_for_a_person_says_so_and_lets_them_log_out,
    a_remembered_login_outlives_the_browser_and_another_does_not,
];

const OTHER: &str = "bob@example.com";
const NAME: &str = "input[name=\"display_name\"]";
const SAVE: &str = "form[action=\"/profile\"] button";
const DELETE: &str = "form[action=\"/profile/delete\"] button";
const NOT_SENT: &str = "Your form was not sent, because it needs a new login.";
/// Where the platform's logins begin.
const AUTHORIZE: &str = "/authorize";

/// Has the platform say this of the person from the next login on.
fn say<const N: usize>(sites: &Sites, claims: [(&str, Value); N]) {
    let said = sites
        .platform
        .register_identity_with_claims(EMAIL, PIN, claims);
    said.expect("a person");
}

/// Has the platform say from the next login on that the person has proved who they are an hour ago.
fn say_an_hour_ago(sites: &Sites) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.expect("a time after 1970").as_secs();
    say(sites, [("auth_time", json!(now - 3600))]);
}

/// Somebody with a name of their own is logged in, and their login is an hour old. Their profile is on the screen.
async fn logged_in_an_hour_ago(adapter: Adapter, response_mode: &str) -> Sites {
    let sites = Sites::begin(adapter, response_mode, nothing).await;
    say_an_hour_ago(&sites);
    sites.register().await;
    sites.chrome.open(&sites.demo.url("/profile")).await;
    sites.chrome.type_into(NAME, "Alice").await;
    sites.chrome.click(SAVE).await;
    sites.chrome.wait_for_text("Saved.").await;
    sites
}

/// The display name on the profile that is on the screen.
async fn name(chrome: &Chrome) -> String {
    let value = format!("return document.querySelector('{NAME}').value");
    let value = chrome.script(&value).await;
    value.as_str().unwrap_or_default().to_owned()
}

/// The message has to come through a callback that another site posts, without the cookie that it waits in. By a
/// redirect it comes in `contract::rights`.
async fn a_form_that_needs_a_fresh_login_comes_back_unsent_and_counts_when_sent_again(
    adapter: Adapter,
) {
    let sites = logged_in_an_hour_ago(adapter, "form_post").await;
    let (demo, chrome) = (&sites.demo, &sites.chrome);
    say(&sites, []);
    chrome.click(DELETE).await;
    page(chrome, "enter-pin").await;
    chrome.screenshot("20-log-in-again").await;
    enter_pin(chrome, PIN).await;
    arrived(chrome, demo, "/profile").await;
    chrome.wait_for_text(NOT_SENT).await;
    chrome.screenshot("21-form-not-sent").await;
    assert_eq!(name(chrome).await, "Alice");
    chrome.click(DELETE).await;
    chrome.wait_for_text("Your profile was deleted.").await;
    chrome.wait_for_url(|url| url == demo.url("/profile")).await;
    chrome.screenshot("22-form-counted").await;
    assert_eq!(name(chrome).await, "");
    let text = chrome.text().await;
    assert!(!text.contains(NOT_SENT), "it is said once: {text}");
}

async fn a_provider_that_does_not_log_in_afresh_ends_on_a_page_and_changes_nothing(
    adapter: Adapter,
) {
    let sites = logged_in_an_hour_ago(adapter, "query").await;
    let (demo, chrome) = (&sites.demo, &sites.chrome);
    let logins = sites.platform.count(AUTHORIZE);
    chrome.click(DELETE).await;
    page(chrome, "enter-pin").await;
    assert_eq!(sites.platform.count(AUTHORIZE), logins + 1);
    enter_pin(chrome, PIN).await;
    chrome.wait_for_text("Login failed!").await;
    chrome
        .wait_for_text("Your login is not as recent or as strong as this page asks for.")
        .await;
    chrome.screenshot("23-not-fresh").await;
    assert_eq!(sites.platform.count(AUTHORIZE), logins + 1, "no loop");
    // The session from before is as it was.
    assert_eq!(sites.whoami().await, EMAIL);
    chrome.open(&demo.url("/profile")).await;
    chrome.screenshot("24-after-not-fresh").await;
    assert_eq!(name(chrome).await, "Alice");
}

async fn a_form_is_not_sent_for_somebody_else_who_logs_in_meanwhile(adapter: Adapter) {
    let sites = logged_in_an_hour_ago(adapter, "query").await;
    let (demo, chrome) = (&sites.demo, &sites.chrome);
    chrome.click(DELETE).await;
    page(chrome, "enter-pin").await;
    // Somebody else sits down at this browser.
    chrome.click("#other-identity").await;
    page(chrome, "choose").await;
    chrome.screenshot("25-somebody-else").await;
    chrome.click("#add-identity").await;
    register_as(chrome, OTHER, false).await;
    arrived(chrome, demo, "/profile").await;
    chrome.screenshot("26-came-back-as-somebody-else").await;
    let text = chrome.text().await;
    assert!(text.contains(OTHER) && !text.contains("deleted"), "{text}");
    assert!(!text.contains(NOT_SENT), "it was not their form: {text}");
    assert_eq!(name(chrome).await, "", "nothing of the other's");
    chrome.click(DELETE).await;
    chrome.wait_for_text("Your profile was deleted.").await;
    // What that one deleted was their own.
    say(&sites, []);
    chrome.click("form[action=\"/logout\"] button").await;
    chrome.wait_for_text("User logged out!").await;
    chrome
        .open(&demo.url("/login/start?return_to=/profile&login_hint=alice@example.com"))
        .await;
    page(chrome, "enter-pin").await;
    enter_pin(chrome, PIN).await;
    arrived(chrome, demo, "/profile").await;
    assert_eq!(name(chrome).await, "Alice");
}

async fn a_page_that_is_not_for_a_person_says_so_and_lets_them_log_out(adapter: Adapter) {
    let sites = Sites::begin(adapter, "query", nothing).await;
    let (demo, chrome) = (&sites.demo, &sites.chrome);
    say(&sites, [("roles", json!(["reader"]))]);
    sites.register().await;
    let logins = sites.platform.count(AUTHORIZE);
    chrome.open(&demo.url("/admins")).await;
    chrome.wait_for_text("Not allowed").await;
    chrome.screenshot("27-not-allowed").await;
    let status = "return performance.getEntriesByType('navigation')[0].responseStatus";
    assert_eq!(chrome.script(status).await, 403);
    assert_eq!(sites.platform.count(AUTHORIZE), logins, "no login");
    chrome.click("a.primary").await;
    chrome.wait_for_text("You are logged in.").await;

    chrome.open(&demo.url("/admins")).await;
    chrome.click("a[href=\"/logout\"]").await;
    chrome.wait_for_text("Log out?").await;
    chrome.click("form[action=\"/logout\"] button").await;
    chrome.wait_for_text("User logged out!").await;
    sites.assert_nobody().await;

    // The same person with the right, who comes back to the very page.
    say(&sites, [("roles", json!(["reader", "admin"]))]);
    chrome.open(&demo.url("/admins")).await;
    page(chrome, "enter-pin").await;
    enter_pin(chrome, PIN).await;
    chrome.wait_for_url(|url| url == demo.url("/admins")).await;
    chrome.wait_for_text(EMAIL).await;
}

/// Logs in by a form of the page on the screen: nobody else's page may choose.
async fn log_in(chrome: &Chrome, demo: &Demo, remember: u8) {
    chrome.open(&demo.url("/")).await;
    let form = format!(
        "const form = document.createElement('form'); \
         form.action = '/login/start'; \
         form.innerHTML = '<input type=\"hidden\" name=\"remember\" value=\"{remember}\">'; \
         document.body.append(form); \
         form.submit();"
    );
    chrome.script(&form).await;
}

async fn a_remembered_login_outlives_the_browser_and_another_does_not(adapter: Adapter) {
    let mut sites = Sites::begin(adapter, "query", nothing).await;
    log_in(&sites.chrome, &sites.demo, 1).await;
    crate::register(&sites.chrome, false).await;
    arrived(&sites.chrome, &sites.demo, "/").await;
    sites.chrome.restart().await;
    assert_eq!(sites.whoami().await, EMAIL);

    log_in(&sites.chrome, &sites.demo, 0).await;
    page(&sites.chrome, "enter-pin").await;
    enter_pin(&sites.chrome, PIN).await;
    arrived(&sites.chrome, &sites.demo, "/").await;
    assert_eq!(sites.whoami().await, EMAIL);
    sites.chrome.restart().await;
    sites.assert_nobody().await;
}
