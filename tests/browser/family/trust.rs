//! The pages of a demo that try MIRACL Trust. They are the same in every demo, so one is looked at.

use miracl_tests::{Adapter, Chrome, Demo, scenarios};

use super::Walk;
use crate::PIN;
use crate::trust::{USER, prove, register, verdict};

scenarios![every_page_that_tries_miracl_trust_is_of_the_family];

async fn every_page_that_tries_miracl_trust_is_of_the_family(adapter: Adapter) {
    let demo = Demo::builder(adapter).start();
    let chrome = Chrome::start().await;
    let walk = Walk::begin(&chrome, "trust");
    chrome.open(&demo.url("/trust")).await;
    walk.look("overview").await;
    chrome.open(&demo.url("/verify")).await;
    walk.look("verify").await;
    chrome.type_into("#user-id", USER).await;
    chrome.click("main form button").await;
    chrome.find("#shown-code").await;
    walk.look("verify-code").await;
    chrome.type_into("#code", "000000").await;
    chrome.click("main form button").await;
    chrome.find("main .alert").await;
    walk.look("verify-wrong").await;

    chrome.open(&demo.url("/trust/sign")).await;
    chrome.find("#ask-code:not([hidden])").await;
    walk.look("register").await;
    register(&chrome).await;
    walk.look("registered").await;
    prove(&chrome, PIN).await;
    verdict(&chrome, "Valid").await;
    chrome.click("#check summary").await;
    walk.look("signed").await;
    chrome.open(&demo.url("/trust/api")).await;
    prove(&chrome, PIN).await;
    chrome.wait_for_text(USER).await;
    chrome.find("#answer:not([hidden])").await;
    walk.look("api").await;
    chrome.open(&demo.url("/trust/login")).await;
    prove(&chrome, "0000").await;
    chrome.wait_for_text("2 tries are left.").await;
    walk.look("login").await;
    walk.end();
}
