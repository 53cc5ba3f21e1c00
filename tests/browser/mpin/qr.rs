//! A login by QR code: one browser shows the code, another one reads it and has the PIN.

use miracl_platform::Project;
use miracl_tests::{Adapter, Chrome, scenarios};

use super::{Stage, choose_pin};
use crate::{EMAIL, PIN, arrived, enter_pin, page};

scenarios![
    a_phone_registers_and_finishes_the_login_of_another_browser,
    a_code_that_was_cancelled_is_said_on_both_sides_and_replaced,
    a_login_that_was_cancelled_or_finished_ends_on_the_phone,
    a_code_that_has_expired_is_said_on_both_sides,
    each_app_has_the_ways_to_log_in_that_it_allows,
];

/// The address that the code holds.
pub(super) async fn address(chrome: &Chrome) -> String {
    let address = chrome.find("#qr-address").await.attr("href").await;
    address.expect("an attribute").expect("an address")
}

/// Opens the code on a phone whose user says that the screen is theirs.
pub(super) async fn read_code(phone: &Chrome, address: &str) {
    phone.open(address).await;
    page(phone, "device").await;
    phone.wait_for_text("The demo").await;
    phone.click("#go-on").await;
}

/// Registers by the mail of the address.
async fn register_by_mail(phone: &Chrome) {
    page(phone, "register").await;
    phone.type_into("#email", EMAIL).await;
    phone.click("#register").await;
    page(phone, "mail").await;
    phone.click("#inbox").await;
    page(phone, "inbox").await;
    phone.click("#confirm").await;
    choose_pin(phone, PIN).await;
}

async fn a_phone_registers_and_finishes_the_login_of_another_browser(adapter: Adapter) {
    let stage = Stage::begin(adapter, Project::default()).await;
    let (desktop, demo) = (&stage.chrome, &stage.demo);
    let phone = Chrome::start_phone_in_the_dark().await;
    stage.start().await;
    page(desktop, "register").await;
    desktop.screenshot("23-qr-code").await;
    let code = address(desktop).await;
    assert!(code.starts_with(stage.platform.issuer()), "{code}");
    read_code(&phone, &code).await;
    desktop.wait_for_text("The code has been read").await;
    register_by_mail(&phone).await;
    page(&phone, "device-done").await;
    phone.screenshot("24-qr-phone-done").await;
    arrived(desktop, demo, "/").await;
    assert!(desktop.text().await.contains(EMAIL));
    // The phone has lent its PIN, and is not logged in itself.
    phone.open(&demo.url("/whoami")).await;
    assert!(!phone.text().await.contains(EMAIL));

    // The next time it needs the PIN only.
    stage.start().await;
    page(desktop, "register").await;
    read_code(&phone, &address(desktop).await).await;
    page(&phone, "enter-pin").await;
    desktop.wait_for_text(EMAIL).await;
    enter_pin(&phone, "0000").await;
    phone.wait_for_text("2 tries left").await;
    enter_pin(&phone, PIN).await;
    page(&phone, "device-done").await;
    arrived(desktop, demo, "/").await;
}

async fn a_code_that_was_cancelled_is_said_on_both_sides_and_replaced(adapter: Adapter) {
    let stage = Stage::begin(adapter, Project::default()).await;
    let (desktop, phone) = (&stage.chrome, Chrome::start().await);
    stage.start().await;
    page(desktop, "register").await;
    let code = address(desktop).await;
    phone.open(&code).await;
    page(&phone, "device").await;
    phone.click("#cancel").await;
    page(&phone, "device-ended").await;
    phone.wait_for_text("It was cancelled").await;
    desktop.wait_for_text("cancelled on the other device").await;
    desktop.screenshot("25-qr-cancelled").await;
    // The old code stays dead, whoever opens it.
    phone.open("about:blank").await;
    phone.open(&code).await;
    page(&phone, "device-ended").await;
    desktop.click("#qr-new").await;
    desktop.find("#qr-code:not([hidden])").await;
    let fresh = address(desktop).await;
    assert_ne!(fresh, code);
    phone.open("about:blank").await;
    phone.open(&fresh).await;
    page(&phone, "device").await;
}

async fn a_login_that_was_cancelled_or_finished_ends_on_the_phone(adapter: Adapter) {
    let stage = Stage::begin(adapter, Project::default()).await;
    let (desktop, phone) = (&stage.chrome, Chrome::start().await);
    stage.start().await;
    page(desktop, "register").await;
    phone.open(&address(desktop).await).await;
    page(&phone, "device").await;
    desktop.click("#cancel").await;
    desktop.wait_for_text("Login failed!").await;
    page(&phone, "device-ended").await;
    phone.wait_for_text("It was cancelled").await;

    stage.start().await;
    page(desktop, "register").await;
    phone.open("about:blank").await;
    phone.open(&address(desktop).await).await;
    page(&phone, "device").await;
    crate::register(desktop, false).await;
    arrived(desktop, &stage.demo, "/").await;
    page(&phone, "device-ended").await;
    phone.wait_for_text("It is finished already").await;
}

async fn a_code_that_has_expired_is_said_on_both_sides(adapter: Adapter) {
    let stage = Stage::begin(adapter, Project::default()).await;
    let (desktop, phone) = (&stage.chrome, Chrome::start().await);
    stage.start().await;
    page(desktop, "register").await;
    let code = address(desktop).await;
    phone.open(&code).await;
    page(&phone, "device").await;
    stage.platform.expire_qr_codes();
    desktop.wait_for_text("This code has expired").await;
    page(&phone, "device-ended").await;
    phone.wait_for_text("The QR code has expired").await;
    // The login itself goes on, in this browser or with a new code.
    desktop.click("#qr-new").await;
    desktop.find("#qr-code:not([hidden])").await;
    assert_ne!(address(desktop).await, code);
    stage.platform.expire_logins();
    page(desktop, "problem").await;
    desktop.wait_for_text("This login is over").await;
}

async fn each_app_has_the_ways_to_log_in_that_it_allows(adapter: Adapter) {
    let chrome = Chrome::start().await;
    let only_qr = |client: &mut miracl_platform::Client| client.browser_login = false;
    let stage = Stage::begin_in(chrome, adapter, Project::default(), only_qr).await;
    stage.start().await;
    stage.chrome.find("#qr svg").await;
    stage.chrome.screenshot("26-only-qr").await;
    let text = stage.chrome.text().await;
    assert!(!text.contains("Who are you?"), "{text}");
    let phone = Chrome::start().await;
    read_code(&phone, &address(&stage.chrome).await).await;
    register_by_mail(&phone).await;
    arrived(&stage.chrome, &stage.demo, "/").await;

    let only_browser = |client: &mut miracl_platform::Client| client.qr_login = false;
    let Stage { chrome, .. } = stage;
    let stage = Stage::begin_in(chrome, adapter, Project::default(), only_browser).await;
    stage.start().await;
    page(&stage.chrome, "register").await;
    let codes = "return document.querySelectorAll('#qr').length";
    assert_eq!(stage.chrome.script(codes).await, 0);
}
