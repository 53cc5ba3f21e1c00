//! Whole journeys in Chromium, by clicks and keys, at the local MIRACL platform.
//!
//! Screenshots land in `target/screenshots`; the README shows some of them.

use std::process::ExitCode;

use miracl_platform::{Client, Platform, PlatformConfig};
use miracl_tests::{Adapter, Chrome, Demo, Need, scenarios};

mod family;
mod guide;
mod libraries;
mod mpin;
mod nginx;
mod page_of_an_app;
mod provider;
mod rights;
mod sites;
mod speculation;
mod trust;

scenarios![
    a_person_registers_logs_in_refreshes_and_logs_out,
    a_wrong_pin_is_reported_and_the_third_blocks,
    a_cancelled_login_comes_back_as_a_failure_and_the_button_works_again,
    a_page_for_members_waits_for_the_login,
    the_login_opens_over_the_page_of_an_app_on_another_site,
    the_pages_fit_a_phone_and_the_dark_mode,
];

fn main() -> ExitCode {
    let nginx = nginx::suite().needing(Need::Nginx);
    let mut suites = vec![
        suite(),
        sites::suite(),
        provider::suite(),
        rights::suite(),
        guide::suite(),
        speculation::suite(),
        trust::suite(),
        nginx,
    ];
    suites.extend(mpin::suites());
    let suites = suites.into_iter();
    let mut suites: Vec<_> = suites.map(|suite| suite.needing(Need::Chromium)).collect();
    let [demos, engine, platform, mpin, trust] = family::suites();
    suites.extend([demos, platform, mpin, trust].map(|suite| suite.needing(Need::Libraries)));
    suites.push(engine.needing(Need::Redis).needing(Need::Libraries));
    suites.push(libraries::suite().needing(Need::Libraries));
    miracl_tests::run(&suites)
}

const EMAIL: &str = "alice@example.com";
const PIN: &str = "1357";

/// Waits for a page of the platform, by the name in the platform's documentation.
async fn page(chrome: &Chrome, name: &str) {
    chrome.find(&format!("body[data-page=\"{name}\"]")).await;
}

/// Enters a PIN on the pad that is on the screen.
async fn enter_pin(chrome: &Chrome, pin: &str) {
    chrome.find("#pad:not([hidden])").await;
    for digit in pin.chars() {
        chrome
            .click(&format!(".digit[data-digit=\"{digit}\"]"))
            .await;
    }
    chrome.click("#submit-pin").await;
}

/// Goes from the platform's first page to the end of a login, confirming the address and choosing a PIN.
async fn register(chrome: &Chrome, screenshots: bool) {
    register_as(chrome, EMAIL, screenshots).await;
}

/// The same, with this address.
async fn register_as(chrome: &Chrome, email: &str, screenshots: bool) {
    let screenshot = async |name: &str| {
        if screenshots {
            chrome.screenshot(name).await;
        }
    };
    page(chrome, "register").await;
    chrome.type_into("#email", email).await;
    screenshot("2-register").await;
    chrome.click("#register").await;
    page(chrome, "mail").await;
    screenshot("3-mail").await;
    chrome.click("#inbox").await;
    page(chrome, "inbox").await;
    screenshot("4-inbox").await;
    chrome.click("#confirm").await;
    page(chrome, "new-pin").await;
    screenshot("5-new-pin").await;
    enter_pin(chrome, PIN).await;
    page(chrome, "repeat-pin").await;
    enter_pin(chrome, PIN).await;
}

/// Waits until the demo's own page greets the person.
async fn arrived(chrome: &Chrome, demo: &Demo, path: &str) {
    chrome.wait_for_url(|url| url == demo.url(path)).await;
    chrome.wait_for_text("Successfully logged in!").await;
}

/// The demo's cookies in the browser, always in the same order. The demo's page must be on the screen.
async fn cookies(chrome: &Chrome, adapter: Adapter) -> Vec<(String, String)> {
    let cookies = chrome.client().get_all_cookies().await;
    let mut ours: Vec<_> = cookies
        .expect("the browser's cookies")
        .into_iter()
        .map(|cookie| (cookie.name().to_owned(), cookie.value().to_owned()))
        .filter(|(name, _)| name.contains(adapter.name))
        .collect();
    ours.sort();
    ours
}

async fn a_person_registers_logs_in_refreshes_and_logs_out(adapter: Adapter) {
    let demo = Demo::builder(adapter).start();
    let chrome = Chrome::start().await;
    chrome.open(&demo.url("/")).await;
    chrome.find("#btmpin .miracl-login").await;
    chrome.screenshot("1-welcome").await;
    chrome.click("#btmpin .miracl-login").await;
    register(&chrome, true).await;
    arrived(&chrome, &demo, "/").await;
    chrome.screenshot("6-logged-in").await;
    let text = chrome.text().await;
    assert!(text.contains(EMAIL) && text.contains("confirmed"), "{text}");

    let cookies = chrome
        .client()
        .get_all_cookies()
        .await
        .expect("the browser's cookies");
    let ours: Vec<_> = cookies
        .iter()
        .filter(|cookie| cookie.name().contains(adapter.name))
        .collect();
    assert!(!ours.is_empty(), "{cookies:?}");
    for cookie in ours {
        assert_eq!(cookie.http_only(), Some(true), "{cookie}");
        assert_eq!(
            cookie.same_site().map(|site| site.to_string()).as_deref(),
            Some("Lax"),
            "{cookie}"
        );
        assert_eq!(cookie.path(), Some("/"), "{cookie}");
        assert!(!cookie.value().contains("alice"), "{cookie}");
    }
    let readable = chrome.script("return document.cookie").await;
    assert!(
        !readable.as_str().unwrap_or_default().contains(adapter.name),
        "scripts can read {readable}"
    );

    chrome.click("a[href=\"/refresh\"]").await;
    chrome.wait_for_text(EMAIL).await;
    chrome.wait_for_url(|url| url == demo.url("/")).await;
    let text = chrome.text().await;
    assert!(
        !text.contains("Successfully"),
        "an alert is shown once: {text}"
    );

    chrome.click("form[action=\"/logout\"] button").await;
    chrome.wait_for_text("User logged out!").await;
    chrome.wait_for_url(|url| url == demo.url("/")).await;
    chrome.screenshot("7-logged-out").await;
    chrome.open(&demo.url("/me")).await;
    assert!(!chrome.text().await.contains(EMAIL));

    // The identity stays in this browser: the next login needs only the PIN.
    chrome.open(&demo.url("/")).await;
    chrome.click("#btmpin .miracl-login").await;
    page(&chrome, "enter-pin").await;
    chrome.screenshot("8-pin-pad").await;
    enter_pin(&chrome, PIN).await;
    arrived(&chrome, &demo, "/").await;
    let text = chrome.text().await.to_lowercase();
    assert!(text.contains("welcome back"), "{text}");
}

async fn a_wrong_pin_is_reported_and_the_third_blocks(adapter: Adapter) {
    let demo = Demo::builder(adapter).start();
    let chrome = Chrome::start().await;
    chrome.open(&demo.url("/login/start")).await;
    register(&chrome, false).await;
    arrived(&chrome, &demo, "/").await;
    chrome.click("form[action=\"/logout\"] button").await;
    chrome.wait_for_text("User logged out!").await;

    chrome.open(&demo.url("/login/start")).await;
    page(&chrome, "enter-pin").await;
    enter_pin(&chrome, "0000").await;
    chrome.find("#tries-left").await;
    chrome.screenshot("9-wrong-pin").await;
    enter_pin(&chrome, PIN).await;
    arrived(&chrome, &demo, "/").await;
    chrome.click("form[action=\"/logout\"] button").await;
    chrome.wait_for_text("User logged out!").await;

    chrome.open(&demo.url("/login/start")).await;
    for left in ["2 tries left", "1 try left"] {
        page(&chrome, "enter-pin").await;
        enter_pin(&chrome, "0000").await;
        chrome.wait_for_text(left).await;
    }
    enter_pin(&chrome, "0000").await;
    page(&chrome, "blocked").await;
    chrome.screenshot("10-blocked").await;
    chrome.open(&demo.url("/")).await;
    chrome.find("#btmpin").await;
}

async fn a_cancelled_login_comes_back_as_a_failure_and_the_button_works_again(adapter: Adapter) {
    let demo = Demo::builder(adapter).start();
    let chrome = Chrome::start().await;
    chrome.open(&demo.url("/login/start")).await;
    page(&chrome, "register").await;
    chrome.click("#cancel").await;
    chrome.wait_for_text("Login failed!").await;
    chrome.screenshot("11-login-failed").await;
    chrome.click("#btmpin .miracl-login").await;
    register(&chrome, false).await;
    arrived(&chrome, &demo, "/").await;
}

async fn a_page_for_members_waits_for_the_login(adapter: Adapter) {
    let demo = Demo::builder(adapter).start();
    let chrome = Chrome::start().await;
    chrome.open(&demo.url("/members?tab=2")).await;
    register(&chrome, false).await;
    arrived(&chrome, &demo, "/members?tab=2").await;
    chrome.click("a[href=\"/profile\"]").await;
    chrome
        .type_into("input[name=\"display_name\"]", "Alice")
        .await;
    chrome.click("form[action=\"/profile\"] button").await;
    chrome
        .find("input[name=\"display_name\"][value=\"Alice\"]")
        .await;
    chrome.screenshot("12-profile").await;
}

async fn the_login_opens_over_the_page_of_an_app_on_another_site(adapter: Adapter) {
    // The demo is at 127.0.0.1 and the platform at localhost: two sites to a browser.
    let mut demo = Demo::builder(adapter).start();
    let mut client = Client::new("overlay", "secret-of-the-overlay-test", demo.url("/login"));
    client
        .post_logout_redirect_uris
        .push(demo.url("/signed-out"));
    let platform = Platform::start(PlatformConfig {
        host: "localhost".to_owned(),
        clients: vec![client],
        ..PlatformConfig::default()
    })
    .await
    .expect("a platform");
    demo.restart_with(|settings| {
        settings
            .env("ISSUER", platform.issuer())
            .env("CLIENT_ID", "overlay")
            .env("CLIENT_SECRET", "secret-of-the-overlay-test")
            .env("MPAD_URL", &platform.mpad_url())
    });
    let chrome = Chrome::start().await;
    chrome.open(&demo.url("/")).await;
    chrome.find("#btmpin .miracl-login").await;
    // The page's own button is a link. An app asks for the dialog with one attribute.
    chrome
        .script(
            "const old = document.querySelector('script[data-authurl]'); \
             const script = document.createElement('script'); \
             Object.assign(script.dataset, old.dataset, { overlay: 'true' }); \
             script.src = old.src; \
             document.getElementById('btmpin').replaceChildren(); \
             document.body.append(script);",
        )
        .await;
    chrome.click("#btmpin .miracl-login[aria-haspopup]").await;
    chrome.find("dialog[open] iframe.miracl-frame").await;
    chrome.client().enter_frame(0).await.expect("the frame");
    page(&chrome, "register").await;
    // What is registered here is not found on the platform's own page.
    chrome.find("#apart:not([hidden])").await;
    chrome.type_into("#email", EMAIL).await;
    chrome
        .client()
        .enter_parent_frame()
        .await
        .expect("the page");
    chrome.screenshot("13-overlay").await;
    chrome.client().enter_frame(0).await.expect("the frame");
    chrome.click("#register").await;
    page(&chrome, "mail").await;
    chrome.click("#inbox").await;
    page(&chrome, "inbox").await;
    chrome.click("#confirm").await;
    page(&chrome, "new-pin").await;
    enter_pin(&chrome, PIN).await;
    page(&chrome, "repeat-pin").await;
    enter_pin(&chrome, PIN).await;
    chrome
        .client()
        .enter_parent_frame()
        .await
        .expect("the page");
    arrived(&chrome, &demo, "/").await;
    assert!(chrome.text().await.contains(EMAIL));
}

async fn the_pages_fit_a_phone_and_the_dark_mode(adapter: Adapter) {
    let demo = Demo::builder(adapter).start();
    let chrome = Chrome::start_phone_in_the_dark().await;
    chrome.open(&demo.url("/")).await;
    chrome.find("#btmpin .miracl-login").await;
    assert_eq!(
        chrome
            .script("return matchMedia('(prefers-color-scheme: dark)').matches")
            .await,
        true
    );
    chrome.screenshot("14-phone-welcome").await;
    assert_fits(&chrome).await;
    chrome.click("#btmpin .miracl-login").await;
    page(&chrome, "register").await;
    assert_fits(&chrome).await;
    register(&chrome, false).await;
    arrived(&chrome, &demo, "/").await;
    chrome.screenshot("15-phone-logged-in").await;
    assert_fits(&chrome).await;
}

/// Fails when the page is wider than the window.
async fn assert_fits(chrome: &Chrome) {
    let over = chrome
        .script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth",
        )
        .await;
    assert_eq!(over, 0, "the page is {over} pixels too wide");
}
