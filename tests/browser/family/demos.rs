//! The pages of a demo.

use miracl_tests::{Adapter, Chrome, Demo, scenarios};

use super::Walk;
use crate::{EMAIL, PIN, arrived, enter_pin, page, register};

scenarios![
    every_page_of_a_stranger_is_of_the_family,
    every_page_of_a_person_is_of_the_family,
    the_words_for_a_missing_button_are_shown_where_the_script_failed,
];

/// The entries of the menu.
async fn menu(chrome: &Chrome) -> String {
    let menu = chrome
        .script("return document.querySelector('nav').innerText")
        .await;
    menu.as_str().unwrap_or_default().to_owned()
}

/// A page of somebody who is logged in says so, and has a log-out.
async fn assert_says_who(chrome: &Chrome, path: &str) {
    let who = chrome
        .script("return document.querySelector('header').innerText")
        .await;
    let who = who.as_str().unwrap_or_default();
    for text in [EMAIL, "Log out", "Members", "Profile", "Devices"] {
        assert!(who.contains(text), "{path} has no {text:?}: {who}");
    }
}

async fn every_page_of_a_stranger_is_of_the_family(adapter: Adapter) {
    let demo = Demo::builder(adapter).start();
    let chrome = Chrome::start().await;
    let walk = Walk::begin(&chrome, adapter.name);
    chrome.open(&demo.url("/")).await;
    chrome.find("#btmpin .miracl-login").await;
    let text = chrome.text().await;
    assert!(!text.contains("No button?"), "{text}");
    walk.look_without_scrolling("welcome").await;
    for (path, name) in [
        ("/nowhere", "not-found"),
        ("/login?code=x&state=y", "login-failed"),
    ] {
        chrome.open(&demo.url(path)).await;
        let menu = menu(&chrome).await;
        for entry in ["Members", "Profile", "Devices"] {
            assert!(!menu.contains(entry), "{path}: {menu}");
        }
        walk.look_without_scrolling(name).await;
    }
    chrome.open(&demo.url("/public")).await;
    walk.look_without_scrolling("public").await;
    chrome.click("a[href=\"./\"]").await;
    chrome.wait_for_url(|url| url == demo.url("/")).await;

    chrome.open(&demo.url("/login/start")).await;
    page(&chrome, "register").await;
    chrome.click("#cancel").await;
    chrome.wait_for_text("Login cancelled").await;
    let text = chrome.text().await;
    let order = [
        "Login failed!",
        "Nothing has changed",
        "Log in with MIRACL",
        "Reference for support",
        "access_denied",
    ];
    let places = order.map(|part| text.find(part));
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{order:?} at {places:?}: {text}"
    );
    walk.look_without_scrolling("login-cancelled").await;
    chrome.click(".receipt details summary").await;
    walk.look("receipt").await;
    walk.end();
}

async fn every_page_of_a_person_is_of_the_family(adapter: Adapter) {
    let demo = Demo::builder(adapter)
        .env("SESSION_STORE", "memory")
        .start();
    let chrome = Chrome::start().await;
    let walk = Walk::begin(&chrome, adapter.name);
    chrome.open(&demo.url("/login/start")).await;
    register(&chrome, false).await;
    arrived(&chrome, &demo, "/").await;
    // For the app it is another device. The platform's page still has the identity.
    chrome.open(&demo.url("/public")).await;
    chrome.forget_cookies().await;
    chrome.open(&demo.url("/login/start")).await;
    page(&chrome, "enter-pin").await;
    enter_pin(&chrome, PIN).await;
    arrived(&chrome, &demo, "/").await;
    chrome.open(&demo.url("/refresh")).await;
    chrome.wait_for_text("User data refreshed.").await;
    walk.look_without_scrolling("account").await;
    for (path, name) in [
        ("/", "home"),
        ("/members", "members"),
        ("/profile", "profile"),
        ("/devices", "devices"),
        ("/nowhere", "not-found-logged-in"),
    ] {
        chrome.open(&demo.url(path)).await;
        // warp has nothing of the request where it answers for an unknown path.
        if !(path == "/nowhere" && adapter.name == "warp") {
            assert_says_who(&chrome, path).await;
        }
        walk.look(name).await;
    }
    chrome.open(&demo.url("/admins")).await;
    chrome.wait_for_text("Not allowed").await;
    walk.look_without_scrolling("not-allowed").await;
    chrome.open(&demo.url("/devices")).await;
    chrome
        .wait_for_text("“Last seen” may be a few hours old.")
        .await;
    chrome.open(&demo.url("/logout")).await;
    chrome.wait_for_text("Log out?").await;
    walk.look_without_scrolling("log-out").await;
    chrome.click("form[action=\"/logout\"] button").await;
    chrome.wait_for_text("User logged out!").await;
    walk.look_without_scrolling("logged-out").await;
    walk.end();
}

async fn the_words_for_a_missing_button_are_shown_where_the_script_failed(adapter: Adapter) {
    let demo = Demo::builder(adapter).start();
    let chrome = Chrome::start().await;
    let walk = Walk::begin(&chrome, adapter.name);
    // There is a button for people without scripts.
    chrome.forbid_scripts(true).await;
    chrome.open(&demo.url("/")).await;
    chrome.wait_for_text("Log in with MIRACL").await;
    let text = chrome.text().await;
    assert!(!text.contains("No button?"), "{text}");
    chrome.forbid_scripts(false).await;

    chrome.block("*mpad.js*").await;
    chrome.open(&demo.url("/")).await;
    chrome.wait_for_text("No button?").await;
    walk.look_without_scrolling("no-button").await;
    chrome.click(".no-button a").await;
    register(&chrome, false).await;
    arrived(&chrome, &demo, "/").await;
    chrome.open(&demo.url("/devices")).await;
    chrome.wait_for_text("SESSION_STORE").await;
    walk.look_without_scrolling("no-devices").await;
    walk.end();
}
