//! What leaves a browser: every request of every flow, as the browser itself notes them.

use miracl_platform::Project;
use miracl_tests::{Adapter, Chrome, scenarios};
use ring::digest::{SHA256, digest};
use serde_json::Value;

use super::qr::{address, read_code};
use super::{Stage, choose_pin, kept, quick_code, signing};
use crate::{EMAIL, arrived, enter_pin, page};

scenarios![no_request_has_the_pin_or_the_token];

/// Two PINs that no port, version or time has by chance.
const PINS: [&str; 2] = ["918273", "645372"];

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whatever would give a text away: itself, in hexadecimal digits, in base64, and its hash.
fn traces(secret: &str) -> Vec<String> {
    let hash = digest(&SHA256, secret.as_bytes());
    vec![
        secret.to_owned(),
        hexadecimal(secret.as_bytes()),
        base64_simd::STANDARD_NO_PAD.encode_to_string(secret),
        hexadecimal(hash.as_ref()),
        base64_simd::STANDARD_NO_PAD.encode_to_string(hash.as_ref()),
        base64_simd::URL_SAFE_NO_PAD.encode_to_string(hash.as_ref()),
    ]
}

/// A request without its long numbers and ids, which may have six digits in a row by chance.
fn without_long_words(request: &str) -> String {
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || "_-+/=%".contains(c);
    let words = request.split_inclusive(|c: char| !is_of_word(c));
    words.filter(|word| word.len() <= 40).collect()
}

fn assert_silent(sent: &[String], tokens: &[Value]) {
    let tokens = tokens.iter().map(|token| token.as_str().expect("a token"));
    let of_tokens = tokens.flat_map(|token| {
        let coordinates = [&token[2..66], &token[66..]].map(str::to_owned);
        traces(token).into_iter().chain(coordinates)
    });
    let of_pins: Vec<String> = PINS.iter().flat_map(|pin| traces(pin)).collect();
    let (short, long): (Vec<_>, Vec<_>) = of_pins
        .into_iter()
        .chain(of_tokens)
        .partition(|trace| trace.len() < 40);
    for request in sent {
        let words = without_long_words(request);
        let found = short.iter().find(|trace| words.contains(trace.as_str()));
        let found = found.or_else(|| long.iter().find(|trace| request.contains(trace.as_str())));
        assert!(found.is_none(), "{found:?} is in {request}");
    }
}

async fn no_request_has_the_pin_or_the_token(adapter: Adapter) {
    let project = Project {
        pin_length: 6,
        renew_secrets: true,
        ..Project::default()
    };
    let chrome = Chrome::start_watched().await;
    let stage = Stage::begin_in(chrome, adapter, project, |client| {
        client
            .redirect_uris
            .push(client.redirect_uris[0].replace("/login", "/public"));
    })
    .await;
    let (chrome, demo) = (&stage.chrome, &stage.demo);
    let another = Chrome::start_watched().await;
    let mut tokens = Vec::new();

    // Register, which logs in and renews the secret, and log in.
    stage.start().await;
    page(chrome, "register").await;
    chrome.type_into("#email", EMAIL).await;
    chrome.click("#register").await;
    page(chrome, "mail").await;
    stage.confirm().await;
    stage.choose_pin(PINS[0]).await;
    arrived(chrome, demo, "/").await;
    stage.start().await;
    page(chrome, "enter-pin").await;
    tokens.push(kept(chrome).await[0]["token"].clone());
    enter_pin(chrome, PINS[1]).await;
    chrome.wait_for_text("2 tries left").await;
    enter_pin(chrome, PINS[0]).await;
    arrived(chrome, demo, "/").await;

    // Make a QuickCode, and use it elsewhere.
    stage.start().await;
    let code = quick_code::make(chrome, PINS[0]).await;
    another.open(&demo.url("/login/start")).await;
    quick_code::use_code(&another, EMAIL, &code).await;
    choose_pin(&another, PINS[1]).await;
    arrived(&another, demo, "/").await;

    // Finish a login there that was begun here.
    stage.start().await;
    page(chrome, "enter-pin").await;
    read_code(&another, &address(chrome).await).await;
    page(&another, "enter-pin").await;
    tokens.push(kept(&another).await[0]["token"].clone());
    enter_pin(&another, PINS[1]).await;
    page(&another, "device-done").await;
    arrived(chrome, demo, "/").await;

    // Sign.
    let callback = demo.url("/public");
    let url = signing::page_url(&stage, &callback).replace("client_id=signer", "client_id=mpin");
    chrome.open(&url).await;
    page(chrome, "enter-pin").await;
    enter_pin(chrome, PINS[0]).await;
    chrome
        .wait_for_url(|url| url.starts_with(&callback) && url.contains("signature="))
        .await;

    let mut sent = chrome.sent().await;
    sent.extend(another.sent().await);
    for path in [
        "/verification/email",
        "/registration",
        "/rps/v2/pass1",
        "/rps/v2/authenticate",
        "/rps/v2/codeStatus",
        "/verification/quickcode",
        "/verification/confirmation",
        "/finish",
    ] {
        let seen = sent.iter().any(|request| request.contains(path));
        assert!(seen, "no request for {path} was noted");
    }
    assert!(
        sent.iter().any(|request| request.contains("\\\"V\\\":")),
        "bodies are noted"
    );
    let now = [chrome, &another];
    for browser in now {
        browser.open(stage.platform.issuer()).await;
        tokens.push(kept(browser).await[0]["token"].clone());
    }
    assert_silent(&sent, &tokens);
}
