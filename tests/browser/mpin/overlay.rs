//! The login in a dialog over the page of an app, where app and platform are of one site.

use miracl_platform::Project;
use miracl_tests::{Adapter, scenarios};

use super::Stage;
use crate::{PIN, arrived, enter_pin, page};

scenarios![the_overlay_finds_what_was_registered_on_the_full_page];

async fn the_overlay_finds_what_was_registered_on_the_full_page(adapter: Adapter) {
    let stage = Stage::begin(adapter, Project::default()).await;
    let (chrome, demo) = (&stage.chrome, &stage.demo);
    stage.register().await;
    let overlay = format!(
        "const place = document.createElement('div'); \
         place.id = 'overlay'; \
         const script = document.createElement('script'); \
         Object.assign(script.dataset, {{ authurl: '{}', element: 'overlay', overlay: 'true' }}); \
         script.src = '{}'; \
         document.body.append(place, script);",
        demo.url("/login/start"),
        stage.platform.mpad_url(),
    );
    chrome.open(&demo.url("/")).await;
    chrome.script(&overlay).await;
    chrome.click("#overlay .miracl-login").await;
    chrome.find("dialog[open] iframe.miracl-frame").await;
    chrome.client().enter_frame(0).await.expect("the frame");
    page(chrome, "enter-pin").await;
    let hidden = "return document.getElementById('apart').hidden";
    assert_eq!(chrome.script(hidden).await, true);
    enter_pin(chrome, PIN).await;
    let parent = chrome.client().enter_parent_frame().await;
    parent.expect("the page");
    arrived(chrome, demo, "/").await;
}
