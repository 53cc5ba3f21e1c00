//! The guide, from the portal to a page that greets the person: with nothing but a browser and the file that the portal
//! gives.

use std::net::TcpListener;

use miracl_platform::{Platform, PlatformConfig};
use miracl_tests::{Adapter, Browser, Chrome, Demo, scenarios};
use serde_json::Value;

use crate::{EMAIL, arrived, page, register};

scenarios![
    the_portals_app_logs_people_in_at_the_demo,
    new_keys_and_a_revoked_device_count_at_the_next_login,
];

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// A platform, a browser, and a demo with the file that the portal gave for it.
struct Guide {
    platform: Platform,
    chrome: Chrome,
    demo: Demo,
    file: String,
}

impl Guide {
    /// Walks the guide, from the start page of the platform to a running demo.
    async fn walk(adapter: Adapter, pictures: bool) -> Self {
        let platform = Platform::start(PlatformConfig::default()).await;
        let platform = platform.expect("a platform");
        let chrome = Chrome::start().await;
        let picture = async |name: &str| {
            if pictures {
                chrome.screenshot(&format!("guide/{name}")).await;
            }
        };
        let port = free_port();
        chrome.open(platform.issuer()).await;
        page(&chrome, "home").await;
        picture("1-start").await;
        chrome.click("a.tile[href=\"/portal\"]").await;
        page(&chrome, "portal").await;
        chrome.type_into("#name", "My demo").await;
        let base_url = format!("http://127.0.0.1:{port}");
        chrome.type_into("#base-url", &base_url).await;
        let callback = format!("{base_url}/login");
        let shown = chrome
            .script("return document.querySelector('#redirect-uri').textContent")
            .await;
        assert_eq!(shown, callback, "it is shown while somebody types");
        picture("2-application").await;
        chrome.click("#register-app").await;
        page(&chrome, "app").await;
        picture("3-keys").await;
        chrome.click("[data-copy=client-secret]").await;
        // A browser without a window may have no clipboard; then the text is selected.
        let answered = "return ['Copied', 'Selected'].includes(\
                        document.querySelector('[data-copy=client-secret]').textContent)";
        while chrome.script(answered).await != true {
            tokio::task::yield_now().await;
        }
        let file = chrome
            .script("return document.querySelector('#miracl-json').textContent")
            .await;
        let file = file.as_str().expect("the file").to_owned();
        let link = chrome
            .script("return document.querySelector('#download').href")
            .await;
        let downloaded = Browser::new()
            .open(link.as_str().expect("a link"))
            .await
            .expect(200);
        assert_eq!(downloaded.body.trim(), file);
        let settings: Value = serde_json::from_str(&file).expect("JSON");
        assert_eq!(settings["redirect_uri"], callback);
        let demo = Demo::builder(adapter)
            .file("miracl.json", &file)
            .env("PORT", &port.to_string())
            .start();
        Self {
            platform,
            chrome,
            demo,
            file,
        }
    }
}

async fn the_portals_app_logs_people_in_at_the_demo(adapter: Adapter) {
    let guide = Guide::walk(adapter, true).await;
    let (chrome, demo) = (&guide.chrome, &guide.demo);
    chrome.open(&demo.url("/")).await;
    // The button is the one of the platform's script, not the link that a demo without `mpad_url` has.
    chrome.find("#btmpin .miracl-login").await;
    assert_eq!(guide.platform.count("/mpad.js"), 1);
    chrome.screenshot("guide/4-demo").await;
    chrome.click("#btmpin .miracl-login").await;
    register(chrome, false).await;
    arrived(chrome, demo, "/").await;
    chrome.wait_for_text(EMAIL).await;
    chrome.screenshot("guide/5-logged-in").await;
    chrome.click("a[href=\"/refresh\"]").await;
    chrome.wait_for_text(EMAIL).await;
    chrome.click("form[action=\"/logout\"] button").await;
    chrome.wait_for_text("User logged out!").await;
    chrome.screenshot("guide/6-logged-out").await;

    chrome
        .open(&format!("{}/portal/devices", guide.platform.issuer()))
        .await;
    chrome
        .find(&format!(".device[data-user=\"{EMAIL}\"]"))
        .await;
    chrome.screenshot("guide/7-devices").await;
    chrome
        .open(&format!("{}/portal/audit", guide.platform.issuer()))
        .await;
    chrome.find(".entry[data-event=authenticate_success]").await;
    chrome.screenshot("guide/8-audit-log").await;
}

async fn new_keys_and_a_revoked_device_count_at_the_next_login(adapter: Adapter) {
    let mut guide = Guide::walk(adapter, false).await;
    guide.chrome.open(&guide.demo.url("/login/start")).await;
    register(&guide.chrome, false).await;
    arrived(&guide.chrome, &guide.demo, "/").await;

    let settings: Value = serde_json::from_str(&guide.file).expect("JSON");
    let id = settings["client_id"].as_str().expect("an id").to_owned();
    let issuer = guide.platform.issuer().to_owned();
    let chrome = &guide.chrome;
    chrome.open(&format!("{issuer}/portal")).await;
    chrome
        .click(&format!(".app[data-client-id=\"{id}\"]"))
        .await;
    chrome.click("#new-keys").await;
    page(chrome, "question").await;
    chrome.click("#yes").await;
    page(chrome, "app").await;
    let file = chrome
        .script("return document.querySelector('#miracl-json').textContent")
        .await;
    let file = file.as_str().expect("the file").to_owned();
    assert_ne!(file, guide.file);
    chrome.open(&guide.demo.url("/login/start")).await;
    page(chrome, "problem").await;

    std::fs::write(guide.demo.directory().join("miracl.json"), file).expect("the file");
    guide.demo.restart();
    chrome.open(&guide.demo.url("/login/start")).await;
    page(chrome, "enter-pin").await;

    chrome.open(&format!("{issuer}/portal/devices")).await;
    chrome.click(".revoke").await;
    page(chrome, "question").await;
    chrome.click("#yes").await;
    page(chrome, "devices").await;
    chrome.open(&guide.demo.url("/login/start")).await;
    page(chrome, "enter-pin").await;
    crate::enter_pin(chrome, crate::PIN).await;
    page(chrome, "blocked").await;
}
