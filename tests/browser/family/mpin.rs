//! The pages of the local platform on which M-Pin leaves the browser that began: QR codes, QuickCodes, signatures, and
//! the other languages.

use miracl_platform::{Client, Platform, PlatformConfig, Project};
use miracl_tests::{Adapter, Chrome, Demo, scenarios};

use super::Walk;
use crate::{EMAIL, PIN, enter_pin, page};

scenarios![
    every_page_of_two_devices_is_of_the_family,
    the_pages_fit_in_every_language,
];

/// An app, and a browser in which somebody is registered for it.
struct Stage {
    platform: Platform,
    callback: String,
    _demo: Demo,
}

impl Stage {
    async fn begin(adapter: Adapter) -> Self {
        let demo = Demo::builder(adapter).start();
        let callback = demo.url("/public");
        let mut client = Client::new("app", "secret", callback.clone());
        client.name = "An app with a rather long name".to_owned();
        let mut only_qr = client.clone();
        only_qr.client_id = "only-qr".to_owned();
        only_qr.browser_login = false;
        let config = PlatformConfig {
            clients: vec![client, only_qr],
            ..PlatformConfig::default()
        };
        Self {
            platform: Platform::start(config).await.expect("a platform"),
            callback,
            _demo: demo,
        }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.platform.issuer())
    }

    fn authorize(&self, client_id: &str, more: &str) -> String {
        let callback = &self.callback;
        self.at(&format!(
            "/authorize?client_id={client_id}&redirect_uri={callback}&response_type=code&scope=openid&state=s{more}"
        ))
    }

    /// Registers somebody, and leaves the browser at the app.
    async fn register(&self, chrome: &Chrome) {
        chrome.open(&self.authorize("app", "")).await;
        crate::register(chrome, false).await;
        chrome.wait_for_text("This page is for everyone.").await;
    }
}

async fn qr_address(chrome: &Chrome) -> String {
    let address = chrome.find("#qr-address").await.attr("href").await;
    address.expect("an attribute").expect("an address")
}

async fn every_page_of_two_devices_is_of_the_family(adapter: Adapter) {
    let stage = Stage::begin(adapter).await;
    let (desktop, phone) = (Chrome::start().await, Chrome::start().await);
    let walk = Walk::begin(&desktop, "mpin");
    let on_phone = Walk::begin(&phone, "mpin");
    stage.register(&phone).await;

    desktop.open(&stage.authorize("only-qr", "")).await;
    desktop.find("#qr svg").await;
    walk.look("only-qr").await;
    phone.open(&qr_address(&desktop).await).await;
    page(&phone, "device").await;
    on_phone.look("device").await;
    phone.click("#go-on").await;
    page(&phone, "enter-pin").await;
    on_phone.look("device-enter-pin").await;
    desktop.wait_for_text(EMAIL).await;
    walk.look("qr-user").await;
    phone.click("#cancel").await;
    page(&phone, "device-ended").await;
    on_phone.look("device-ended").await;
    desktop.wait_for_text("was cancelled").await;
    walk.look("qr-cancelled").await;
    desktop.click("#qr-new").await;
    desktop.find("#qr-code:not([hidden])").await;
    phone.open("about:blank").await;
    phone.open(&qr_address(&desktop).await).await;
    page(&phone, "device").await;
    phone.click("#go-on").await;
    page(&phone, "enter-pin").await;
    enter_pin(&phone, PIN).await;
    page(&phone, "device-done").await;
    on_phone.look("device-done").await;
    desktop.wait_for_text("This page is for everyone.").await;

    phone.open(&stage.at("/quick-code")).await;
    page(&phone, "enter-pin").await;
    enter_pin(&phone, PIN).await;
    page(&phone, "quick-code").await;
    on_phone.look("quick-code").await;
    desktop.open(&stage.at("/quick-code")).await;
    page(&desktop, "no-quick-code").await;
    walk.look("no-quick-code").await;
    desktop.open(&stage.authorize("app", "")).await;
    page(&desktop, "register").await;
    desktop.click("#use-quick-code").await;
    page(&desktop, "use-quick-code").await;
    desktop.type_into("#email", EMAIL).await;
    desktop.type_into("#code", "000000").await;
    desktop.click("#submit-code").await;
    desktop.wait_for_text("is not right").await;
    walk.look("use-quick-code").await;

    let callback = &stage.callback;
    let hash = "1789c9eeee7dcbf9a5e9b47374e244f85263dc45922a249d37f7ba9fd4efb850";
    let sign = stage.at(&format!(
        "/sign?client_id=app&redirect_uri={callback}&hash={hash}&description=The%20lease%20of%20the%20house"
    ));
    phone.open(&sign).await;
    page(&phone, "enter-pin").await;
    on_phone.look("sign").await;

    stage.platform.set_project(Project {
        verification_url: Some("http://127.0.0.1:1/verify".to_owned()),
        ..Project::default()
    });
    desktop.open(&stage.authorize("app", "")).await;
    page(&desktop, "verify").await;
    walk.look("verify").await;
    walk.end();
    on_phone.end();
}

async fn the_pages_fit_in_every_language(adapter: Adapter) {
    let stage = Stage::begin(adapter).await;
    let chrome = Chrome::start().await;
    let walk = Walk::begin(&chrome, "mpin");
    for lang in ["ro", "fr"] {
        chrome
            .open(&stage.authorize("app", &format!("&prompt=create&ui_locales={lang}")))
            .await;
        page(&chrome, "register").await;
        walk.look(&format!("register-{lang}")).await;
        chrome.click("#use-quick-code").await;
        page(&chrome, "use-quick-code").await;
        walk.look(&format!("use-quick-code-{lang}")).await;
    }
    stage.register(&chrome).await;
    for lang in ["ro", "fr"] {
        let locales = format!("&ui_locales={lang}");
        chrome.open(&stage.authorize("app", &locales)).await;
        page(&chrome, "enter-pin").await;
        enter_pin(&chrome, "0000").await;
        chrome.find("#tries-left").await;
        walk.look(&format!("wrong-pin-{lang}")).await;
        enter_pin(&chrome, PIN).await;
        chrome.wait_for_text("This page is for everyone.").await;
        let device = stage.at(&format!("/qr?lang={lang}#nothing"));
        chrome.open(&device).await;
        page(&chrome, "device-ended").await;
        walk.look(&format!("device-ended-{lang}")).await;
    }
    walk.end();
}
