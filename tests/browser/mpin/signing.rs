//! Signing: an app sends a person to the page that shows what is to be signed.

use miracl_platform::Project;
use miracl_tests::{Adapter, Chrome, scenarios};
use serde_json::{Value, json};
use url::Url;

use super::qr::{address, read_code};
use super::{SECRET, Stage};
use crate::{PIN, enter_pin, page};

scenarios![
    an_app_gets_the_signature_of_what_a_person_has_read,
    a_phone_signs_for_the_page_of_another_browser,
    a_signature_that_was_refused_is_told_to_the_app,
];

/// The SHA-256 of "sample document".
pub(super) const HASH: &str = "1789c9eeee7dcbf9a5e9b47374e244f85263dc45922a249d37f7ba9fd4efb850";
const DESCRIPTION: &str = "Pay 100 € to Bob & <Carol>";

/// A demo whose page for everyone is the address to come back to.
async fn begin(adapter: Adapter) -> Stage {
    let stage = Stage::begin(adapter, Project::default()).await;
    let mut client = super::client(&stage.demo, |_| {});
    client.client_id = "signer".to_owned();
    client.redirect_uris = vec![stage.demo.url("/public")];
    stage.platform.add_client(client).expect("a client");
    stage
}

pub(super) fn page_url(stage: &Stage, redirect_uri: &str) -> String {
    let parameters = [
        ("client_id", "signer"),
        ("redirect_uri", redirect_uri),
        ("hash", HASH),
        ("description", DESCRIPTION),
        ("state", "s t"),
    ];
    let base = format!("{}/sign", stage.platform.issuer());
    let url = Url::parse_with_params(&base, parameters);
    url.expect("an address").into()
}

/// Waits for the app's page, and returns a parameter of its address.
async fn brought(stage: &Stage, name: &str) -> String {
    let start = stage.demo.url("/public?");
    let chrome = &stage.chrome;
    let url = chrome.wait_for_url(|url| url.starts_with(&start)).await;
    let url = Url::parse(&url).expect("an address");
    let value = |wanted: &str| {
        let mut pairs = url.query_pairs();
        pairs
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.into_owned())
    };
    assert_eq!(value("state").as_deref(), Some("s t"), "{url}");
    value(name).unwrap_or_else(|| panic!("no {name} in {url}"))
}

/// Has the platform judge a signature, as the app's server does.
async fn assert_signed(stage: &Stage, signature: &str) {
    let signature = base64_simd::STANDARD.decode_to_vec(signature);
    let signature: Value = serde_json::from_slice(&signature.expect("base64")).expect("JSON");
    assert_eq!(signature["hash"], HASH);
    let client = stage.platform.mpin_client();
    let timestamp = signature["timestamp"].clone();
    let mut body =
        json!({ "signature": signature, "timestamp": timestamp, "type": "verification" });
    let answer = client.call_as_app("signer", SECRET, "/dvs/verify", &body);
    assert!(answer.await.expect("a certificate")["certificate"].is_string());
    body["signature"]["hash"] = json!(HASH.replace('1', "2"));
    let answer = client.call_as_app("signer", SECRET, "/dvs/verify", &body);
    assert!(answer.await.is_err(), "of another document");
}

async fn an_app_gets_the_signature_of_what_a_person_has_read(adapter: Adapter) {
    let stage = begin(adapter).await;
    let chrome = &stage.chrome;
    stage.register().await;
    chrome
        .open(&page_url(&stage, &stage.demo.url("/public")))
        .await;
    page(chrome, "enter-pin").await;
    chrome.screenshot("29-signing").await;
    let text = chrome.text().await;
    for shown in ["The demo", DESCRIPTION, HASH] {
        assert!(text.contains(shown), "{shown} is not in {text}");
    }
    enter_pin(chrome, "0000").await;
    chrome.wait_for_text("2 tries left").await;
    enter_pin(chrome, PIN).await;
    let signature = brought(&stage, "signature").await;
    assert_signed(&stage, &signature).await;
}

async fn a_phone_signs_for_the_page_of_another_browser(adapter: Adapter) {
    let stage = begin(adapter).await;
    let desktop = Chrome::start().await;
    stage.register().await;
    desktop
        .open(&page_url(&stage, &stage.demo.url("/public")))
        .await;
    page(&desktop, "register").await;
    let code = address(&desktop).await;
    let phone = &stage.chrome;
    phone.open(&code).await;
    page(phone, "device").await;
    phone.wait_for_text(HASH).await;
    phone.screenshot("30-signing-on-a-phone").await;
    read_code(phone, &code).await;
    page(phone, "enter-pin").await;
    enter_pin(phone, PIN).await;
    page(phone, "device-done").await;
    let stage = Stage {
        chrome: desktop,
        ..stage
    };
    let signature = brought(&stage, "signature").await;
    assert_signed(&stage, &signature).await;
}

async fn a_signature_that_was_refused_is_told_to_the_app(adapter: Adapter) {
    let stage = begin(adapter).await;
    let chrome = &stage.chrome;
    chrome
        .open(&page_url(&stage, &stage.demo.url("/public")))
        .await;
    page(chrome, "register").await;
    chrome.click("#cancel").await;
    assert_eq!(brought(&stage, "error").await, "access_denied");
    chrome
        .open(&page_url(&stage, &stage.demo.url("/elsewhere")))
        .await;
    page(chrome, "problem").await;
    chrome.wait_for_text("is not registered for").await;
}
